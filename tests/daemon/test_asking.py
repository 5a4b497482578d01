"""The same question is put to a Watcher once at a time, and only so many are put at once."""

import asyncio
from typing import Any, cast

import pytest

from plasma_guard.daemon.asking import QUESTIONS_AT_ONCE, Asking
from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.ports import Watcher


class Slow:
    """Answers questions about outputs once `answers` is set; refuses those in block 13."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.answers = asyncio.Event()

    async def exit_data(self, position: UtxoPosition) -> object:
        self.asked.append(position.blknum)
        await self.answers.wait()
        if position.blknum == 13:
            raise WatcherRefused("exit:invalid", None)
        return position

    async def challenge_data(self, position: UtxoPosition) -> object:
        return await self.exit_data(position)


def position(blknum: int) -> UtxoPosition:
    return UtxoPosition(blknum, 0, 0)


def asking(watcher: Slow) -> Asking:
    return Asking(cast("Watcher", cast("Any", watcher)))


async def settled() -> None:
    """Let everything that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_question_asked_while_its_answer_is_under_way_is_not_put_again() -> None:
    """Both get the one answer; another question, and the same one afterwards, are put."""
    watcher = Slow()
    guard = asking(watcher)
    both = asyncio.gather(*(guard.exit_data(position(blknum)) for blknum in (1, 1, 2)))
    await settled()
    assert watcher.asked == [1, 2]
    watcher.answers.set()
    assert list[object](await both) == [position(1), position(1), position(2)]
    await guard.exit_data(position(1))
    assert watcher.asked == [1, 2, 1]


async def test_a_refusal_is_everybodys_and_is_not_kept() -> None:
    """Nor does it make one question of two endpoints."""
    watcher = Slow()
    guard = asking(watcher)
    watcher.answers.set()
    told = await asyncio.gather(
        *(guard.exit_data(position(13)) for _ in range(2)),
        guard.challenge_data(position(13)),
        return_exceptions=True,
    )
    assert [type(each) for each in told] == [WatcherRefused] * 3
    assert watcher.asked == [13, 13]
    with pytest.raises(WatcherRefused):
        await guard.exit_data(position(13))


async def test_no_more_than_so_many_questions_are_under_way() -> None:
    """The rest is put as answers come in."""
    watcher = Slow()
    guard = asking(watcher)
    everything = asyncio.gather(*(guard.exit_data(position(n)) for n in range(100, 150)))
    await settled()
    assert len(watcher.asked) == QUESTIONS_AT_ONCE
    watcher.answers.set()
    assert len(await everything) == 50


async def test_who_is_cancelled_takes_no_one_along() -> None:
    """The other one gets the answer all the same."""
    watcher = Slow()
    guard = asking(watcher)
    first, second = (asyncio.create_task(guard.exit_data(position(1))) for _ in range(2))
    await settled()
    first.cancel()
    watcher.answers.set()
    assert cast("object", await second) == position(1)
    assert watcher.asked == [1]
