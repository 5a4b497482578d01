"""One account's transactions, in one task: who is looked at, who gets which nonce, who goes first.

Nonces come from the chain and from the signed bytes on disk, never from a counter. Every tick has four parts:
read what holds for all, look at each intent, sign in order of deadlines, hand out bytes in order of nonces.
A failure of one intent ends its turn of this tick and nothing else.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import ParamSpec, TypeVar

import structlog

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Severity, Window
from plasma_guard.domain.errors import JournalError, PolicyViolation, RetryableError
from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.domain.transactions import (
    Attempt,
    AttemptStatus,
    Confirmed,
    Outcome,
    Reverted,
    SettledIntent,
    TxCandidate,
)
from plasma_guard.ports import Alerts
from plasma_guard.sender.aftermath import Aftermath
from plasma_guard.sender.attempt import SendState, Step
from plasma_guard.sender.courier import Courier
from plasma_guard.sender.flight import Alarms, Flight
from plasma_guard.sender.line import Line, Place, Seat
from plasma_guard.sender.pricing import Moment
from plasma_guard.sender.purse import Ledger

log = structlog.get_logger(__name__)
PREPARED_POLLS = 2
"""For so many polls what was read at a head is good enough to begin with: it is one block old at most."""
TRANSFER_GAS = 21_000
"""What a transfer of nothing takes, in gas units."""
P = ParamSpec("P")
T = TypeVar("T")

_Known = tuple[Flight, SendState]


class Lane:
    """Sends for one account; `run` may be called any number of times at once."""

    def __init__(self, courier: Courier, alerts: Alerts) -> None:
        self._courier = courier
        self._account = courier.signer.address
        self._settings = courier.settings
        self._alerts = alerts
        self._alarms = Alarms(alerts, f"lane/{self._account}", account=str(self._account))
        self._flights: dict[str, Flight] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._known: Moment | None = None
        self._seen_at = float("-inf")
        self._aftermath = Aftermath(self._account, courier.chain, courier.journal)
        self._orders = itertools.count()
        self._strays: dict[str, Attempt] = {}
        """The newest bytes on disk of each open intent that nobody has taken up yet."""
        self._repeated_at = -1
        self._fills_known = False

    async def run(self, candidate: TxCandidate, window: Window, recorded: asyncio.Future[None]) -> Outcome:
        """Return the outcome of an intent; the same intent again joins the first.

        Nothing is signed before `recorded` is done: the intent is on disk. What that raises is raised here,
        and `PolicyViolation` when the signer refuses: the intent then stays open on disk.
        """
        flight = self._flights.get(candidate.intent)
        if flight is None or flight.is_over:
            flight = self._flights[candidate.intent] = Flight(candidate, window, self._alerts, recorded)
        flight.window = window
        flight.withdrawn = None
        self._start()
        return await asyncio.shield(flight.outcome)

    def withdraw(self, intent: str, reason: str) -> None:
        """Say that a call is not needed any more, unless it is mined."""
        flight = self._flights.get(intent)
        if flight is not None and not flight.is_over:
            flight.withdrawn = reason
            self._start()

    def _start(self) -> None:
        """Go round at once, in a task of the lane's own."""
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._loop(), name=f"lane {self._account}")
            self._task.add_done_callback(self._restart)

    def prepared(self) -> Moment | None:
        """Return what was read last, while it is recent: at most one block, or two polls, old."""
        known, now = self._known, self._courier.clock.monotonic()
        if known is None or now - self._seen_at > PREPARED_POLLS * self._settings.poll:
            return None
        return replace(known, now=now)

    async def prepare(self, head: BlockStamp) -> None:
        """Read what holds for every intent, unless it was read at this very head."""
        if self._known is not None and self._known.head == head:
            self._seen_at = self._courier.clock.monotonic()
        else:
            await self._read(head)

    def _restart(self, ended: asyncio.Task[None]) -> None:
        """Notice a loop that died although its every step survives errors: calls under way need another."""
        if ended.cancelled() or (error := ended.exception()) is None:
            return
        log.error("the lane stopped; it is started again", lane=str(self._account), exc_info=error)
        self._alerts.alert(
            f"lane/{self._account}/stopped",
            Severity.CRITICAL,
            f"unexpected {type(error).__name__} stopped the lane of {self._account}; it is started again",
        )
        self._task = asyncio.create_task(self._later(), name=f"lane {self._account}")
        self._task.add_done_callback(self._restart)

    async def _later(self) -> None:
        await self._courier.clock.sleep(self._settings.poll)
        await self._loop()

    async def close(self) -> None:
        """Stop; what is signed stays on disk and is taken up by the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for flight in self._flights.values():
            flight.outcome.cancel()
        self._flights.clear()

    async def _loop(self) -> None:
        while self._flights:
            self._wake.clear()
            await self._survive(None, self._tick)
            for intent in [name for name, flight in self._flights.items() if flight.outcome.done()]:
                self._see_off(self._flights.pop(intent))
            pending = sum(flight.in_flight for flight in self._flights.values())
            self._courier.metrics.gauge("tx_pending", pending, account=str(self._account))
            if self._flights and not self._wake.is_set():
                await self._pause()

    def _see_off(self, flight: Flight) -> None:
        """Go on watching what was mined: it is not final yet."""
        outcome = (
            None if flight.outcome.cancelled() or flight.outcome.exception() else flight.outcome.result()
        )
        if isinstance(outcome, Confirmed | Reverted) and flight.state is not None:
            attempts = tuple(flight.state.attempts)
            self._aftermath.add(SettledIntent(flight.candidate, flight.window, attempts, outcome))

    async def _pause(self) -> None:
        """Wait for the next poll, or for a new intent."""
        waits: list[asyncio.Future[object]] = [
            asyncio.ensure_future(self._courier.clock.sleep(self._settings.poll)),
            asyncio.ensure_future(self._wake.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _tick(self) -> None:
        flights = sorted(self._flights.values(), key=lambda flight: flight.window.hard)
        new = [flight for flight in flights if flight.state is None]
        if new:
            await self._take_up(new)
            flights = [flight for flight in flights if not flight.outcome.done()]
        if not flights:
            return
        # What is new gains nothing from facts that are a moment younger, and may lose by the wait.
        moment = (self.prepared() if new else None) or await self._moment()
        self._compare()
        line = self._line(moment)
        active = self._active([(each, each.state) for each in flights if each.state is not None], line)
        ledger = self._ledger(moment)
        looked = await asyncio.gather(
            *(
                self._survive(
                    flight,
                    self._courier.look,
                    flight,
                    state,
                    moment,
                    available=ledger.available(flight.candidate.intent),
                    queued_behind=state.current is not None and state.current.nonce < line.end - 1,
                    alone=not self._rivals(flight),
                )
                for flight, state in active
            )
        )
        wanted = [(*known, gas) for known, gas in zip(active, looked, strict=True) if gas is not None]
        await self._sign(wanted, moment)
        self._compare()
        await self._clear_the_way(moment)
        await self._offer(active, moment)
        self._alarms.clear()
        if any(flight.outcome.done() or flight.step is Step.REPLAN for flight, _ in active):
            self._wake.set()  # a place or a nonce is free: go round at once

    async def _take_up(self, new: Sequence[Flight]) -> None:
        """Begin where the disk says these intents are, in the order in which their bytes were signed."""
        standing = await self._courier.journal.standing(
            [flight.candidate.intent for flight in new], self._account
        )
        for flight in new:
            self._courier.take_up(flight, standing)
        order = {attempt.hash: number - len(standing.live) for number, attempt in enumerate(standing.live)}
        for flight in new:
            if flight.state is not None and flight.state.current is not None:
                flight.order = order.get(flight.state.current.hash, 0)
        self._strays = {
            attempt.intent: attempt
            for attempt in standing.live
            if attempt.status is not AttemptStatus.DROPPED and attempt.intent not in self._flights
        }

    async def _moment(self) -> Moment:
        """Read the head first, so that everything else is at least as new."""
        return await self._read(await self._courier.chain.head())

    async def _read(self, head: BlockStamp) -> Moment:
        chain, asked_at = self._courier.chain, self._courier.clock.monotonic()
        await self._courier.purse.open(head.timestamp)
        count, balance, prices = await asyncio.gather(
            chain.transaction_count(self._account), chain.balance(self._account), chain.fee_facts()
        )
        moment = Moment(head, self._courier.clock.monotonic(), count, balance, prices)
        # A nonce used since must never look free again.
        if asked_at >= self._seen_at and (self._known is None or count >= self._known.mined_count):
            self._known, self._seen_at = moment, asked_at
        await self._survive(None, self._look_back, head)
        return moment

    async def _look_back(self, head: BlockStamp) -> None:
        """Take up what a reorg took out after it was settled, and at the start the fills left open."""
        for settled in await self._aftermath.taken_out(head):
            intent = settled.candidate.intent
            self._courier.metrics.count("tx_reorged_total")
            flight = self._flights.get(intent)
            if flight is None or flight.is_over:
                flight = self._begin(settled.candidate, settled.window)
            flight.state = self._courier.state_of(settled.attempts)
            flight.order = next(self._orders)
            flight.alarm(
                "reorged",
                Severity.WARNING,
                "a reorg took it out after it had been confirmed; it is sent again, the same bytes first",
            )
        if not self._fills_known:
            for candidate, window in await self._courier.journal.open_intents():
                known = candidate.intent in self._flights
                if candidate.is_fill and candidate.account == self._account and not known:
                    self._begin(candidate, window)
            self._fills_known = True

    def _begin(
        self, candidate: TxCandidate, window: Window, recorded: asyncio.Future[None] | None = None
    ) -> Flight:
        """Send a call that nobody waits for; None: its intent is on disk already."""
        if recorded is None:
            recorded = asyncio.get_running_loop().create_future()
            recorded.set_result(None)
        flight = self._flights[candidate.intent] = Flight(candidate, window, self._alerts, recorded)
        flight.outcome.add_done_callback(_heed)
        self._start()
        return flight

    def _compare(self) -> None:
        """Tell each call whether another one of ours is to be mined, or was mined, at its nonce."""
        newest: dict[int, int] = {}
        mined: dict[int, str] = {}
        known = [(each, each.state) for each in self._flights.values() if each.state is not None]
        for flight, state in known:
            if state.current is not None and state.receipt is None:
                nonce = state.current.nonce
                newest[nonce] = max(newest.get(nonce, flight.order), flight.order)
            if state.mined_nonce is not None:
                mined[state.mined_nonce] = flight.candidate.intent
        for flight, state in known:
            if state.current is None:
                flight.displaced = False
                continue
            nonce = state.current.nonce
            flight.displaced = state.receipt is None and newest[nonce] > flight.order
            ours = mined.get(nonce, flight.candidate.intent) != flight.candidate.intent
            flight.beaten_by_us = ours or self._aftermath.mined_at(nonce)

    def _line(self, moment: Moment) -> Line:
        """Return who holds which nonce, by the signed bytes there are."""
        places = [Place(stray.nonce, stray.intent, Timestamp(0)) for stray in self._strays.values()] + [
            self._courier.place(flight, flight.state.current, moment)
            for flight in self._flights.values()
            if flight.state is not None
            and flight.state.current is not None
            and not flight.displaced
            and (flight.state.receipt is None or flight.surplus)
        ]
        return Line(moment.mined_count, places)

    def _active(self, known: Sequence[_Known], line: Line) -> list[_Known]:
        """Return the intents to look at: all with signed bytes, and the most urgent others with a place."""
        free = self._settings.max_in_flight - line.held + line.openings()
        waiting = [
            flight
            for flight, _ in known
            if flight.unsigned and not flight.is_fill and flight.withdrawn is None
        ]
        late = {id(flight) for flight in waiting[max(free, 0) :]}
        return [(flight, state) for flight, state in known if id(flight) not in late]

    async def _sign(self, wanted: Sequence[tuple[Flight, SendState, int]], moment: Moment) -> None:
        """Sign in the given order, then put all on disk in one commit."""
        if not wanted:
            return
        ledger, line = self._ledger(moment), self._line(moment)
        signed: list[tuple[Flight, SendState, Attempt]] = []
        for flight, state, gas_limit in wanted:
            if not await flight.on_disk():
                continue
            seat = self._seat(flight, state, line, passing=self._courier.can_pass(flight, gas_limit, moment))
            if seat is None or (seat.displaced is None and seat.nonce >= line.end and self._is_full(line)):
                continue
            name = flight.candidate.intent
            if seat.displaced is not None:
                ledger.hold(seat.displaced.intent, 0)
            attempt = await self._survive(
                flight,
                self._courier.prepare,
                flight,
                moment,
                gas_limit=gas_limit,
                nonce=seat.nonce,
                available=ledger.available(name),
                outbid=self._dearest(seat.nonce, flight),
            )
            if attempt is not None:
                line.take(Place(seat.nonce, name, flight.window.hard))
                ledger.hold(name, attempt.gas_limit * attempt.fees.max_fee + flight.candidate.value)
                signed.append((flight, state, attempt))
        orders = [next(self._orders) for _ in signed]
        recorded = await asyncio.gather(
            *(
                self._survive(flight, self._courier.record, flight, state, attempt, moment)
                for flight, state, attempt in signed
            )
        )
        for (flight, _, _), order, done in zip(signed, orders, recorded, strict=True):
            if done:
                flight.order = order

    def _seat(self, flight: Flight, state: SendState, line: Line, *, passing: bool) -> Seat | None:
        """Return which nonce a call is signed for; None when there is nothing to sign it for any more."""
        if state.current is not None:
            holder = line.at(state.current.nonce)
            own = holder is None or holder.intent == flight.candidate.intent
            return Seat(state.current.nonce) if own else None
        if flight.nonce is None:
            return line.seat(flight.window.hard, can_pass=passing)
        holder = line.at(flight.nonce)
        if holder is None or holder.intent == flight.replaces:
            return Seat(flight.nonce, holder)
        flight.withdrawn = "another call took the nonce"
        return None

    def _is_full(self, line: Line) -> bool:
        return line.held >= self._settings.max_in_flight

    def _rivals(self, flight: Flight) -> list[Attempt]:
        """Return what was signed for a call's nonce on behalf of other calls."""
        current = flight.state.current if flight.state is not None else None
        return [] if current is None else self._signed_for(current.nonce, but=flight)

    def _signed_for(self, nonce: int, *, but: Flight) -> list[Attempt]:
        return [
            attempt
            for other in self._flights.values()
            if other is not but and other.state is not None
            for attempt in other.state.attempts
            if attempt.nonce == nonce
        ]

    def _dearest(self, nonce: int, flight: Flight) -> Attempt | None:
        """Return the highest offer that a pool may hold for a nonce, by anything we signed."""
        offers = self._signed_for(nonce, but=flight)
        own = flight.state.to_outbid if flight.state is not None else None
        if own is not None and own.nonce == nonce:
            offers.append(own)
        return max(offers, key=lambda attempt: attempt.fees.max_fee, default=None)

    async def _clear_the_way(self, moment: Moment) -> None:
        """Let transfers of nothing use up the nonces that nobody needs and others wait behind."""
        line = self._line(moment)
        for flight in list(self._flights.values()):
            current = flight.state.current if flight.state is not None else None
            holds = current is not None and not flight.displaced and current.nonce >= moment.mined_count
            if current is not None and holds and not flight.is_fill and (flight.withdrawn or flight.surplus):
                self._fill(current.nonce, flight, flight, moment)
        for place in line.obstacles():
            held_up, ahead = self._flights.get(place.intent), line.nearest_behind(place.nonce)
            if held_up is not None and ahead is not None and ahead.intent in self._flights:
                self._fill(place.nonce, held_up, self._flights[ahead.intent], moment)
        gaps = line.gaps
        if not gaps:
            return
        self._courier.metrics.gauge("nonce_gaps", len(gaps), account=str(self._account))
        pooled = await self._courier.chain.transaction_count(self._account, "pending")
        for nonce in gaps:
            ahead = line.nearest_behind(nonce)
            someone = self._flights.get(ahead.intent) if ahead is not None else None
            # Somebody else's transaction in the pool may well be mined, unless bytes of ours are what it is.
            if someone is not None and (nonce >= pooled or self._signed_for(nonce, but=someone)):
                self._fill(nonce, None, someone, moment)

    def _fill(self, nonce: int, replaced: Flight | None, for_whom: Flight, moment: Moment) -> None:
        """Send a transfer of nothing to ourselves, at the prices of the call it is for."""
        intent = f"fill/{self._account}/{nonce}"
        if intent in self._flights:
            return
        candidate = TxCandidate(
            intent=intent,
            case_id=for_whom.candidate.case_id,
            account=self._account,
            to=self._account,
            data=b"",
            value=Wei(0),
            purpose=f"use up nonce {nonce}",
            gas_limit=TRANSFER_GAS,
        )
        write = self._courier.journal.record_intent(candidate, for_whom.window, moment.head.timestamp)
        fill = self._begin(candidate, for_whom.window, asyncio.create_task(write, name=f"record {intent}"))
        fill.nonce, fill.priced_at = nonce, for_whom.priced_at
        fill.replaces = replaced.candidate.intent if replaced is not None else None
        log.info("a nonce is to be used up", nonce=nonce, instead_of=fill.replaces)

    def _ledger(self, moment: Moment) -> Ledger:
        """Return what each call may take of the balance, by what is open now."""
        now, prices = moment.head.timestamp, moment.prices
        claims = [flight.claim(prices, now) for flight in self._flights.values() if not flight.outcome.done()]
        return Ledger(moment.balance, self._settings.reserve, claims)

    async def _offer(self, active: Sequence[_Known], moment: Moment) -> None:
        due = [
            (state.current.nonce, flight, state)
            for flight, state in active
            if state.current is not None
            and state.in_flight
            and not flight.displaced
            and flight.step in {Step.SIGN, Step.BUMP, Step.BROADCAST}
            and state.unoffered(moment.head.number)
        ]
        await asyncio.gather(
            *(
                self._survive(flight, self._courier.offer, flight, state, moment)
                for _, flight, state in sorted(due, key=lambda entry: entry[0])
            ),
            *(self._survive(None, self._courier.repeat, stray) for stray in self._due_strays(moment)),
        )

    def _due_strays(self, moment: Moment) -> list[Attempt]:
        """Return bytes that others may wait behind and that no intent in hand hands out, once a head."""
        if moment.head.number == self._repeated_at:
            return []
        self._repeated_at = moment.head.number
        return [stray for stray in self._strays.values() if stray.nonce >= moment.mined_count]

    async def _survive(
        self, flight: Flight | None, turn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Return what a turn gives, or None after saying why it failed; the next tick tries again."""
        subject = self._alarms if flight is None else flight
        what = f"the lane of {self._account}" if flight is None else flight.candidate.purpose
        try:
            return await turn(*args, **kwargs)
        except RetryableError as error:
            log.warning("the turn failed and is repeated", what=what, error=str(error))
            self._courier.metrics.count("send_retries_total")
        except PolicyViolation as error:
            subject.alarm("policy", Severity.CRITICAL, f"the signer refuses: {error}")
            if flight is not None and not flight.in_flight:
                flight.fail(error)
        except JournalError as error:
            subject.alarm("journal", Severity.CRITICAL, f"nothing is sent unrecorded: {error}")
        except Exception as error:  # (a bug in one turn must not end the lane; it is alerted and repeated)
            log.exception("unexpected error while sending", what=what)
            message = f"unexpected {type(error).__name__} while sending; it is repeated"
            subject.alarm("unexpected", Severity.CRITICAL, message)
        return None


def _heed(outcome: asyncio.Future[Outcome]) -> None:
    """Take note of an outcome nobody waits for: what there is to say about it was said by an alert."""
    if not outcome.cancelled():
        outcome.exception()
