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
from plasma_guard.domain.transactions import Attempt, AttemptStatus, Outcome, TxCandidate
from plasma_guard.ports import Alerts
from plasma_guard.sender.attempt import SendState, Step
from plasma_guard.sender.courier import Courier
from plasma_guard.sender.flight import Alarms, Flight
from plasma_guard.sender.pricing import Moment
from plasma_guard.sender.purse import Ledger

log = structlog.get_logger(__name__)
PREPARED_POLLS = 2
"""For so many polls what was read at a head is good enough to begin with: it is one block old at most."""
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

    async def run(self, candidate: TxCandidate, window: Window, recorded: asyncio.Future[None]) -> Outcome:
        """Return the outcome of an intent; the same intent again joins the first.

        Nothing is signed before `recorded` is done: the intent is on disk. What that raises is raised here,
        and `PolicyViolation` when the signer refuses: the intent then stays open on disk.
        """
        flight = self._flights.get(candidate.intent)
        if flight is None or flight.is_over:
            flight = self._flights[candidate.intent] = Flight(candidate, window, self._alerts, recorded)
        flight.window = window
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._loop(), name=f"lane {self._account}")
            self._task.add_done_callback(self._restart)
        return await asyncio.shield(flight.outcome)

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
                del self._flights[intent]
            pending = sum(flight.in_flight for flight in self._flights.values())
            self._courier.metrics.gauge("tx_pending", pending, account=str(self._account))
            if self._flights and not self._wake.is_set():
                await self._pause()

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
        taken: set[int] | None = None
        if new:
            standing = await self._courier.journal.standing(
                [flight.candidate.intent for flight in new], self._account
            )
            for flight in new:
                self._courier.take_up(flight, standing)
            taken = self._nonces(standing.live)
            flights = [flight for flight in flights if not flight.outcome.done()]
        if not flights:
            return
        # What is new gains nothing from facts that are a moment younger, and may lose by the wait.
        moment = (self.prepared() if new else None) or await self._moment()
        active = self._active([(each, each.state) for each in flights if each.state is not None])
        ledger = self._ledger(moment)
        newest = max((s.current.nonce for _, s in active if s.current and s.in_flight), default=-1)
        looked = await asyncio.gather(
            *(
                self._survive(
                    flight,
                    self._courier.look,
                    flight,
                    state,
                    moment,
                    available=ledger.available(flight.candidate.intent),
                    queued_behind=state.current is not None and state.current.nonce < newest,
                )
                for flight, state in active
            )
        )
        wanted = [(*known, gas) for known, gas in zip(active, looked, strict=True) if gas is not None]
        await self._sign(wanted, moment, taken)
        await self._offer(active, moment)
        self._alarms.clear()
        if any(flight.outcome.done() or flight.step is Step.REPLAN for flight, _ in active):
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
        # A nonce used since must never look free again.
        if asked_at >= self._seen_at and (self._known is None or count >= self._known.mined_count):
            self._known, self._seen_at = moment, asked_at
        return moment

    def _active(self, known: Sequence[_Known]) -> list[_Known]:
        """Return the intents to look at: all with signed bytes, and the most urgent others with a place."""
        free = self._settings.max_in_flight - sum(flight.in_flight for flight, _ in known)
        waiting = [flight for flight, _ in known if flight.unsigned]
        late = {id(flight) for flight in waiting[max(free, 0) :]}
        return [(flight, state) for flight, state in known if id(flight) not in late]

    async def _sign(
        self, wanted: Sequence[tuple[Flight, SendState, int]], moment: Moment, taken: set[int] | None
    ) -> None:
        """Sign in the given order, then put all on disk in one commit; `taken` None is read now."""
        if not wanted:
            return
        ledger = self._ledger(moment)
        if taken is None:
            taken = await self._taken()
        signed: list[tuple[Flight, SendState, Attempt]] = []
        for flight, state, gas_limit in wanted:
            if not await flight.on_disk():
                continue
            name = flight.candidate.intent
            nonce = (
                state.current.nonce if state.current is not None else _lowest_free(moment.mined_count, taken)
            )
            attempt = await self._survive(
                flight,
                self._courier.prepare,
                flight,
                state,
                moment,
                gas_limit=gas_limit,
                nonce=nonce,
                available=ledger.available(name),
            )
            if attempt is not None:
                taken.add(nonce)
                ledger.hold(name, attempt.gas_limit * attempt.fees.max_fee + flight.candidate.value)
                signed.append((flight, state, attempt))
        await asyncio.gather(
            *(
                self._survive(flight, self._courier.record, state, attempt, moment)
                for flight, state, attempt in signed
            )
        )

    def _ledger(self, moment: Moment) -> Ledger:
        """Return what each call may take of the balance, by what is open now."""
        now, prices = moment.head.timestamp, moment.prices
        claims = [flight.claim(prices, now) for flight in self._flights.values() if not flight.outcome.done()]
        return Ledger(moment.balance, self._settings.reserve, claims)

    async def _taken(self) -> set[int]:
        """Return the nonces of signed bytes of open intents, whether or not these are resumed already."""
        return self._nonces(await self._courier.journal.attempts(account=self._account, live_only=True))

    def _nonces(self, live: Sequence[Attempt]) -> set[int]:
        on_disk = {attempt.nonce for attempt in live if attempt.status is not AttemptStatus.DROPPED}
        # The same, except while bytes are on the journal's second path.
        in_hand = {
            flight.state.current.nonce
            for flight in self._flights.values()
            if flight.state is not None and flight.state.current is not None
        }
        return on_disk | in_hand

    async def _offer(self, active: Sequence[_Known], moment: Moment) -> None:
        due = [
            (state.current.nonce, flight, state)
            for flight, state in active
            if state.current is not None
            and state.in_flight
            and flight.step in {Step.SIGN, Step.BUMP, Step.BROADCAST}
            and state.unoffered(moment.head.number)
        ]
        await asyncio.gather(
            *(
                self._survive(flight, self._courier.offer, flight, state, moment)
                for _, flight, state in sorted(due, key=lambda entry: entry[0])
            )
        )

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


def _lowest_free(first: int, taken: set[int]) -> int:
    nonce = first
    while nonce in taken:
        nonce += 1
    return nonce
