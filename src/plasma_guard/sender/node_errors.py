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
    ("already_exists", NodeError.ALREADY_KNOWN),  # erigon
    ("existing tx with same hash", NodeError.ALREADY_KNOWN),  # erigon
    ("already imported", NodeError.ALREADY_KNOWN),  # anvil, openethereum
    ("unknown transaction", NodeError.UNKNOWN),  # contains the next one
    ("known transaction", NodeError.ALREADY_KNOWN),  # besu, old geth
    (
        "replacement",
        NodeError.REPLACEMENT_UNDERPRICED,
    ),  # geth, reth, besu, anvil; nethermind ReplacementNotAllowed
    ("could not replace existing", NodeError.REPLACEMENT_UNDERPRICED),  # erigon
    ("replaced by transaction with higher tip", NodeError.REPLACEMENT_UNDERPRICED),  # erigon
    ("replace pending", NodeError.NONCE_TOO_HIGH),  # geth: a gapped transaction may not displace pending ones
    ("nonce too low", NodeError.NONCE_TOO_LOW),  # geth, erigon, reth, besu, anvil
    ("nonce is too low", NodeError.NONCE_TOO_LOW),  # besu, openethereum
    ("oldnonce", NodeError.NONCE_TOO_LOW),  # nethermind
    ("nonce below current", NodeError.NONCE_TOO_LOW),  # besu
    ("ownnoncealreadyused", NodeError.NONCE_TOO_LOW),  # nethermind
    ("nonce too high", NodeError.NONCE_TOO_HIGH),  # geth, reth, besu, nethermind
    ("noncegap", NodeError.NONCE_TOO_HIGH),  # nethermind
    ("noncetoofarinfuture", NodeError.NONCE_TOO_HIGH),  # nethermind
    ("nonce is too distant", NodeError.NONCE_TOO_HIGH),  # besu
    ("nonce too far", NodeError.NONCE_TOO_HIGH),  # nethermind
    ("transaction with a lower nonce", NodeError.NONCE_TOO_HIGH),  # besu
    ("insufficient funds", NodeError.INSUFFICIENT_FUNDS),  # geth, erigon, reth, anvil
    ("insufficientfunds", NodeError.INSUFFICIENT_FUNDS),  # nethermind
    ("exceeds account balance", NodeError.INSUFFICIENT_FUNDS),  # besu
    ("exceeds transaction sender account balance", NodeError.INSUFFICIENT_FUNDS),  # besu
    ("exceeds the configured cap", NodeError.FEE_CAP),  # geth, erigon, reth
    ("fee cap exceeded", NodeError.FEE_CAP),  # besu
    ("gas limit exceeds block", NodeError.GAS_LIMIT),  # besu
    ("exceeds block gas limit", NodeError.GAS_LIMIT),  # geth, erigon, reth, besu
    ("gaslimitexceeded", NodeError.GAS_LIMIT),  # nethermind
    ("gas limit reached", NodeError.GAS_LIMIT),  # nethermind
    ("intrinsic gas", NodeError.GAS_LIMIT),  # geth, reth, besu, anvil
    ("intrinsicgas", NodeError.GAS_LIMIT),  # erigon
    ("less than block base fee", NodeError.FEE_TOO_LOW),  # geth, reth, anvil
    ("below current base fee", NodeError.FEE_TOO_LOW),  # besu
    ("below configured minimum", NodeError.FEE_TOO_LOW),  # besu
    ("underpriced", NodeError.FEE_TOO_LOW),  # geth, erigon, reth, anvil
    ("fee too low", NodeError.FEE_TOO_LOW),  # erigon
    ("feetoolow", NodeError.FEE_TOO_LOW),  # nethermind, also FeeTooLowToCompete
    ("pool is full", NodeError.POOL_FULL),  # geth, reth
    ("account limit exceeded", NodeError.POOL_FULL),  # geth
    ("revert", NodeError.REVERTED),  # nodes and relays that simulate first
)


def classify(rejected: Rejected) -> NodeError:
    """Return what the node's words mean to the sender."""
    return _meaning(rejected.message)


def lacks_funds(error: CallReverted) -> bool:
    """Return whether a simulation failed before the contract was run, because the account cannot pay."""
    return not error.data and _meaning(error.message) is NodeError.INSUFFICIENT_FUNDS


def _meaning(message: str) -> NodeError:
    text = message.lower()
    return next((meaning for phrase, meaning in _PHRASES if phrase in text), NodeError.UNKNOWN)
