"""Reads at one block are made once, whoever asks."""

import asyncio

import pytest

from plasma_guard.contracts.sharing import SharedReads
from plasma_guard.domain.errors import ChainUnavailable
from support.builders import stamp


async def test_many_who_ask_at_once_are_answered_by_one_read() -> None:
    """The second waits for the first instead of asking again."""
    shared, asked = SharedReads(), []

    async def read() -> int:
        asked.append(1)
        await asyncio.sleep(0)
        return 7

    assert await asyncio.gather(*(shared.once(stamp(), "key", read) for _ in range(5))) == [7] * 5
    assert len(asked) == 1


async def test_another_key_and_another_block_are_asked_for() -> None:
    """Only the very same read is shared."""
    shared, asked = SharedReads(), []

    async def read() -> int:
        asked.append(1)
        return len(asked)

    found = [
        await shared.once(stamp(block), key, read) for block, key in ((1, "a"), (1, "b"), (2, "a"), (2, "a"))
    ]
    assert found == [1, 2, 3, 3]


async def test_a_failed_read_is_asked_for_again() -> None:
    """An endpoint's failure says nothing about the block."""
    shared = SharedReads()
    answers: list[ChainUnavailable | int] = [ChainUnavailable("gone"), 7]

    async def read() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ChainUnavailable):
        await shared.once(stamp(), "key", read)
    assert await shared.once(stamp(), "key", read) == 7
