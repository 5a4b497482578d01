"""Untrusted JSON, its size in memory, its depth and its numbers bounded before they cost anything."""

import json
import math
from collections import Counter

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.nesting import check_depth
from plasma_guard.domain.primitives import shorten

MAX_VALUES = 1_000_000
"""An empty object is two bytes on the wire and 64 in memory, so bytes alone do not bound memory."""
MAX_DIGITS = 80
"""A uint256 has at most 78 decimal digits; converting a long integer takes quadratic time."""


def parse(body: bytes, *, max_depth: int, max_values: int = MAX_VALUES) -> object:
    """Return the JSON value of a UTF-8 body.

    Raises `MalformedError` for anything but strict JSON, and for duplicate keys, NaN, infinities, integers
    of more than `MAX_DIGITS` digits, more than `max_values` values or nesting deeper than `max_depth`.
    """
    values = body.count(b",") + body.count(b"[") + body.count(b"{")
    if values > max_values:
        raise MalformedError(f"JSON: at most {max_values} values are read, this has about {values}")
    check_depth(body, max_depth)
    try:
        # Decoded here because json.loads would also guess UTF-16, which the depth check cannot read.
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        raise MalformedError(f"JSON: not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise MalformedError(f"JSON: {error.msg} at character {error.pos} of {len(body)}") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise MalformedError(f"JSON: the key {shorten(repeated)} appears more than once in one object")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise MalformedError(f"JSON: an integer of {len(text)} digits; at most {MAX_DIGITS} are read")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedError(f"JSON: {shorten(text)} is not a finite number")
    return number


def _constant(text: str) -> object:
    raise MalformedError(f"JSON: {text} is not a number that JSON has")
