"""The verifying core: pure, synchronous, and whole on its own; everything that waits is in `follower`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from plasma_guard.domain.blocks import BlockStamp, ChildBlock
from plasma_guard.domain.errors import ConfigurationError, GuardError
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import ContractSet, DepositCreated, RootChainEvent, Side
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp
from plasma_guard.domain.watchers import ByzantineEvent, KnownInFlightExit, WatcherStatus
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.verifier.blocks import InvalidBlockError, RecoveredTransaction, check_block
from plasma_guard.verifier.canonicity import (
    INVALID_IFE_CHALLENGE,
    NON_CANONICAL_IFE,
    UNCHALLENGED_NON_CANONICAL_IFE,
    Canonicity,
)
from plasma_guard.verifier.game import NO_FACTS, Facts, Game, Judge
from plasma_guard.verifier.history import History
from plasma_guard.verifier.in_flight_exits import InFlightExits
from plasma_guard.verifier.known import KnownTransactions
from plasma_guard.verifier.ledger import Ledger, LedgerBlock, TransactionRefusedError
from plasma_guard.verifier.piggybacks import (
    INVALID_PIGGYBACK,
    PIGGYBACK_AVAILABLE,
    UNCHALLENGED_PIGGYBACK,
    Piggybacks,
)
from plasma_guard.verifier.standard_exits import INVALID_EXIT, UNCHALLENGED_EXIT, StandardExits
from plasma_guard.verifier.ways_out import WaysOut

INVALID_BLOCK = "invalid_block"
BLOCK_WITHHOLDING = "block_withholding"
_ORDER = (
    UNCHALLENGED_NON_CANONICAL_IFE,
    UNCHALLENGED_EXIT,
    UNCHALLENGED_PIGGYBACK,
    INVALID_EXIT,
    INVALID_PIGGYBACK,
    NON_CANONICAL_IFE,
    INVALID_IFE_CHALLENGE,
    PIGGYBACK_AVAILABLE,
)
"""The order in which a Watcher lists kinds of events about exits; those about blocks follow."""


Examined = tuple[RecoveredTransaction, ...] | InvalidBlockError
"""A block's sound transactions, or what is wrong with it."""


