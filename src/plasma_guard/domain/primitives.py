"""Byte strings with a fixed meaning: addresses and hashes."""

from typing import NewType, Self

from plasma_guard.domain.errors import MalformedError

Wei = NewType("Wei", int)
"""An amount of ETH in wei, or of a token in its smallest unit."""
Seconds = NewType("Seconds", int)
Timestamp = NewType("Timestamp", int)
"""Root-chain time: seconds since 1970 as block headers give it."""


class _FixedBytes(bytes):
    """Bytes of one exact length that print as 0x hex."""

    LENGTH = 0

    def __new__(cls, value: bytes) -> Self:
        if len(value) != cls.LENGTH:
            raise MalformedError(f"{cls.__name__.lower()}: expected {cls.LENGTH} bytes, got {len(value)}")
        return super().__new__(cls, value)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``0x`` followed by exactly 2 x LENGTH hex digits, in any letter case."""
        return cls(parse_hex(text, cls.__name__.lower()))

    def __str__(self) -> str:
        return "0x" + self.hex()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self!s})"


class Address(_FixedBytes):
    """Twenty bytes; compares by value, prints as lower-case 0x hex."""

    LENGTH = 20


class Hash32(_FixedBytes):
    """Thirty-two bytes: a transaction, block or output hash, or a Merkle node."""

    LENGTH = 32


ZERO_ADDRESS = Address(bytes(20))
"""Stands for ETH where a token is meant, and for "nobody" where an owner is meant."""
ETH = ZERO_ADDRESS


def parse_hex(text: object, field: str) -> bytes:
    """Return the bytes of an ``0x`` hex string, no spaces; raises `MalformedError` naming `field`."""
    if not isinstance(text, str) or not text.startswith(("0x", "0X")) or not text.isalnum():
        raise MalformedError(f"{field}: expected a string of 0x and hex digits, got {shorten(text)}")
    try:
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise MalformedError(f"{field}: not an even number of hex digits: {shorten(text)}") from error


def shorten(value: object, limit: int = 60) -> str:
    """Return a printable form of an untrusted value that cannot flood or corrupt a log line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
