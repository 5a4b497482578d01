"""What every game of exits has in common: events of the root chain in, byzantine events out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from plasma_guard.domain.exits import (
    InFlightExit,
    InFlightStartData,
    RootChainEvent,
    StandardExit,
)
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.domain.watchers import ByzantineEvent


@dataclass(frozen=True, slots=True)
class Facts:
    """What an event's log does not say, read from the root chain when the event was recognized.

    `at` is the time of its block; `entry` the contract's entry of a started standard exit; `start` what an
    in-flight exit was started with; `calldata` what the transaction that challenged one carried; `in_flight`
    the contract's entry where a log leaves open which piggyback it is about. None: not read, or not there.
    """

    at: Timestamp | None = None
    entry: StandardExit | None = None
    start: InFlightStartData | None = None
    calldata: bytes | None = field(default=None, repr=False)
    in_flight: InFlightExit | None = None


NO_FACTS = Facts()


class Game(Protocol):
    """One kind of exit, followed through the events of the root chain."""

    def apply(self, event: RootChainEvent, facts: Facts) -> None:
        """Take one event of the root chain; ignore those of other games."""
        ...

    def block_applied(self) -> None:
        """Take note that the ledger has one block more."""
        ...


class Judge(Protocol):
    """Says what is wrong about the exits of a game."""

    def events(self, tip: int) -> Iterator[ByzantineEvent]:
        """Return the events that are true at root-chain height `tip`."""
        ...

    def must_halt(self, tip: int) -> bool:
        """Tell whether an event is so late that the operator must not be followed any further."""
        ...
