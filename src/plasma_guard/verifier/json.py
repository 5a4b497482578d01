"""JSON from others, whose nesting is bounded before it is parsed.

A dependency of eth-account raises the interpreter's recursion limit so far that deep nesting overflows the C
stack and ends the process, where json.loads would otherwise raise RecursionError.
"""

import json
import re

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import shorten

MAX_DEPTH = 64
_STRUCTURE = b'"[]{}'
_AS_LISTS = bytes.maketrans(b"{}", b"[]")
_NOT_STRUCTURE = bytes(set(range(256)) - set(_STRUCTURE))
_HEX = re.compile("0[xX](?:[0-9a-fA-F]{2})*")
_STRING = re.compile(rb'"[^"]*"?')


def parse(body: bytes) -> object:
    """Return the value of a UTF-8 body; raises `MalformedError` for anything but finite, shallow JSON."""
    # What is left without strings are brackets; each pass takes the innermost pairs off, one level.
    outline = body.replace(rb"\\", b"").replace(rb"\"", b"").translate(_AS_LISTS, _NOT_STRUCTURE)
    outline = _STRING.sub(b"", outline.replace(b'""', b""))
    for _ in range(MAX_DEPTH):
        before = len(outline)
        outline = outline.replace(b"[]", b"")
        if len(outline) == before:
            break
    if outline:
        raise MalformedError(f"JSON: nested deeper than {MAX_DEPTH} levels, or its brackets do not match")
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
