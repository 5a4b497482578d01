"""Whom to ask, for as long as it answers: one that is down is asked no more in the same refresh."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.errors import EvidenceError, RetryableError, WatcherError, WatcherRefused
from plasma_guard.domain.evidence import ExitData, FoundTransaction, InFlightData
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.plasma.child_block import prove_block
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.ports import ChildChain, Clock, Watcher

T = TypeVar("T")
NOT_SERVED = "operation:not_found"
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 3600.0
_TOLD = 5


@dataclass(slots=True)
class Troubles:
    """What failed in one refresh, each kind once; the rest is counted."""

    words: dict[str, str] = field(default_factory=dict)
    more: int = 0

    def add(self, kind: str, text: str) -> None:
        """Note one failure."""
        if kind in self.words or len(self.words) >= _TOLD:
            self.more += kind not in self.words
        else:
            self.words[kind] = text

    def sentences(self) -> tuple[str, ...]:
        """Return what to tell."""
        rest = (f"and {self.more} more like these",) if self.more else ()
        return (*self.words.values(), *rest)


class Patience:
    """What was refused is not asked again at once, but after a pause that doubles each time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[object, tuple[float, float]] = {}

    def ready(self, subject: object) -> bool:
        """Tell whether to ask about a subject now."""
        return self._until.get(subject, (float("-inf"), 0.0))[0] <= self._clock.monotonic()

    def failed(self, subject: object) -> None:
        """Let some time pass before it is asked about again."""
        _, last = self._until.get(subject, (0.0, 0.0))
        pause = min(2 * last, LONGEST_PAUSE) if last else FIRST_PAUSE
        self._until[subject] = (self._clock.monotonic() + pause, pause)

    def done(self, subject: object) -> None:
        """Forget that it ever failed."""
        self._until.pop(subject, None)


class WatcherClaims:
    """A Watcher's answers; None for what it does not serve, after it has been noted why."""

    def __init__(self, watcher: Watcher, patience: Patience, troubles: Troubles) -> None:
        self._watcher = watcher
        self._patience = patience
        self._troubles = troubles
        self._down = False

    async def listed(self, owners: Collection[Address]) -> set[UtxoPosition] | None:
        """Return what it calls unspent of these owners; None unless it answered for all of them."""
        found: set[UtxoPosition] = set()
        for owner in sorted(owners):
            ask = partial(self._watcher.exitable_utxos, owner)
            answer = await self._ask("account.get_exitable_utxos", owner, ask)
            if answer is None:
                return None
            found |= {each.position for each in answer if each.owner == owner}
        return found

    async def creation(self, position: UtxoPosition) -> ExitData | None:
        """Return the transaction at a position with its proof; any output of it will do."""
        place = position.tx_position
        return await self._ask("utxo.get_exit_data", place, lambda: self._watcher.exit_data(place))

    async def in_flight(self, tx_hash: Hash32, signed: bytes) -> InFlightData | None:
        """Return what an in-flight exit of a signed transaction takes."""
        return await self._ask(
            "in_flight_exit.get_data", tx_hash, lambda: self._watcher.in_flight_data(signed)
        )

    async def transaction(self, tx_hash: Hash32) -> FoundTransaction | None:
        """Return a transaction of a block with its signatures."""
        return await self._ask("transaction.get", tx_hash, lambda: self._watcher.transaction(tx_hash))

    async def _ask(self, endpoint: str, subject: object, ask: Callable[[], Awaitable[T]]) -> T | None:
        ready = self._patience.ready(endpoint) and self._patience.ready((endpoint, subject))
        if self._down or not ready:
            return None
        try:
            answer = await ask()
        except WatcherRefused as refusal:
            if refusal.code == NOT_SERVED:
                self._patience.failed(endpoint)
            else:
                self._patience.failed((endpoint, subject))
                self._troubles.add(endpoint, f"the Watcher refuses {endpoint} of {subject}: {refusal}")
            return None
        except WatcherError as error:
            self._down = True
            self._troubles.add("watcher", f"the Watcher does not answer: {error}")
            return None
        self._patience.done((endpoint, subject))
        return answer


@dataclass(frozen=True, slots=True)
class WholeBlock:
    """The proven contents of a plasma block: item i of each is transaction i, unsigned and signed."""

    unsigned: list[bytes]
    signed: tuple[bytes, ...]


class Blocks:
    """The child chain's blocks, each proven whole; one at a time is kept, as they can be large."""

    def __init__(
        self, child_chain: ChildChain | None, rules: PlasmaRules, patience: Patience, troubles: Troubles
    ) -> None:
        self._child_chain = child_chain
        self._rules = rules
        self._patience = patience
        self._troubles = troubles
        self._last: tuple[PlasmaBlock, WholeBlock] | None = None

    @property
    def available(self) -> bool:
        """Whether there is a child chain to ask."""
        return self._child_chain is not None

    async def whole(self, block: PlasmaBlock) -> WholeBlock | None:
        """Return the contents of a block; None when they cannot be had, or are not what was submitted."""
        if self._last is not None and self._last[0] == block:
            return self._last[1]
        if self._child_chain is None or not self._patience.ready(block.root):
            return None
        try:
            served = await self._child_chain.block(block.root)
            unsigned = prove_block(self._rules, served, block)
        except (RetryableError, EvidenceError) as error:
            self._patience.failed(block.root)
            self._troubles.add("block.get", f"the child chain does not serve block {block.blknum}: {error}")
            return None
        self._patience.done(block.root)
        found = WholeBlock(unsigned, served.transactions)
        self._last = block, found
        return found
