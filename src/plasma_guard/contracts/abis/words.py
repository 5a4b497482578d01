"""Plain ABI values, word by word: what the guard reads all day, at a tenth of the general codec's cost.

Everything else, and everything that is not well-formed, is left to the general codec, which has the last word
on what is wrong with it; a test proves that both read and write the same.
"""

from collections.abc import Callable, Sequence
from typing import Any

from eth_abi.grammar import ABIType, BasicType, TupleType, parse

WORD = 32
Read = Callable[[bytes, int], Any]


class NotPlain(Exception):
    """For the general codec."""


def decoder(types: Sequence[str]) -> Callable[[bytes], tuple[Any, ...]]:
    """Return what reads results of these types, and raises `NotPlain` where they or the data are not.

    Plain are words, fixed arrays and tuples of them, and an array of any length where it is all there is.
    """
    try:
        return _decoder(types)
    except NotPlain:
        return _never


def _decoder(types: Sequence[str]) -> Callable[[bytes], tuple[Any, ...]]:
    if len(types) == 1 and types[0].endswith("[]"):
        size, read = _plain(parse(types[0]).item_type)
        return lambda data: (_listed(data, size, read),)
    total, read_all = _row([_plain(parse(each)) for each in types])

    def whole(data: bytes) -> tuple[Any, ...]:
        if len(data) < total:
            raise NotPlain
        found: tuple[Any, ...] = read_all(data, 0)
        return found

    return whole


def encoder(types: Sequence[str]) -> Callable[[Sequence[Any]], bytes]:
    """Return what writes unsigned integers, or one array of them, and raises `NotPlain` for anything else."""
    try:
        return _encoder(types)
    except NotPlain:
        return _never


def _encoder(types: Sequence[str]) -> Callable[[Sequence[Any]], bytes]:
    if len(types) == 1 and types[0].endswith("[]"):
        limit = _limit(types[0].removesuffix("[]"))
        head = WORD.to_bytes(WORD)

        def write(values: Sequence[Any]) -> bytes:
            if len(values) != 1 or not isinstance(values[0], list | tuple):
                raise NotPlain
            (items,) = values
            return head + len(items).to_bytes(WORD) + _written(items, [limit] * len(items))

        return write
    limits = [_limit(each) for each in types]
    return lambda values: _written(values, limits)


def _never(_: object) -> Any:
    raise NotPlain


def _limit(kind: str) -> int:
    bits = kind.removeprefix("uint")
    if bits == kind or not bits.isdigit():
        raise NotPlain
    return 1 << int(bits)


def _written(values: Sequence[Any], limits: Sequence[int]) -> bytes:
    if len(values) != len(limits):
        raise NotPlain
    for value, limit in zip(values, limits, strict=True):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
            raise NotPlain
    return b"".join([value.to_bytes(WORD) for value in values])


def _listed(data: bytes, size: int, read: Read) -> tuple[Any, ...]:
    start = int.from_bytes(data[:WORD]) + WORD
    count = int.from_bytes(data[start - WORD : start])
    if start > len(data) or start + count * size > len(data):
        raise NotPlain
    return tuple([read(data, start + index * size) for index in range(count)])


def _plain(kind: ABIType) -> tuple[int, Read]:
    """Return how many bytes a type takes, and what reads it at a place."""
    if kind.arrlist:
        if not kind.arrlist[-1]:
            raise NotPlain
        return _row([_plain(kind.item_type)] * kind.arrlist[-1][0])
    if isinstance(kind, TupleType):
        return _row([_plain(component) for component in kind.components])
    if not isinstance(kind, BasicType):
        raise NotPlain
    match kind.base, kind.sub:
        case "uint", int(bits):
            return WORD, _unsigned(1 << bits)
        case "bool", None:
            return WORD, lambda data, at: bool(_number(data, at, 2))
        case "address", None:
            return WORD, lambda data, at: f"0x{_number(data, at, 1 << 160):040x}"
        case "bytes", 32:
            return WORD, lambda data, at: data[at : at + WORD]
    raise NotPlain


def _row(parts: Sequence[tuple[int, Read]]) -> tuple[int, Read]:
    places, at = [], 0
    for size, read in parts:
        places.append((at, read))
        at += size
    return at, lambda data, start: tuple([read(data, start + place) for place, read in places])


def _unsigned(limit: int) -> Read:
    return lambda data, at: _number(data, at, limit)


def _number(data: bytes, at: int, limit: int) -> int:
    value = int.from_bytes(data[at : at + WORD])
    if value >= limit:
        raise NotPlain
    return value
