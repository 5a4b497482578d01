"""JSON from others, whose nesting is bounded before it is parsed."""

import json
import re

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.nesting import check_depth
from plasma_guard.domain.primitives import shorten

MAX_DEPTH = 64
_HEX = re.compile("0[xX](?:[0-9a-fA-F]{2})*")


def parse(body: bytes) -> object:
    """Return the value of a UTF-8 body; raises `MalformedError` for anything but finite, shallow JSON."""
    check_depth(body, MAX_DEPTH)
    try:
        return json.loads(body.decode(), parse_constant=_constant)
    except ValueError as error:
        raise MalformedError("JSON: malformed, or an integer of thousands of digits") from error


def hex_bytes(value: object, field: str) -> bytes:
    """Return the bytes of a JSON string of 0x and hex digits; raises `MalformedError` naming `field`."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise MalformedError(f"{field}: expected 0x and an even number of hex digits, got {shorten(value)}")
    return bytes.fromhex(value[2:])


def _constant(text: str) -> object:
    raise MalformedError(f"JSON: {text} is not a number that JSON has")
