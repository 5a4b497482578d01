"""What is read from outside as hex, and how untrusted values are shown."""

import pytest

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import Address, Hash32, parse_hex, shorten


def test_hex_of_any_letter_case_is_bytes() -> None:
    """Contracts and Watchers mix letter cases."""
    assert parse_hex("0xAbcD", "field") == b"\xab\xcd"
    assert parse_hex("0X", "field") == b""


@pytest.mark.parametrize(
    "bad", ["", "abcd", "0xabc", "0xzz", "0x ab", "0xab ", "0xab\n", 5, None, b"0xab", "0x½½"]
)
def test_anything_else_names_the_field(bad: object) -> None:
    """Not a string, no prefix, an odd digit, a space: each is refused with the field's name."""
    with pytest.raises(MalformedError, match="field"):
        parse_hex(bad, "field")


def test_lengths_are_exact() -> None:
    """An address is 20 bytes, a hash 32; nothing is padded or cut."""
    with pytest.raises(MalformedError, match="address: expected 20 bytes, got 19"):
        Address(bytes(19))
    with pytest.raises(MalformedError, match="hash32: expected 32 bytes, got 33"):
        Hash32(bytes(33))


def test_a_long_value_is_shown_short_and_says_so() -> None:
    """Text from outside can neither flood a log line nor break it."""
    assert shorten("a\nb") == r"'a\nb'"
    shown = shorten("x" * 1000)
    assert len(shown) < 100
    assert "1002 characters" in shown
