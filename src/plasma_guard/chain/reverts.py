"""Nodes tell a refused call in many dialects; here they become one `CallReverted`."""

import re
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from plasma_guard.chain.failures import RpcAnsweredError, bounded
from plasma_guard.domain.errors import CallReverted

ERROR_SELECTOR = bytes.fromhex("08c379a0")
PANIC_SELECTOR = bytes.fromhex("4e487b71")

_REVERT_CODES = frozenset({3, -32015})
"""3: the execution error of geth, erigon, anvil; -32015: Parity, Nethermind, Besu."""
_REVERTED = re.compile(
    r"revert"
    r"|invalid (opcode|jump|instruction)|bad (instruction|jump)|not activated|opcode"
    r"|stack (underflow|overflow|limit)|out ?of ?gas|gas required exceeds|intrinsic gas"
    r"|insufficient (funds|balance)|vm (execution|exception)|evm error|write protection"
    r"|max code size|always failing transaction|contract creation",
    re.IGNORECASE,
)
_NOT_THE_CALL = re.compile(r"timeout|timed out|canonical|header not found|unknown block", re.IGNORECASE)
_HEX = re.compile(r"0x[0-9a-fA-F]*")
_REASON = re.compile(
    r"(?:execution reverted|reverted with reason string|revert)[:,]?\s*['\"]?(.*?)['\"]?$",
    re.IGNORECASE | re.DOTALL,
)
_PANICS = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x21: "invalid enum value",
    0x22: "invalid storage byte array",
    0x31: "pop of an empty array",
    0x32: "array index out of bounds",
    0x41: "out of memory",
    0x51: "call of an uninitialized function",
}
_MAX_DEPTH = 4


def as_revert(error: RpcAnsweredError) -> CallReverted | None:
    """Return what the contract said, or None when the error is not about the call itself."""
    raw = _find_data(error.data)
    if _NOT_THE_CALL.search(error.message) and not raw:
        return None
    if error.code not in _REVERT_CODES and not raw and not _REVERTED.search(error.message):
        return None
    return CallReverted(reason(raw) if raw else _spoken(error.message), raw, error.message)


def reason(revert_data: bytes) -> str | None:
    """Decode ``Error(string)`` or ``Panic(uint256)``; None for empty data and custom errors."""
    selector, body = revert_data[:4], revert_data[4:]
    try:
        if selector == ERROR_SELECTOR:
            return bounded(decode(["string"], body)[0])
        if selector == PANIC_SELECTOR:
            code = decode(["uint256"], body)[0]
            return f"panic 0x{code:02x}: {_PANICS.get(code, 'unknown')}"
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return None
    return None


def _find_data(value: Any, depth: int = 0) -> bytes:
    """Find revert data: plain hex, "Reverted 0x…", or inside the objects of Ganache and Hardhat."""
    if isinstance(value, str):
        found = _HEX.search(value)
        digits = found.group()[2:] if found else ""
        return bytes.fromhex(digits) if len(digits) % 2 == 0 else b""
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        preferred = [value[name] for name in ("data", "return", "result", "output") if name in value]
        nested = [item for item in value.values() if isinstance(item, dict)]
        for item in [*preferred, *nested]:
            if raw := _find_data(item, depth + 1):
                return raw
    return b""


def _spoken(message: str) -> str | None:
    """Return the reason some nodes give only in words."""
    found = _REASON.search(message)
    return (found.group(1).strip() or None) if found else None
