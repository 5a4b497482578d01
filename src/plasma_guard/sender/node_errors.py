"""The only place that reads the words of nodes about money and nonces.

JSON-RPC has one code, -32000, for most of what a pool can say, so the text decides. Every phrase is kept
with the nodes known to use it; an unknown one is never taken for success.
"""

from enum import StrEnum
from typing import Final

from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.transactions import Rejected


class NodeError(StrEnum):
    """Why a node did not take a transaction."""

    ALREADY_KNOWN = "already_known"
    """It has these very bytes: as good as accepted."""
    NONCE_TOO_LOW = "nonce_too_low"
    """The nonce is used, by one of our hashes or by somebody else's."""
    NONCE_TOO_HIGH = "nonce_too_high"
    """It misses a transaction before this one."""
    REPLACEMENT_UNDERPRICED = "replacement_underpriced"
    """It holds a different transaction with this nonce and wants more to drop it."""
    FEE_TOO_LOW = "fee_too_low"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    GAS_LIMIT = "gas_limit"
    """The gas limit is below the intrinsic gas or above the block's."""
    FEE_CAP = "fee_cap"
    """The node's own guard against expensive transactions (geth: --rpc.txfeecap)."""
    POOL_FULL = "pool_full"
    REVERTED = "reverted"
    UNKNOWN = "unknown"


_PHRASES: Final[tuple[tuple[str, NodeError], ...]] = (
    # Order matters: the first phrase found decides, so the special come before the general.
    ("already known", NodeError.ALREADY_KNOWN),  # geth, erigon, reth, nethermind
    ("alreadyknown", NodeError.ALREADY_KNOWN),  # nethermind before it spoke like geth
    ("existing tx with same hash", NodeError.ALREADY_KNOWN),  # erigon
    ("already imported", NodeError.ALREADY_KNOWN),  # anvil, openethereum
    ("unknown transaction", NodeError.UNKNOWN),  # contains the next one
    ("known transaction", NodeError.ALREADY_KNOWN),  # besu, old geth
    ("replacement", NodeError.REPLACEMENT_UNDERPRICED),  # all; nethermind: ReplacementNotAllowed
    ("replace existing", NodeError.REPLACEMENT_UNDERPRICED),  # erigon, anvil
    ("replaced by transaction with higher tip", NodeError.REPLACEMENT_UNDERPRICED),  # erigon
    ("replace pending", NodeError.NONCE_TOO_HIGH),  # geth: a gapped transaction may not displace pending ones
    ("nonce too low", NodeError.NONCE_TOO_LOW),  # geth, erigon, reth, nethermind, besu, anvil
    ("nonce is too low", NodeError.NONCE_TOO_LOW),  # openethereum
    ("below sender account nonce", NodeError.NONCE_TOO_LOW),  # besu
    ("oldnonce", NodeError.NONCE_TOO_LOW),  # nethermind
    ("ownnoncealreadyused", NodeError.NONCE_TOO_LOW),  # nethermind
    ("nonce too high", NodeError.NONCE_TOO_HIGH),  # geth, reth, nethermind, besu, anvil
    ("gapped-nonce", NodeError.NONCE_TOO_HIGH),  # geth
    ("nonce gap", NodeError.NONCE_TOO_HIGH),  # nethermind
    ("noncegap", NodeError.NONCE_TOO_HIGH),  # nethermind
    ("nonce too far", NodeError.NONCE_TOO_HIGH),  # nethermind
    ("noncetoofarinfuture", NodeError.NONCE_TOO_HIGH),  # nethermind
    ("nonce is too distant", NodeError.NONCE_TOO_HIGH),  # besu
    ("transaction with a lower nonce", NodeError.NONCE_TOO_HIGH),  # besu
    ("insufficient funds", NodeError.INSUFFICIENT_FUNDS),  # geth, erigon, reth, nethermind, anvil
    ("insufficientfunds", NodeError.INSUFFICIENT_FUNDS),  # nethermind
    ("exceeds account balance", NodeError.INSUFFICIENT_FUNDS),  # besu
    ("exceeds transaction sender account balance", NodeError.INSUFFICIENT_FUNDS),  # besu
    ("exceeds the configured cap", NodeError.FEE_CAP),  # geth, erigon, reth
    ("fee cap exceeded", NodeError.FEE_CAP),  # besu
    ("exceeds block gas limit", NodeError.GAS_LIMIT),  # geth, erigon, reth, besu
    ("gas limit is greater than", NodeError.GAS_LIMIT),  # anvil
    ("is greater than the cap", NodeError.GAS_LIMIT),  # reth: the cap of EIP-7825
    ("gas limit too high", NodeError.GAS_LIMIT),  # geth: the cap of EIP-7825
    ("gaslimitexceeded", NodeError.GAS_LIMIT),  # nethermind
    ("gas limit reached", NodeError.GAS_LIMIT),  # nethermind
    ("intrinsic gas", NodeError.GAS_LIMIT),  # geth, reth, besu, anvil
    ("intrinsicgas", NodeError.GAS_LIMIT),  # erigon
    ("floor data gas", NodeError.GAS_LIMIT),  # geth: the floor of EIP-7623
    ("less than block base fee", NodeError.FEE_TOO_LOW),  # geth, reth, anvil
    ("gas price below minimum", NodeError.FEE_TOO_LOW),  # geth
    ("below current base fee", NodeError.FEE_TOO_LOW),  # besu
    ("below configured minimum", NodeError.FEE_TOO_LOW),  # besu
    ("underpriced", NodeError.FEE_TOO_LOW),  # geth, erigon, reth, nethermind
    ("fee too low", NodeError.FEE_TOO_LOW),  # erigon
    ("feetoolow", NodeError.FEE_TOO_LOW),  # nethermind, also FeeTooLowToCompete
    ("pool is full", NodeError.POOL_FULL),  # geth, erigon, reth
    ("account limit exceeded", NodeError.POOL_FULL),  # geth
    ("in-flight transaction limit", NodeError.POOL_FULL),  # geth
    ("revert", NodeError.REVERTED),  # nodes and relays that simulate first
)
"""docs/node-errors.md has a full message of each."""


def classify(rejected: Rejected) -> NodeError:
    """Return what the nodes' words mean to the sender.

    One node that has the bytes is enough; else the first refusal that is understood counts.
    """
    meanings = [_meaning(each.message) for each in (rejected, *rejected.others)]
    if NodeError.ALREADY_KNOWN in meanings:
        return NodeError.ALREADY_KNOWN
    return next((meaning for meaning in meanings if meaning is not NodeError.UNKNOWN), NodeError.UNKNOWN)


def lacks_funds(error: CallReverted) -> bool:
    """Return whether a simulation failed before the contract was run, because the account cannot pay."""
    return not error.data and _meaning(error.message) is NodeError.INSUFFICIENT_FUNDS


def _meaning(message: str) -> NodeError:
    text = message.lower()
    return next((meaning for phrase, meaning in _PHRASES if phrase in text), NodeError.UNKNOWN)
