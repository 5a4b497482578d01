"""Reads at one block go out together, and once, whoever asks."""

import asyncio
from collections.abc import Sequence

import pytest

from plasma_guard.contracts.sharing import SharedReads
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import ChainUnavailable, ContractError
from support.builders import stamp


class Endpoint:
    """Answers a key with its capital and the block; a key in `refused` spoils the question it is part of."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.down = False

    async def read(self, keys: Sequence[str], at: BlockStamp) -> list[str]:
        self.asked.append("".join(keys))
        await asyncio.sleep(0)
        if self.down:
            raise ChainUnavailable("gone")
        if self.refused.intersection(keys):
            raise ContractError("refused")
        return [f"{key.upper()}{at.number}" for key in keys]


async def test_what_is_asked_at_the_same_moment_is_one_question_with_each_key_once() -> None:
    """Whoever asks gets the answers to its own keys, in its own order."""
    endpoint = Endpoint()
    shared = SharedReads(endpoint.read)
    found = await asyncio.gather(*(shared.all(keys, stamp(1)) for keys in ("ab", "ba", "c")))
    assert found == [["A1", "B1"], ["B1", "A1"], ["C1"]]
    assert endpoint.asked == ["abc"]


async def test_only_the_very_same_read_at_the_very_same_block_is_answered_from_memory() -> None:
    """Another key, and another block, are asked for."""
    endpoint = Endpoint()
    shared = SharedReads(endpoint.read)
    found = [await shared.one(key, stamp(block)) for block, key in ((1, "a"), (1, "b"), (1, "a"), (2, "a"))]
    assert found == ["A1", "B1", "A1", "A2"]
    assert endpoint.asked == ["a", "b", "a"]


async def test_a_failed_read_is_asked_for_again() -> None:
    """An endpoint's failure says nothing about the block; everybody who waited is told."""
    endpoint = Endpoint()
    shared = SharedReads(endpoint.read)
    endpoint.down = True
    told = await asyncio.gather(*(shared.one(key, stamp(1)) for key in "ab"), return_exceptions=True)
    assert [type(each) for each in told] == [ChainUnavailable] * 2
    endpoint.down = False
    assert await shared.one("a", stamp(1)) == "A1"


async def test_a_refused_key_spoils_no_other() -> None:
    """Asked together and refused, each is asked alone, and only whose key it is hears of the refusal."""
    endpoint = Endpoint()
    shared = SharedReads(endpoint.read)
    endpoint.refused = {"b"}
    good, bad = await asyncio.gather(
        shared.all("ac", stamp(1)), shared.all("b", stamp(1)), return_exceptions=True
    )
    assert good == ["A1", "C1"]
    assert isinstance(bad, ContractError)


async def test_who_is_cancelled_takes_nobody_along() -> None:
    """The others' question is the same one, and it is not given up."""
    endpoint = Endpoint()
    shared = SharedReads(endpoint.read)
    first, second = (asyncio.create_task(shared.one("a", stamp(1))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "A1"
    with pytest.raises(asyncio.CancelledError):
        await first