class HaltedError(GuardError):
    """A block was offered to a verifier that has stopped believing the operator."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Root-chain blocks: how deep an event must be buried, and how long an invalid exit may stand."""

    exit_finality: int = 12
    deposit_finality: int = 10
    sla: int = 5520

    def __post_init__(self) -> None:
        if not 0 <= self.deposit_finality <= self.exit_finality:
            raise ConfigurationError(
                "verifier margins: deposit_finality must be 0..exit_finality, so that no exit is judged "
                f"before its deposit is known; got {self.deposit_finality} and {self.exit_finality}"
            )
        if self.sla < 1:
            raise ConfigurationError(f"verifier margins: sla must be at least 1 block, got {self.sla}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the root chain has been read: its tip, the newest plasma block, each reader's height."""

    tip: BlockStamp | None = None
    last_mined_blknum: int = 0
    last_mined_at: Timestamp = Timestamp(0)
    services: Mapping[str, int] = field(default_factory=dict)


class Verifier:
    """Validates every plasma block itself and judges every exit by the ledger that results.

    Feed it root-chain events in chain order, each buried by its margin, and blocks in order. It stops taking
    blocks for good (`halted`) after an invalid or withheld block, and when an invalid exit is older than the
    margin `sla` after a block was applied. `generation`, addresses and period come from `contracts`;
    `history` keeps what the chain has been, by default in memory.
    """

    def __init__(
        self, contracts: ContractSet, margins: Margins | None = None, history: History | None = None
    ) -> None:
        self.contracts = contracts
        self.margins = margins or Margins()
        self.rules: PlasmaRules = rules_for(contracts.generation)
        self.ledger = Ledger(self.rules, history)
        self.halted = False
        self.progress = Progress()
        known = KnownTransactions(self.rules, contracts.entry, self.ledger)
        sla = self.margins.sla
        self._standard_exits = StandardExits(
            self.rules, self.ledger, known, min_exit_period=contracts.min_exit_period, sla_margin=sla
        )
        self.in_flight_exits = InFlightExits(self.rules, self.ledger, known)
        self.canonicity = Canonicity(self.ledger, known, self.in_flight_exits, sla_margin=sla)
        self.piggybacks = Piggybacks(self.rules, self.ledger, known, self.in_flight_exits, sla_margin=sla)
        self.ways_out = WaysOut(self.ledger, known, self._standard_exits)
        self._games: tuple[Game, ...] = (self._standard_exits, self.in_flight_exits)
        self._judges: tuple[Judge, ...] = (self._standard_exits, self.canonicity, self.piggybacks)
        self._block_events: list[ByzantineEvent] = []

    @property
    def tip(self) -> int:
        """The root chain's height as last told."""
        return 0 if self.progress.tip is None else self.progress.tip.number

    def advance(self, progress: Progress) -> None:
        """Take note of how far the root chain has been read; lateness is counted to its tip."""
        self.progress = progress

    def apply_event(self, event: RootChainEvent, facts: Facts = NO_FACTS) -> None:
        """Take one root-chain event, with the facts that its log does not say.

        Submitted blocks come through `apply_block`, together with their contents.
        """
        if isinstance(event, DepositCreated):
            self.ledger.deposit(event)
            return
        for game in self._games:
            game.apply(event, facts)

    def apply_block(self, blknum: int, root: Hash32, submitted_at: Timestamp, block: ChildBlock) -> bool:
        """Examine the next block and take it; returns and raises what `take_block` does."""
        return self.take_block(blknum, root, submitted_at, self.examine(blknum, root, block))

    def examine(self, blknum: int, root: Hash32, block: ChildBlock) -> Examined:
        """Check what needs no ledger: nearly all of the work, and safe in another thread."""
        try:
            return check_block(self.rules, self.contracts.entry, block, blknum, root)
        except InvalidBlockError as error:
            return error

    def take_block(self, blknum: int, root: Hash32, submitted_at: Timestamp, examined: Examined) -> bool:
        """Apply an examined block; False when it is invalid, which is an event and a halt.

        Raises `HaltedError` once halted, and `ValueError` for any but block `ledger.next_blknum`.
        """
        if self.halted:
            raise HaltedError(f"block {blknum}: halted, no further block is taken")
        if blknum != self.ledger.next_blknum:
            raise ValueError(f"block number: expected {self.ledger.next_blknum}, got {blknum}")
        if isinstance(examined, InvalidBlockError):
            self._refuse(INVALID_BLOCK, blknum, root, error_type=examined.error_type)
            return False
        opened = self.ledger.open_block()
        try:
            for transaction in examined:
                opened.apply(transaction)
        except TransactionRefusedError:
            self._refuse(INVALID_BLOCK, blknum, root, error_type="tx_execution")
            return False
        opened.close(root, submitted_at)
        for game in self._games:
            game.block_applied()
        self.halt_if_late()
        return True

    def withhold(self, blknum: int, root: Hash32) -> None:
        """Take note that a submitted block cannot be had: an event and a halt."""
        self._refuse(BLOCK_WITHHOLDING, blknum, root)

    def halt_if_late(self) -> bool:
        """Halt when an invalid exit is past the margin; done after every block."""
        self.halted = self.halted or any(judge.must_halt(self.tip) for judge in self._judges)
        return self.halted

    def byzantine_events(self) -> list[ByzantineEvent]:
        """Return what is wrong now, kind by kind; what is about blocks comes last, newest first."""
        found = [event for judge in self._judges for event in judge.events(self.tip)]
        found.sort(key=lambda event: _ORDER.index(event.name))
        return found + self._block_events[::-1]

    def challenge_data(self, position: UtxoPosition) -> StandardExitChallenge:
        """Return the spend that invalidates the exit of an output; raises `WatcherRefused`."""
        return self._standard_exits.challenge(position)

    def status(self) -> WatcherStatus:
        """Return everything at once, in the form every Watcher's answer is read into."""
        tip = self.progress.tip
        return WatcherStatus(
            events=tuple(self.byzantine_events()),
            last_validated_blknum=self.ledger.next_blknum - CHILD_BLOCK_INTERVAL,
            last_mined_blknum=self.progress.last_mined_blknum,
            last_seen_eth_block=None if tip is None else tip.number,
            last_seen_eth_time=None if tip is None else tip.timestamp,
            services=self.progress.services,
            contract_addresses=contract_addresses(self.contracts),
            in_flight_exits=tuple(
                KnownInFlightExit(
                    tx=each.tx.raw,
                    eth_height=each.eth_height,
                    piggybacked_inputs=tuple(each.indexes(Side.INPUT)),
                    piggybacked_outputs=tuple(each.indexes(Side.OUTPUT)),
                )
                for each in self.in_flight_exits
                if each.active
            ),
        )

    @property
    def last_validated(self) -> LedgerBlock | None:
        """The newest block that was applied, None before the first."""
        return self.ledger.last_block

    def _refuse(self, name: str, blknum: int, root: Hash32, **more: str) -> None:
        self._block_events.append(ByzantineEvent(name, {"blknum": blknum, "hash": str(root), **more}))
        self.halted = True


def contract_addresses(contracts: ContractSet) -> dict[str, Address]:
    """Return the addresses under the names Watchers use for them."""
    if not contracts.generation.is_ald:
        return {"root_chain": contracts.entry}
    named: Iterable[tuple[str, Address | None]] = (
        ("erc20_vault", contracts.erc20_vault),
        ("eth_vault", contracts.eth_vault),
        ("payment_exit_game", contracts.exit_game),
        ("plasma_framework", contracts.entry),
    )
    return {name: address for name, address in named if address is not None}
