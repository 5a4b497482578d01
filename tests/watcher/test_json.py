"""The bounded reader agrees with the standard one on everything that is strict, shallow and unambiguous."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.errors import MalformedError
from plasma_guard.watcher.json import MAX_DIGITS, parse

# Everything that could mislead a reader of brackets: quotes, backslashes, brackets, and text beyond ASCII.
TEXT = st.text(alphabet='"\\[]{},:\u00e9\u2028 an0', max_size=8)
SCALAR = st.none() | st.booleans() | st.integers(-(2**256), 2**256) | TEXT
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=30,
)


def depth(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 0


@given(value=VALUE, ascii_only=st.booleans())
def test_what_is_written_is_read(value: object, ascii_only: bool) -> None:  # noqa: FBT001 : hypothesis names it
    """Any JSON value comes back as it was, however its text is escaped."""
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode(), max_depth=64) == value


@given(value=VALUE, limit=st.integers(0, 5))
def test_the_depth_limit_is_exact(value: object, limit: int) -> None:
    """A value is refused for its depth exactly when its true depth, strings aside, is above the limit."""
    body = json.dumps(value).encode()
    if depth(value) <= limit:
        assert parse(body, max_depth=limit) == value
    else:
        with pytest.raises(MalformedError, match="nested deeper"):
            parse(body, max_depth=limit)


@given(body=st.binary(max_size=40) | TEXT.map(str.encode))
def test_nothing_but_malformed_is_ever_raised(body: bytes) -> None:
    """Whatever the bytes, the answer is a value that the standard reader gives too, or `MalformedError`."""
    try:
        value = parse(body, max_depth=64)
    except MalformedError:
        return
    assert json.loads(body) == value


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_longest_integer(sign: str) -> None:
    """Integers up to the limit of digits are exact; one more is refused."""
    digits = sign + "9" * (MAX_DIGITS - len(sign))
    assert parse(digits.encode(), max_depth=1) == int(digits)
    with pytest.raises(MalformedError, match="digits"):
        parse(digits.encode() + b"9", max_depth=1)


def test_the_number_of_values_is_bounded() -> None:
    """A body that would grow on reading is refused by counting, before it is read."""
    assert parse(b"[1,2,3]", max_depth=1, max_values=3) == [1, 2, 3]
    with pytest.raises(MalformedError, match="at most 3 values"):
        parse(b"[1,2,3,4]", max_depth=1, max_values=3)
