"""What to look at next: every reported event and open case, each at its own pace."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from plasma_guard.domain.decisions import Close, Decision
from plasma_guard.ports import Clock
from plasma_guard.reactions.base import Reaction, WatcherEvent

FIRST_RETRY = 4.0
LONGEST_RETRY = 120.0
SETTLED_RETRY = 60.0
"""A case that is closed, or being answered, is read again at this pace while somebody reports it."""
IDLE_TURNS_PER_SECOND = 20
"""Topics that nothing happens about get no more turns than this, however many there are."""


@dataclass(slots=True)
class Item:
    """One event with the reaction for it, and when it is due, in monotonic seconds."""

    event: WatcherEvent
    reaction: Reaction[Any, Any]
    due: float
    delay: float = FIRST_RETRY
    busy: bool = False


class Agenda:
    """Holds one item per topic; what is reported again and again is not decided again and again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: dict[str, Item] = {}
        self._stir = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, topic: object) -> bool:
        return topic in self._items

    def add(self, sightings: Iterable[tuple[WatcherEvent, Reaction[Any, Any]]]) -> int:
        """Put events on the agenda; a new topic, or a new report on a known one, is due at once.

        Returns how many were new.
        """
        now = self._clock.monotonic()
        new = 0
        for event, reaction in sightings:
            item = self._items.get(event.topic)
            if item is None:
                self._items[event.topic] = Item(event, reaction, now)
            elif item.event.key != event.key:
                item.event, item.due, item.delay = event, now, FIRST_RETRY
            else:
                continue
            new += 1
        if new:
            self._stir.set()
        return new

    def keep_only(self, topics: set[str]) -> None:
        """Forget idle topics that nobody reports any more and no open case needs."""
        for topic in [topic for topic, item in self._items.items() if topic not in topics and not item.busy]:
            del self._items[topic]

    def take_due(self) -> list[Item]:
        """Return what is due now and mark it busy until `done`."""
        now = self._clock.monotonic()
        due = [item for item in self._items.values() if not item.busy and item.due <= now]
        for item in due:
            item.busy = True
        return due

    def done(self, item: Item, decisions: Sequence[Decision], *, under_way: bool = False) -> None:
        """Say how a turn ended, which sets when the next one is due.

        No decisions: the turn could not be finished. `under_way`: an answer is being sent, and the topic will
        be touched when it is over. What is over or under way is looked at slowly, all else at a pace that
        slows down from turn to turn. Whoever takes turns and says so looks at what is due next by itself.
        """
        item.busy = False
        settled = bool(decisions) and all(isinstance(each, Close) for each in decisions)
        if under_way or settled:
            item.due = self._clock.monotonic() + max(SETTLED_RETRY, self._round)
            item.delay = FIRST_RETRY if settled else item.delay
        else:
            item.due = self._clock.monotonic() + item.delay
            item.delay = min(item.delay * 2, max(LONGEST_RETRY, self._round))

    def leave_be(self, topic: str) -> None:
        """Look at a topic slowly: it is being answered, and will be touched when that is over."""
        item = self._items.get(topic)
        if item is not None:
            item.due = self._clock.monotonic() + max(SETTLED_RETRY, self._round)

    def put_off(self, topic: str) -> None:
        """Make a topic due after a pause, longer each time: its answer came to nothing."""
        item = self._items.get(topic)
        if item is not None:
            item.due = self._clock.monotonic() + item.delay
            item.delay = min(item.delay * 2, LONGEST_RETRY)
            self._stir.set()

    @property
    def _round(self) -> float:
        """Seconds that a turn for every topic takes at the pace of idle ones."""
        return len(self._items) / IDLE_TURNS_PER_SECOND

    def touch(self, topic: str) -> None:
        """Make a topic due at once, because something about it changed."""
        item = self._items.get(topic)
        if item is not None:
            item.due, item.delay = self._clock.monotonic(), FIRST_RETRY
            self._stir.set()

    async def stirred(self, at_most: float) -> None:
        """Wait until something changed or the given seconds have passed."""
        waits = {
            asyncio.ensure_future(self._stir.wait()),
            asyncio.ensure_future(self._clock.sleep(self._until_next(at_most))),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            self._stir.clear()

    def _until_next(self, at_most: float) -> float:
        now = self._clock.monotonic()
        return min([at_most, *(max(0.0, item.due - now) for item in self._items.values() if not item.busy)])
