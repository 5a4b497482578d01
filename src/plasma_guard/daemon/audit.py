"""Ask about every running exit directly: an empty list of byzantine events is a claim, not safety."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Judgement, TrackedExit
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import WatcherError, WatcherRefused
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.ports import Alerts, Clock, Journal, Metrics, Watcher

log = structlog.get_logger(__name__)

NOT_SPENT = "challenge:utxo_not_spent"
FIRST_ASK_AGAIN = 12.0
ASK_AGAIN_AT_MOST = 600.0
"""Seconds between questions about one exit: a spend can be included long after the exit started."""
QUESTIONS_AT_ONCE = 8
QUESTIONS_PER_ROUND = 64
JUDGEMENT_LASTS = 3600
"""Root-chain seconds after which a Watcher's word that an output is unspent is too old to rest on."""


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """`unverified_after`: root-chain seconds an exit may stay unjudged before a person is told."""

    unverified_after: int


@dataclass(slots=True)
class _Question:
    due: float
    delay: float = FIRST_ASK_AGAIN


class Audit:
    """Gives every exit of our own scan a judgement, or keeps it listed as unverified."""

    def __init__(
        self,
        *,
        watcher: Watcher,
        journal: Journal,
        clock: Clock,
        alerts: Alerts,
        metrics: Metrics,
        settings: AuditSettings,
    ) -> None:
        self._watcher = watcher
        self._journal = journal
        self._clock = clock
        self._alerts = alerts
        self._metrics = metrics
        self._settings = settings
        self._questions: dict[tuple[int, str], _Question] = {}

    async def round(self, at: BlockStamp, *, fresh: bool) -> list[UtxoPosition]:
        """Ask about the exits that are due; return the positions a Watcher offers challenge data for.

        `fresh` says whether the Watcher's word that an output is unspent counts.
        """
        running = await self._journal.tracked_exits(running=True)
        alive = {(each.exit_id, each.start) for each in running}
        self._questions = {key: question for key, question in self._questions.items() if key in alive}
        due = [each for each in running if self._is_due(each)][:QUESTIONS_PER_ROUND]
        limit = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        answers = await asyncio.gather(*(self._ask(each, at, limit, fresh=fresh) for each in due))
        self._tell(await self._journal.tracked_exits(running=True) if due else running, at)
        return [each.position for each, offered in zip(due, answers, strict=True) if offered]

    def _is_due(self, exit_: TrackedExit) -> bool:
        question = self._questions.get((exit_.exit_id, exit_.start))
        return question is None or question.due <= self._clock.monotonic()

    async def _ask(
        self, exit_: TrackedExit, at: BlockStamp, limit: asyncio.Semaphore, *, fresh: bool
    ) -> bool:
        key = (exit_.exit_id, exit_.start)
        question = self._questions.setdefault(key, _Question(0.0))
        async with limit:
            offered, judgement = await self._judge(exit_, fresh=fresh)
        question.due = self._clock.monotonic() + question.delay
        question.delay = min(question.delay * 2, ASK_AGAIN_AT_MOST)
        if judgement is not None:
            await self._journal.judge([key], judgement, at.timestamp)
        return offered

    async def _judge(self, exit_: TrackedExit, *, fresh: bool) -> tuple[bool, Judgement | None]:
        try:
            await self._watcher.challenge_data(exit_.position)
        except WatcherRefused as refusal:
            if refusal.code == NOT_SPENT and fresh:
                return False, Judgement.VALID
            return False, None
        except WatcherError as error:
            log.debug(
                "a question about an exit went unanswered", position=str(exit_.position), error=str(error)
            )
            return False, None
        return True, None

    def _tell(self, running: Sequence[TrackedExit], at: BlockStamp) -> None:
        unverified = [each for each in running if is_unverified(each, at)]
        self._metrics.gauge("exits_running", len(running))
        self._metrics.gauge("exits_unverified", len(unverified))
        overdue = [
            each for each in unverified if at.timestamp - each.started_at > self._settings.unverified_after
        ]
        if not overdue:
            self._alerts.clear("exits/unverified")
            return
        self._alerts.alert(
            "exits/unverified",
            Severity.WARNING,
            f"{len(overdue)} running exits have been judged by no fresh Watcher; ask another one",
            positions=", ".join(str(each.position) for each in overdue[:10]),
        )


def is_unverified(exit_: TrackedExit, at: BlockStamp) -> bool:
    """Return whether nobody trustworthy has said lately what this exit is."""
    if exit_.judgement is Judgement.UNVERIFIED or exit_.judged_at is None:
        return True
    return exit_.judgement is Judgement.VALID and at.timestamp - exit_.judged_at > JUDGEMENT_LASTS
