"""RLP as the ald contracts read it: only the one canonical encoding of each value is accepted.

An item is where it lies in the bytes, so that reading copies nothing and nesting cannot exhaust the stack.
"""

from collections.abc import Iterable
from typing import NamedTuple

from plasma_guard.domain.errors import MalformedError

_STRING = 0x80
_LONG_STRING = 0xB8
_LIST = 0xC0
_LONG_LIST = 0xF8
_LONGEST_SHORT = 55
_WORD = 32


class Item(NamedTuple):
    """One encoded value: header from `start`, content from `payload` up to `end`."""

    start: int
    payload: int
    end: int
    is_list: bool


def read(data: bytes, start: int, stop: int, name: str) -> Item:
    """Read the header at `start` of an item that must end by `stop`; `name` is what errors call it."""
    if start >= stop:
        raise MalformedError(f"{name}: nothing where an RLP item must begin")
    first = data[start]
    if first < _STRING:
        return Item(start, start, start + 1, is_list=False)
    is_list = first >= _LIST
    short, long = (_LIST, _LONG_LIST) if is_list else (_STRING, _LONG_STRING)
    payload = start + 1
    if first < long:
        length = first - short
    else:
        payload += first - long + 1
        digits = data[start + 1 : min(payload, stop)]
        length = int.from_bytes(digits)
        if not digits or digits[0] == 0 or length <= _LONGEST_SHORT:
            raise MalformedError(f"{name}: RLP length of {length} bytes is not written in its shortest form")
    end = payload + length
    if end > stop:
        raise MalformedError(f"{name}: RLP length reaches {end - stop} bytes past the end")
    if length == 1 and not is_list and data[payload] < _STRING:
        raise MalformedError(f"{name}: a byte below 0x80 must stand for itself in RLP")
    return Item(start, payload, end, is_list)


def whole(data: bytes, name: str) -> Item:
    """Read `data` as exactly one item."""
    item = read(data, 0, len(data), name)
    if item.end != len(data):
        raise MalformedError(f"{name}: {len(data) - item.end} bytes too many after the RLP item")
    return item


def children(data: bytes, item: Item, name: str) -> list[Item]:
    """Return the items of a list."""
    if not item.is_list:
        raise MalformedError(f"{name}: expected an RLP list, got a string")
    found = []
    at = item.payload
    while at < item.end:
        child = read(data, at, item.end, name)
        found.append(child)
        at = child.end
    return found


def string(data: bytes, item: Item, name: str) -> bytes:
    """Return the content of a string."""
    if item.is_list:
        raise MalformedError(f"{name}: expected an RLP string, got a list")
    return data[item.payload : item.end]


def fixed(data: bytes, item: Item, length: int, name: str) -> bytes:
    """Return the content of a string of exactly `length` bytes."""
    content = string(data, item, name)
    if len(content) != length:
        raise MalformedError(f"{name}: expected {length} bytes, got {len(content)}")
    return content


def integer(data: bytes, item: Item, name: str) -> int:
    """Return an integer of at most 256 bits; zero is the empty string, leading zeros are refused."""
    content = string(data, item, name)
    if len(content) > _WORD:
        raise MalformedError(f"{name}: an integer has at most {_WORD} bytes, got {len(content)}")
    if content and content[0] == 0:
        raise MalformedError(f"{name}: an integer must not have leading zeros")
    return int.from_bytes(content)


def encode_string(content: bytes) -> bytes:
    """Return the canonical encoding of a string."""
    if len(content) == 1 and content[0] < _STRING:
        return content
    return _header(_STRING, _LONG_STRING, len(content)) + content


def encode_integer(value: int) -> bytes:
    """Return the canonical encoding of a non-negative integer of at most 256 bits."""
    if not 0 <= value < 1 << (8 * _WORD):
        raise MalformedError(f"integer: must be 0..2^256-1, got one of {value.bit_length()} bits")
    return encode_string(value.to_bytes((value.bit_length() + 7) // 8))


def encode_list(items: Iterable[bytes]) -> bytes:
    """Return the list of items that are encoded already."""
    content = b"".join(items)
    return _header(_LIST, _LONG_LIST, len(content)) + content


def _header(short: int, long: int, length: int) -> bytes:
    if length <= _LONGEST_SHORT:
        return bytes([short + length])
    digits = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([long - 1 + len(digits)]) + digits
