"""Random values of the plasma chain for property tests."""

from hypothesis import strategies as st

from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import MAX_TXINDEX, UtxoPosition
from plasma_guard.domain.primitives import ZERO_ADDRESS, Address, Wei
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.transaction import Output

ALL_RULES = [rules_for(generation) for generation in Generation]
MAX_BLKNUM = 180_143_985_094
"""The largest block number that every generation allows."""

addresses = st.binary(min_size=20, max_size=20).map(Address)
owners = addresses.filter(lambda address: address != ZERO_ADDRESS)
amounts = st.integers(1, 2**256 - 1).map(Wei)
contents = st.none() | st.binary(min_size=32, max_size=32)
private_keys = st.integers(1, 2**255).map(lambda n: n.to_bytes(32))
positions = st.builds(
    UtxoPosition,
    blknum=st.integers(1, MAX_BLKNUM),
    txindex=st.integers(0, MAX_TXINDEX),
    oindex=st.integers(0, 255),
)
outputs = st.builds(Output, owner=owners, token=addresses, amount=amounts)


@st.composite
def payments(draw: st.DrawFn, rules: PlasmaRules) -> bytes:
    """Draw the unsigned RLP of a payment."""
    spent = draw(st.lists(positions, max_size=rules.max_inputs))
    paid = draw(st.lists(outputs, min_size=1, max_size=rules.max_outputs))
    return rules.encode(spent, paid, draw(contents))
