"""The dialects in which nodes tell a refused call."""

import pytest

from plasma_guard.chain.failures import RpcAnsweredError
from plasma_guard.chain.reverts import as_revert, reason

WHY = "08c379a0" + "20".rjust(64, "0") + "03".rjust(64, "0") + b"why".hex().ljust(64, "0")

REVERTS: list[tuple[str, int, str, object, str | None, str]] = [
    ("geth", 3, "execution reverted: why", "0x" + WHY, "why", WHY),
    ("geth, no reason", -32000, "execution reverted", None, None, ""),
    ("geth, no reason, empty data", 3, "execution reverted", "0x", None, ""),
    ("old geth", -32000, "execution reverted: why", None, "why", ""),
    ("parity", -32015, "VM execution error.", "Reverted 0x" + WHY, "why", WHY),
    ("parity, no reason", -32015, "VM execution error.", "Reverted 0x", None, ""),
    ("parity, burnt", -32015, "VM execution error.", "Bad instruction fe", None, ""),
    ("nethermind", -32015, "VM execution error.", "revert: why", None, ""),
    ("besu", -32000, "Execution reverted", "0x" + WHY, "why", WHY),
    (
        "ganache",
        -32000,
        "VM Exception while processing transaction: revert why",
        {"0x" + "11" * 32: {"error": "revert", "return": "0x" + WHY}, "stack": "…", "name": "RuntimeError"},
        "why",
        WHY,
    ),
    (
        "hardhat",
        -32603,
        "Error: VM Exception while processing transaction: reverted with reason string 'why'",
        {"message": "…", "txHash": "0x" + "11" * 32, "data": "0x" + WHY},
        "why",
        WHY,
    ),
    ("words alone", -32603, "VM Exception: reverted with reason string 'why'", None, "why", ""),
    ("geth, burnt", -32000, "invalid opcode: INVALID", None, None, ""),
    ("anvil, burnt", -32003, "EVM error InvalidFEOpcode", None, None, ""),
    ("geth estimate", -32000, "gas required exceeds allowance (30000000)", None, None, ""),
    ("poor sender", -32000, "insufficient funds for gas * price + value", None, None, ""),
]


@pytest.mark.parametrize(
    ("code", "message", "data", "why", "raw"), [r[1:] for r in REVERTS], ids=[r[0] for r in REVERTS]
)
def test_every_dialect_of_a_refusal_is_understood(
    code: int, message: str, data: object, why: str | None, raw: str
) -> None:
    """The contract's own reason is found wherever the node put it, and is None where there is none."""
    revert = as_revert(RpcAnsweredError(code, message, data))
    assert revert is not None
    assert revert.reason == why
    assert revert.data.hex() == raw
    assert revert.message == message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32000, "header not found"),
        (-32001, "Resource not found"),
        (-32000, "hash 0x12 is not currently canonical"),
        (-32601, "the method eth_call does not exist"),
        (-32603, "Internal error"),
        (-32000, "execution timeout"),
        (-32602, "invalid argument 0: hex string of odd length"),
        (-32000, "missing trie node"),
    ],
)
def test_a_failing_node_is_not_a_refusing_contract(code: int, message: str) -> None:
    """An error about the node or the block says nothing about the call."""
    assert as_revert(RpcAnsweredError(code, message)) is None


@pytest.mark.parametrize("data", ["08c379a0", "08c379a0" + "ff" * 64, "4e487b71", "deadbeef", ""])
def test_broken_revert_data_gives_no_reason(data: str) -> None:
    """A contract can return anything; reading it never fails."""
    assert reason(bytes.fromhex(data)) is None


def test_a_long_reason_is_bounded_and_printable() -> None:
    """A contract cannot flood or garble a log line."""
    text = ("\x1b[31m" + "x" * 5000).encode()
    data = (
        "08c379a0"
        + "20".rjust(64, "0")
        + f"{len(text):064x}"
        + text.hex().ljust(-(-len(text) // 32) * 64, "0")
    )
    told = reason(bytes.fromhex(data))
    assert told is not None
    assert len(told) < 600
    assert told.isprintable()
