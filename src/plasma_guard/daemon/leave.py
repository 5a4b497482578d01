"""Takes the user's money off the plasma chain: from a reason to leave to exits, each a case of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from plasma_guard.daemon.departures import event_of, events_of_running
from plasma_guard.daemon.heads import Heads
from plasma_guard.daemon.mailbox import Mailbox, Wish
from plasma_guard.daemon.react import React, Turn
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import LeaveChain, Severity
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.plan import BadBlock, BadExit, ExitPlan, PlannedExit, Trouble
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.domain.vault import VaultContents
from plasma_guard.ports import Alerts, Journal, Metrics, Vault
from plasma_guard.reactions import own_in_flight_exit, own_standard_exit
from plasma_guard.reactions.own_exit import OwnExit
from plasma_guard.reactions.own_standard_exit import OwnStandardExit

log = structlog.get_logger(__name__)


KEPT_AT_ONCE = 100


class When(StrEnum):
    """Who decides that it is time to leave."""

    AUTO = "auto"
    """The guard, once it has confirmed the reason itself, or time is nearly out."""
    CONFIRM = "confirm"
    """The user, and the guard when time is nearly out."""
    NEVER = "never"
    """The user alone."""


@dataclass(frozen=True, slots=True)
class LeavePolicy:
    """When to leave; in the last `lead` root-chain seconds before the deadline nobody is asked any more."""

    when: When
    lead: int


@dataclass(frozen=True, slots=True)
class Begun:
    """An exit of our own that is a case on disk, and what its first turns came to."""

    event: OwnExit
    reaction: Any
    turns: Sequence[Turn]


MakePlan = Callable[[BlockStamp, Trouble | None], Awaitable[tuple[VaultContents, ExitPlan]]]
Confirm = Callable[[LeaveChain, BlockStamp], Awaitable[bool]]


class Leave:
    """Plans again at each turn of a reason to leave, so that what became possible since is done too.

    `confirm` is the guard's own look at a reason that only a Watcher gave.
    """

    def __init__(
        self,
        *,
        plan: MakePlan,
        confirm: Confirm,
        policy: LeavePolicy,
        mailbox: Mailbox,
        vault: Vault,
        heads: Heads,
        react: React,
        journal: Journal,
        alerts: Alerts,
        metrics: Metrics,
        armed: bool,
    ) -> None:
        self._plan = plan
        self._confirm = confirm
        self._policy = policy
        self._mailbox = mailbox
        self._vault = vault
        self._heads = heads
        self._react = react
        self._journal = journal
        self._alerts = alerts
        self._metrics = metrics
        self._armed = armed

    async def consider(self, turn: Turn) -> list[Begun]:
        """Return the exits that a decision leads to now, on disk as cases; none while it is not time."""
        decision, subject = turn.decision, turn.subject
        if not isinstance(decision, LeaveChain) or subject is None or not self._armed:
            return []
        trouble: Trouble
        if decision.first_bad_blknum is not None:
            trouble = BadBlock(decision.first_bad_blknum, subject.started_at)
        else:
            trouble = BadExit(subject.position, subject.hard, subject.tokens)
        contents, plan = await self._plan(turn.at, trouble)
        self._tell_left(plan)
        if not plan.exits:
            return []
        confirmed = decision.confirmed or await self._confirm(decision, turn.at)
        if not self._is_time(plan, trouble, turn.at.timestamp, confirmed=confirmed):
            return []
        return await self._start(contents, plan.exits, plan, turn.at, decision.reason)

    async def fulfil(self) -> list[Begun]:
        """Return the exits that the user has asked for since, on disk as cases."""
        try:
            wishes = self._mailbox.wishes()
        except MalformedError as error:
            self._alerts.alert("exits/wish", Severity.WARNING, str(error))
            return []
        found: list[Begun] = []
        for wish in wishes:
            if not self._armed:
                self._alerts.alert(
                    "exits/unarmed", Severity.WARNING, "an exit was asked for, and the guard only observes"
                )
                break
            at = await self._heads.newest()
            await self._vault.refresh(at)
            contents, plan = await self._plan(at, None)
            if wish.running:
                found += await self._see_through(contents, plan, at)
                self._mailbox.done(wish)
                continue
            wanted = [exit_ for exit_ in plan.exits if _is_wished(exit_, wish)]
            found += await self._start(contents, wanted, plan, at, "its owner asked for it")
            if all(exit_.funded for exit_ in wanted):  # else the rest of it waits for the money
                self._mailbox.done(wish)
        return found

    def _is_time(self, plan: ExitPlan, trouble: Trouble, now: Timestamp, *, confirmed: bool) -> bool:
        """Whether to act now; where only a person may say so, tell what they should know."""
        when, deadline = self._policy.when, plan.deadline
        nearly_out = deadline is not None and now >= deadline - self._policy.lead
        told = f"{len(plan.exits)} exits would take out {plan.value} wei for {plan.cost} wei of gas"
        if when is When.NEVER:
            words = f"{told}; exits.policy is never: start them with `plasma-guard exits start all`"
        elif nearly_out and (confirmed or isinstance(trouble, BadBlock)):
            return True
        elif not confirmed:
            words = (
                f"{told}; only a Watcher says that this is needed, and the guard could not confirm it:"
                " look yourself, then `plasma-guard exits start all`"
            )
        elif when is When.AUTO:
            return True
        else:
            words = f"{told}; start them with `plasma-guard exits start all`"
        if deadline is not None and when is not When.NEVER:
            words += f". In time until {deadline} (root-chain time)"
        self._alerts.alert("exits/waiting", Severity.CRITICAL, words)
        return False

    def _tell_left(self, plan: ExitPlan) -> None:
        """Say what cannot be saved, and why: the sooner its owner knows the better."""
        if not plan.left:
            self._alerts.clear("exits/left")
            return
        first = plan.left[0]
        self._alerts.alert(
            "exits/left",
            Severity.CRITICAL,
            f"{len(plan.left)} outputs stay behind, such as {first.output.position or first.output.tx_hash}:"
            f" {first.reason}; all of them are in `plasma-guard exits plan`",
        )

    async def _see_through(self, contents: VaultContents, plan: ExitPlan, at: BlockStamp) -> list[Begun]:
        """Take charge of our exits that run, whoever started them: from now on they are cases of ours."""
        tracked = await self._journal.tracked_exits(running=True)
        starts = {each.exit_id: each.started_at for each in reversed(tracked)}  # the newest of each
        known = await self._in_hand()
        running = [each for each in plan.underway if each.exit_id not in known]
        events = events_of_running(running, contents, starts)
        log.info("our running exits are seen through", exits=len(events))
        return await self._keep_all(events, at)

    async def _in_hand(self) -> set[ExitId]:
        cases = await self._journal.cases(open_only=True)
        return {case.key.exit_id for case in cases if case.key.kind is Kind.OWN_EXIT}

    async def _keep_all(self, events: Sequence[OwnExit], at: BlockStamp) -> list[Begun]:
        """Put events on disk as cases, the first ones first, many at a time: their reads share requests."""
        limit = asyncio.Semaphore(KEPT_AT_ONCE)

        async def keep(event: OwnExit) -> Begun:
            is_standard = isinstance(event, OwnStandardExit)
            reaction: Any = own_standard_exit.REACTION if is_standard else own_in_flight_exit.REACTION
            async with limit:
                return Begun(event, reaction, await self._react.turn(event, reaction, at))

        kept = await asyncio.gather(*map(keep, events), return_exceptions=True)
        for each in kept:
            if isinstance(each, BaseException):
                raise each  # after all the others had their turn
        return [each for each in kept if not isinstance(each, BaseException)]

    async def _start(
        self,
        contents: VaultContents,
        exits: Iterable[PlannedExit],
        plan: ExitPlan,
        at: BlockStamp,
        reason: str,
    ) -> list[Begun]:
        known = await self._in_hand()
        new = [exit_ for exit_ in exits if exit_.exit_id not in known]
        unpaid = sum(not exit_.funded for exit_ in new)
        events = [event_of(exit_, contents, at, reason) for exit_ in new if exit_.funded]
        started = await self._keep_all(events, at)
        if started:
            log.warning("leaving the plasma chain", exits=len(started), value_wei=plan.value, reason=reason)
            self._alerts.alert(
                "exits/started",
                Severity.CRITICAL,
                f"{len(started)} exits are being started: {reason}; see `plasma-guard exits list`",
            )
            self._metrics.count("own_exits_total", len(started))
        if unpaid:
            self._alerts.alert(
                "exits/unfunded",
                Severity.CRITICAL,
                f"{unpaid} exits wait for money: the accounts lack {plan.missing} wei for bonds and gas",
                **{str(account): f"lacks {short} wei" for account, short in plan.shortfalls.items()},
            )
        else:
            self._alerts.clear("exits/unfunded")
        return started


def _is_wished(exit_: PlannedExit, wish: Wish) -> bool:
    if wish.positions is None:
        return True
    return any(output.position in wish.positions for output in exit_.outputs)
