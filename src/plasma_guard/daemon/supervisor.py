"""Keeps the loops turning until told to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from plasma_guard.daemon.act import Answers
from plasma_guard.daemon.agenda import Agenda, Item
from plasma_guard.daemon.audit import Audit
from plasma_guard.daemon.funds import Funds
from plasma_guard.daemon.heads import Heads
from plasma_guard.daemon.keep import Keep
from plasma_guard.daemon.leave import Begun, Leave
from plasma_guard.daemon.moot import Moot
from plasma_guard.daemon.permits import Permits
from plasma_guard.daemon.react import React
from plasma_guard.daemon.scan import Scan
from plasma_guard.daemon.settle import Settle
from plasma_guard.daemon.silence import Silence
from plasma_guard.daemon.troubles import Troubles
from plasma_guard.daemon.watch import Sighting, Watch
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case, Kind
from plasma_guard.domain.decisions import Decision, LeaveChain, Severity
from plasma_guard.domain.errors import GuardError, RetryableError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.ports import Alerts, Clock, ExitGame, Health, Journal, Metrics, Sender
from plasma_guard.reactions.base import Reaction

log = structlog.get_logger(__name__)

TURNS_AT_ONCE = 1000
"""The more, the fewer requests and commits for all of them; how much a Watcher is asked is limited apart."""
FUNDS_EVERY = 60.0
INVALID_EXIT = "invalid_exit"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look, in seconds; `incident` replaces `watcher` while a case is open."""

    root_chain: float
    watcher: float
    incident: float


class _Stop(Exception):
    """Ends the task group: a request, not an error."""


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
    raise _Stop


