"""What one intent needs next, given facts; no I/O, and time comes in as a fact.

An intent is unsigned, waiting (its newest bytes hold their nonce), displaced (another intent's bytes are to
be mined at that nonce), beaten (another transaction was), or mined. Its hashes are watched in all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from plasma_guard.domain.primitives import Hash32
from plasma_guard.domain.transactions import Attempt, AttemptStatus, Confirmed, Receipt, Reverted
from plasma_guard.sender.node_errors import NodeError


class Step(Enum):
    """What to do with an intent now."""

    SIGN = auto()
    """Nothing that can be mined is signed: choose a nonce and prices, and sign."""
    BUMP = auto()
    """The newest attempt waits too long or pays too little: replace it if allowed, else broadcast."""
    BROADCAST = auto()
    """Hand out the newest attempt's bytes, first or again."""
    WAIT = auto()
    REPLAN = auto()
    """The nonce went to another transaction for good: give it up."""
    SETTLE = auto()
    """Mined and deep enough."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the chain said about one intent at one head.

    `mined_count` is the account's lowest unused nonce, `settled_count` the same as of so many blocks ago as
    the intent must wait before it believes that another transaction has its nonce; `receipts` are those of
    the intent's own hashes; `now` is monotonic seconds. `behind` says that the newest attempt's price has
    fallen behind market or time and may be raised, `displaced` that another intent's bytes are to be mined at
    its nonce, and `takes_back` that they are to be outbid.
    """

    head: int
    now: float
    mined_count: int
    receipts: Mapping[Hash32, Receipt]
    settled_count: int = 0
    behind: bool = False
    displaced: bool = False
    takes_back: bool = False


