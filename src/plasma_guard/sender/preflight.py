"""A call is run without a transaction before gas is spent on it."""

import asyncio
import contextlib
from dataclasses import replace

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.transactions import TxCandidate
from plasma_guard.ports import Call, Chain


async def rehearse(chain: Chain, candidate: TxCandidate, at: BlockStamp | None = None) -> None:
    """Return when the call works at a block (None: newest); raises `CallReverted`, `ChainUnavailable`."""
    await chain.call(_call(candidate), at)


async def measure(chain: Chain, candidate: TxCandidate, margin: int, *, roomy: bool) -> int:
    """Return a gas limit for a call that works now.

    A measured limit is enough if the call works within it, which one simulation shows, while an estimate
    takes nodes several. Where money is not `roomy` enough for it, or there is none, it is the estimate times
    `margin` percent, rounded up. Raises `CallReverted` when the call would fail, `ChainUnavailable` when
    nobody can say.
    """
    if roomy and candidate.gas_limit is not None:
        with contextlib.suppress(CallReverted):  # told again below, with better reasons than "out of gas"
            await chain.call(replace(_call(candidate), gas=candidate.gas_limit))
            return candidate.gas_limit
    return await _estimated(chain, candidate, margin)


async def _estimated(chain: Chain, candidate: TxCandidate, margin: int) -> int:
    """Ask for simulation and estimate at once; the simulation has the first word."""
    call = _call(candidate)
    simulated, gas = await asyncio.gather(chain.call(call), chain.estimate_gas(call), return_exceptions=True)
    if isinstance(simulated, BaseException):
        raise simulated
    if isinstance(gas, BaseException):
        raise gas
    return -(-gas * margin // 100)


def _call(candidate: TxCandidate) -> Call:
    return Call(candidate.to, candidate.data, candidate.account, candidate.value)
