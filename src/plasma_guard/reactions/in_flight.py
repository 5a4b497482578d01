"""What every reaction to an in-flight exit needs to know first: the exit itself, from the contract."""

from dataclasses import dataclass
from functools import cached_property

from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Close, Closure, Hold
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitStatus, InFlightExit, InFlightExitStarted, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Seconds, Timestamp, Wei
from plasma_guard.domain.stakes import Asset
from plasma_guard.plasma.in_flight_evidence import Roots
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.periods import first_phase_ends, in_flight_exit_exitable_at
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PlasmaTransaction
from plasma_guard.reactions.base import Scene, Subject, WatcherEvent
from plasma_guard.reactions.fields import TxBytes


class InFlightEvent(WatcherEvent):
    """An event about the in-flight exit of one transaction, of which Watchers give the bytes."""

    txbytes: TxBytes

    @cached_property
    def tx_hash(self) -> Hash32:
        """The transaction's hash, which names the exit in logs and topics."""
        return keccak(self.txbytes)


@dataclass(frozen=True, slots=True)
class InFlight:
    """An in-flight exit on the root chain at one block, decoded.

    `phase_ends` is the first second that is too late for piggybacks and canonicity challenges; `exitable_at`
    a lower bound of when it can be processed; `now` the time of the block everything was read at.
    """

    tx: PlasmaTransaction
    exit: InFlightExit
    started: InFlightExitStarted
    phase_ends: Timestamp
    exitable_at: Timestamp
    now: Timestamp
    rules: PlasmaRules
    verifying_contract: Address

    @property
    def running(self) -> bool:
        """Whether the contract still has it."""
        return self.exit.status is ExitStatus.RUNNING

    @property
    def in_first_phase(self) -> bool:
        """Whether a transaction mined now may piggyback or challenge canonicity."""
        return self.running and not self.exit.input_finalized and self.now < self.phase_ends

    def is_copied_by(self, other: PlasmaTransaction) -> bool:
        """Return whether another transaction is only this one in other bytes, signed by the same signature.

        Rootchain v0.2 reads many encodings of one payment and tells transactions apart by their bytes, so it
        would take anybody's rewriting of an honest transaction for a second spend. Where the exit itself is
        the rewriting, the other one is the original and does prove something.
        """
        rules, ours = self.rules, self.tx
        if (ours.inputs, ours.outputs) != (other.inputs, other.outputs):
            return False  # what is signed covers both
        same = rules.signing_hash(ours, self.verifying_contract) == rules.signing_hash(
            other, self.verifying_contract
        )
        return same and ours.raw == rules.encode(ours.inputs, ours.outputs, ours.metadata)

    def subject(
        self,
        kind: Kind,
        *,
        open_: bool,
        hard: Timestamp,
        slot: str = "",
        bond: Wei = Wei(0),
        assets: tuple[Asset, ...] | None = None,
    ) -> Subject:
        """Return the subject of a case about this exit; `slot` tells several cases of one exit apart.

        `assets` are what the case is about, None for all that the transaction pays.
        """
        position = self.exit.position or max(self.tx.inputs, default=UtxoPosition(1, 0, 0))
        return Subject(
            kind=kind,
            exit_id=self.exit.exit_id,
            start=f"{self.started.tx_hash}{slot}",
            position=position,
            open=open_,
            started_at=self.exit.started_at,
            hard=hard,
            bond=bond,
            owners=frozenset(output.owner for output in self.tx.outputs)
            | {slot.owner for slot in self.exit.slots if slot.owner is not None},
            tokens=frozenset(output.token for output in self.tx.outputs),
            assets=self.outputs if assets is None else assets,
        )

    @property
    def outputs(self) -> tuple[Asset, ...]:
        """What the transaction pays to whom."""
        return tuple(Asset(output.token, output.amount, output.owner) for output in self.tx.outputs)

    def asset(self, side: Side, index: int) -> tuple[Asset, ...]:
        """Return what one slot pays; empty where neither transaction nor contract says."""
        if side is Side.OUTPUT:
            return self.outputs[index : index + 1]
        slot = self.exit.slot(side, index)
        if slot is None or slot.amount is None or slot.token is None:
            return ()
        return (Asset(slot.token, slot.amount, slot.owner),)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no such in-flight exit to look at."""

    reason: str
    suspicious: bool

    def decision(self) -> Hold:
        """Nothing is spent; what is a lie is told."""
        return Hold(self.reason, suspicious=self.suspicious)


async def find(txbytes: bytes, scene: Scene) -> InFlight | Missing:
    """Look the in-flight exit of a transaction up in our own scan and in the contract."""
    rules = scene.game.rules
    try:
        tx = rules.decode(txbytes)
    except MalformedError as error:
        return Missing(f"the in-flight transaction does not decode: {error}", suspicious=True)
    started = await scene.exits.in_flight_start(tx.hash)
    if started is None:
        if await scene.exits.scanned_to() < scene.at.number:
            return Missing("our own scan of the root chain has not reached this exit yet", suspicious=False)
        return Missing(f"no in-flight exit of transaction {tx.hash} was ever started", suspicious=True)
    (entry,) = await scene.game.in_flight_exits([tx.raw], scene.at)
    period = scene.game.contracts.min_exit_period
    return InFlight(
        tx=tx,
        exit=entry,
        started=started,
        phase_ends=first_phase_ends(entry.started_at, period),
        exitable_at=entry.exitable_at or await _exitable_at(entry, tx, scene, period),
        now=scene.at.timestamp,
        rules=rules,
        verifying_contract=scene.game.contracts.entry,
    )


async def _exitable_at(
    entry: InFlightExit, tx: PlasmaTransaction, scene: Scene, period: Seconds
) -> Timestamp:
    """Return when it can be processed at the earliest; on ald the clock starts with the first piggyback."""
    youngest = max(tx.inputs, default=None)
    block = await scene.game.plasma_block(youngest.blknum, scene.at) if youngest else None
    return in_flight_exit_exitable_at(
        started_at=entry.started_at,
        youngest_input_submitted_at=block.timestamp if block else entry.started_at,
        min_exit_period=period,
    )


async def roots(scene: Scene, *positions: UtxoPosition | None) -> Roots:
    """Read the Merkle roots that proofs at these positions must lead to."""
    found: dict[int, Hash32] = {}
    for blknum in {position.blknum for position in positions if position}:
        block = await scene.game.plasma_block(blknum, scene.at)
        if block is not None:
            found[blknum] = block.root
    return found


OVER = Close(Closure.RESOLVED_BY_OTHERS, "the in-flight exit is over: processed or deleted")
"""The contract does not have it any more: what it paid is decided."""
