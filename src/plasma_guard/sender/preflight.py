"""A call is run without a transaction before gas is spent on it."""

from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import TxCandidate
from plasma_guard.ports import Call, Chain


async def measure(chain: Chain, candidate: TxCandidate, margin: int) -> int:
    """Return the gas limit for a call that works now: the estimate times `margin` percent, rounded up.

    Raises `CallReverted` when the call would fail, `ChainUnavailable` when nobody can say. The simulation
    comes first because its reasons are better than those of an estimate.
    """
    call = Call(candidate.to, candidate.data, candidate.account, Wei(candidate.value))
    await chain.call(call)
    return -(-await chain.estimate_gas(call) * margin // 100)
