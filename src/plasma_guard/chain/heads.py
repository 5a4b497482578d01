"""Which of several claims about the newest block is believed, and that it does not jump about."""

from collections.abc import Sequence

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.primitives import Hash32

MAX_LAG_BLOCKS = 3
"""An endpoint further behind the best one is not read from."""
FRESH_SECONDS = 60
"""A head at most this old is current whatever another endpoint claims; so is one remembered."""
REMEMBERED_BLOCKS = 256


def believable(heads: Sequence[BlockStamp], now: float) -> list[bool]:
    """Return which heads are current, given the wall clock in seconds.

    From three fresh heads on, the one that most of them have reached is the measure, in both directions: who
    is behind it is stale, who is far ahead of it is alone with what it says. Of two nobody can tell which is
    right: a fresh one is believed as it is, a stale one only near the other.
    """
    fresh = [head.timestamp >= now - FRESH_SECONDS for head in heads]
    voters = sorted(
        head.number for head, is_fresh in zip(heads, fresh, strict=True) if is_fresh or not any(fresh)
    )
    if len(voters) > 2:  # noqa: PLR2004 (two cannot outvote each other)
        measure = voters[(len(voters) - 1) // 2]
        return [abs(head.number - measure) <= MAX_LAG_BLOCKS for head in heads]
    return [
        is_fresh or voters[-1] - head.number <= MAX_LAG_BLOCKS
        for head, is_fresh in zip(heads, fresh, strict=True)
    ]


class HeadMemory:
    """Keeps the head from going back when a backend of a load balancer merely lags.

    A lower block that was seen on the way to the best head says nothing new; another block at its height is a
    reorg and counts at once. After `FRESH_SECONDS` a best head that nobody shows any more is given up.
    """

    def __init__(self) -> None:
        self._best: BlockStamp | None = None
        self._seen_at = float("-inf")
        self._way: dict[int, Hash32] = {}

    def settle(self, found: BlockStamp, now: float) -> BlockStamp:
        """Return the head to go by; `now` is monotonic seconds."""
        best = self._best
        if best is not None and found.number < best.number:
            way = self._way.get(found.number, found.hash)
            if way == found.hash and now - self._seen_at <= FRESH_SECONDS:
                return best
        kept = range(found.number - REMEMBERED_BLOCKS, found.number)
        self._way = {number: known for number, known in self._way.items() if number in kept}
        self._way |= {found.number - 1: found.parent, found.number: found.hash}
        self._best, self._seen_at = found, now
        return found