class Supervisor:
    """Owns the loops; everything they do lives elsewhere."""

    def __init__(
        self,
        *,
        heads: Heads,
        game: ExitGame,
        journal: Journal,
        sender: Sender | None,
        account: Address | None,
        observed: frozenset[str],
        watch: Watch,
        scan: Scan,
        audit: Audit,
        react: React,
        settle: Settle,
        funds: Funds,
        permits: Permits,
        silence: Silence,
        agenda: Agenda,
        troubles: Troubles,
        reactions: Mapping[str, Reaction[Any, Any]],
        pace: Pace,
        recall: Callable[[Case], Sighting | None],
        moot: Moot,
        clock: Clock,
        health: Health,
        alerts: Alerts,
        metrics: Metrics,
        keep: Keep | None = None,
        leave: Leave | None = None,
    ) -> None:
        self._heads = heads
        self._game = game
        self._journal = journal
        self._sender = sender
        self._account = account
        self._observed = observed
        self._watch = watch
        self._scan = scan
        self._audit = audit
        self._react = react
        self._settle = settle
        self._funds = funds
        self._permits = permits
        self._silence = silence
        self._agenda = agenda
        self._troubles = troubles
        self._reactions = reactions
        self._recall = recall
        self._moot = moot
        self._pace = pace
        self._clock = clock
        self._health = health
        self._alerts = alerts
        self._metrics = metrics
        self._keep = keep
        self._leave = leave
        self._offered: set[UtxoPosition] = set()
        self.head: BlockStamp | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Guard until `stop` is set; what is under way keeps its record and is resumed at the next start."""
        try:
            async with asyncio.TaskGroup() as tasks:
                answers = Answers(
                    game=self._game,
                    journal=self._journal,
                    sender=self._sender,
                    settle=self._settle,
                    account=self._account,
                    observed=self._observed,
                    permits=self._permits,
                    alerts=self._alerts,
                    tasks=tasks,
                    on_done=self._look_again,
                )
                await self._recover(answers)
                tasks.create_task(
                    self._forever("root chain", lambda: self._follow(answers), lambda: self._pace.root_chain)
                )
                tasks.create_task(self._forever("watcher", self._poll, self._poll_pace))
                tasks.create_task(self._forever("audit", self._ask, lambda: self._pace.incident))
                tasks.create_task(self._forever("funds", self._funds.check, lambda: FUNDS_EVERY))
                tasks.create_task(self._forever("permits", self._permits.refresh, lambda: FUNDS_EVERY))
                if self._keep is not None:
                    tasks.create_task(self._forever("vault", self._refresh, lambda: self._pace.root_chain))
                if self._leave is not None:
                    fulfil = partial(self._fulfil, answers)
                    tasks.create_task(self._forever("exits", fulfil, lambda: self._pace.root_chain))
                tasks.create_task(self._forever("reactions", lambda: self._turns(answers), lambda: 0.0))
                await _until(stop)
        except* _Stop:
            log.info("stopped; nothing under way is lost")

    async def _recover(self, answers: Answers) -> None:
        """Take up what an earlier run left: intents without an outcome, and cases without a closure."""
        cases = await self._journal.cases()
        resumed = await answers.resume(cases)
        self._agenda.add(self._recalled([case for case in cases if case.is_open]))
        if resumed:
            log.info("took up unfinished transactions", count=resumed)

    async def _forever(
        self, name: str, step: Callable[[], Awaitable[object]], pace: Callable[[], float]
    ) -> None:
        """Repeat a step; no error ends the loop, and none passes unseen."""
        while True:
            result = "done"
            try:
                await step()
            except RetryableError as error:
                result = "repeated"
                log.warning("will try again", loop=name, error=str(error))
            except GuardError as error:
                result = "failed"
                log.error("a step failed; it is repeated", loop=name, error=str(error))
            except Exception as error:  # (a bug in one step must not end the guard; it is alerted)
                result = "unexpected"
                log.exception("unexpected error; the step is repeated", loop=name)
                self._alerts.alert(
                    f"loop/{name}", Severity.CRITICAL, f"unexpected {type(error).__name__} in the {name} loop"
                )
                await self._clock.sleep(1.0)
            self._metrics.count("cycles_total", result=result)
            self._health.pulse()
            await self._clock.sleep(pace())

    async def _follow(self, answers: Answers) -> None:
        try:
            head = await self._heads.newest()
            found = [] if head == self.head else await self._scan.step(head)
        except RetryableError as error:
            self._troubles.report({"answer": str(error)})
            raise
        self._troubles.report({})
        self.head = head
        for case in await self._moot.step(head):
            await answers.withdraw(case, "a reorg removed the exit")
        self._metrics.gauge("head_block", head.number)
        if self._sender is not None:
            await self._sender.prepare(head)
        for exit_ in found:
            log.info(
                "an exit was started",
                position=str(exit_.position),
                owner=str(exit_.owner),
                block=exit_.started_block,
                start=exit_.start,
            )

    async def _poll(self) -> None:
        at = await self._heads.newest()
        poll = await self._watch.poll(at)
        self._agenda.add(poll.sightings)
        # Decisions are recorded after what they are about; reading and proving need not wait for that.
        new = await self._watch.note(poll, at)
        open_cases = await self._journal.cases(open_only=True)
        recalled = self._recalled(open_cases)
        # No open case may be forgotten, whatever ended the turn in which it was opened.
        self._agenda.add([each for each in recalled if each[0].topic not in self._agenda])
        reported = {event.topic for event, _ in poll.sightings}
        offered = {event.topic for event, _ in self._events_for(self._offered)}
        self._agenda.keep_only(reported | offered | {event.topic for event, _ in recalled})
        self._silence.polled(reported, fresh=poll.fresh)
        self._metrics.gauge("cases_open", len(open_cases))
        self._metrics.gauge("last_cycle_timestamp", self._clock.now())
        status = poll.status
        log.info(
            "watching",
            events=len(poll.sightings),
            new=new,
            open_cases=len(open_cases),
            validated=status.last_validated_blknum if status else None,
            fresh=poll.fresh,
            block=at.number,
        )

    def _poll_pace(self) -> float:
        return self._pace.incident if len(self._agenda) else self._pace.watcher

    async def _ask(self) -> None:
        if self.head is None:
            return
        positions = await self._audit.round(self.head, fresh=self._watch.last.fresh)
        self._offered = set(positions)
        for event, reaction in self._events_for(self._offered):
            self._silence.proven(event.topic)
            self._agenda.add([(event, reaction)])

    async def _turns(self, answers: Answers) -> None:
        items = self._agenda.take_due()
        if not items:
            await self._agenda.stirred(at_most=self._pace.root_chain)
            return
        try:
            at = await self._heads.recent()
            if self._sender is not None:
                # What a reorg took out must be open again before anything is decided at this head.
                await self._sender.prepare(at)
        except GuardError:
            for item in items:
                self._agenda.done(item, ())
            raise
        limit = asyncio.Semaphore(TURNS_AT_ONCE)
        await asyncio.gather(*(self._turn(item, at, answers, limit) for item in items))

    async def _turn(self, item: Item, at: BlockStamp, answers: Answers, limit: asyncio.Semaphore) -> None:
        """Give one event its turn; whatever goes wrong ends only this turn of this event."""
        decisions: list[Decision] = []
        under_way = False
        try:
            async with limit:
                for turn in await self._react.turn(item.event, item.reaction, at, answers.in_hand):
                    decisions.append(turn.decision)
                    under_way |= answers.answer(turn)
                    if self._leave is not None and isinstance(turn.decision, LeaveChain):
                        self._take_up(await self._leave.consider(turn), answers)
                    if turn.case is not None and turn.answered is not None:
                        await answers.withdraw(turn.case, turn.answered)
        except GuardError as error:
            log.warning(
                "a turn could not be finished; it is repeated", about=item.event.topic, error=str(error)
            )
        except Exception as error:  # (one event's bug must not end the guard; it is alerted and retried)
            log.exception("unexpected error in a turn", about=item.event.topic)
            self._alerts.alert(
                f"turn/{item.event.topic}",
                Severity.CRITICAL,
                f"unexpected {type(error).__name__} while looking at {item.event.topic}; it is retried",
            )
        finally:
            self._agenda.done(item, decisions, under_way=under_way)

    async def _refresh(self) -> None:
        """Keep the vault up to date; where we are leaving, plan anew with what has come to light."""
        if self._keep is not None and await self._keep.step():
            leaving = await self._journal.cases(open_only=True)
            for event, _ in self._recalled([case for case in leaving if case.key.kind is Kind.LEAVE_CHAIN]):
                self._agenda.touch(event.topic)

    async def _fulfil(self, answers: Answers) -> None:
        """Take up what the user asked for by hand."""
        if self._leave is not None:
            self._take_up(await self._leave.fulfil(), answers)

    def _take_up(self, begun: Iterable[Begun], answers: Answers) -> None:
        """Answer what was decided already: to decide it again would take a thousand exits twice as long."""
        for each in begun:
            self._agenda.add([(each.event, each.reaction)])
            answered = [answers.answer(turn) for turn in each.turns]
            if any(answered):
                self._agenda.leave_be(each.event.topic)

    def _look_again(self, case: Case, mined: bool) -> None:  # noqa: FBT001 (a callback with one caller)
        """Look at once after what is mined; what came to nothing would only come to nothing again."""
        for event, _ in self._recalled([case]):
            if mined:
                self._agenda.touch(event.topic)
            else:
                self._agenda.put_off(event.topic)

    def _recalled(self, cases: Sequence[Case]) -> list[Sighting]:
        """Rebuild the events that open cases came from; those of reactions switched off are left alone."""
        return [found for case in cases if (found := self._recall(case)) is not None]

    def _events_for(self, positions: Iterable[UtxoPosition]) -> list[Sighting]:
        """Make the event that a Watcher should have reported for each position it serves a proof for."""
        reaction = self._reactions.get(INVALID_EXIT)
        if reaction is None:
            return []
        return [(reaction.event(utxo_pos=position), reaction) for position in positions]
