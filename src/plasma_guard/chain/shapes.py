"""Strict readers of JSON-RPC answers; whatever is not of the documented shape is the endpoint's fault."""

import re
from typing import Any, TypeVar

from plasma_guard.chain.failures import EndpointMisbehaved
from plasma_guard.domain.blocks import BlockStamp, Log
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei, parse_hex, shorten
from plasma_guard.domain.transactions import Receipt

_QUANTITY = re.compile(r"0[xX][0-9a-fA-F]{1,64}")
_Bytes = TypeVar("_Bytes", Hash32, Address)


def quantity(value: Any, field: str) -> int:
    """Read a 0x hex number of at most 256 bits."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise EndpointMisbehaved(f"{field}: expected a 0x hex number, got {shorten(value)}")
    return int(value, 16)


def data(value: Any, field: str) -> bytes:
    """Read 0x hex bytes of any length."""
    if not isinstance(value, str):
        raise EndpointMisbehaved(f"{field}: expected 0x hex, got {shorten(value)}")
    try:
        return parse_hex(value, field)
    except MalformedError as error:
        raise EndpointMisbehaved(str(error)) from error


def hash32(value: Any, field: str) -> Hash32:
    """Read 32 bytes."""
    return _fixed(Hash32, value, field)


def block(value: Any, number: int | None = None) -> BlockStamp:
    """Read a block header; `number` is the height asked for, which the answer must repeat."""
    fields = _object(value, "block")
    stamp = BlockStamp(
        number=quantity(fields.get("number"), "block.number"),
        hash=hash32(fields.get("hash"), "block.hash"),
        timestamp=Timestamp(quantity(fields.get("timestamp"), "block.timestamp")),
        parent=hash32(fields.get("parentHash"), "block.parentHash"),
    )
    if number is not None and stamp.number != number:
        raise EndpointMisbehaved(f"block: asked for {number}, got {stamp.number}")
    return stamp


def log(value: Any) -> Log | None:
    """Read one log, or None when the node says that a reorg removed it."""
    fields = _object(value, "log")
    if fields.get("removed") is True:
        return None
    topics = fields.get("topics")
    if not isinstance(topics, list):
        raise EndpointMisbehaved(f"log.topics: expected a list, got {shorten(topics)}")
    return Log(
        address=_fixed(Address, fields.get("address"), "log.address"),
        topics=tuple(hash32(topic, "log.topics") for topic in topics),
        data=data(fields.get("data"), "log.data"),
        block_number=quantity(fields.get("blockNumber"), "log.blockNumber"),
        block_hash=hash32(fields.get("blockHash"), "log.blockHash"),
        tx_hash=hash32(fields.get("transactionHash"), "log.transactionHash"),
        log_index=quantity(fields.get("logIndex"), "log.logIndex"),
    )


def receipt(value: Any, tx_hash: Hash32) -> Receipt:
    """Read the receipt of a mined transaction; `tx_hash` is the one asked for."""
    fields = _object(value, "receipt")
    found = Receipt(
        tx_hash=hash32(fields.get("transactionHash"), "receipt.transactionHash"),
        block_number=quantity(fields.get("blockNumber"), "receipt.blockNumber"),
        block_hash=hash32(fields.get("blockHash"), "receipt.blockHash"),
        success=_status(fields.get("status")),
        gas_used=quantity(fields.get("gasUsed"), "receipt.gasUsed"),
        # Nodes older than the London fork do not tell the price; the cost then shows as zero.
        gas_price=Wei(quantity(fields.get("effectiveGasPrice", "0x0"), "receipt.effectiveGasPrice")),
    )
    if found.tx_hash != tx_hash:
        raise EndpointMisbehaved(f"receipt: asked for {tx_hash}, got {found.tx_hash}")
    return found


def transaction_input(value: Any, tx_hash: Hash32) -> bytes:
    """Read the calldata of a transaction; `tx_hash` is the one asked for."""
    fields = _object(value, "transaction")
    found = hash32(fields.get("hash"), "transaction.hash")
    if found != tx_hash:
        raise EndpointMisbehaved(f"transaction: asked for {tx_hash}, got {found}")
    return data(fields.get("input"), "transaction.input")


def sequence(value: Any, field: str) -> list[Any]:
    """Read a JSON list."""
    if not isinstance(value, list):
        raise EndpointMisbehaved(f"{field}: expected a list, got {shorten(value)}")
    return value


def _status(value: Any) -> bool:
    status = quantity(value, "receipt.status")
    if status not in (0, 1):
        raise EndpointMisbehaved(f"receipt.status: expected 0 or 1, got {status}")
    return status == 1


def _object(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EndpointMisbehaved(f"{field}: expected an object, got {shorten(value)}")
    return value


def _fixed(kind: type[_Bytes], value: Any, field: str) -> _Bytes:
    content = data(value, field)
    if len(content) != kind.LENGTH:
        raise EndpointMisbehaved(f"{field}: expected {kind.LENGTH} bytes, got {len(content)}")
    return kind(content)
