"""Nesting is bounded before anything parses it."""

import json

import pytest

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.nesting import check_depth


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_the_limit_is_exact(opening: str) -> None:
    """As many levels as allowed pass, one more does not."""
    closing = "]" if opening == "[" else "}"
    check_depth((opening * 5 + "1" + closing * 5).encode(), 5)
    with pytest.raises(MalformedError, match="deeper than 5"):
        check_depth((opening * 6 + "1" + closing * 6).encode(), 5)


def test_brackets_in_strings_are_text() -> None:
    """However they are escaped and whatever stands around them."""
    check_depth(json.dumps(["[" * 50, '"[', "\\", '\\"{{{{', {"{": "["}]).encode(), 2)


def test_hostile_depth_costs_no_recursion() -> None:
    """Two hundred thousand levels are refused like six."""
    with pytest.raises(MalformedError):
        check_depth(b"[" * 200_000, 5)
