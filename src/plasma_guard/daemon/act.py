"""From a decision to a transaction: one task per case, and never two."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

import structlog

from plasma_guard.daemon.permits import Permits
from plasma_guard.daemon.react import Turn
from plasma_guard.daemon.settle import Settle
from plasma_guard.domain.actions import ProcessExits
from plasma_guard.domain.cases import Case
from plasma_guard.domain.decisions import Act, Severity, Window
from plasma_guard.domain.errors import GuardError
from plasma_guard.domain.primitives import Address
from plasma_guard.domain.transactions import Confirmed, Outcome, Reverted, TxCandidate
from plasma_guard.ports import Alerts, ExitGame, Journal, Sender

log = structlog.get_logger(__name__)


class Answers:
    """Hands decisions to the sender and waits for outcomes; without a sender it says what it would do.

    `account` sends what need not come from an output's owner; cases of events in `observed` are only told.
    `permits` lets the signers post the bond of now. `on_done` hears of each answer that is over, and whether
    it was mined.
    """

    def __init__(
        self,
        *,
        game: ExitGame,
        journal: Journal,
        sender: Sender | None,
        settle: Settle,
        account: Address | None,
        observed: frozenset[str],
        permits: Permits,
        alerts: Alerts,
        tasks: asyncio.TaskGroup,
        on_done: Callable[[Case, bool], None],
    ) -> None:
        self._game = game
        self._journal = journal
        self._sender = sender
        self._settle = settle
        self._account = account
        self._observed = observed
        self._permits = permits
        self._alerts = alerts
        self._tasks = tasks
        self._on_done = on_done
        self._in_hand: dict[int, str] = {}
        self._withdrawn: set[int] = set()
        self._unsent: set[tuple[int, str]] = set()
        self._processing: dict[int, Address] = {}

    @property
    def in_hand(self) -> Collection[int]:
        """The ids of the cases being answered now; it changes as they are."""
        return self._in_hand.keys()

    def answer(self, turn: Turn) -> bool:
        """Start answering a case, unless that is under way already; return whether it is now."""
        case, act = turn.case, turn.decision
        if case is not None and case.id in self._in_hand:
            return True
        if case is None or not isinstance(act, Act):
            return False
        if isinstance(act.action, ProcessExits) and act.action.token in self._processing.values():
            return False  # one call pays all of ours that are ripe; a second could find the queue empty
        account = act.account or self._account
        if self._sender is None or account is None or case.event in self._observed:
            self._say_unsent(case, act)
            return False
        intent = f"{case.key}#{act.action.name}#{_mined(turn.outcomes)}"
        candidate = self._game.candidate(act.action, intent=intent, case_id=case.id, account=account)
        if isinstance(act.action, ProcessExits):
            self._processing[case.id] = act.action.token
        candidate = _roomier(candidate, turn.outcomes)
        self._start(case, candidate, act.window)
        return True

    def _say_unsent(self, case: Case, act: Act) -> None:
        """Say once per case and call what would have been sent; the case is looked at again and again."""
        if (case.id, act.action.name) in self._unsent:
            return
        self._unsent.add((case.id, act.action.name))
        log.warning(
            "only observing: would have sent",
            call=act.action.name,
            case=case.id,
            position=str(case.position),
            reason=act.reason,
        )

    async def resume(self, cases: Sequence[Case]) -> int:
        """Take up every intent the journal holds without an outcome; return how many."""
        if self._sender is None:
            return 0
        by_id = {case.id: case for case in cases}
        intents = [each for each in await self._journal.open_intents() if not each[0].is_fill]
        for candidate, window in intents:
            case = by_id[candidate.case_id]
            log.info("resuming after a restart", case=case.id, call=candidate.purpose)
            self._start(case, candidate, window)
        return len(intents)

    async def withdraw(self, case: Case, reason: str) -> None:
        """Take back the answer to a case that needs none any more, unless it is mined already."""
        intent = self._in_hand.get(case.id)
        if intent is None or self._sender is None:
            return
        if case.id not in self._withdrawn:
            log.info("the answer is not needed any more", case=case.id, reason=reason)
        self._withdrawn.add(case.id)
        await self._sender.withdraw(intent, reason)

    def _start(self, case: Case, candidate: TxCandidate, window: Window) -> None:
        self._in_hand[case.id] = candidate.intent
        self._tasks.create_task(self._see_through(case, candidate, window), name=f"case {case.id}")

    async def _see_through(self, case: Case, candidate: TxCandidate, window: Window) -> None:
        assert self._sender is not None  # noqa: S101 (only ever started with a sender)
        mined = False
        try:
            if candidate.value:
                # A bond changes at a time set long before: only the one of now is taken, and may be signed.
                await self._permits.refresh()
            outcome = await self._sender.submit(candidate, window)
            mined = isinstance(outcome, Confirmed | Reverted)
            await self._settle.settle(case, candidate, outcome, withdrawn=case.id in self._withdrawn)
        except GuardError as error:
            log.error("answering a case failed; it is taken up again", case=case.id, error=str(error))
        except Exception as error:  # (one case's bug must not end the guard; it is visible and retried)
            log.exception("unexpected error while answering a case", case=case.id)
            self._alerts.alert(
                f"case/{case.id}/unexpected",
                Severity.CRITICAL,
                f"unexpected {type(error).__name__} while answering case {case.id}; it is retried",
            )
        finally:
            self._in_hand.pop(case.id, None)
            self._withdrawn.discard(case.id)
            self._processing.pop(case.id, None)
            self._on_done(case, mined)


def _roomier(candidate: TxCandidate, outcomes: Iterable[Outcome]) -> TxCandidate:
    """Give a call that ran out of gas twice as much for each time: its measured limit was too low."""
    short = sum(isinstance(outcome, Reverted) and outcome.out_of_gas for outcome in outcomes)
    if not short or candidate.gas_limit is None:
        return candidate
    return replace(candidate, gas_limit=candidate.gas_limit * 2**short)


def _mined(outcomes: Iterable[Outcome]) -> int:
    """Count the transactions of a case that were mined: only those are not taken up again."""
    return sum(isinstance(outcome, Confirmed | Reverted) for outcome in outcomes)
