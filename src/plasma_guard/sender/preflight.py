"""A call is run without a transaction before gas is spent on it."""

import asyncio

from plasma_guard.domain.transactions import TxCandidate
from plasma_guard.ports import Call, Chain


async def rehearse(chain: Chain, candidate: TxCandidate) -> None:
    """Return when the call works on the newest block; raises `CallReverted`, `ChainUnavailable`."""
    await chain.call(_call(candidate))


async def measure(chain: Chain, candidate: TxCandidate, margin: int) -> int:
    """Return the gas limit for a call that works now: the estimate times `margin` percent, rounded up.

    Raises `CallReverted` when the call would fail, `ChainUnavailable` when nobody can say. Both are asked
    for at once; the simulation has the first word because its reasons are better than those of an estimate.
    """
    call = _call(candidate)
    simulated, gas = await asyncio.gather(chain.call(call), chain.estimate_gas(call), return_exceptions=True)
    if isinstance(simulated, BaseException):
        raise simulated
    if isinstance(gas, BaseException):
        raise gas
    return -(-gas * margin // 100)


def _call(candidate: TxCandidate) -> Call:
    return Call(candidate.to, candidate.data, candidate.account, candidate.value)
