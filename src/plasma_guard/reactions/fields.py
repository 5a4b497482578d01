"""Fields as Watchers write them: whole numbers for positions, 0x hex for bytes; strict, and bounded."""

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32, parse_hex, shorten

MAX_TX_BYTES = 64 * 1024
"""Far more than any payment transaction takes."""
MAX_SLOTS = 16
"""Far more inputs or outputs than any transaction has; each named one is looked at by itself."""


def _position(value: object) -> UtxoPosition:
    if isinstance(value, UtxoPosition):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return UtxoPosition.decode(value)
    raise ValueError(f"expected an integer utxo position, got {type(value).__name__}")


def _tx_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and len(value) > 2 * MAX_TX_BYTES:
        raise ValueError(f"expected at most {MAX_TX_BYTES} bytes, got {len(value)} characters")
    return parse_hex(value, "txbytes")


def _indices(value: object) -> tuple[int, ...]:
    if isinstance(value, list | tuple) and len(value) > MAX_SLOTS:
        raise ValueError(f"expected at most {MAX_SLOTS} indices, got {len(value)}")
    if isinstance(value, list | tuple) and all(
        isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in value
    ):
        return tuple(value)
    raise ValueError(f"expected a list of indices, got {shorten(value)}")


Position = Annotated[UtxoPosition, BeforeValidator(_position), PlainSerializer(UtxoPosition.encode)]
TxBytes = Annotated[bytes, BeforeValidator(_tx_bytes), PlainSerializer(lambda value: "0x" + value.hex())]
Indices = Annotated[tuple[int, ...], BeforeValidator(_indices)]
Root = Annotated[
    Hash32,
    BeforeValidator(lambda value: value if isinstance(value, Hash32) else Hash32(parse_hex(value, "hash"))),
    PlainSerializer(str),
]
