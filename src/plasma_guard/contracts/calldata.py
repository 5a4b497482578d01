"""Reads the arguments of other people's calls as leniently as contracts do.

Bytes past the end count as zeros, and nobody looks at padding: a stricter reader would miss a call that the
contract took.
"""

from collections.abc import Iterator

from plasma_guard.domain.errors import MalformedError

MAX_PLACES = 256
"""How many occurrences of one selector are looked at; calldata full of decoys is not worth more."""
MAX_ITEMS = 16
"""More than any in-flight transaction has inputs."""
_WORD = 32
_SELECTOR = 4


def calls_in(calldata: bytes, selector: bytes) -> Iterator["Arguments"]:
    """Yield the arguments of the call itself and of calls that it carries for another contract to make."""
    at = -1
    for _ in range(MAX_PLACES):
        at = calldata.find(selector, at + 1)
        if at < 0:
            return
        yield Arguments(calldata, at + _SELECTOR)


class Arguments:
    """A tuple or an array somewhere in calldata; raises `MalformedError` for what points out of it."""

    def __init__(self, calldata: bytes, base: int) -> None:
        self._data = calldata
        self.base = base

    def number(self, slot: int) -> int:
        """Return the word at a place in the head."""
        start = self.base + _WORD * slot
        return int.from_bytes(self._data[start : start + _WORD].ljust(_WORD, b"\x00"))

    def nested(self, slot: int) -> "Arguments":
        """Return the tuple that a place in the head points to."""
        return Arguments(self._data, self.base + self._bounded(self.number(slot), "an offset"))

    def content(self, slot: int) -> bytes:
        """Return the byte string that a place in the head points to."""
        there = self.nested(slot)
        length = self._bounded(there.number(0), "a length")
        start = there.base + _WORD
        return self._data[start : start + length].ljust(length, b"\x00")

    def contents(self, slot: int) -> list[bytes]:
        """Return the array of byte strings that a place in the head points to."""
        items, count = self._array(slot)
        return [items.content(index) for index in range(count)]

    def numbers(self, slot: int) -> list[int]:
        """Return the array of words that a place in the head points to."""
        items, count = self._array(slot)
        return [items.number(index) for index in range(count)]

    def _array(self, slot: int) -> tuple["Arguments", int]:
        there = self.nested(slot)
        count = there.number(0)
        if count > MAX_ITEMS:
            raise MalformedError(f"calldata: an array of {count} items")
        return Arguments(self._data, there.base + _WORD), count

    def _bounded(self, value: int, what: str) -> int:
        if value > len(self._data):
            raise MalformedError(f"calldata: {what} of {value} in {len(self._data)} bytes")
        return value
