"""What is done for one intent: read its receipts, measure, sign, record, broadcast, record what became of it.

The order on disk never changes: intent, signed bytes, broadcast, outcome; each is committed before the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from plasma_guard.domain.crashpoints import crash_point
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import CallReverted, ChainUnavailable
from plasma_guard.domain.primitives import Hash32, shorten
from plasma_guard.domain.transactions import (
    OUT_OF_GAS,
    Accepted,
    Attempt,
    AttemptStatus,
    Confirmed,
    Fees,
    Outcome,
    Receipt,
    Reverted,
    Standing,
    Unaffordable,
    WouldRevert,
)
from plasma_guard.ports import Chain, Clock, Journal, Metrics, Signer
from plasma_guard.sender import fees
from plasma_guard.sender.attempt import Facts, SendState, Step
from plasma_guard.sender.flight import Flight
from plasma_guard.sender.node_errors import NodeError, classify, lacks_funds
from plasma_guard.sender.offers import Offers
from plasma_guard.sender.preflight import measure, rehearse
from plasma_guard.sender.pricing import (
    SHORTFALLS,
    Moment,
    Shortfall,
    say_held,
    shortfall,
    sign,
)
from plasma_guard.sender.purse import Purse
from plasma_guard.sender.receipts import own_receipts
from plasma_guard.sender.settings import SenderSettings

log = structlog.get_logger(__name__)

_HARMLESS = frozenset({NodeError.NONCE_TOO_LOW, NodeError.REPLACEMENT_UNDERPRICED, NodeError.FEE_TOO_LOW})
"""Answered by the next look or the next price: no person is needed."""


@dataclass(frozen=True, slots=True)
class Courier:
    """Acts on one intent at a time; holds nothing but its tools."""

    signer: Signer
    chain: Chain
    journal: Journal
    clock: Clock
    metrics: Metrics
    settings: SenderSettings
    purse: Purse

    @property
    def offers(self) -> Offers:
        """What its calls may offer."""
        return Offers(self.chain, self.purse, self.settings)

    def take_up(self, flight: Flight, standing: Standing) -> None:
        """Begin where the disk says an intent is; one that was mined, successfully or not, is over."""
        intent = flight.candidate.intent
        outcome = standing.outcomes.get(intent)
        if isinstance(outcome, Confirmed | Reverted):
            flight.land(outcome)
            return
        flight.state = self.state_of([each for each in standing.attempts if each.intent == intent])
        if (newest := flight.state.current) is not None:
            self.purse.hold(intent, newest.gas_limit * newest.fees.max_fee)

    def state_of(self, attempts: Sequence[Attempt]) -> SendState:
        """Return where an intent is that has these attempts on disk, oldest first."""
        return SendState(
            attempts,
            self.clock.monotonic(),
            confirmations=self.settings.confirmations,
            bump_after=self.settings.bump_after,
            foreign_heads=self.settings.foreign_heads,
        )

    async def look(
        self,
        flight: Flight,
        state: SendState,
        moment: Moment,
        *,
        available: int,
        queued_behind: bool,
        alone: bool,
    ) -> int | None:
        """Take in what the chain says; return a gas limit in gas units when a signature is wanted.

        `available` is what no other call has a claim on, in wei; `queued_behind` says that other calls
        wait for this one's nonce to be used, `alone` that no other call was ever signed for it.
        """
        before = state.receipt
        # While nobody can tell what became of it, the same bytes go on being handed out.
        flight.step = Step.WAIT if flight.withdrawn is not None else Step.BROADCAST
        # An unused nonce has no receipt: with hundreds of calls under way, to ask for each takes seconds.
        used = [each for each in state.attempts if before or each.nonce < moment.mined_count]
        receipts = await own_receipts(self.chain, used)
        urgent = moment.head.timestamp >= flight.window.soft
        if flight.priced_at is None:
            flight.priced_at = moment.head.timestamp
        facts = Facts(
            moment.head.number,
            moment.now,
            moment.mined_count,
            receipts,
            settled_count=0 if receipts else await self._settled_count(state, moment, urgent=urgent),
            behind=self.offers.is_behind(flight, state, moment),
            displaced=flight.displaced,
            takes_back=flight.takes_back,
        )
        flight.step = state.next_step(facts)
        await self._note_mining(state, before.tx_hash if before else None, moment)
        if state.receipt is not None:
            # What was not needed any more is mined: if a reorg takes it out, it may be what was needed.
            flight.withdrawn = None
        if flight.step is Step.SETTLE and not self._waits_elsewhere(flight, state, moment):
            await self._land_mined(flight, state, moment)
        elif flight.step is Step.REPLAN:
            await self._give_up_nonce(flight, state, moment)
        elif flight.step is Step.SIGN:
            return await self._gas_to_sign(flight, moment, available, urgent=urgent)
        elif flight.step in {Step.BUMP, Step.BROADCAST}:
            if alone and await self.offers.may_lower(flight, state, moment, available):
                flight.step, flight.lowering = Step.BUMP, True
            return await self._gas_to_repeat(flight, state, moment, at_any_price=urgent or queued_behind)
        return None

    async def prepare(
        self,
        flight: Flight,
        moment: Moment,
        *,
        gas_limit: int,
        nonce: int,
        available: int,
        outbid: Attempt | None,
        rivals: Sequence[Attempt],
    ) -> Attempt | None:
        """Return a signed attempt, or None, said aloud, when the account cannot pay for it.

        `available` is in wei; `rivals` were signed for this nonce on behalf of other calls, `outbid` is the
        dearest attempt that pools may hold for it, whosever.
        Raises `PolicyViolation` when the signer refuses.
        """
        if flight.is_fill and flight.unsigned and rivals:
            flight.lowering = not await self.offers.are_held(rivals)
        price = self.offers.price(flight, gas_limit, moment, available, outbid)
        takes_over = rivals and (flight.unsigned or flight.takes_back)
        if takes_over and not isinstance(price, Fees) and not await self.offers.are_held(rivals):
            # They are dearer than this call may become, but nobody has them: there is nothing to outbid.
            flight.lowering = True
            own = flight.state.to_outbid if flight.state is not None else None
            price = own.fees if own else self.offers.price(flight, gas_limit, moment, available, None)
        if not isinstance(price, Fees):
            flight.lowering = False
        if isinstance(price, Shortfall):
            await self._short(flight, price, moment)
            return None
        if price is None:
            if flight.state is not None:
                flight.state.cannot_bump()
            return None
        flight.clear(*SHORTFALLS, "at_limit", "priced_out")
        attempt = sign(
            self.signer,
            flight.candidate,
            chain_id=self.settings.chain_id,
            nonce=nonce,
            gas_limit=gas_limit,
            price=price,
            legacy=moment.prices.base_fee is None,
        )
        crash_point("attempt.signed")
        return attempt

    async def record(self, flight: Flight, state: SendState, attempt: Attempt, moment: Moment) -> bool:
        """Put signed bytes on disk; only then may they leave. True when they are."""
        await self.journal.record_attempt(attempt, moment.head.timestamp)
        crash_point("attempt.recorded")
        bump = state.current is not None
        state.signed(attempt, moment.now, lowered=flight.lowering)
        flight.lowering = flight.takes_back = False
        self.purse.hold(attempt.intent, attempt.gas_limit * attempt.fees.max_fee)
        self.metrics.count("attempts_total")
        if bump:
            self.metrics.count("tx_bumps_total")
        log.info(
            "signed",
            intent=attempt.intent,
            tx=str(attempt.hash),
            nonce=attempt.nonce,
            gas_limit=attempt.gas_limit,
            max_fee=attempt.fees.max_fee,
            max_priority_fee=attempt.fees.max_priority_fee,
        )
        return True

    async def repeat(self, attempt: Attempt) -> None:
        """Hand out bytes on disk whose intent nobody has taken up yet: what is behind them needs them."""
        await self.chain.broadcast(attempt.raw)

    async def offer(self, flight: Flight, state: SendState, moment: Moment) -> None:
        """Hand out the newest bytes, first or again; nothing else in the guard broadcasts."""
        attempt = state.current
        if attempt is None:
            return
        crash_point("broadcast.before")
        answer = await self.chain.broadcast(attempt.raw)
        crash_point("broadcast.done")
        error = None if isinstance(answer, Accepted) else classify(answer)
        if error is None or error is NodeError.ALREADY_KNOWN:
            state.offered(moment.head.number)
            flight.clear("refused")
            if attempt.status is not AttemptStatus.BROADCAST:
                await self._mark(state, attempt.hash, AttemptStatus.BROADCAST, moment)
                crash_point("broadcast.marked")
            return
        state.rejected(error, moment.head.number)
        self.metrics.count("tx_publish_errors_total", error=error.value)
        words = "" if isinstance(answer, Accepted) else shorten(answer.message, 200)
        log.warning("no node took the transaction", tx=str(attempt.hash), error=error.value, words=words)
        if error is NodeError.INSUFFICIENT_FUNDS:
            missing = shortfall(flight.candidate, attempt.gas_limit, attempt.fees, moment.balance)
            await self._short(flight, missing, moment)
        elif error not in _HARMLESS:
            flight.alarm(
                "refused", Severity.WARNING, f"no node takes it ({words}); it is offered again each block"
            )

    async def land(self, flight: Flight, outcome: Outcome, moment: Moment) -> None:
        """Record an outcome, then tell who waits."""
        if not await flight.on_disk():
            return
        crash_point("outcome.known")
        await self.journal.record_outcome(flight.candidate.intent, outcome, moment.head.timestamp)
        crash_point("outcome.recorded")
        cost = outcome.receipt.cost if isinstance(outcome, Confirmed | Reverted) else None
        self.purse.settle(flight.candidate.intent, cost, moment.head.timestamp)
        flight.land(outcome)

    async def _gas_to_sign(
        self, flight: Flight, moment: Moment, available: int, *, urgent: bool
    ) -> int | None:
        candidate = flight.candidate
        if flight.withdrawn is not None:
            await self.land(flight, WouldRevert(flight.withdrawn), moment)
            return None
        if flight.is_fill and (flight.nonce is None or moment.mined_count > flight.nonce):
            await self.land(flight, WouldRevert("the nonce is used without it"), moment)
            return None
        try:
            roomy = self.offers.is_roomy(flight, moment, available)
            return await measure(self.chain, candidate, self.settings.gas_margin, roomy=roomy)
        except CallReverted as error:
            if lacks_funds(error):
                # It says nothing about the call itself.
                price = fees.quote(moment.prices)
                missing = shortfall(candidate, candidate.gas_limit or 0, price, available)
                await self._short(flight, missing, moment)
                return None
            reason = str(error)
        except ChainUnavailable as error:
            if not urgent or candidate.gas_limit is None:
                raise
            reason = f"no endpoint could simulate it: {error}"
        if urgent and candidate.gas_limit is not None:
            flight.alarm(
                "unsimulated",
                Severity.CRITICAL,
                f"its simulation fails ({shorten(reason, 200)}), but little time is left: "
                "it is sent on local proof",
            )
            return candidate.gas_limit
        await self.land(flight, WouldRevert(reason), moment)
        return None

    async def _gas_to_repeat(
        self, flight: Flight, state: SendState, moment: Moment, *, at_any_price: bool
    ) -> int | None:
        """Pay more only for a call that still works, unless time is short or others wait behind its nonce.

        The gas limit stays: nodes that estimate on top of the pool count our own pending call as done.
        """
        current = state.current
        if flight.withdrawn is not None:
            # What is on its way is left to die, and is not helped.
            flight.step = Step.WAIT
        if current is None or flight.step is not Step.BUMP:
            return None
        if flight.lowering or flight.takes_back:
            # What is to be beaten is not its own last offer.
            return current.gas_limit
        curve = self.offers.curve(flight, current.gas_limit, moment)
        if curve.rise(current.fees, moment.prices, moment.head.timestamp) is None:
            state.cannot_bump()
            say_held(flight, current, curve, moment)
            return None
        try:
            await rehearse(self.chain, flight.candidate)
        except (CallReverted, ChainUnavailable) as error:
            if not at_any_price:
                log.info("price held: the call would not work now", tx=str(current.hash), reason=str(error))
                return None
        return current.gas_limit

    async def _settled_count(self, state: SendState, moment: Moment, *, urgent: bool) -> int:
        """Return how many nonces are used so deep that it is believed; asked only where one of ours is."""
        current = state.current
        if current is None or moment.mined_count <= current.nonce:
            return 0
        deep = max(0, moment.head.number - state.patience(urgent=urgent) + 1)
        return await self.chain.transaction_count(self.signer.address, deep)

    def _waits_elsewhere(self, flight: Flight, state: SendState, moment: Moment) -> bool:
        """Whether bytes of a mined call may still be mined at another nonce as well."""
        return flight.surplus and state.current is not None and state.current.nonce >= moment.mined_count

    async def _note_mining(self, state: SendState, before: Hash32 | None, moment: Moment) -> None:
        after = state.receipt
        if before is not None and (after is None or after.tx_hash != before):
            log.warning("a reorg took our transaction out", tx=str(before))
            self.metrics.count("tx_reorged_total")
            await self._mark(state, before, AttemptStatus.BROADCAST, moment)
        if after is not None and after.tx_hash != before:
            log.info("mined", tx=str(after.tx_hash), block=after.block_number, success=after.success)
            crash_point("receipt.seen")
            await self._mark(state, after.tx_hash, AttemptStatus.MINED, moment)
            crash_point("receipt.marked")

    async def _land_mined(self, flight: Flight, state: SendState, moment: Moment) -> None:
        outcome = state.outcome()
        if isinstance(outcome, Reverted):
            outcome = replace(outcome, reason=await self._why_reverted(flight, state, outcome.receipt))
        mined = outcome.receipt.tx_hash
        for attempt in state.attempts:
            final = AttemptStatus.MINED if attempt.hash == mined else AttemptStatus.REPLACED
            if attempt.status not in {final, AttemptStatus.DROPPED}:
                await self._mark(state, attempt.hash, final, moment)
        await self.land(flight, outcome, moment)

    async def _why_reverted(self, flight: Flight, state: SendState, receipt: Receipt) -> str:
        """Return why a mined call failed, as its repetition on the block before says; "" if nobody can."""
        limit = next(each.gas_limit for each in state.attempts if each.hash == receipt.tx_hash)
        if receipt.gas_used >= limit:
            return OUT_OF_GAS
        try:
            await rehearse(self.chain, flight.candidate, await self.chain.block(receipt.block_number - 1))
        except CallReverted as error:
            return str(error)
        except ChainUnavailable:
            return ""
        # It worked until the block that mined it.
        return "somebody else was first in the same block"

    async def _give_up_nonce(self, flight: Flight, state: SendState, moment: Moment) -> None:
        lost = [each for each in state.attempts if each.status is not AttemptStatus.DROPPED]
        if flight.beaten_by_us:
            log.info("displaced: another call of ours took its nonce", intent=flight.candidate.intent)
        else:
            flight.alarm(
                "key_shared",
                Severity.CRITICAL,
                f"nonce {lost[-1].nonce} of {flight.candidate.account} was used by a transaction not ours: "
                "is the key shared with another program? The call is planned again on the next nonce",
            )
        for attempt in lost:
            await self.journal.mark_attempt(attempt.hash, AttemptStatus.DROPPED, moment.head.timestamp)
        state.abandon()

    async def _short(self, flight: Flight, missing: Shortfall, moment: Moment) -> None:
        """Say what is missing; keep the intent open while it can still be in time."""
        flight.alarm(
            missing.name,
            Severity.CRITICAL,
            f"{missing.sums}: {missing.remedy}",
            top_up=missing.top_up,
        )
        if flight.unsigned and moment.head.timestamp > flight.window.hard:
            await self.land(flight, Unaffordable(missing.sums), moment)

    async def _mark(self, state: SendState, tx_hash: Hash32, status: AttemptStatus, moment: Moment) -> None:
        await self.journal.mark_attempt(tx_hash, status, moment.head.timestamp)
        state.mark(tx_hash, status)
