"""What the answers of a Watcher are made of: strict about types, bounded in size."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, shorten

_HEX = re.compile("0[xX](?:[0-9a-fA-F]{2})*")
SIGNATURE_BYTES = 65
PROOF_BYTES = 512
_BYTES_LIMIT = 100_000
"""Far above any transaction: at most five inputs and outputs fit in some 600 bytes."""
_INTEGER_LIMIT = 2**256


def _bytes(value: object) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise MalformedError(f"expected 0x and an even number of hex digits, got {shorten(value)}")
    if len(value) > 2 * _BYTES_LIMIT:
        raise MalformedError(f"expected at most {_BYTES_LIMIT} bytes, got {len(value) // 2 - 1}")
    return bytes.fromhex(value[2:])


def _address(value: object) -> Address:
    return Address(_bytes(value))


def _position(value: object) -> UtxoPosition:
    if isinstance(value, bool) or not isinstance(value, int) or value >= _INTEGER_LIMIT:
        raise MalformedError(f"expected the integer of a position, got {shorten(value)}")
    return UtxoPosition.decode(value)


def _position_or_none(value: object) -> UtxoPosition | None:
    return None if value is None or (value == 0 and value is not False) else _position(value)


def pieces(content: bytes, length: int, field: str) -> tuple[bytes, ...]:
    """Split what v0.2 writes one after the other; raises `MalformedError` when something is left over."""
    if len(content) % length:
        raise MalformedError(f"{field}: expected a multiple of {length} bytes, got {len(content)}")
    return tuple(content[at : at + length] for at in range(0, len(content), length))


HexBytes = Annotated[bytes, PlainValidator(_bytes)]
HexAddress = Annotated[Address, PlainValidator(_address)]
Position = Annotated[UtxoPosition, PlainValidator(_position)]
PositionOrNone = Annotated[UtxoPosition | None, PlainValidator(_position_or_none)]
"""0 and null both stand for a transaction that is in no block."""
Natural = Annotated[int, Field(ge=0, lt=_INTEGER_LIMIT)]
Index = Annotated[int, Field(ge=0, lt=256)]
"""Of an input or output; whether the transaction has so many is checked with the transaction."""
Label = Annotated[str, Field(max_length=100, pattern=r"^[ -~]*$")]
"""Short printable ASCII: names and versions."""


class Shape(BaseModel):
    """Base of all answers: JSON types are taken as they are, an integer in quotes is not an integer."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)