class SendState:
    """The attempts of one intent and how far the newest got."""

    def __init__(
        self,
        attempts: Sequence[Attempt],
        now: float,
        *,
        confirmations: int,
        bump_after: float,
        foreign_heads: int,
    ) -> None:
        """Start from what is on disk; the wait for a bump begins `now`: nobody knows when it began."""
        self.attempts = list(attempts)
        self.receipt: Receipt | None = None
        self.refusal: NodeError | None = None
        """Why no node took the newest bytes when they were last handed out; None if one did."""
        self.outbids_rivals = True
        """Whether a replacement must beat what other calls offered for the nonce, too."""
        self._confirmations = confirmations
        self._bump_after = bump_after
        self._foreign_needed = foreign_heads
        self._beaten_seen: set[int] = set()
        self._signed_at = now
        self._offered_at_head: int | None = None
        self._must_bump = False
        self._outbid_from = 0

    @property
    def current(self) -> Attempt | None:
        """The attempt to keep alive: the newest that has not been given up."""
        alive = [attempt for attempt in self.attempts if attempt.status is not AttemptStatus.DROPPED]
        return alive[-1] if alive else None

    @property
    def to_outbid(self) -> Attempt | None:
        """The dearest attempt at the present nonce that pools may hold: what a replacement must beat."""
        current = self.current
        if current is None:
            return None
        held = [each for each in self.attempts[self._outbid_from :] if each.nonce == current.nonce]
        return max(held, key=lambda attempt: attempt.fees.max_fee, default=current)

    @property
    def in_flight(self) -> bool:
        """Whether signed bytes wait to be mined."""
        return self.receipt is None and self.current is not None

    @property
    def mined_nonce(self) -> int | None:
        """The nonce at which it is mined, as far as is known now."""
        mined = self.receipt.tx_hash if self.receipt is not None else None
        return next((attempt.nonce for attempt in self.attempts if attempt.hash == mined), None)

    def next_step(self, facts: Facts) -> Step:
        """Return what to do now; it notes what the facts say about mining, so ask once per tick."""
        found = [facts.receipts[each.hash] for each in self.attempts if each.hash in facts.receipts]
        was_mined = self.receipt is not None
        self.receipt = found[-1] if found else None
        if self.receipt is not None:
            self._beaten_seen.clear()
            depth = facts.head - self.receipt.block_number + 1
            return Step.SETTLE if depth >= self._confirmations else Step.WAIT
        if was_mined:
            # A reorg took it out: the pool may have lost it too, and its wait begins again.
            self._offered_at_head = None
            self._signed_at = facts.now
        current = self.current
        if current is None:
            return Step.SIGN
        if facts.mined_count > current.nonce:
            return self._nonce_used(facts, current.nonce)
        self._beaten_seen.clear()
        if facts.displaced:
            return Step.BUMP if facts.takes_back else Step.WAIT
        behind = facts.behind and self.unoffered(facts.head)
        if self._must_bump or behind or facts.now - self._signed_at >= self._bump_after:
            return Step.BUMP
        return Step.BROADCAST if self.unoffered(facts.head) else Step.WAIT

    def patience(self, *, urgent: bool) -> int:
        """Return how deep another transaction on our nonce must be before it is believed, in blocks."""
        return self._foreign_needed if urgent else max(self._foreign_needed, self._confirmations)

    @property
    def is_taken(self) -> bool:
        """Whether a node took the newest bytes when they were last handed out."""
        return self._offered_at_head is not None and self.refusal is None

    def unoffered(self, head: int) -> bool:
        """Whether the newest bytes have not been handed out since this head came."""
        return self._offered_at_head is None or head > self._offered_at_head

    def signed(self, attempt: Attempt, now: float, *, lowered: bool = False) -> None:
        """Note a new attempt, which is on disk; `lowered`: no pool holds the ones before it any more."""
        if lowered:
            self._outbid_from = len([each for each in self.attempts if each.hash != attempt.hash])
            self.outbids_rivals = False
        # The same prices again are the same bytes again.
        self.attempts = [each for each in self.attempts if each.hash != attempt.hash] + [attempt]
        self._signed_at = now
        self._offered_at_head = None
        self._must_bump = False
        self.refusal = None

    def offered(self, head: int) -> None:
        """Note that a node has the newest bytes; they are handed out again at the next head."""
        self._offered_at_head = head
        self.refusal = None

    def rejected(self, error: NodeError, head: int) -> None:
        """Note why no node took the newest bytes."""
        self._offered_at_head = head
        self.refusal = error
        if error in {NodeError.REPLACEMENT_UNDERPRICED, NodeError.FEE_TOO_LOW}:
            self._must_bump = True
        if error is NodeError.REPLACEMENT_UNDERPRICED:
            # A pool we do not know of still has an older one.
            self._outbid_from = 0
            self.outbids_rivals = True

    def cannot_bump(self) -> None:
        """Note that the price is at its limit: the same bytes go on being handed out."""
        self._must_bump = False

    def mark(self, tx_hash: Hash32, status: AttemptStatus) -> None:
        """Note an attempt's status, which is on disk."""
        self.attempts = [
            replace(each, status=status) if each.hash == tx_hash else each for each in self.attempts
        ]

    def abandon(self) -> None:
        """Give up the nonce; the hashes stay watched, because a reorg can still mine one of them."""
        for attempt in self.attempts:
            self.mark(attempt.hash, AttemptStatus.DROPPED)
        self._beaten_seen.clear()

    def outcome(self) -> Confirmed | Reverted:
        """Return what the receipt says; only after `Step.SETTLE`."""
        if self.receipt is None:
            raise RuntimeError("an intent without a receipt has no outcome: ask next_step first")
        return Confirmed(self.receipt) if self.receipt.success else Reverted(self.receipt)

    def _nonce_used(self, facts: Facts, nonce: int) -> Step:
        """Wait until it is deep, and enough heads agree: a node may show the nonce before our receipt."""
        self._beaten_seen.add(facts.head)
        agreed = len(self._beaten_seen) >= self._foreign_needed
        return Step.REPLAN if agreed and facts.settled_count > nonce else Step.WAIT
