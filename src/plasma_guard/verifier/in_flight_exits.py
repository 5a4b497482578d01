"""The game of in-flight exits: which are known, and how far the root chain has taken each of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import (
    ExitId,
    InFlightExit,
    InFlightExitBlocked,
    InFlightExitChallenged,
    InFlightExitEnded,
    InFlightExitPiggybacked,
    InFlightExitResponded,
    InFlightExitStarted,
    InFlightExitWithdrawn,
    InFlightStartData,
    RootChainEvent,
    Side,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PlasmaTransaction
from plasma_guard.verifier.calldata import signatures_in, transactions_in
from plasma_guard.verifier.game import NO_FACTS, Facts
from plasma_guard.verifier.known import KnownTransactions
from plasma_guard.verifier.ledger import Ledger

UNKNOWN_IFE = "ife_not_known_for_tx"
"""Why nothing is told about an exit nobody started; a Watcher puts its action in front."""
Slot = tuple[Side, int]
_ByHash = InFlightExitPiggybacked | InFlightExitChallenged | InFlightExitResponded | InFlightExitBlocked


@dataclass(frozen=True, slots=True)
class InFlightInput:
    """One input of an in-flight transaction; `owner` and `creating_tx` are None when nothing tells them."""

    position: UtxoPosition
    owner: Address | None
    creating_tx: bytes | None


@dataclass(slots=True)
class InFlightExitState:
    """An in-flight exit and its state as the logs tell it, one start of it at a time.

    `competitor` is the raw position of the oldest one the contract recorded, or of the transaction itself
    after a response; None when never challenged. A slot is `piggybacked` until it is blocked or validly paid.
    `active` until everything piggybacked was paid; `wrongly_paid` marks what must never be forgotten.
    """

    start: InFlightExitStarted
    started_at: Timestamp | None
    tx: PlasmaTransaction
    exit_id: ExitId
    inputs: tuple[InFlightInput, ...]
    piggybacked: set[Slot] = field(default_factory=set)
    blocked: set[Slot] = field(default_factory=set)
    paid: set[Slot] = field(default_factory=set)
    competitor: int | None = None
    canonical: bool = True
    active: bool = True
    wrongly_paid: bool = False

    @property
    def eth_height(self) -> int:
        """The root-chain height of the start, from which lateness is counted."""
        return self.start.block_number

    def indexes(self, side: Side) -> list[int]:
        """Return which slots of a side are piggybacked."""
        return sorted(index for each, index in self.piggybacked if each is side)


@dataclass(slots=True)
class _Unread:
    """An exit whose transaction nobody showed yet, and what happened to it since."""

    start: tuple[InFlightExitStarted, Facts]
    later: list[tuple[_ByHash, Facts]] = field(default_factory=list)


class InFlightExits:
    """Fed with root-chain events in chain order; `canonicity` and `piggybacks` judge what is known here."""

    def __init__(self, rules: PlasmaRules, ledger: Ledger, known: KnownTransactions) -> None:
        self._rules = rules
        self._ledger = ledger
        self._known = known
        self._exits: dict[Hash32, InFlightExitState] = {}
        self._hashes: dict[ExitId, Hash32] = {}
        self._unread: dict[Hash32, _Unread] = {}

    def __iter__(self) -> Iterator[InFlightExitState]:
        """Iterate over the exits, oldest start first."""
        return iter(sorted(self._exits.values(), key=_age))

    def get(self, tx: bytes) -> InFlightExitState | None:
        """Return the exit of an unsigned transaction, also one that is not active any more."""
        return self._exits.get(keccak(tx))

    def tx(self, tx_hash: Hash32) -> bytes | None:
        """Return the bytes of the in-flight transaction with this hash."""
        known = self._exits.get(tx_hash)
        return None if known is None else known.tx.raw

    @property
    def unread(self) -> tuple[Hash32, ...]:
        """The hashes of transactions that are in flight, of which nobody showed the bytes yet."""
        return tuple(self._unread)

    def overdue(self, before: Timestamp) -> list[InFlightExitState]:
        """Return the active exits that started before a time and may have ended without any log."""
        return [
            each
            for each in self
            if each.active
            and not each.wrongly_paid
            and each.started_at is not None
            and each.started_at < before
        ]

    def apply(self, event: RootChainEvent, facts: Facts = NO_FACTS) -> None:
        """Take one event; those that are not about in-flight exits are ignored."""
        match event:
            case InFlightExitStarted():
                self._start(event, facts)
            case (
                InFlightExitPiggybacked()
                | InFlightExitChallenged()
                | InFlightExitResponded()
                | InFlightExitBlocked()
            ):
                self._move(event, facts)
            case InFlightExitWithdrawn():
                self._pay(event)
            case InFlightExitEnded() if (known := self._of(event)) and not _is_before(event, known):
                self.end(known)

    def block_applied(self) -> None:
        """Look in the new block for transactions in flight whose bytes are missing."""
        block = self._ledger.last_block
        if self._unread and block is not None:
            for signed in block.transactions:
                if signed.tx.hash in self._unread:
                    self._read(signed.tx, signed.signatures)

    def end(self, known: InFlightExitState) -> None:
        """Take note that the contract is done with an exit: deleted, omitted, or processed to the end.

        What was piggybacked and not paid is harmless from then on. One that paid nothing is forgotten; its
        transaction stays known, as it still proves spends.
        """
        if known.wrongly_paid:
            return
        known.active = False
        known.piggybacked.clear()
        if not known.paid:
            self._exits.pop(known.start.plasma_tx_hash, None)

    def _start(self, event: InFlightExitStarted, facts: Facts) -> None:
        tx_hash = event.plasma_tx_hash
        self._unread[tx_hash] = _Unread((event, facts))
        if shown := self._shown(facts.start, tx_hash) or self._known.find(tx_hash):
            self._read(*shown)

    def _shown(
        self, start: InFlightStartData | None, tx_hash: Hash32
    ) -> tuple[PlasmaTransaction, tuple[bytes, ...]] | None:
        """Return what the starter showed, None for bytes that are not the transaction that was started."""
        if start is None or keccak(start.tx) != tx_hash:
            return None
        try:
            return self._rules.decode(start.tx), start.signatures
        except MalformedError:
            # The contract reads what the rules do not: an exit that cannot be judged is said to be unread.
            return None

    def _read(self, tx: PlasmaTransaction, signatures: tuple[bytes, ...]) -> None:
        """Take the bytes of a transaction; if an exit of it waits for them, also all that happened to it."""
        self._known.show(tx, signatures)
        waiting = self._unread.pop(tx.hash, None)
        if waiting is None:
            return
        event, facts = waiting.start
        exit_id = self._rules.in_flight_exit_id(tx.raw)
        self._hashes[exit_id] = event.plasma_tx_hash
        self._exits[event.plasma_tx_hash] = InFlightExitState(
            start=event, started_at=facts.at, tx=tx, exit_id=exit_id, inputs=self._inputs(tx, facts)
        )
        for each, its_facts in waiting.later:
            self._move(each, its_facts)

    def _inputs(self, tx: PlasmaTransaction, facts: Facts) -> tuple[InFlightInput, ...]:
        """Return the inputs with what the starter showed of them, completed from the ledger."""
        found = []
        for index, position in enumerate(tx.inputs):
            output = self._ledger.output(position)
            owner = output.owner if output else None
            creating_tx = self._ledger.creating_tx(position)
            if facts.start is not None and index < len(facts.start.input_txs):
                owner = owner or facts.start.input_owners[index]
                creating_tx = facts.start.input_txs[index]
            found.append(InFlightInput(position, owner, creating_tx))
        return tuple(found)

    def _move(self, event: _ByHash, facts: Facts) -> None:
        if isinstance(event, InFlightExitChallenged) and facts.calldata is not None:
            signatures = tuple(signatures_in(facts.calldata))
            for tx in transactions_in(self._rules, facts.calldata):
                self._read(tx, signatures)
        if waiting := self._unread.get(event.plasma_tx_hash):
            waiting.later.append((event, facts))
        if (known := self._exits.get(event.plasma_tx_hash)) is None:
            return
        match event:
            case InFlightExitPiggybacked():
                known.piggybacked.add((event.side, event.index))
            case InFlightExitChallenged():
                known.competitor, known.canonical = event.position, False
            case InFlightExitResponded():
                known.competitor, known.canonical = event.position, True
            case InFlightExitBlocked():
                slot = _blocked_slot(known, event, facts.in_flight)
                if slot is not None and slot in known.piggybacked:
                    known.piggybacked.discard(slot)
                    known.blocked.add(slot)

    def _of(self, event: InFlightExitWithdrawn | InFlightExitEnded) -> InFlightExitState | None:
        tx_hash = self._hashes.get(event.exit_id)
        return None if tx_hash is None else self._exits.get(tx_hash)

    def _pay(self, event: InFlightExitWithdrawn) -> None:
        known = self._of(event)
        if known is None:
            return
        slot = (event.side, event.index)
        rightly = self._take(known, slot)
        if _is_before(event, known):
            # Paid by an exit of the same transaction that came before this one: only the money is gone.
            return
        if rightly:
            known.piggybacked.discard(slot)
            known.paid.add(slot)
        known.wrongly_paid |= not rightly
        known.active = bool(known.piggybacked) or known.wrongly_paid

    def _take(self, known: InFlightExitState, slot: Slot) -> bool:
        """Take what was paid out of the ledger; False when it was not there to be taken."""
        side, index = slot
        if side is Side.INPUT:
            return index < len(known.inputs) and self._ledger.exit(known.inputs[index].position)
        included = self._ledger.inclusion(known.tx)
        if included is None:
            # The outputs never were on the plasma chain: their inputs are gone instead, never to be spent.
            for each in known.inputs:
                self._ledger.exit(each.position)
            return True
        return self._ledger.exit(UtxoPosition(included.blknum, included.txindex, index))


def _blocked_slot(
    known: InFlightExitState, event: InFlightExitBlocked, entry: InFlightExit | None
) -> Slot | None:
    """Return which piggyback was blocked; on rootchain v0.2 the log has only the index within a side.

    Where both sides are piggybacked there, the contract's entry tells which one is gone.
    """
    if event.side is not None:
        return event.side, event.index
    slots = [(side, event.index) for side in Side if (side, event.index) in known.piggybacked]
    if len(slots) != 1 and entry is not None:
        standing = {(slot.side, slot.index) for slot in entry.slots if slot.piggybacked}
        slots = [slot for slot in slots if slot not in standing]
    return slots[0] if slots else None


def _age(known: InFlightExitState) -> tuple[int, int]:
    return known.start.block_number, known.start.log_index


def _is_before(event: InFlightExitWithdrawn | InFlightExitEnded, known: InFlightExitState) -> bool:
    return (event.block_number, event.log_index) < _age(known)
