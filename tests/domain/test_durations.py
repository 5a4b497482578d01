"""A length of time is told in its two largest units: more would be noise, less would be wrong."""

import pytest

from plasma_guard.domain.durations import duration, wait


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_661, "1 h 1 min"),
        (604_799, "6 d 23 h"),
        (86_460, "1 d"),
    ],
)
def test_the_largest_unit_and_the_one_below_it(seconds: int, words: str) -> None:
    """A unit that is empty is left out."""
    assert duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(1, "1 s"), (0, "now"), (-5, "now")])
def test_what_is_past_is_now(seconds: int, words: str) -> None:
    """Nobody waits a negative time."""
    assert wait(seconds) == words
