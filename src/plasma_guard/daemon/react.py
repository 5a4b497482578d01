"""One turn of one event: gather, decide, check, and write down what was decided."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from plasma_guard.daemon.asking import Asking
from plasma_guard.daemon.prices import Prices
from plasma_guard.daemon.scope import Interest
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case, CaseKey, Conclusion, Finding, Judgement, Kind
from plasma_guard.domain.decisions import (
    Act,
    Alert,
    Close,
    Closure,
    Decision,
    Hold,
    LeaveChain,
    Severity,
)
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.domain.stakes import Stakes
from plasma_guard.domain.transactions import Confirmed, Outcome, Reverted
from plasma_guard.ports import Alerts, Chain, ExitGame, Journal, Metrics, Watcher
from plasma_guard.reactions.base import ExitStarts, Facts, Policy, Reaction, Scene, Subject, WatcherEvent
from plasma_guard.reactions.invariants import Proposal, violations

log = structlog.get_logger(__name__)

OURS = frozenset({Kind.OWN_PIGGYBACK, Kind.OWN_EXIT})
"""Cases about taking our own money out."""
SAID_KEPT = 20_000
"""Topics whose last decision is remembered, so that only a new one is said."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn ended in; `case` is None where there is no exit on chain to have a case about.

    `outcomes` are those of the case's intents so far. `answered` says why a case whose answer is under way
    needs none any more, unless it is that very answer that the contract shows.
    """

    decision: Decision
    case: Case | None
    subject: Subject | None
    at: BlockStamp
    outcomes: tuple[Outcome, ...] = ()
    answered: str | None = None


class React:
    """Turns an event into a journaled decision; sends nothing. `policies` are by event name."""

    def __init__(
        self,
        *,
        watcher: Watcher,
        chain: Chain,
        game: ExitGame,
        exits: ExitStarts,
        journal: Journal,
        policies: Mapping[str, Policy],
        interest: Interest,
        alerts: Alerts,
        metrics: Metrics,
        chain_id: int,
        own: frozenset[Address] = frozenset(),
        stakes: Stakes | None = None,
    ) -> None:
        self._watcher = Asking(watcher)
        self._chain = chain
        self._prices = Prices(chain)
        self._game = game
        self._exits = exits
        self._journal = journal
        self._policies = policies
        self._interest = interest
        self._stakes = stakes or Stakes()
        self._alerts = alerts
        self._metrics = metrics
        self._chain_id = chain_id
        self._own = own
        self._said: dict[tuple[str, int], Decision] = {}

    async def turn(
        self,
        event: WatcherEvent,
        reaction: Reaction[Any, Any],
        at: BlockStamp,
        in_hand: Collection[int] = frozenset(),
    ) -> list[Turn]:
        """Decide about one event at one block, case by case; `RetryableError` when a source does not answer.

        Cases `in_hand` are being answered: what becomes of those is told by their outcome. The contract alone
        cannot say whether the challenge it shows is our own.
        """
        answering = set(in_hand)
        scene = Scene(at, self._watcher, self._chain, self._prices, self._game, self._exits, self._own)
        found: Sequence[Facts] = await reaction.gather(event, scene)
        return [
            await self._conclude(
                event,
                reaction.decide(event, facts, self._policies[event.names[0]]),
                facts.subject,
                at,
                answering | set(in_hand),
            )
            for facts in found
        ]

    async def _conclude(
        self,
        event: WatcherEvent,
        decision: Decision,
        subject: Subject | None,
        at: BlockStamp,
        answering: Collection[int],
    ) -> Turn:
        if subject is None:
            self._count(decision)
            self._tell(event, None, decision)
            return Turn(decision, None, None, at)
        key = CaseKey(
            self._chain_id, self._game.contracts.entry, subject.kind, subject.exit_id, subject.start
        )
        case, outcomes = await self._journal.case(key)
        if case and case.id in answering:
            answered = decision.reason if isinstance(decision, Close) else None
            return Turn(Hold("its answer is under way"), case, subject, at, tuple(outcomes), answered)
        if isinstance(decision, Close) and case:
            decision = _credited(decision, outcomes)
        if isinstance(decision, Act) and not await self._interest.covers(subject):
            decision = Hold(f"not about our funds, and the scope is only those: {decision.reason}")
        if isinstance(decision, Act):
            decision = await self._valued(decision, subject, outcomes)
            decision = self._checked(decision, subject, at, outcomes)
        case = await self._journal.conclude(_conclusion(event, key, subject, decision, at))
        self._show_time_left(case, subject, at)
        self._count(decision)
        self._tell(event, case, decision)
        return Turn(decision, case, subject, at, tuple(outcomes))

    def _show_time_left(self, case: Case, subject: Subject, at: BlockStamp) -> None:
        """Say how long there is to act, or to wait for a payment: nothing is lost when that time is over."""
        ripens = subject.ripe_at is not None
        left = subject.hard - at.timestamp if subject.open and not ripens else math.nan
        wait = subject.ripe_at - at.timestamp if subject.open and subject.ripe_at is not None else math.nan
        # NaN takes a series away.
        self._metrics.gauge("case_seconds_to_deadline", left, case=str(case.id))
        self._metrics.gauge("own_exit_seconds_to_ripe", wait, case=str(case.id))

    def _count(self, decision: Decision) -> None:
        self._metrics.count("decisions_total", verdict=type(decision).__name__.lower())

    async def _valued(self, act: Act, subject: Subject, outcomes: Sequence[Outcome]) -> Act:
        """Bound what an answer may cost by what is at stake, and say the sum."""
        spent = sum(each.receipt.cost for each in outcomes if isinstance(each, Confirmed | Reverted))
        budget = self._stakes.budget(
            subject.assets,
            bond=subject.bond,
            ours=subject.kind in OURS,
            held=await self._interest.held(),
            cap=act.window.budget,
            spent=Wei(spent),
        )
        window = replace(act.window, budget=budget.wei)
        return replace(act, window=window, reason=f"{act.reason}; {budget.words}")

    def _checked(self, act: Act, subject: Subject, at: BlockStamp, outcomes: Sequence[Outcome]) -> Decision:
        broken = violations(Proposal(act, subject, at, self._game.rules, outcomes))
        if broken:
            return Alert(f"not sent although proven ({act.reason}): {'; '.join(broken)}", Severity.CRITICAL)
        return act

    def _tell(self, event: WatcherEvent, case: Case | None, decision: Decision) -> None:
        told = {"case": case.id} if case else {}
        about = (event.topic, case.id if case else 0)
        if self._said.get(about) == decision:
            log.debug("as before", event_key=event.key, reason=decision.reason, **told)
            return
        self._said[about] = decision
        while len(self._said) > SAID_KEPT:
            del self._said[next(iter(self._said))]
        match decision:
            case Act():
                log.info("proven, to be answered", event_key=event.key, reason=decision.reason, **told)
            case Close():
                self._tell_closed(event, case, decision)
            case Alert():
                log.error("a person is needed", event_key=event.key, reason=decision.reason, **told)
                self._alerts.alert(f"case/{event.key}", decision.severity, decision.reason, **told)
            case LeaveChain():
                self._alerts.alert(
                    f"leave/{event.key}",
                    Severity.CRITICAL if decision.confirmed else Severity.WARNING,
                    f"the plasma chain is not safe for your funds: {decision.reason}",
                    confirmed=decision.confirmed,
                    **told,
                )
            case Hold(suspicious=True):
                log.info(
                    "held: evidence that proves nothing", event_key=event.key, reason=decision.reason, **told
                )
                # One alert for all of them: a Watcher that reports a thousand is one fault, not a thousand.
                self._alerts.alert(
                    "watcher/unproven",
                    Severity.WARNING,
                    "the Watcher reports frauds that its evidence does not prove; nothing is spent on them",
                    example=event.key,
                    reason=decision.reason,
                )
            case Hold():
                log.info("held", event_key=event.key, reason=decision.reason, **told)

    def _tell_closed(self, event: WatcherEvent, case: Case | None, close: Close) -> None:
        told = {"case": case.id} if case else {}
        match close.closure:
            case Closure.LOST if case:
                # The same key as when our own challenge came too late: one loss, one alert.
                log.error("lost", event_key=event.key, reason=close.reason, **told)
                self._alerts.alert(
                    f"case/{case.id}/lost",
                    Severity.CRITICAL,
                    f"case {case.id} is lost: {close.reason}",
                    position=str(case.position),
                )
            case Closure.WON_BY_US if case and case.key.kind is Kind.OWN_EXIT:
                # Told here, as anybody's processing may have paid it.
                self._alerts.clear(f"case/{case.id}/open")
                log.info("out: our exit is paid", position=str(case.position), reason=close.reason, **told)
            case _:
                log.info("nothing to do", event_key=event.key, reason=close.reason, **told)


def _credited(close: Close, outcomes: Sequence[Outcome]) -> Close:
    """Call a challenge our own where the journal knows that it is: we may have died before saying so."""
    if close.closure is not Closure.RESOLVED_BY_OTHERS:
        return close
    if not any(isinstance(outcome, Confirmed) for outcome in outcomes):
        return close
    return Close(Closure.WON_BY_US, "our challenge is mined and the exit is stopped")


def _conclusion(
    event: WatcherEvent, key: CaseKey, subject: Subject, decision: Decision, at: BlockStamp
) -> Conclusion:
    """Keep the exit's judgement and the case's state in step with what the contract says."""
    acts = isinstance(decision, Act)
    tracked, finding = subject.tracked, None
    if tracked and isinstance(decision, Act | Close):
        judgement = Judgement.INVALID if acts else tracked.judgement
        finding = Finding(tracked.exit_id, tracked.start, judgement, running=acts)
    return Conclusion(
        key=key,
        position=subject.position,
        event=event.names[0],
        details=event.model_dump_json(),
        block_number=at.number,
        at=at.timestamp,
        verdict=type(decision).__name__.lower(),
        reason=decision.reason,
        action=decision.action.name if isinstance(decision, Act) else None,
        finding=finding,
        closure=decision.closure if isinstance(decision, Close) else None,
        reopen=acts,
        deadline=subject.hard,
        bond=subject.bond or None,
        ripe_at=subject.ripe_at,
    )
