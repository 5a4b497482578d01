"""Exits as the root chain knows them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Seconds, Timestamp, Wei

ExitId = NewType("ExitId", int)
"""uint192 on rootchain v0.2, uint160 on ald v1, uint168 on ald v2."""


class Generation(StrEnum):
    """A family of contracts the guard speaks, told apart by what is deployed, not by configuration."""

    ROOTCHAIN_V02 = "rootchain-v0.2"
    ALD_V1 = "ald-v1"
    ALD_V2 = "ald-v2"

    @property
    def is_ald(self) -> bool:
        """Whether this is PlasmaFramework + PaymentExitGame rather than the monolithic RootChain."""
        return self is not Generation.ROOTCHAIN_V02


class ExitStatus(StrEnum):
    """What the contract's entry for an exit says at one block."""

    ABSENT = "absent"
    """No entry: never started, or gone again (rootchain: challenged; ald: processed or omitted)."""
    RUNNING = "running"
    """Started and neither challenged nor processed: can be challenged."""
    CHALLENGED = "challenged"
    """ald only: successfully challenged, its entry still waits in the queue."""
    FINALIZED = "finalized"
    """Paid out (rootchain keeps the entry; ald records the output id as finalized)."""


@dataclass(frozen=True, slots=True)
class StandardExit:
    """The contract's entry for one standard exit at one block.

    `position`, `owner`, `amount`, `output_id` and `bond` are what the contract stores; None where the
    generation does not store it or the entry is gone. `bond` is in wei, what a successful challenger is paid.
    `fee` marks (rootchain) an exit of the operator's own fees, which exits no output.
    """

    exit_id: ExitId
    status: ExitStatus
    position: UtxoPosition | None = None
    owner: Address | None = None
    token: Address | None = None
    amount: Wei = Wei(0)
    output_id: Hash32 | None = None
    bond: Wei | None = None
    fee: bool = False


@dataclass(frozen=True, slots=True)
class Bonds:
    """The exact bonds the contract asks for at one block, in wei."""

    standard_exit: Wei
    in_flight_exit: Wei
    piggyback: Wei


@dataclass(frozen=True, slots=True)
class ExitStarted:
    """A standard exit was started.

    The exit's identity is (exit id, start): the same output can be exited again after a challenge, which is a
    new start; a start moved to another block by a reorg keeps its transaction hash and is the same one.
    `ordinal` counts starts of the same exit id inside one transaction.
    """

    exit_id: ExitId
    owner: Address
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int
    ordinal: int = 0
    position: UtxoPosition | None = None
    exiting_tx: bytes | None = None

    @property
    def identity(self) -> str:
        """Survives a reorg that moves the start; differs for every new start."""
        return f"{self.tx_hash}/{self.ordinal}"


@dataclass(frozen=True, slots=True)
class ExitChallenged:
    """A standard exit was successfully challenged; the log carries the position, not the exit id."""

    position: UtxoPosition
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class ExitFinalized:
    """A standard exit was processed and paid."""

    exit_id: ExitId
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class InFlightExitStarted:
    """An in-flight exit of the transaction with hash `plasma_tx_hash` was started."""

    initiator: Address
    plasma_tx_hash: Hash32
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class InFlightStartData:
    """What the caller that started an in-flight exit gave the contract.

    `tx` is the in-flight transaction; item i of each tuple is about its input i: the transaction that created
    it, its position, the owner's signature (65 bytes), and the owner, None where `input_txs[i]` names none.
    """

    tx: bytes
    input_txs: tuple[bytes, ...]
    input_positions: tuple[UtxoPosition, ...]
    signatures: tuple[bytes, ...]
    input_owners: tuple[Address | None, ...]


