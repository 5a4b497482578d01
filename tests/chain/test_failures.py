"""Rate limits are told from what a node says about the question itself."""

import pytest

from plasma_guard.chain.failures import is_overload
from support.node_words import Words, node_words


@pytest.mark.parametrize("row", node_words("Rate limits"), ids=str)
def test_a_rate_limit_is_known_by_its_words(row: Words) -> None:
    """One line of docs/node-errors.md per provider; a refused range or transaction is none."""
    assert is_overload(row.code, row.message) is (row.meaning == "overloaded")


@pytest.mark.parametrize("row", node_words("Refusals of a transaction"), ids=str)
def test_no_refusal_of_a_transaction_is_taken_for_a_rate_limit(row: Words) -> None:
    """Its words must reach the sender."""
    assert not is_overload(row.code, row.message)
