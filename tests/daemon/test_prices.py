"""Prices are asked for once per block."""

import asyncio
from typing import cast

import pytest

from plasma_guard.daemon.prices import Prices
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.domain.transactions import FeeFacts
from plasma_guard.ports import Chain
from support.builders import stamp


class Node:
    """A tip of one wei more with each question; `down` for one question."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False

    async def fee_facts(self) -> FeeFacts:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            self.down = False
            raise ChainUnavailable("gone")
        return FeeFacts(Wei(1), Wei(self.asked), Timestamp(0))


async def test_everybody_at_one_block_gets_what_was_read_first() -> None:
    """And the next block has its own prices."""
    node = Node()
    prices = Prices(cast("Chain", node))
    found = await asyncio.gather(*(prices.at(stamp(number)) for number in (1, 1, 2, 2)))
    assert [each.tip for each in found] == [1, 1, 2, 2]


async def test_a_failure_is_asked_about_again() -> None:
    """The next who wants to know puts the question."""
    node = Node()
    node.down = True
    prices = Prices(cast("Chain", node))
    with pytest.raises(ChainUnavailable):
        await prices.at(stamp(1))
    assert (await prices.at(stamp(1))).tip == 2
