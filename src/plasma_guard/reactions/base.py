"""What every reaction is made of: an event model, the facts it needs, and a pure decision."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Kind, TrackedExit
from plasma_guard.domain.decisions import Decision, Window
from plasma_guard.domain.exits import StandardExit
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.ports import Chain, ExitGame, Watcher


class WatcherEvent(BaseModel):
    """A byzantine event as a Watcher reports it: a claim, of which only the shape is checked here.

    `names` holds every spelling of the event's name. Unknown fields are ignored, so that a newer Watcher
    does not blind the guard.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, arbitrary_types_allowed=True)

    names: ClassVar[tuple[str, ...]] = ()

    @property
    def key(self) -> str:
        """Identity across polls: the same report again is the same observation."""
        raise NotImplementedError(type(self).__name__)

    @property
    def topic(self) -> str:
        """What the report is about, whoever says it and whenever: one topic is looked at once at a time."""
        raise NotImplementedError(type(self).__name__)


class ExitStarts(Protocol):
    """Which standard exits our own scan of the root chain has found."""

    async def starts(self, position: UtxoPosition) -> list[TrackedExit]:
        """Return the exits started at a position, newest start first."""
        ...

    async def paid(self, exit_: TrackedExit) -> bool:
        """Return whether the root chain's logs say that this start was processed and paid."""
        ...

    async def challenged(self, position: UtxoPosition, since: int) -> bool:
        """Return whether the logs say that an exit of this position was challenged in `since` or later."""
        ...

    async def scanned_to(self) -> int:
        """Return the last root-chain block the scan covers, 0 before the first."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """Where `gather` may look; every chain read of one decision is made at the block `at`."""

    at: BlockStamp
    watcher: Watcher
    chain: Chain
    game: ExitGame
    exits: ExitStarts


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows: the most one case may cost, in wei."""

    max_cost_per_case: Wei

    def window(self, started_at: Timestamp, hard: Timestamp) -> Window:
        """Return the window of an action that must be mined by `hard`.

        The first half of the time insists on a clean simulation; the second sends on local proof alone,
        so that one faulty endpoint has no veto over a user's money.
        """
        return Window(Timestamp(started_at + (hard - started_at) // 2), hard, self.max_cost_per_case)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a case is about: the start of an exit, and the contract's entry for it now."""

    kind: Kind
    start: TrackedExit
    entry: StandardExit
    exitable_at: Timestamp


class Facts(Protocol):
    """What `gather` brings; reactions add fields of their own."""

    @property
    def subject(self) -> Subject | None:
        """The exit on the root chain this is about, or None when there is none."""
        ...


E = TypeVar("E", bound=WatcherEvent)
F = TypeVar("F", bound=Facts)


@dataclass(frozen=True, slots=True)
class Reaction(Generic[E, F]):
    """One byzantine event: `gather` may ask, `decide` is pure.

    `gather` raises `RetryableError` when a source does not answer; a source that answers nonsense is a fact.
    `recall` rebuilds the event of an open case, so that a case lives on when its Watcher event is gone.
    """

    kind: Kind
    event: type[E]
    gather: Callable[[E, Scene], Awaitable[F]]
    decide: Callable[[E, F, Policy], Decision]
    recall: Callable[[UtxoPosition], E]
