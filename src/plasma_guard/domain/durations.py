"""Lengths of time as people say them."""

from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(seconds: int) -> str:
    """Return seconds in the largest unit they fill and the one below it, such as ``6 d 23 h``."""
    for (size, unit), (less, smaller) in zip(_UNITS, (*_UNITS[1:], (1, "")), strict=True):
        if seconds >= size:
            rest = seconds % size // less
            return f"{seconds // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return "0 s"


def wait(seconds: int) -> str:
    """Return how long there is to wait; what is past is now."""
    return duration(seconds) if seconds > 0 else "now"
