"""A call is run without a transaction before gas is spent on it."""

from plasma_guard.domain.transactions import TxCandidate
from plasma_guard.ports import Call, Chain


async def rehearse(chain: Chain, candidate: TxCandidate) -> None:
    """Return when the call works on the newest block; raises `CallReverted`, `ChainUnavailable`."""
    await chain.call(_call(candidate))


async def measure(chain: Chain, candidate: TxCandidate, margin: int) -> int:
    """Return the gas limit for a call that works now: the estimate times `margin` percent, rounded up.

    Raises `CallReverted` when the call would fail, `ChainUnavailable` when nobody can say. The simulation
    comes first because its reasons are better than those of an estimate.
    """
    await rehearse(chain, candidate)
    return -(-await chain.estimate_gas(_call(candidate)) * margin // 100)


def _call(candidate: TxCandidate) -> Call:
    return Call(candidate.to, candidate.data, candidate.account, candidate.value)