class Side(StrEnum):
    """Which side of an in-flight transaction a piggyback is on."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class InFlightExitPiggybacked:
    """An owner joined an in-flight exit with one input or output (`index` 0..3, ald v2 0..4)."""

    owner: Address
    plasma_tx_hash: Hash32
    side: Side
    index: int
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


NOT_INCLUDED = 2**256 - 1
"""What the contract records as position of a competitor that nobody proved to be in a block."""


@dataclass(frozen=True, slots=True)
class InFlightSlot:
    """One input or output of an in-flight exit; `index` counts within its side.

    `owner`, `token`, `amount` and `output_id` are None where the contract does not (yet) store them: on
    rootchain outputs are filled only when piggybacked. `piggybacked` is the contract's bit, cleared by a
    spent challenge and by processing. `handled` says (rootchain only) that it was already exited, `blocked`
    that it was piggybacked and challenged away, as far as the entry shows it.
    """

    side: Side
    index: int
    piggybacked: bool
    handled: bool = False
    blocked: bool = False
    owner: Address | None = None
    token: Address | None = None
    amount: Wei | None = None
    output_id: Hash32 | None = None


@dataclass(frozen=True, slots=True)
class InFlightExit:
    """The contract's entry for one in-flight exit at one block.

    `status` is RUNNING, ABSENT (never started, deleted, or processed), or FINALIZED (rootchain keeps that).
    `oldest_competitor` is the raw position the contract recorded, `NOT_INCLUDED` for a competitor without a
    position, or None when never challenged; after a response it is the transaction's own position and
    `canonical` is true again. `position` is the youngest input's. `input_finalized` (rootchain only): an
    input already left by a standard exit, which ends the first phase at once. `bond` is the start bond, wei.
    """

    exit_id: ExitId
    status: ExitStatus
    started_at: Timestamp = Timestamp(0)
    canonical: bool = True
    oldest_competitor: int | None = None
    slots: tuple[InFlightSlot, ...] = ()
    position: UtxoPosition | None = None
    bond_owner: Address | None = None
    bond: Wei | None = None
    exitable_at: Timestamp | None = None
    input_finalized: bool = False

    def slot(self, side: Side, index: int) -> InFlightSlot | None:
        """Return one input or output, or None when the entry has no such slot."""
        return next((each for each in self.slots if (each.side, each.index) == (side, index)), None)


@dataclass(frozen=True, slots=True)
class InFlightExitChallenged:
    """Somebody showed a competitor at `position` (raw, `NOT_INCLUDED` without one): now non-canonical."""

    challenger: Address
    plasma_tx_hash: Hash32
    position: int
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class InFlightExitResponded:
    """Somebody proved the transaction's inclusion at raw `position`: canonical again."""

    challenger: Address
    plasma_tx_hash: Hash32
    position: int
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class InFlightExitBlocked:
    """A piggyback was successfully challenged as spent.

    `side` is None on rootchain, whose log carries 0..3 for inputs and outputs alike: re-read the entry.
    """

    challenger: Address
    plasma_tx_hash: Hash32
    side: Side | None
    index: int
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class InFlightExitWithdrawn:
    """One slot of an in-flight exit was processed and paid."""

    exit_id: ExitId
    side: Side
    index: int
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class InFlightExitEnded:
    """ald: the entry is gone.

    Either it was `deleted` by anyone in the second phase, or the queue reached it: found gone and omitted, or
    (which only revision 2 logs) processed to the end, whether or not anything was paid.
    """

    exit_id: ExitId
    deleted: bool
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class BlockSubmitted:
    """The operator submitted a plasma block."""

    blknum: int
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class DepositCreated:
    """A deposit made a plasma block of its own with one output of `amount` for `depositor`."""

    depositor: Address
    blknum: int
    token: Address
    amount: Wei
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


RootChainEvent = (
    ExitStarted
    | ExitChallenged
    | ExitFinalized
    | InFlightExitStarted
    | InFlightExitPiggybacked
    | InFlightExitChallenged
    | InFlightExitResponded
    | InFlightExitBlocked
    | InFlightExitWithdrawn
    | InFlightExitEnded
    | BlockSubmitted
    | DepositCreated
)


@dataclass(frozen=True, slots=True)
class QueueHead:
    """The next exit of a priority queue: processed only when block time is strictly after `exitable_at`."""

    exit_id: ExitId
    exitable_at: Timestamp
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ContractSet:
    """The addresses the guard talks to, and what is constant about them.

    `entry` is the configured address (RootChain or PlasmaFramework), also the EIP-712 verifying contract;
    `exit_game` receives exit calls and emits exit events; `min_exit_period` is in seconds.
    """

    generation: Generation
    entry: Address
    exit_game: Address
    min_exit_period: Seconds
    eth_vault: Address | None = None
    erc20_vault: Address | None = None
    version: str | None = None
