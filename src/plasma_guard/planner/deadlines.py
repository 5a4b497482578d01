"""When an exit is ripe, whether that is ahead of what is wrong, and until when it still would be.

A queue pays in the order of (exitable time, transaction position). All times are root-chain seconds; P is
minExitPeriod. An exit started at time t is ripe after max(floor, t + P), where the floor is the submission of
the block it is dated by + 2P, and none for a deposit (`plasma.periods`).
"""

from dataclasses import dataclass

from plasma_guard.domain.decisions import Window
from plasma_guard.domain.plan import BadBlock, BadExit, Timing, Trouble
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Seconds, Timestamp, Wei


@dataclass(frozen=True, slots=True)
class Dating:
    """What dates an exit: its place in the queue and its floor, None for a deposit's standard exit.

    `fixed` is its exitable time where that is settled already. Nothing can be done at or after `closes`.
    """

    position: UtxoPosition
    floor: Timestamp | None
    fixed: Timestamp | None = None
    closes: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What starting now brings: when it is ripe, whether that is ahead, and the first second too late."""

    exitable_at: Timestamp
    timing: Timing
    hard: Timestamp | None

    @property
    def good(self) -> bool:
        """Whether no other way out could be better."""
        return self.timing is not Timing.LATE


class Deadlines:
    """Judges exits against one trouble, or none."""

    def __init__(self, now: Timestamp, period: Seconds, trouble: Trouble | None) -> None:
        self._now = now
        self._period = period
        self._tokens: frozenset[Address] = frozenset()
        self._threat: tuple[Timestamp, UtxoPosition] | None = None
        match trouble:
            case BadBlock(blknum=blknum, submitted_at=submitted_at):
                # Nothing made up in that block can be ripe before: its own exits are dated by it.
                self._threat = (Timestamp(submitted_at + 2 * period), UtxoPosition(blknum, 0, 0))
            case BadExit(position=position, exitable_at=exitable_at, tokens=tokens):
                self._threat = (exitable_at, position.tx_position)
                self._tokens = tokens

    def judge(self, dating: Dating, token: Address) -> Judged:
        """Judge an exit of `token` that is started, or joined, now."""
        exitable_at = dating.fixed
        if exitable_at is None:
            exitable_at = Timestamp(max(dating.floor or 0, self._now + self._period))
        if self._threat is None or (self._tokens and token not in self._tokens):
            return Judged(exitable_at, Timing.UNBOUND, dating.closes)
        threat_at, threat_position = self._threat
        settled = dating.fixed if dating.fixed is not None else dating.floor
        if settled is not None and (settled, dating.position.tx_position) >= (threat_at, threat_position):
            return Judged(exitable_at, Timing.LATE, dating.closes)
        if dating.fixed is not None:
            return Judged(exitable_at, Timing.IN_TIME, dating.closes)
        # At threat_at - P a tie would decide, and not every position wins it.
        hard = Timestamp(threat_at - self._period)
        if self._now >= hard:
            return Judged(exitable_at, Timing.LATE, dating.closes)
        return Judged(exitable_at, Timing.IN_TIME, _earliest(hard, dating.closes))

    def window(self, judged: Judged, *, lead: Seconds, budget: Wei) -> Window:
        """Return when the calls must be mined: a late exit at once, one without a deadline at leisure."""
        if judged.timing is Timing.LATE:
            return Window(self._now, _earliest(Timestamp(self._now + lead), judged.hard), budget)
        hard = Timestamp(self._now + self._period) if judged.hard is None else judged.hard
        if judged.timing is Timing.UNBOUND:
            hard = _earliest(Timestamp(self._now + self._period), judged.hard)
        return Window(Timestamp(max(self._now, hard - lead)), hard, budget)


def _earliest(first: Timestamp, other: Timestamp | None) -> Timestamp:
    return first if other is None else min(first, other)
