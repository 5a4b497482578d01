"""Many proofs of one block cost one pass over its tree."""

from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.exits import Generation
from plasma_guard.plasma.rules import rules_for


@given(st.integers(1, 40), st.data(), st.sampled_from(list(Generation)))
def test_many_proofs_are_the_single_proofs(leaves: int, data: st.DataObject, generation: Generation) -> None:
    """Each is byte for byte what asking for it alone gives."""
    rules = rules_for(generation)
    txs = [bytes([number]) * 3 for number in range(leaves)]
    indexes = data.draw(st.sets(st.integers(0, leaves - 1)))
    assert rules.merkle_proofs(txs, indexes) == {at: rules.merkle_proof(txs, at) for at in indexes}
