"""Which head is believed when endpoints, or the backends of one endpoint, differ."""

import pytest

from plasma_guard.chain.heads import FRESH_SECONDS, MAX_LAG_BLOCKS, HeadMemory, believable
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.primitives import Hash32, Timestamp

NOW = 1_700_000_000


def head(number: int, *, age: int = 0, fork: int = 0) -> BlockStamp:
    """Return a block of a chain, or of its sibling from the start."""
    return BlockStamp(number, named(number, fork), Timestamp(NOW - age), named(number - 1, fork))


def named(number: int, fork: int) -> Hash32:
    return Hash32(bytes([fork]) + number.to_bytes(31, "big"))


OLD = FRESH_SECONDS + 1


@pytest.mark.parametrize(
    ("heads", "believed"),
    [
        ([head(100)], [True]),
        ([head(100), head(150)], [True, True]),
        ([head(100, age=OLD), head(150)], [False, True]),
        ([head(147, age=OLD), head(150)], [True, True]),
        ([head(147, age=OLD), head(150, age=OLD)], [True, True]),
        ([head(100, age=OLD), head(150, age=OLD)], [False, True]),
        ([head(100), head(150), head(151)], [False, True, True]),
        ([head(99_999), head(150), head(151)], [False, True, True]),
        ([head(150), head(99_999), head(100)], [True, False, False]),
        ([head(100), head(100), head(150), head(150)], [True, True, False, False]),
        ([head(100, age=OLD), head(101, age=OLD), head(150)], [False, False, True]),
        ([head(150), head(151), head(152), head(149), head(90)], [True, True, True, True, False]),
    ],
)
def test_a_majority_of_fresh_heads_is_the_measure(heads: list[BlockStamp], believed: list[bool]) -> None:
    """Three or more outvote one, stale or from the future; of two a fresh one is never put aside."""
    assert believable(heads, NOW) == believed


def test_a_head_that_goes_back_and_forth_is_no_reorg() -> None:
    """A lower block on the way to the best head is a lagging backend of the same URL."""
    memory = HeadMemory()
    for number in range(90, 101):
        assert memory.settle(head(number), number).number == number
    for tick in range(200):
        found = 95 if tick % 2 else 101 + tick
        assert memory.settle(head(found), 101 + tick).number == max(101 + tick - tick % 2, 101)


def test_another_block_at_a_known_height_is_a_reorg_at_once() -> None:
    """Even if the new chain is shorter: its hash is not the one that was there."""
    memory = HeadMemory()
    for number in range(90, 101):
        memory.settle(head(number), 0)
    assert memory.settle(head(98, fork=1), 1) == head(98, fork=1)
    assert memory.settle(head(99, fork=1), 2) == head(99, fork=1)


def test_a_best_head_that_nobody_shows_any_more_is_given_up() -> None:
    """A minute later the lower block counts: better a head that is behind than one that cannot be read."""
    memory = HeadMemory()
    memory.settle(head(100 + MAX_LAG_BLOCKS), 0)
    assert memory.settle(head(90), FRESH_SECONDS).number == 100 + MAX_LAG_BLOCKS
    assert memory.settle(head(90), FRESH_SECONDS + 1).number == 90
