"""What every reaction is made of: an event model, the facts it needs, and a pure decision."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Kind, TrackedExit
from plasma_guard.domain.decisions import Decision, Window
from plasma_guard.domain.exits import ExitId, InFlightExitStarted, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.stakes import Asset
from plasma_guard.domain.transactions import FeeFacts
from plasma_guard.ports import Chain, ExitGame, Watcher


class WatcherEvent(BaseModel, ABC):
    """A byzantine event as a Watcher reports it: a claim, of which only the shape is checked here.

    `names` holds every spelling of the event's name. Unknown fields are ignored, so that a newer Watcher
    does not blind the guard.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, arbitrary_types_allowed=True)

    names: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def key(self) -> str:
        """Identity across polls: the same report again is the same observation."""

    @property
    @abstractmethod
    def topic(self) -> str:
        """What the report is about, whoever says it and whenever: one topic is looked at once at a time."""


class ExitStarts(Protocol):
    """Which exits our own scan of the root chain has found."""

    async def starts(self, position: UtxoPosition) -> list[TrackedExit]:
        """Return the standard exits started at a position, newest start first."""
        ...

    async def in_flight_start(self, plasma_tx_hash: Hash32) -> InFlightExitStarted | None:
        """Return the newest start of the in-flight exit of a transaction."""
        ...

    async def paid(self, exit_: TrackedExit) -> bool:
        """Return whether the root chain's logs say that this start was processed and paid."""
        ...

    async def withdrawn(self, exit_id: ExitId, since: int) -> frozenset[tuple[Side, int]]:
        """Return the slots of an in-flight exit that the logs of block `since` and later call paid."""
        ...

    async def challenged(self, position: UtxoPosition, since: int) -> bool:
        """Return whether the logs say that an exit of this position was challenged in `since` or later."""
        ...

    async def scanned_to(self) -> int:
        """Return the last root-chain block the scan covers, 0 before the first."""
        ...


class Prices(Protocol):
    """What gas costs."""

    async def at(self, block: BlockStamp) -> FeeFacts:
        """Return the prices at a block."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """Where `gather` may look; every chain read of one decision is made at the block `at`.

    `own` are the accounts whose outputs the guard may exit or piggyback.
    """

    at: BlockStamp
    watcher: Watcher
    chain: Chain
    prices: Prices
    game: ExitGame
    exits: ExitStarts
    own: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows for one event: the most one case may cost, in wei, whatever is at stake."""

    max_cost_per_case: Wei

    def window(self, started_at: Timestamp, hard: Timestamp) -> Window:
        """Return the window of an action that must be mined by `hard`.

        The first half of the time insists on a clean simulation; the second sends on local proof alone,
        so that one faulty endpoint has no veto over a user's money.
        """
        return Window(Timestamp(started_at + (hard - started_at) // 2), hard, self.max_cost_per_case)


@dataclass(frozen=True, slots=True)
class Subject:
    """What one case is about: one thing that is wrong with one start of one exit.

    `open` is what the contract's state says: whether an answer is still possible and needed. `started_at` and
    `hard` bound the time for it, in root-chain seconds. `bond` is what the contract pays at once for an
    answer, in wei. `tracked` is the entry of our own scan, for standard exits. `owners` and `tokens` say
    whose and which money it is about, `assets` how much of it the exit pays; empty where that is not known.
    `ripe_at` is when an exit of our own that runs can be paid, in root-chain seconds.
    """

    kind: Kind
    exit_id: ExitId
    start: str
    position: UtxoPosition
    open: bool
    started_at: Timestamp
    hard: Timestamp
    bond: Wei = Wei(0)
    tracked: TrackedExit | None = None
    owners: frozenset[Address] = frozenset()
    tokens: frozenset[Address] = frozenset()
    assets: tuple[Asset, ...] = ()
    ripe_at: Timestamp | None = None


class Facts(Protocol):
    """What `gather` brings for one case; reactions add fields of their own."""

    @property
    def subject(self) -> Subject | None:
        """What on the root chain this is about, or None when there is no such thing."""
        ...


E = TypeVar("E", bound=WatcherEvent)
F = TypeVar("F", bound=Facts)


@dataclass(frozen=True, slots=True)
class Reaction(Generic[E, F]):
    """One byzantine event: `gather` may ask, `decide` is pure.

    One event can be about several cases, such as one per spent piggyback: `gather` brings facts for each.
    It raises `RetryableError` when a source does not answer; a source that answers nonsense is a fact.
    """

    event: type[E]
    gather: Callable[[E, Scene], Awaitable[Sequence[F]]]
    decide: Callable[[E, F, Policy], Decision]
    answers: tuple[str, ...]
    """The calls this can lead to, by the contracts' names; empty where the answer is a decision to leave."""
    self_made: bool = False
    """Whether only the guard itself makes this event: one that a Watcher reports is not believed."""
    implies: Callable[[E], WatcherEvent] | None = None
    """The plain event that a Watcher reports together with a late one; looked at even if it is left out."""
