"""The verifying core: pure, synchronous, and whole on its own; everything that waits is in `follower`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import ConfigurationError, GuardError, WatcherRefused
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import ContractSet, DepositCreated, RootChainEvent, StandardExit
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp
from plasma_guard.domain.watchers import ByzantineEvent, WatcherStatus
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.transaction import Output
from plasma_guard.verifier.blocks import ChildBlock, InvalidBlockError, RecoveredTransaction, check_block
from plasma_guard.verifier.ledger import Ledger, LedgerBlock, TransactionRefusedError
from plasma_guard.verifier.standard_exits import INVALID_EXIT, UNCHALLENGED_EXIT, StandardExits

INVALID_BLOCK = "invalid_block"
BLOCK_WITHHOLDING = "block_withholding"
_ORDER = (UNCHALLENGED_EXIT, INVALID_EXIT)
"""The order in which a Watcher lists kinds of events about exits; those about blocks follow."""


Examined = tuple[RecoveredTransaction, ...] | InvalidBlockError
"""A block's sound transactions, or what is wrong with it."""


class HaltedError(GuardError):
    """A block was offered to a verifier that has stopped believing the operator."""


class Game(Protocol):
    """One kind of exit: its own file, its own events. Standard exits are the first."""

    def apply(self, event: RootChainEvent, entry: StandardExit | None, at: Timestamp | None) -> None:
        """Take one event of the root chain; ignore those of other games."""
        ...

    def block_applied(self) -> None:
        """Take note that the ledger has one block more."""
        ...

    def events(self, tip: int) -> Iterator[ByzantineEvent]:
        """Return the events that are true at root-chain height `tip`."""
        ...

    def must_halt(self, tip: int) -> bool:
        """Tell whether an event is so late that the operator must not be followed any further."""
        ...


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


@dataclass(frozen=True, slots=True)
class ExitData:
    """What starting a standard exit takes: unsigned transaction and 512 bytes of Merkle proof.

    `signatures` are the transaction's, empty for a deposit; only the v0.2 dialect shows them.
    """

    position: UtxoPosition
    tx: bytes
    proof: bytes
    signatures: tuple[bytes, ...] = ()


class Verifier:
    """Validates every plasma block itself and judges every exit by the ledger that results.

    Feed it root-chain events in chain order, each buried by its margin, and blocks in order. It stops taking
    blocks for good (`halted`) after an invalid or withheld block, and when an invalid exit is older than the
    margin `sla` after a block was applied. `generation`, addresses and period come from `contracts`.
    """

    def __init__(self, contracts: ContractSet, margins: Margins | None = None) -> None:
        self.contracts = contracts
        self.margins = margins or Margins()
        self.rules: PlasmaRules = rules_for(contracts.generation)
        self.ledger = Ledger(self.rules)
        self.halted = False
        self.progress = Progress()
        self._standard_exits = StandardExits(
            self.rules,
            contracts.entry,
            self.ledger,
            min_exit_period=contracts.min_exit_period,
            sla_margin=self.margins.sla,
        )
        self._games: tuple[Game, ...] = (self._standard_exits,)
        self._block_events: list[ByzantineEvent] = []

    @property
    def tip(self) -> int:
        """The root chain's height as last told."""
        return 0 if self.progress.tip is None else self.progress.tip.number

    def advance(self, progress: Progress) -> None:
        """Take note of how far the root chain has been read; lateness is counted to its tip."""
        self.progress = progress

    def apply_event(
        self, event: RootChainEvent, *, entry: StandardExit | None = None, at: Timestamp | None = None
    ) -> None:
        """Take one root-chain event; for an `ExitStarted`, also the contract's entry and the block's time.

        Submitted blocks come through `apply_block`, together with their contents.
        """
        if isinstance(event, DepositCreated):
            self.ledger.deposit(event)
            return
        for game in self._games:
            game.apply(event, entry, at)

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
        self.halted = self.halted or any(game.must_halt(self.tip) for game in self._games)
        return self.halted

    def byzantine_events(self) -> list[ByzantineEvent]:
        """Return what is wrong now: late exits, invalid exits, then block events, newest first."""
        found = [event for game in self._games for event in game.events(self.tip)]
        found.sort(key=lambda event: _ORDER.index(event.name))
        return found + self._block_events[::-1]

    def challenge_data(self, position: UtxoPosition) -> StandardExitChallenge:
        """Return the spend that invalidates the exit of an output; raises `WatcherRefused`."""
        return self._standard_exits.challenge(position)

    def exit_data(self, position: UtxoPosition) -> ExitData:
        """Return what an exit of the output takes; raises `WatcherRefused` for an output there is none of.

        Like a Watcher, it answers for a deposit only while it is unspent, but for any output of a block.
        """
        ledger = self.ledger
        tx = ledger.creating_tx(position)
        if tx is None or (position.is_deposit and ledger.unspent(position) is None):
            raise WatcherRefused("exit:invalid", "Utxo was spent or does not exist.")
        block = ledger.block(position.blknum)
        if block is None:
            return ExitData(position, tx, self.rules.merkle_proof([tx], 0))
        proof = self.rules.merkle_proof(block.leaves, position.txindex)
        return ExitData(position, tx, proof, block.transactions[position.txindex].signatures)

    def exitable_utxos(self, address: Address) -> list[tuple[UtxoPosition, Output]]:
        """Return the unspent outputs of an address that are not exiting already, oldest first."""
        exiting = self._standard_exits.is_exiting
        return sorted(found for found in self.ledger.owned_by(address) if not exiting(found[0]))

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
