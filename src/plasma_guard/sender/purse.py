"""What may be spent: by all calls of a day together, and by one call while others are open.

The day is the last 24 hours of root-chain time, so no midnight frees money in the middle of an incident. What
was spent is known from the journal's outcomes; what signed bytes may still cost counts in full until they are
settled.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from plasma_guard.domain.primitives import Timestamp, Wei

DAY = 86_400


class Spending(Protocol):
    """The part of the journal that knows what calls did cost."""

    async def costs(self, since: Timestamp) -> dict[str, tuple[Timestamp, Wei]]:
        """Return when each intent settled after `since` was settled, and what its gas did cost."""
        ...


class Purse:
    """The gas of all accounts over the last day, in wei; without a cap it refuses nothing."""

    def __init__(self, journal: Spending, max_cost_per_day: Wei | None) -> None:
        self._journal = journal
        self.cap = max_cost_per_day
        self._spent: dict[str, tuple[Timestamp, Wei]] = {}
        self._opened = False
        self._held: dict[str, int] = {}

    async def open(self, now: Timestamp) -> None:
        """Read what was spent before this start, once; raises `JournalError`."""
        if not self._opened:
            found = await self._journal.costs(Timestamp(now - DAY))
            # What was settled meanwhile is known better here.
            self._spent = found | self._spent
            self._opened = True

    def hold(self, intent: str, worst: int) -> None:
        """Note what the gas of an intent's newest signed bytes may cost, in wei."""
        self._held[intent] = worst

    def settle(self, intent: str, cost: Wei | None, at: Timestamp) -> None:
        """Note what an intent's gas did cost; None when nothing of it was mined."""
        self._held.pop(intent, None)
        if cost is not None:
            self._spent[intent] = (at, cost)

    def spent(self, now: Timestamp) -> Wei:
        """Return what settled calls cost in the day before `now`."""
        return Wei(sum(cost for at, cost in self._spent.values() if at > now - DAY))

    def left_for(self, intent: str, now: Timestamp) -> Wei | None:
        """Return what the gas of an intent may come to; None without a cap."""
        if self.cap is None:
            return None
        held = sum(worst for other, worst in self._held.items() if other != intent)
        return Wei(max(0, self.cap - self.spent(now) - held))


@dataclass(frozen=True, slots=True)
class Claim:
    """What one open call may take from its account, in wei.

    `held` is the worst case of its signed bytes, 0 while nothing is signed; `need` is what signing it now
    takes. `stake` is what it may cost at most, which follows from what is at stake. `hard` is its deadline;
    `urgent` says that its soft time has passed.
    """

    intent: str
    held: int
    need: int
    stake: int
    hard: Timestamp
    urgent: bool

    @property
    def rank(self) -> tuple[int, int, str]:
        """The order in which money goes round when there is not enough: most at stake, then nearest end."""
        return (-self.stake, self.hard, self.intent)

    @property
    def wanted(self) -> int:
        """What must be kept for it while it is unsigned."""
        return 0 if self.held else self.need


class Ledger:
    """One account's balance and the claims on it at one moment.

    `reserve` is kept for urgent calls. When the balance does not cover all claims, money goes by rank.
    """

    def __init__(self, balance: int, reserve: int, claims: Iterable[Claim]) -> None:
        self._balance = balance
        self._reserve = reserve
        self._claims = {claim.intent: claim for claim in claims}
        self._held = sum(claim.held for claim in self._claims.values())
        self._wanted = sum(claim.wanted for claim in self._claims.values())

    def available(self, intent: str) -> int:
        """Return what a call may take, its signed bytes included; below 0 by what others ahead of it lack."""
        mine = self._claims[intent]
        floor = 0 if mine.urgent else self._reserve
        free = self._balance - self._held + mine.held
        after_all = free - max(floor, self._wanted - mine.wanted)
        if after_all >= max(mine.held, mine.need):
            return after_all
        ahead = sum(claim.wanted for claim in self._claims.values() if claim.rank < mine.rank)
        return free - max(floor, ahead)

    def hold(self, intent: str, held: int) -> None:
        """Note that a call was signed at a worst case of so many wei."""
        old = self._claims[intent]
        new = self._claims[intent] = replace(old, held=held)
        self._held += new.held - old.held
        self._wanted += new.wanted - old.wanted
