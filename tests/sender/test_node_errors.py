"""What nodes say about a broadcast is understood, in every dialect."""

import pytest

from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.transactions import Rejected
from plasma_guard.sender.node_errors import NodeError, classify, lacks_funds

TABLE = [
    ("geth", "already known", NodeError.ALREADY_KNOWN),
    ("geth, old", "known transaction: 8cd4e1", NodeError.ALREADY_KNOWN),
    ("geth", "nonce too low: next nonce 5, tx nonce 4", NodeError.NONCE_TOO_LOW),
    ("geth", "nonce too high", NodeError.NONCE_TOO_HIGH),
    ("geth", "replacement transaction underpriced", NodeError.REPLACEMENT_UNDERPRICED),
    (
        "geth",
        "replacement transaction underpriced: new tx gas fee cap 1 <= 2 queued",
        NodeError.REPLACEMENT_UNDERPRICED,
    ),
    ("geth", "transaction underpriced: tip needed 2, tip permitted 1", NodeError.FEE_TOO_LOW),
    (
        "geth",
        "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 7",
        NodeError.FEE_TOO_LOW,
    ),
    (
        "geth",
        "insufficient funds for gas * price + value: balance 0, tx cost 100, overshot 100",
        NodeError.INSUFFICIENT_FUNDS,
    ),
    ("geth", "intrinsic gas too low: gas 20000, minimum needed 21000", NodeError.GAS_LIMIT),
    ("geth", "exceeds block gas limit", NodeError.GAS_LIMIT),
    ("geth", "tx fee (1.50 ether) exceeds the configured cap (1.00 ether)", NodeError.FEE_CAP),
    ("geth", "txpool is full", NodeError.POOL_FULL),
    ("geth", "future transaction tries to replace pending", NodeError.NONCE_TOO_HIGH),
    ("nethermind", "AlreadyKnown", NodeError.ALREADY_KNOWN),
    ("nethermind", "transaction underpriced, FeePerGas needs to be higher than 5", NodeError.FEE_TOO_LOW),
    ("nethermind", "OldNonce, Current nonce: 5, nonce of rejected tx: 4", NodeError.NONCE_TOO_LOW),
    ("nethermind", "OwnNonceAlreadyUsed", NodeError.NONCE_TOO_LOW),
    ("nethermind", "NonceGap, Future nonce. Expected nonce: 5", NodeError.NONCE_TOO_HIGH),
    ("nethermind", "ReplacementNotAllowed", NodeError.REPLACEMENT_UNDERPRICED),
    ("nethermind", "FeeTooLow, FeePerGas needs to be higher than 5", NodeError.FEE_TOO_LOW),
    ("nethermind", "FeeTooLowToCompete", NodeError.FEE_TOO_LOW),
    ("nethermind", "InsufficientFunds, Account balance: 0, cumulative cost: 9", NodeError.INSUFFICIENT_FUNDS),
    ("nethermind", "GasLimitExceeded, Gas limit: 1, gas limit of rejected tx: 2", NodeError.GAS_LIMIT),
    ("erigon", "ALREADY_EXISTS: already known", NodeError.ALREADY_KNOWN),
    ("erigon", "existing tx with same hash", NodeError.ALREADY_KNOWN),
    ("erigon", "INTERNAL_ERROR: nonce too low", NodeError.NONCE_TOO_LOW),
    ("erigon", "could not replace existing tx", NodeError.REPLACEMENT_UNDERPRICED),
    ("erigon", "replaced by transaction with higher tip", NodeError.REPLACEMENT_UNDERPRICED),
    ("erigon", "IntrinsicGas", NodeError.GAS_LIMIT),
    ("erigon", "fee too low", NodeError.FEE_TOO_LOW),
    ("erigon", "pending sub-pool is full", NodeError.POOL_FULL),
    ("erigon", "underpriced", NodeError.FEE_TOO_LOW),
    ("erigon", "insufficient funds", NodeError.INSUFFICIENT_FUNDS),
    ("besu", "Known transaction", NodeError.ALREADY_KNOWN),
    ("besu", "Nonce too low", NodeError.NONCE_TOO_LOW),
    ("besu", "Nonce too high", NodeError.NONCE_TOO_HIGH),
    ("besu", "An invalid transaction with a lower nonce exists", NodeError.NONCE_TOO_HIGH),
    ("besu", "Transaction nonce is too distant from current sender nonce", NodeError.NONCE_TOO_HIGH),
    ("besu", "Replacement transaction underpriced", NodeError.REPLACEMENT_UNDERPRICED),
    ("besu", "Upfront cost exceeds account balance", NodeError.INSUFFICIENT_FUNDS),
    (
        "besu",
        "transaction up-front cost 0x1 exceeds transaction sender account balance 0x0",
        NodeError.INSUFFICIENT_FUNDS,
    ),
    ("besu", "Gas price below configured minimum gas price", NodeError.FEE_TOO_LOW),
    ("besu", "Gas price below current base fee", NodeError.FEE_TOO_LOW),
    ("besu", "Intrinsic gas exceeds gas limit", NodeError.GAS_LIMIT),
    ("besu", "Transaction gas limit exceeds block gas limit", NodeError.GAS_LIMIT),
    ("besu", "Transaction fee cap exceeded", NodeError.FEE_CAP),
    ("reth", "already known", NodeError.ALREADY_KNOWN),
    ("reth", "nonce too low: next nonce 5, tx nonce 4", NodeError.NONCE_TOO_LOW),
    ("reth", "replacement transaction underpriced", NodeError.REPLACEMENT_UNDERPRICED),
    ("reth", "transaction underpriced", NodeError.FEE_TOO_LOW),
    ("reth", "insufficient funds for gas * price + value: have 0 want 5", NodeError.INSUFFICIENT_FUNDS),
    ("reth", "txpool is full", NodeError.POOL_FULL),
    ("anvil", "transaction already imported", NodeError.ALREADY_KNOWN),
    ("anvil", "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit", NodeError.GAS_LIMIT),
    ("anvil", "nonce too low", NodeError.NONCE_TOO_LOW),
    ("anvil", "replacement transaction underpriced", NodeError.REPLACEMENT_UNDERPRICED),
    ("anvil", "max fee per gas less than block base fee", NodeError.FEE_TOO_LOW),
    ("anvil", "Insufficient funds for gas * price + value", NodeError.INSUFFICIENT_FUNDS),
    ("a relay", "execution reverted: Case does not exist", NodeError.REVERTED),
    ("anybody", "unknown transaction type", NodeError.UNKNOWN),
    ("anybody", "internal error", NodeError.UNKNOWN),
    ("anybody", "", NodeError.UNKNOWN),
]


@pytest.mark.parametrize(
    ("node", "words", "meaning"), TABLE, ids=[f"{node}: {words[:40]}" for node, words, _ in TABLE]
)
def test_the_words_of_a_node_are_understood(node: str, words: str, meaning: NodeError) -> None:
    """One line per node and sentence; only what a node has already counts as success."""
    assert classify(Rejected(-32000, words)) is meaning


def test_lacking_funds_is_not_a_revert_of_the_contract() -> None:
    """A contract may use the same words; then there is revert data."""
    words = "insufficient funds for gas * price + value"
    assert lacks_funds(CallReverted(None, b"", words))
    assert not lacks_funds(CallReverted(words, b"\x08\xc3\x79\xa0", f"execution reverted: {words}"))
    assert not lacks_funds(CallReverted(None, b"", "execution reverted"))
