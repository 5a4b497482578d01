"""RLP as rootchain v0.2 reads it, which is far more than the canonical encodings.

RootChain takes the length of a list from its surroundings and checks neither bounds nor minimal form:
integers may have leading zeros, lists may hold items nobody reads, lengths may be written long. A reader that
demanded more would refuse evidence that the contract accepts. The one thing refused here and not there is
reading past the end of the given bytes, where the contract sees whatever its memory holds.
"""

from typing import NamedTuple

from plasma_guard.domain.errors import MalformedError

_STRING = 0x80
_LONG_STRING = 0xB8
_LIST = 0xC0
_LONG_LIST = 0xF8
_WORD = 32


class Item(NamedTuple):
    """One encoded value: `length` bytes from `start`, header included."""

    start: int
    length: int


def whole(data: bytes) -> Item:
    """Return `data` as one item, whatever length its header claims."""
    return Item(0, len(data))


def children(data: bytes, item: Item, name: str) -> list[Item]:
    """Return the items from behind the header of a list to where the list was said to end."""
    if item.length == 0 or (first := _byte(data, item.start, name)) < _LIST:
        raise MalformedError(f"{name}: expected an RLP list, got a string")
    at = item.start + (1 if first < _LONG_LIST else first - _LONG_LIST + 2)
    stop = item.start + item.length
    found = []
    while at < stop:
        length = _length(data, at, name)
        found.append(Item(at, length))
        at += length
    return found


def string(data: bytes, item: Item, name: str) -> bytes:
    """Return the content of a string."""
    first = _byte(data, item.start, name)
    if first >= _LIST:
        raise MalformedError(f"{name}: expected an RLP string, got a list")
    header = 0 if first < _STRING else 1 if first < _LONG_STRING else first - _LONG_STRING + 2
    start, stop = item.start + header, item.start + item.length
    if stop > len(data):
        raise MalformedError(f"{name}: RLP length reaches {stop - len(data)} bytes past the end")
    return data[start:stop]


def integer(data: bytes, item: Item, name: str) -> int:
    """Return the integer of up to 32 bytes, leading zeros allowed."""
    content = string(data, item, name)
    if len(content) > _WORD:
        raise MalformedError(f"{name}: an integer has at most {_WORD} bytes, got {len(content)}")
    return int.from_bytes(content)


def fixed(data: bytes, item: Item, length: int, name: str) -> bytes:
    """Return the content of a string of exactly `length` bytes."""
    content = string(data, item, name)
    if len(content) != length:
        raise MalformedError(f"{name}: expected {length} bytes, got {len(content)}")
    return content


def _length(data: bytes, at: int, name: str) -> int:
    first = _byte(data, at, name)
    if first < _STRING:
        return 1
    if first < _LONG_STRING:
        return first - _STRING + 1
    if _LIST <= first < _LONG_LIST:
        return first - _LIST + 1
    size = first - (_LONG_LIST if first >= _LONG_LIST else _LONG_STRING) + 1
    # A header cut off by the end of the bytes ends its list all the same; whoever reads the item is told.
    return 1 + size + int.from_bytes(data[at + 1 : at + 1 + size])


def _byte(data: bytes, at: int, name: str) -> int:
    if at >= len(data):
        raise MalformedError(f"{name}: nothing where an RLP item must begin")
    return data[at]
