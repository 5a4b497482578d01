"""The game of standard exits: which are running, which of those are invalid, and how to challenge them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from plasma_guard.domain.errors import MalformedError, WatcherRefused
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import (
    ExitChallenged,
    ExitFinalized,
    ExitId,
    ExitStarted,
    ExitStatus,
    RootChainEvent,
    StandardExit,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Seconds, Timestamp, Wei
from plasma_guard.domain.watchers import ByzantineEvent
from plasma_guard.plasma.periods import standard_exit_exitable_at
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import Output
from plasma_guard.verifier.game import NO_FACTS, Facts
from plasma_guard.verifier.known import KnownTransactions
from plasma_guard.verifier.ledger import Ledger

INVALID_EXIT = "invalid_exit"
UNCHALLENGED_EXIT = "unchallenged_exit"
EXIT_NOT_FOUND = "challenge:exit_not_found"
UTXO_NOT_SPENT = "challenge:utxo_not_spent"


@dataclass(frozen=True, slots=True)
class KnownExit:
    """A standard exit as its start told it; `active` until it is challenged or validly finalized."""

    exit_id: ExitId
    position: UtxoPosition
    owner: Address
    eth_height: int
    root_chain_txhash: Hash32
    started_at: Timestamp | None
    active: bool
    entry: StandardExit | None = None
    exiting_tx: bytes | None = None


class StandardExits:
    """Fed with root-chain events in chain order; asked for events and challenges at any time."""

    def __init__(
        self,
        rules: PlasmaRules,
        ledger: Ledger,
        known: KnownTransactions,
        *,
        min_exit_period: Seconds,
        sla_margin: int,
    ) -> None:
        self._rules = rules
        self._ledger = ledger
        self._known = known
        self._min_exit_period = min_exit_period
        self._sla_margin = sla_margin
        self._exits: dict[UtxoPosition, KnownExit] = {}
        self._positions: dict[ExitId, UtxoPosition] = {}
        self._challenges: dict[UtxoPosition, tuple[int, int]] = {}
        self._unplaced: dict[ExitId, tuple[ExitStarted, Facts]] = {}

    @property
    def unplaced(self) -> int:
        """How many exits could not be judged, because nothing says which output they are of."""
        return len(self._unplaced)

    def apply(self, event: RootChainEvent, facts: Facts = NO_FACTS) -> None:
        """Take one event; those that are not about standard exits are ignored.

        For a start, `facts` hold the contract's entry and the time of the start, as read when the start was
        recognized: an exit challenged by then is never reported.
        """
        match event:
            case ExitStarted():
                self._start(event, facts)
            case ExitChallenged():
                self._challenge(event)
            case ExitFinalized():
                self._finalize(event)

    def block_applied(self) -> None:
        """Look in the new block for the outputs of exits that had none."""
        block = self._ledger.last_block
        if block is None or not self._unplaced:
            return
        owners = {start.owner for start, _ in self._unplaced.values()}
        for position, output in block.outputs():
            if output.owner in owners:
                creating_tx = block.transactions[position.txindex].tx.raw
                exit_id = self._rules.standard_exit_id(creating_tx, position)
                if waiting := self._unplaced.pop(exit_id, None):
                    self._place(position, *waiting)

    def is_exiting(self, position: UtxoPosition) -> bool:
        """Tell whether an active standard exit of the output is known."""
        known = self._exits.get(position)
        return known is not None and known.active

    def events(self, tip: int) -> Iterator[ByzantineEvent]:
        """Return the events that are true at root-chain height `tip`; a late exit has two."""
        invalid = sorted(filter(self._is_invalid, self._exits.values()), key=lambda known: known.position)
        for known in invalid:
            details = self._details(known)
            yield ByzantineEvent(INVALID_EXIT, details)
            if self._is_late(known, tip):
                yield ByzantineEvent(UNCHALLENGED_EXIT, details)

    def must_halt(self, tip: int) -> bool:
        """Tell whether an invalid exit has stood longer than the margin: the chain is not safe any more."""
        return any(self._is_late(known, tip) and self._is_invalid(known) for known in self._exits.values())

    def challenge(self, position: UtxoPosition) -> StandardExitChallenge:
        """Return a spend of an exiting output, also when the exit is not active any more.

        Raises `WatcherRefused` when no exit or no spend is known.
        """
        known = self._exits.get(position)
        if known is None:
            raise WatcherRefused(
                EXIT_NOT_FOUND,
                "The challenge of particular exit is impossible because exit is inactive or missing",
            )
        found = self._known.spending(position, known.owner)
        if found is None:
            raise WatcherRefused(
                UTXO_NOT_SPENT,
                "The challenge of particular exit is impossible because provided utxo is not spent",
            )
        return StandardExitChallenge(
            position=position,
            exit_id=known.exit_id,
            challenge_tx=found.tx.raw,
            input_index=found.input_index,
            signature=found.signature,
            exiting_tx=known.exiting_tx or self._ledger.creating_tx(position),
        )

    def _start(self, event: ExitStarted, facts: Facts) -> None:
        position = event.position or (facts.entry and facts.entry.position)
        position = position or self._ledger.position_of_exit(event.exit_id, event.owner)
        if position is None:
            self._unplaced[event.exit_id] = (event, facts)
        else:
            self._place(position, event, facts)

    def _place(self, position: UtxoPosition, event: ExitStarted, facts: Facts) -> None:
        entry = facts.entry
        # A challenge can have been read before the start found its place.
        challenged = self._challenges.get(position, (-1, -1)) > (event.block_number, event.log_index)
        gone = challenged or (entry is not None and self._is_challenged(entry))
        self._positions[event.exit_id] = position
        self._exits[position] = KnownExit(
            exit_id=event.exit_id,
            position=position,
            owner=event.owner,
            eth_height=event.block_number,
            root_chain_txhash=event.tx_hash,
            started_at=facts.at,
            active=not gone,
            entry=entry,
            exiting_tx=event.exiting_tx,
        )

    def _is_challenged(self, entry: StandardExit) -> bool:
        """Tell whether the contract's entry says that a challenge succeeded.

        On rootchain v0.2 a challenge deletes the entry. On ald it is deleted when the exit was processed:
        then the logs, which come next, tell whether it was challenged or paid.
        """
        if self._rules.generation.is_ald:
            return entry.status is ExitStatus.CHALLENGED
        return entry.status is ExitStatus.ABSENT

    def _challenge(self, event: ExitChallenged) -> None:
        self._challenges[event.position] = (event.block_number, event.log_index)
        if known := self._exits.get(event.position):
            self._exits[event.position] = replace(known, active=False)

    def _finalize(self, event: ExitFinalized) -> None:
        position = self._positions.get(event.exit_id)
        # An output that is not there to be taken was paid twice: that exit is never forgotten.
        if position is not None and self._ledger.exit(position):
            self._exits[position] = replace(self._exits[position], active=False)

    def _is_invalid(self, known: KnownExit) -> bool:
        """An output of a block not validated yet may still appear, so nothing is said about it."""
        position = known.position
        if not known.active or position.blknum >= self._ledger.next_blknum:
            return False
        if self._ledger.unspent(position) is None:
            return True
        return self._known.spending(position, known.owner) is not None

    def _is_late(self, known: KnownExit, tip: int) -> bool:
        return known.eth_height + self._sla_margin <= tip

    def _details(self, known: KnownExit) -> dict[str, object]:
        position = known.position
        output = self._ledger.output(position) or self._claimed_output(known)
        found = self._known.spending(position, known.owner)
        return {
            "amount": output.amount,
            "currency": str(output.token),
            "eth_height": known.eth_height,
            "owner": str(known.owner),
            "root_chain_txhash": str(known.root_chain_txhash),
            "scheduled_finalization_time": self._exitable_at(known),
            "spending_txhash": None if found is None else str(found.tx.hash),
            "utxo_pos": position.encode(),
        }

    def _claimed_output(self, known: KnownExit) -> Output:
        """Return what an exit of an output that never existed claims to be of."""
        if known.exiting_tx is not None:
            try:
                outputs = self._rules.decode(known.exiting_tx).outputs
            except MalformedError:
                outputs = ()
            if known.position.oindex < len(outputs):
                return outputs[known.position.oindex]
        entry = known.entry
        amount = entry.amount if entry else Wei(0)
        return Output(known.owner, (entry and entry.token) or ETH, amount)

    def _exitable_at(self, known: KnownExit) -> int | None:
        """Return root-chain seconds, or None when a time it depends on is not known."""
        if known.started_at is None:
            return None
        submitted_at = self._ledger.submitted_at(known.position.blknum)
        if submitted_at is None and not known.position.is_deposit:
            return None
        return standard_exit_exitable_at(
            known.position, known.started_at, submitted_at or Timestamp(0), self._min_exit_period
        )
