"""What nodes say about a broadcast is understood, in every dialect."""

import pytest

from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.transactions import Rejected
from plasma_guard.sender import node_errors
from plasma_guard.sender.node_errors import NodeError, classify, lacks_funds
from support.node_words import Words, node_words

TABLE = node_words("Refusals of a transaction")


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_words_of_a_node_are_understood(row: Words) -> None:
    """One line of docs/node-errors.md per node and sentence; only what a node has already is success."""
    assert classify(Rejected(row.code, row.message)) is NodeError(row.meaning)


@pytest.mark.parametrize("phrase", [phrase for phrase, _ in node_errors._PHRASES])
def test_every_phrase_that_is_known_is_documented_with_a_full_message(phrase: str) -> None:
    """A phrase without the sentence it was taken from could not be checked against any node."""
    first = [
        next(p for p, _ in node_errors._PHRASES if p in row.message.lower()) for row in TABLE if _known(row)
    ]
    assert phrase in first


def _known(row: Words) -> bool:
    return any(phrase in row.message.lower() for phrase, _ in node_errors._PHRASES)


@pytest.mark.parametrize("words", ["", "ok", "success", "accepted", "0x" + "11" * 32, "known", "duplicate"])
def test_words_that_nobody_is_known_to_use_are_never_success(words: str) -> None:
    """Not even friendly ones: a refusal is a refusal until it is in the table."""
    assert classify(Rejected(-32000, words)) is NodeError.UNKNOWN


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (["Internal error", "already known"], NodeError.ALREADY_KNOWN),
        (["nonce too low", "txpool is full", "Known transaction"], NodeError.ALREADY_KNOWN),
        (["Internal error", "transaction underpriced"], NodeError.FEE_TOO_LOW),
        (["insufficient funds", "nonce too low"], NodeError.INSUFFICIENT_FUNDS),
        (["Internal error", "node is syncing"], NodeError.UNKNOWN),
    ],
)
def test_one_node_that_has_the_bytes_outweighs_every_refusal(said: list[str], meaning: NodeError) -> None:
    """Else the most trusted one whose words are understood decides."""
    first, *others = [Rejected(-32000, words) for words in said]
    assert classify(Rejected(first.code, first.message, others=tuple(others))) is meaning


def test_lacking_funds_is_not_a_revert_of_the_contract() -> None:
    """A contract may use the same words; then there is revert data."""
    words = "insufficient funds for gas * price + value"
    assert lacks_funds(CallReverted(None, b"", words))
    assert not lacks_funds(CallReverted(words, b"\x08\xc3\x79\xa0", f"execution reverted: {words}"))
    assert not lacks_funds(CallReverted(None, b"", "execution reverted"))
