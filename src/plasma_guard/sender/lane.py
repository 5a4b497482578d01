"""One account's transactions, in one task: who is looked at, who gets which nonce, who goes first.

Nonces come from the chain and from the signed bytes on disk, never from a counter. Every tick has four parts:
read what holds for all, look at each intent, sign in order of deadlines, hand out bytes in order of nonces.
A failure of one intent ends its turn of this tick and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import ParamSpec, TypeVar

import structlog

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Severity, Window
from plasma_guard.domain.errors import JournalError, PolicyViolation, RetryableError
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import (
    Attempt,
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
from plasma_guard.sender.line import Line, Place
from plasma_guard.sender.places import Places
from plasma_guard.sender.pricing import Moment
from plasma_guard.sender.purse import Ledger
from plasma_guard.sender.roster import Known, Roster

log = structlog.get_logger(__name__)
PREPARED_POLLS = 2
"""For so many polls what was read at a head is good enough to begin with: it is one block old at most."""
TRANSFER_GAS = 21_000
"""What a transfer of nothing takes, in gas units."""
P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """Sends for one account; `run` may be called any number of times at once."""

    def __init__(self, courier: Courier, alerts: Alerts) -> None:
        self._courier = courier
        self._account = courier.signer.address
        self._settings = courier.settings
        self._alerts = alerts
        self._alarms = Alarms(alerts, f"lane/{self._account}", account=str(self._account))
        self._roster = Roster()
        self._wake = asyncio.Event()
        self._places = Places(self._settings.max_in_flight)
        self._task: asyncio.Task[None] | None = None
        self._known: Moment | None = None
        self._seen_at = float("-inf")
        self._aftermath = Aftermath(self._account, courier.chain, courier.journal)
        self._repeated_at = -1
        self._fills_known = False

    async def run(self, candidate: TxCandidate, window: Window, recorded: asyncio.Future[None]) -> Outcome:
        """Return the outcome of an intent; the same intent again joins the first.

        Nothing is signed before `recorded` is done: the intent is on disk. What that raises is raised here,
        and `PolicyViolation` when the signer refuses: the intent then stays open on disk.
        """
        flight = self._roster.get(candidate.intent)
        if flight is None or flight.is_over:
            flight = Flight(candidate, window, self._alerts, recorded)
            self._roster.add(flight)
        flight.window = window
        flight.withdrawn = None
        self._start()
        return await asyncio.shield(flight.outcome)

    def withdraw(self, intent: str, reason: str) -> None:
        """Say that a call is not needed any more, unless it is mined."""
        flight = self._roster.get(intent)
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
        for flight in self._roster:
            flight.outcome.cancel()
        self._roster.clear()

    async def _loop(self) -> None:
        self._places = Places(self._settings.max_in_flight)
        while self._roster:
            self._wake.clear()
            await self._survive(None, self._tick)
            for flight in self._roster.take_ended():
                self._see_off(flight)
            pending = sum(flight.in_flight for flight in self._roster)
            self._courier.metrics.gauge("tx_pending", pending, account=str(self._account))
            if self._roster and not self._wake.is_set():
                await self._pause()

    def _see_off(self, flight: Flight) -> None:
        """Go on watching what was mined: it is not final yet."""
        if flight.outcome.cancelled() or flight.outcome.exception() or flight.state is None:
            return
        outcome, attempts = flight.outcome.result(), tuple(flight.state.attempts)
        if isinstance(outcome, Confirmed | Reverted):
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
        new = [flight for flight in self._roster if flight.state is None]
        if new:
            standing = await self._courier.journal.standing(
                [flight.candidate.intent for flight in new], self._account
            )
            for flight in new:
                self._courier.take_up(flight, standing)
            self._roster.read_order(standing.live, new)
            if all(flight.outcome.done() for flight in self._roster):
                return
        # What is new gains nothing from facts that are a moment younger, and may lose by the wait.
        moment = (self.prepared() if new else None) or await self._moment()
        line = self._line(moment)
        active = self._roster.active(line, self._places.limit)
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
                    alone=state.current is not None
                    and not self._roster.others_for(state.current.nonce, flight),
                )
                for flight, state in active
            )
        )
        wanted = [(*known, gas) for known, gas in zip(active, looked, strict=True) if gas is not None]
        await self._sign(wanted, moment)
        await self._clear_the_way(moment)
        await self._offer(active, moment)
        self._alarms.clear()
        more = self._places.grow([state for _, state in active if state.in_flight])
        waits = any(flight.unsigned for flight in self._roster)
        if (more and waits) or any(
            flight.outcome.done() or flight.step is Step.REPLAN for flight, _ in active
        ):
            self._wake.set()  # a place or a nonce is free: go round at once

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
        if self._known is not None and count < self._known.mined_count:
            # A lagging node, or a reorg: a nonce used since must never look free again, nor the other way.
            self._seen_at = float("-inf")
        elif asked_at >= self._seen_at:
            self._known, self._seen_at = moment, asked_at
        await self._survive(None, self._look_back, head)
        return moment

    async def _look_back(self, head: BlockStamp) -> None:
        """Take up what a reorg took out after it was settled, and at the start the fills left open."""
        for settled in await self._aftermath.taken_out(head):
            intent = settled.candidate.intent
            self._courier.metrics.count("tx_reorged_total")
            flight = self._roster.get(intent)
            if flight is None or flight.is_over:
                flight = self._begin(settled.candidate, settled.window)
            flight.state = self._courier.state_of(settled.attempts)
            flight.order = self._roster.next_order()
            flight.alarm(
                "reorged",
                Severity.WARNING,
                "a reorg took it out after it had been confirmed; it is sent again, the same bytes first",
            )
        if not self._fills_known:
            for candidate, window in await self._courier.journal.open_intents():
                known = self._roster.get(candidate.intent) is not None
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
        flight = Flight(candidate, window, self._alerts, recorded)
        self._roster.add(flight)
        flight.outcome.add_done_callback(_heed)
        self._start()
        return flight

    async def _sign(self, wanted: Sequence[tuple[Flight, SendState, int]], moment: Moment) -> None:
        """Sign in the given order, then put all on disk in one commit."""
        if not wanted:
            return
        ledger, line = self._ledger(moment), self._line(moment)
        signed: list[tuple[Flight, SendState, Attempt]] = []
        for flight, state, gas_limit in wanted:
            if flight.withdrawn is not None or not await flight.on_disk():
                continue
            passing = self._courier.offers.can_pass(flight, gas_limit, moment)
            seat = self._roster.seat(flight, state, line, passing=passing)
            full = line.held >= self._places.limit
            if seat is None or (full and seat.nonce >= line.end):
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
                outbid=self._roster.dearest(seat.nonce, flight),
                rivals=self._roster.others_for(seat.nonce, flight),
            )
            if attempt is not None:
                line.take(Place(seat.nonce, name, flight.window.hard))
                ledger.hold(name, attempt.gas_limit * attempt.fees.max_fee + flight.candidate.value)
                signed.append((flight, state, attempt))
        orders = [self._roster.next_order() for _ in signed]
        recorded = await asyncio.gather(
            *(
                self._survive(flight, self._courier.record, flight, state, attempt, moment)
                for flight, state, attempt in signed
            )
        )
        for (flight, _, _), order, done in zip(signed, orders, recorded, strict=True):
            if done:
                flight.order = order

    async def _clear_the_way(self, moment: Moment) -> None:
        """Let transfers of nothing use up the nonces that nobody needs and others wait behind."""
        line = self._line(moment)
        for nonce, instead, whom in self._roster.unneeded(line):
            self._fill(nonce, instead, whom, moment)
        gaps = line.gaps
        if not gaps:
            return
        log.warning("nonces are missing", nonces=gaps, account=str(self._account))
        pooled = await self._courier.chain.transaction_count(self._account, "pending")
        for nonce, whom in self._roster.gaps(line, pooled):
            self._fill(nonce, None, whom, moment)

    def _line(self, moment: Moment) -> Line:
        """Return who holds which nonce, as things are now."""
        self._roster.compare(self._aftermath.nonces)
        offers = self._courier.offers
        places = {
            flight.candidate.intent: offers.place(flight, state.current, moment)
            for flight, state in self._roster.known
            if state.current is not None
        }
        return self._roster.line(moment.mined_count, places)

    def _fill(self, nonce: int, replaced: Flight | None, for_whom: Flight, moment: Moment) -> None:
        """Send a transfer of nothing to ourselves, at the prices of the call it is for."""
        # One per nonce: its bytes follow from nonce and price alone.
        intent = f"fill/{self._account}/{nonce}"
        known = self._roster.get(intent)
        if known is not None:
            if known.displaced and replaced is not None:
                self._take_back(known, replaced, for_whom)
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

    def _take_back(self, fill: Flight, holder: Flight, for_whom: Flight) -> None:
        """Let a displaced fill be mined after all, by the bytes it has where these are dearer."""
        ours = fill.state.to_outbid if fill.state is not None else None
        theirs = holder.state.to_outbid if holder.state is not None else None
        if ours is not None and theirs is not None and ours.fees.max_fee > theirs.fees.max_fee:
            fill.order = self._roster.next_order()
        else:
            fill.replaces, fill.takes_back = holder.candidate.intent, True
            fill.window, fill.priced_at = for_whom.window, for_whom.priced_at

    def _ledger(self, moment: Moment) -> Ledger:
        """Return what each call may take of the balance, by what is open now."""
        now, prices = moment.head.timestamp, moment.prices
        claims = [flight.claim(prices, now) for flight in self._roster if not flight.outcome.done()]
        return Ledger(moment.balance, self._settings.reserve, claims)

    async def _offer(self, active: Sequence[Known], moment: Moment) -> None:
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
        return [stray for stray in self._roster.strays.values() if stray.nonce >= moment.mined_count]

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
