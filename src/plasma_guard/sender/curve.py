"""How the price of one intent goes up with root-chain time: from today's estimate to all it may cost.

While there is time, a spike is waited out: the offer begins at what gas usually costs and climbs in a
straight line. Waiting stops where it could cost the deadline: in the second half of the window, in the last
blocks, and when a few blocks of growth would carry the base fee above the limit. It grows at most 12.5 % a
block (EIP-1559), so a price that fits now is never let slip by patience.
"""

from dataclasses import dataclass

from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.domain.transactions import FeeFacts, Fees
from plasma_guard.sender import fees

LEAD_BLOCKS = 1
"""The curve ends so many blocks before the deadline: the offer made then must still be mined."""
LAST_BLOCKS = 2
"""With so few blocks left, there is nothing to save by a smaller offer."""
ESCAPE_BLOCKS = 2
"""An offer may miss the next block and the one after it: so much growth of the base fee is reckoned with."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The prices of one intent, all in wei per gas; times are root-chain seconds.

    `start` is when it was first priced, `soft` and `hard` are its window's. `limit` is the most that may be
    offered, `late_limit` the same from `soft` on.
    """

    start: Timestamp
    soft: Timestamp
    hard: Timestamp
    block_time: int
    limit: Wei
    late_limit: Wei

    def limit_at(self, now: Timestamp) -> Wei:
        """Return the most that may be offered at `now`."""
        return self.late_limit if now >= self.soft else self.limit

    def offer(self, facts: FeeFacts, now: Timestamp) -> Fees:
        """Return what to offer at `now`; never falls with time while the facts stay.

        All there is goes into both fields once nothing can be won by keeping some back. Before that, the cap
        leaves room for one replacement, or an offer that turns out too small could not be raised any more.
        """
        limit = self.limit_at(now)
        if self._is_last_call(now) or self._is_escaping(facts, limit):
            return Fees(limit, limit)
        today = fees.quote(facts)
        price = self._climbed(fees.calm_quote(facts).max_fee, limit, now)
        if now >= self.soft:
            price = max(price, today.max_fee)
        cap = Wei(min(price, _with_room(limit)))
        return Fees(cap, cap if facts.base_fee is None else Wei(min(today.max_priority_fee, cap)))

    def rise(self, current: Fees, facts: FeeFacts, now: Timestamp) -> Fees | None:
        """Return prices that replace `current`; None at the limit, and while a rise would change nothing.

        It changes nothing where neither the present offer nor the next one can be mined yet.
        """
        wanted = self.offer(facts, now)
        need = fees.attractive(facts)
        if max(current.max_fee, wanted.max_fee) < need and self.is_patient(facts, now):
            return None
        limit = self.limit_at(now)
        return fees.replacement(current, wanted, limit if wanted.max_fee == limit else _with_room(limit))

    def is_behind(self, current: Fees, facts: FeeFacts, now: Timestamp) -> bool:
        """Whether `current` is left behind by market or time, and a rise that is allowed helps."""
        lags = current.max_fee < fees.attractive(facts) or self._is_last_call(now)
        return lags and self.rise(current, facts, now) is not None

    def is_patient(self, facts: FeeFacts, now: Timestamp) -> bool:
        """Whether waiting is free: there is time, and what fits the limit now does so some blocks later."""
        if facts.base_fee is None or now >= self.soft or self._is_last_call(now):
            return False
        return not self._is_escaping(facts, self.limit_at(now))

    def _is_escaping(self, facts: FeeFacts, limit: Wei) -> bool:
        """Whether the next block can take what the limit allows, and some blocks later none may."""
        base_fee = facts.base_fee or 0
        later = base_fee * 9**ESCAPE_BLOCKS // 8**ESCAPE_BLOCKS + facts.tip
        return base_fee <= limit and _with_room(limit) < later

    def _climbed(self, low: Wei, limit: Wei, now: Timestamp) -> int:
        end = self.hard - LEAD_BLOCKS * self.block_time
        if low >= limit or now >= end:
            return limit
        passed, whole = max(0, now - self.start), end - self.start
        return low + (limit - low) * passed // whole if whole > 0 else limit

    def _is_last_call(self, now: Timestamp) -> bool:
        return self.hard - now <= LAST_BLOCKS * self.block_time


def _with_room(limit: Wei) -> Wei:
    """Return the highest cap that leaves room for one replacement within a limit."""
    return Wei(limit * 8 // 9)
