"""Poll a Watcher and take down what it reports."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError

from plasma_guard.daemon.freshness import Freshness
from plasma_guard.daemon.troubles import Troubles
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case, Observation
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import MalformedError, WatcherError, WatcherNotReady
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL
from plasma_guard.domain.primitives import Address, shorten
from plasma_guard.domain.watchers import ByzantineEvent, KnownInFlightExit, WatcherStatus
from plasma_guard.ports import Alerts, ExitGame, Journal, Metrics, Watcher
from plasma_guard.reactions.base import Reaction, WatcherEvent
from plasma_guard.reactions.piggyback_available import PiggybackAvailable

log = structlog.get_logger(__name__)

GRAVE = frozenset({"contracts"})
"""Waiting does not turn a Watcher of another network into ours."""

Sighting = tuple[WatcherEvent, Reaction[Any, Any]]


def recall(case: Case, reactions: Mapping[str, Reaction[Any, Any]]) -> Sighting | None:
    """Rebuild the event a case came from; None when its reaction is switched off."""
    reaction = reactions.get(case.event)
    return None if reaction is None else (reaction.event.model_validate_json(case.details), reaction)


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll brought: events to react to, and whether the answer is fresh."""

    sightings: tuple[Sighting, ...]
    status: WatcherStatus | None
    fresh: bool


class Watch:
    """Polls `status.get`; what comes back is a claim about now, not a stream.

    `reactions` holds one entry per spelling of an event's name; events named in `off` are left alone. `own`
    are the accounts whose outputs must join in-flight exits that no event mentions.
    """

    def __init__(
        self,
        *,
        watcher: Watcher,
        game: ExitGame,
        journal: Journal,
        reactions: Mapping[str, Reaction[Any, Any]],
        off: frozenset[str],
        own: frozenset[Address] = frozenset(),
        freshness: Freshness,
        troubles: Troubles,
        alerts: Alerts,
        metrics: Metrics,
    ) -> None:
        self._watcher = watcher
        self._game = game
        self._journal = journal
        self._reactions = reactions
        self._off = off
        self._own = own
        self._freshness = freshness
        self._troubles = troubles
        self._alerts = alerts
        self._metrics = metrics
        self.last = Poll((), None, fresh=False)

    async def poll(self, at: BlockStamp) -> Poll:
        """Ask once; a Watcher that fails to answer is a poll without events, never an exception.

        Nothing is on disk yet: `note` sees to that.
        """
        status, blocks = await asyncio.gather(
            self._watcher.status(), self._game.next_plasma_blocks(at), return_exceptions=True
        )
        if isinstance(status, WatcherError):
            kind = "not ready" if isinstance(status, WatcherNotReady) else "no answer"
            log.warning("the Watcher gave no usable answer", kind=kind, error=str(status))
            self._troubles.report({"answer": f"no usable answer: {status}"})
            self._metrics.gauge("watcher_ok", 0)
            self.last = Poll((), None, fresh=False)
            return self.last
        if isinstance(status, BaseException):
            raise status
        if isinstance(blocks, BaseException):
            raise blocks
        mined = blocks[0] - CHILD_BLOCK_INTERVAL
        complaints = self._freshness.complaints(status, at, mined)
        self._troubles.report(complaints, grave=GRAVE)
        self._metrics.gauge("watcher_ok", 0 if complaints else 1)
        self._metrics.gauge(
            "watcher_validated_lag", (mined - status.last_validated_blknum) // CHILD_BLOCK_INTERVAL
        )
        if complaints.keys() & GRAVE:
            self.last = Poll((), status, fresh=False)
            return self.last
        sightings = self._read(status.events)
        sightings += self._unmentioned(status.in_flight_exits, {event.topic for event, _ in sightings})
        self.last = Poll(sightings, status, fresh=not complaints)
        return self.last

    async def note(self, poll: Poll, at: BlockStamp) -> int:
        """Put what a poll brought on disk; return how many of it were never reported before.

        The journal keeps changes in the order asked for, so what is decided about an event from now on is
        never on disk without it.
        """
        observations = {event.key: _observation(event) for event, _ in poll.sightings}
        new = await self._journal.observe(list(observations.values()), at.timestamp)
        counts = Counter(event.names[0] for event, _ in poll.sightings)
        for reaction in self._reactions.values():
            name = reaction.event.names[0]
            self._metrics.gauge("watcher_events", counts[name], kind=name)
        return len(new)

    def _read(self, events: tuple[ByzantineEvent, ...]) -> tuple[Sighting, ...]:
        """Interpret each entry on its own, so that a bad one hides no good one."""
        sightings: dict[str, Sighting] = {}
        unreadable: dict[str, str] = {}
        for entry in events:
            if entry.name in self._off:
                continue
            reaction = self._reactions.get(entry.name)
            if reaction is None or reaction.self_made:
                self._alerts.alert(
                    f"watcher/unknown event/{entry.name[:40]}",
                    Severity.WARNING,
                    "the Watcher reports an event this guard does not know; nothing is done about it",
                    event=shorten(entry.name),
                    details=shorten(dict(entry.details), 300),
                )
                continue
            try:
                event = reaction.event.model_validate(entry.details)
            except ValidationError as error:
                unreadable[entry.name] = shorten(error.errors()[0]["msg"], 120)
                continue
            sightings[event.key] = (event, reaction)
            if reaction.implies is not None:
                plain = reaction.implies(event)
                sightings.setdefault(plain.key, (plain, self._reactions[plain.names[0]]))
        if unreadable:
            self._alerts.alert(
                "watcher/unreadable events",
                Severity.WARNING,
                "the Watcher reports events whose details cannot be read; nothing was done about those",
                **unreadable,
            )
        else:
            self._alerts.clear("watcher/unreadable events")
        return tuple(sightings.values())

    def _unmentioned(self, known: Iterable[KnownInFlightExit], reported: set[str]) -> tuple[Sighting, ...]:
        """Make the piggyback event that a Watcher leaves out once the transaction is in a block."""
        reaction = self._reactions.get(PiggybackAvailable.names[0])
        if reaction is None or not self._own:
            return ()
        events = [
            PiggybackAvailable(txbytes=each.tx, included=True) for each in known if self._pays_us(each.tx)
        ]
        return tuple((event, reaction) for event in events if event.topic not in reported)

    def _pays_us(self, unsigned: bytes) -> bool:
        try:
            tx = self._game.rules.decode(unsigned)
        except MalformedError:
            return False
        return any(output.owner in self._own for output in tx.outputs)


def _observation(event: WatcherEvent) -> Observation:
    return Observation(event.key, event.names[0], "watcher", event.model_dump_json())
