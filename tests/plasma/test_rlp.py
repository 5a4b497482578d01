"""The strict reader takes the canonical encoding of a value and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.errors import MalformedError
from plasma_guard.plasma import rlp


@given(content=st.binary(max_size=300))
def test_a_string_survives_encoding(content: bytes) -> None:
    """Every length class is written so that it is read."""
    data = rlp.encode_string(content)
    assert rlp.string(data, rlp.whole(data, "it"), "it") == content


@given(value=st.integers(0, 2**256 - 1))
def test_an_integer_survives_encoding(value: int) -> None:
    """Zero is the empty string, nothing has leading zeros."""
    data = rlp.encode_integer(value)
    assert rlp.integer(data, rlp.whole(data, "it"), "it") == value


@given(contents=st.lists(st.binary(max_size=30), max_size=10))
def test_a_list_survives_encoding(contents: list[bytes]) -> None:
    """Short and long lists give back their items in order."""
    data = rlp.encode_list(map(rlp.encode_string, contents))
    items = rlp.children(data, rlp.whole(data, "it"), "it")
    assert [rlp.string(data, item, "it") for item in items] == contents


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing where an RLP item must begin"),
        (b"\x81\x7f", "a byte below 0x80 must stand for itself"),
        (b"\xb8\x37" + b"a" * 55, "not written in its shortest form"),
        (b"\xf8\x37" + b"a" * 55, "not written in its shortest form"),
        (b"\xb9\x00\x38" + b"a" * 56, "not written in its shortest form"),
        (b"\xf9\x00\x38" + b"a" * 56, "not written in its shortest form"),
        (b"\xb8", "not written in its shortest form"),
        (b"\x83ab", "reaches 1 bytes past the end"),
        (b"\xc2a", "reaches 1 bytes past the end"),
        (b"\xbf" + b"\xff" * 8, "bytes past the end"),
        (b"ab", "1 bytes too many"),
        (b"\xc0\x80", "1 bytes too many"),
    ],
)
def test_bytes_that_are_not_one_canonical_item_are_refused(data: bytes, why: str) -> None:
    """The message names the part and what is wrong with it."""
    with pytest.raises(MalformedError, match=f"^it: .*{why}"):
        rlp.whole(data, "it")


def test_a_child_must_end_where_its_list_does() -> None:
    """An item that reaches beyond its list is refused, although the bytes are there."""
    data = b"\xc4\xc1\x82ab"
    (inner,) = rlp.children(data, rlp.Item(0, 1, 3, is_list=True), "it")
    with pytest.raises(MalformedError, match="bytes past the end"):
        rlp.children(data, inner, "it")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\x01" * 33, "at most 32 bytes, got 33"), (b"\0\1", "leading zeros"), (b"\0", "leading zeros")],
)
def test_an_integer_has_one_form(content: bytes, why: str) -> None:
    """Leading zeros, also as the zero byte for zero, and more than 256 bits are refused."""
    data = rlp.encode_string(content)
    with pytest.raises(MalformedError, match=why):
        rlp.integer(data, rlp.whole(data, "it"), "it")


@pytest.mark.parametrize("value", [-1, 2**256])
def test_an_integer_outside_256_bits_is_not_written(value: int) -> None:
    """What could not be read is not written."""
    with pytest.raises(MalformedError, match=r"must be 0\.\.2\^256-1"):
        rlp.encode_integer(value)


def test_strings_and_lists_are_told_apart() -> None:
    """Neither is taken for the other."""
    with pytest.raises(MalformedError, match="expected an RLP list"):
        rlp.children(b"a", rlp.whole(b"a", "it"), "it")
    for read in (rlp.string, rlp.integer):
        with pytest.raises(MalformedError, match="expected an RLP string"):
            read(b"\xc0", rlp.whole(b"\xc0", "it"), "it")
