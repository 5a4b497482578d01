"""What is kept and what the chain says, side by side: the questions that every rule of the planner asks."""

from collections import defaultdict
from dataclasses import dataclass

from plasma_guard.domain.exits import ExitStatus, InFlightExit, InFlightSlot, Side, StandardExit
from plasma_guard.domain.plan import BadBlock, Trouble
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32, Timestamp
from plasma_guard.domain.vault import HeldOutput, KeptTransaction, VaultContents
from plasma_guard.planner.facts import ChainFacts
from plasma_guard.plasma.periods import first_phase_ends, is_first_phase
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.transaction import Output, PlasmaTransaction

Key = UtxoPosition | tuple[Hash32, int]
"""Which output: its position where it has one, else its transaction and index."""


@dataclass(frozen=True, slots=True)
class Source:
    """One input of a transaction: what it spends, and who made that; None where it is not kept."""

    index: int
    position: UtxoPosition
    creator: KeptTransaction | None
    output: Output | None


class Ledger:
    """Answers from memory; nothing is looked up twice."""

    def __init__(self, contents: VaultContents, facts: ChainFacts, trouble: Trouble | None) -> None:
        self.facts = facts
        self.rules: PlasmaRules = rules_for(facts.contracts.generation)
        self.now = facts.at.timestamp
        self.period = facts.contracts.min_exit_period
        self.trouble = trouble
        self._contents = contents
        self._first_bad = trouble.blknum if isinstance(trouble, BadBlock) else None
        self._decoded: dict[bytes, PlasmaTransaction] = {}
        self._sources: dict[Hash32, tuple[Source, ...]] = {}
        self._spenders: defaultdict[UtxoPosition, set[Hash32]] = defaultdict(set)
        for tx in contents.transactions.values():
            for position in tx.sources:
                self._spenders[position].add(tx.hash)
        self._fed: defaultdict[Hash32, list[HeldOutput]] = defaultdict(list)
        for output in contents.outputs:
            if output.spent_by is not None and output.position is None:
                self._fed[output.spent_by].append(output)

    def creating(self, output: HeldOutput) -> KeptTransaction | None:
        """Return the transaction that created one of our outputs."""
        return self._contents.creating(output)

    def transaction(self, tx_hash: Hash32) -> KeptTransaction | None:
        """Return a kept transaction."""
        return self._contents.transactions.get(tx_hash)

    def decode(self, raw: bytes) -> PlasmaTransaction:
        """Read a kept transaction."""
        if raw not in self._decoded:
            self._decoded[raw] = self.rules.decode(raw)
        return self._decoded[raw]

    def output_of(self, tx: KeptTransaction, index: int) -> Output | None:
        """Return one output of a transaction."""
        outputs = self.decode(tx.raw).outputs
        return outputs[index] if index < len(outputs) else None

    def sources(self, tx: KeptTransaction) -> tuple[Source, ...]:
        """Return what a transaction spends.

        An input whose position nobody could prove is still known where one of our outputs says that this
        transaction spends it.
        """
        if tx.hash not in self._sources:
            found = []
            for index, position in enumerate(tx.sources):
                creator = self._contents.creator_of(position) or self._unproven(tx, position)
                output = None if creator is None else self.output_of(creator, position.oindex)
                found.append(Source(index, position, creator, output))
            self._sources[tx.hash] = tuple(found)
        return self._sources[tx.hash]

    def _unproven(self, tx: KeptTransaction, position: UtxoPosition) -> KeptTransaction | None:
        fed = [output for output in self._fed[tx.hash] if output.index == position.oindex]
        return self.transaction(fed[0].tx_hash) if len(fed) == 1 else None

    def is_ours(self, output: Output | None) -> bool:
        """Whether the guard can sign for an output's owner."""
        return output is not None and output.owner in self.facts.accounts

    def spent_elsewhere(self, position: UtxoPosition, spender: KeptTransaction) -> bool:
        """Whether another known transaction than this one spends an output."""
        return bool(self._spenders[position] - {spender.hash})

    def is_settled(self, tx: KeptTransaction) -> bool:
        """Whether a transaction is in a block that nobody doubts: it cannot be undone."""
        if tx.position is None:
            return False
        return self._first_bad is None or tx.position.blknum < self._first_bad

    def submitted_at(self, position: UtxoPosition) -> Timestamp | None:
        """Return when the block of an output was submitted."""
        return self.facts.block_times.get(position.blknum)

    def standard_exit(self, position: UtxoPosition | None) -> StandardExit | None:
        """Return the contract's entry of an output's standard exit, None where there is none."""
        if position is None:
            return None
        entry = self.facts.standard_exits.get(position)
        return None if entry is None or entry.status is ExitStatus.ABSENT else entry

    def is_paid(self, position: UtxoPosition) -> bool:
        """Whether some exit has paid an output already."""
        entry = self.standard_exit(position)
        finalized = entry is not None and entry.status is ExitStatus.FINALIZED
        return finalized or position in self.facts.finalized

    def we_leave(self, position: UtxoPosition) -> bool:
        """Whether a standard exit of our own runs there."""
        entry = self.standard_exit(position)
        running = entry is not None and entry.status is ExitStatus.RUNNING
        return running and entry is not None and entry.owner in self.facts.accounts

    def in_flight_exit(self, tx_hash: Hash32) -> InFlightExit | None:
        """Return the contract's entry of a transaction's in-flight exit, None where there is none."""
        entry = self.facts.in_flight.get(tx_hash)
        return None if entry is None or entry.status is ExitStatus.ABSENT else entry

    def running(self, tx_hash: Hash32) -> InFlightExit | None:
        """Return the same if it runs."""
        entry = self.in_flight_exit(tx_hash)
        return entry if entry is not None and entry.status is ExitStatus.RUNNING else None

    def slot(self, tx_hash: Hash32, side: Side, index: int) -> InFlightSlot | None:
        """Return one slot of a running or finalized in-flight exit."""
        entry = self.in_flight_exit(tx_hash)
        return None if entry is None else entry.slot(side, index)

    def joinable_until(self, entry: InFlightExit) -> Timestamp | None:
        """Return the first second too late to piggyback, None if it is too late already."""
        if entry.input_finalized or not is_first_phase(self.now, entry.started_at, self.period):
            return None
        return first_phase_ends(entry.started_at, self.period)


def key_of(output: HeldOutput) -> Key:
    """Return which output a held one is."""
    return output.position if output.position is not None else (output.tx_hash, output.index)
