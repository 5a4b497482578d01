"""The newest block, asked for once where several want to know it."""

import asyncio
from typing import cast

from plasma_guard.daemon.heads import Heads
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.primitives import Hash32, Timestamp
from plasma_guard.ports import Chain
from support.clock import FakeClock


def block(number: int) -> BlockStamp:
    return BlockStamp(number, Hash32(bytes([number]) * 32), Timestamp(number), Hash32(bytes(32)))


class Answers:
    """A chain whose answers come when the test says so."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[BlockStamp]] = []

    async def head(self) -> BlockStamp:
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]


def make() -> tuple[Heads, Answers, FakeClock]:
    chain, clock = Answers(), FakeClock()
    return Heads(cast("Chain", chain), clock, 8), chain, clock


async def test_a_recent_answer_is_good_for_its_lifetime() -> None:
    """Somebody else's answer will do; once it is old, the chain is asked."""
    heads, chain, clock = make()
    asking = asyncio.create_task(heads.newest())
    await asyncio.sleep(0)
    chain.asked[0].set_result(block(1))
    assert await asking == block(1)
    clock.advance(8)
    assert await heads.recent() == block(1)
    clock.advance(0.1)
    asking = asyncio.create_task(heads.recent())
    await asyncio.sleep(0)
    chain.asked[1].set_result(block(2))
    assert await asking == block(2)


async def test_an_answer_that_was_overtaken_is_not_remembered() -> None:
    """A slow answer to an early question would take everybody back in time."""
    heads, chain, clock = make()
    early = asyncio.create_task(heads.newest())
    await asyncio.sleep(0)
    clock.advance(1)
    late = asyncio.create_task(heads.newest())
    await asyncio.sleep(0)
    chain.asked[1].set_result(block(2))
    assert await late == block(2)
    chain.asked[0].set_result(block(1))
    assert await early == block(1)
    assert await heads.recent() == block(2)
