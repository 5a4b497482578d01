"""Which ways out one output has, and which of them is best.

An output that nothing is known to spend leaves by its standard exit, as nobody can challenge that. One that
is in flight, or that its own standard exit would put behind the fraud, leaves by the in-flight exit of the
transaction it came from or went into: that is dated by the youngest input. Where this is behind the fraud
too, the money goes back to where it came from: the in-flight exits of the transactions that made our inputs.
"""

from dataclasses import dataclass

from plasma_guard.domain.exits import ExitStatus, InFlightExit, Side
from plasma_guard.domain.plan import Payout, Underway, Way
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp
from plasma_guard.domain.vault import HeldOutput, KeptTransaction
from plasma_guard.planner.deadlines import Dating, Deadlines, Judged
from plasma_guard.planner.ledger import Ledger
from plasma_guard.plasma.periods import first_phase_ends

_ODD = (
    "RootChain v0.2 never pays a standard exit of output index {index}; only the in-flight exit of the"
    " transaction that created it can take it out"
)


@dataclass(frozen=True, slots=True)
class Standard:
    """Out by a standard exit of its own."""

    output: HeldOutput
    creating: KeptTransaction
    position: UtxoPosition
    judged: Judged


@dataclass(frozen=True, slots=True)
class Leg:
    """Out by a transaction's in-flight exit; `index` is the output to join with, None for an input."""

    tx: KeptTransaction
    index: int | None
    dating: Dating
    judged: Judged
    back: bool = False
    """Whether the money is fetched from before it was spent, by a transaction that may come to light."""


@dataclass(frozen=True, slots=True)
class Legs:
    """Out by one in-flight exit, or by several where the money came together from several transactions."""

    output: HeldOutput
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class NoWay:
    """Not out at all, and why, in a sentence for its owner."""

    output: HeldOutput
    reason: str


Route = Standard | Legs | Underway | NoWay


@dataclass(frozen=True, slots=True)
class _Found:
    """What a search brought: legs, and what kept others from being there."""

    legs: tuple[Leg, ...] = ()
    obstacles: tuple[str, ...] = ()


class Routes:
    """Finds the way of each output; every transaction is judged once."""

    def __init__(self, ledger: Ledger, deadlines: Deadlines) -> None:
        self._ledger = ledger
        self._deadlines = deadlines
        self._startable: dict[Hash32, Dating | str] = {}

    def of(self, output: HeldOutput) -> Route:
        """Return the best way of one output."""
        if output.owner not in self._ledger.facts.accounts:
            return NoWay(output, f"the guard has no key for its owner {output.owner}, who must send the exit")
        running = self._running(output)
        if running is not None:
            return running
        if output.spent_by is not None:
            return self._spent(output, output.spent_by)
        return self._unspent(output)

    def _running(self, output: HeldOutput) -> Underway | NoWay | None:
        """What the root chain already knows of the output, if anything."""
        ledger, position = self._ledger, output.position
        if position is not None and ledger.is_paid(position):
            return NoWay(output, "an exit has paid it already")
        entry = ledger.standard_exit(position)
        if entry is not None and entry.status is ExitStatus.RUNNING:
            return Underway(output, entry.exit_id, Way.STANDARD)
        if entry is not None and entry.status is ExitStatus.CHALLENGED and output.spent_by is None:
            words = (
                "its standard exit was challenged with a transaction that spends it; track that transaction"
            )
            return NoWay(output, words)
        slot = ledger.slot(output.tx_hash, Side.OUTPUT, output.index)
        if slot is not None and slot.handled:
            return NoWay(output, "an in-flight exit has paid or blocked it already")
        joined = ledger.running(output.tx_hash)
        if slot is not None and slot.piggybacked and joined is not None:
            return _joined(output, joined, output.tx_hash, Side.OUTPUT, output.index)
        return self._joined_as_input(output)

    def _joined_as_input(self, output: HeldOutput) -> Underway | None:
        tx = None if output.spent_by is None else self._ledger.transaction(output.spent_by)
        entry = None if tx is None else self._ledger.running(tx.hash)
        if tx is None or entry is None:
            return None
        for index, position in enumerate(tx.sources):
            slot = entry.slot(Side.INPUT, index)
            if position == output.position and slot is not None and slot.piggybacked:
                return _joined(output, entry, tx.hash, Side.INPUT, index)
        return None

    def _spent(self, output: HeldOutput, spent_by: Hash32) -> Route:
        spender = self._ledger.transaction(spent_by)
        if spender is None:
            reason = f"transaction {spent_by}, which spends it, is not kept: track it"
            return NoWay(output, reason)
        found = self._legs(spender, None, output.token)
        if found.legs:
            return Legs(output, found.legs)
        reason = f"signed transaction {spent_by} spends it, so a standard exit of it would be challenged; "
        return NoWay(output, reason + "; ".join(found.obstacles))

    def _unspent(self, output: HeldOutput) -> Route:
        creating = self._ledger.creating(output)
        if creating is None:
            return NoWay(output, f"the transaction {output.tx_hash} that created it is not kept")
        standard = self._standard(output, creating)
        if isinstance(standard, Standard) and standard.judged.good:
            return standard
        found = self._legs(creating, output.index, output.token)
        if isinstance(standard, str):
            if found.legs:
                return Legs(output, found.legs)
            return NoWay(output, "; ".join((standard, *found.obstacles)))
        if found.legs and _is_better(found.legs, standard.judged):
            return Legs(output, found.legs)
        return standard

    def _standard(self, output: HeldOutput, creating: KeptTransaction) -> Standard | str:
        """Its standard exit, or why there is none."""
        ledger, position = self._ledger, output.position
        if position is None or creating.position is None:
            return "it is in no block that anybody has proven"
        if not creating.proof:
            return "the proof that it is in its block is missing"
        if not ledger.rules.generation.is_ald and output.index % 2 == 1:
            return _ODD.format(index=output.index)
        submitted_at = ledger.submitted_at(position)
        if submitted_at is None:
            return f"the root chain knows no plasma block {position.blknum}"
        floor = None if position.is_deposit else Timestamp(submitted_at + 2 * ledger.period)
        judged = self._deadlines.judge(Dating(position, floor), output.token)
        return Standard(output, creating, position, judged)

    def _legs(self, tx: KeptTransaction, index: int | None, token: Address, depth: int = 0) -> _Found:
        """The in-flight exit of `tx`; where that is behind the fraud or impossible, those it goes back to.

        The money goes back only in trouble, and only from a transaction that may be undone: what spends an
        output in a block that nobody doubts is known to everybody, and while all is well it only has to wait.
        """
        dating = self._dating(tx)
        direct: tuple[Leg, ...] = ()
        obstacles: tuple[str, ...] = ()
        if isinstance(dating, Dating):
            direct = (Leg(tx, index, dating, self._deadlines.judge(dating, token), back=depth > 0),)
            if direct[0].judged.good:
                return _Found(direct)
        else:
            obstacles = (dating,)
        ledger = self._ledger
        if ledger.trouble is None or ledger.is_settled(tx) or ledger.running(tx.hash) is not None:
            return _Found(direct, obstacles)
        back = self._back(tx, depth)
        good = tuple(leg for leg in back.legs if leg.judged.good)
        return _Found(good or direct or back.legs, obstacles + back.obstacles)

    def _back(self, tx: KeptTransaction, depth: int) -> _Found:
        legs: list[Leg] = []
        obstacles: list[str] = []
        if depth >= _MOST_ANCESTORS:
            return _Found()
        for source in self._ledger.sources(tx):
            if source.creator is None or source.output is None or not self._ledger.is_ours(source.output):
                continue
            if self._ledger.is_taken(source.position):
                obstacles.append(f"another exit takes out, or has paid, its input at {source.position}")
            elif source.creator.sources:
                found = self._legs(source.creator, source.position.oindex, source.output.token, depth + 1)
                legs += found.legs
                obstacles += found.obstacles
        return _Found(tuple(legs), tuple(obstacles))

    def _dating(self, tx: KeptTransaction) -> Dating | str:
        if tx.hash not in self._startable:
            self._startable[tx.hash] = self._find_dating(tx)
        return self._startable[tx.hash]

    def _find_dating(self, tx: KeptTransaction) -> Dating | str:
        """What dates the in-flight exit of `tx`, or why it can be neither started nor joined."""
        ledger, name = self._ledger, f"the in-flight exit of {tx.hash}"
        if not tx.sources:
            return f"{tx.hash} is a deposit, which has no in-flight exit"
        entry = ledger.in_flight_exit(tx.hash)
        if entry is not None and entry.status is ExitStatus.FINALIZED:
            return f"{name} is over, and this contract allows no second one"
        if leaving := [each for each in tx.sources if ledger.we_leave(each)]:
            return f"{name} would pay what the standard exit of its input {leaving[0]} takes out already"
        paid = [each for each in tx.sources if ledger.is_paid(each)]
        if paid and not ledger.rules.generation.is_ald:
            return f"{name} pays nobody: a standard exit has paid its input {paid[0]}"
        youngest = max(tx.sources)
        submitted_at = ledger.submitted_at(youngest)
        closes = None
        if entry is not None:
            closes = ledger.joinable_until(entry)
            if closes is None:
                ended = first_phase_ends(entry.started_at, ledger.period)
                return f"{name} runs, and could be joined only until {ended} (root-chain time)"
        elif lacks := self._lacks(tx):
            return f"{name} lacks {'; '.join(lacks)}"
        if submitted_at is None:
            return f"the root chain knows no plasma block {youngest.blknum}, which {name} is dated by"
        floor = Timestamp(submitted_at + 2 * ledger.period)
        fixed = None if entry is None else entry.exitable_at
        return Dating(youngest, floor, fixed, closes)

    def _lacks(self, tx: KeptTransaction) -> list[str]:
        lacks = [
            f"the transaction that created its input at {source.position}, with its proof"
            for source in self._ledger.sources(tx)
            if source.creator is None or source.creator.position is None or not source.creator.proof
        ]
        if not tx.is_signed:
            lacks.append("its signatures")
        return lacks


_MOST_ANCESTORS = 16
"""Generations; the vault keeps far fewer."""


def _joined(output: HeldOutput, entry: InFlightExit, tx_hash: Hash32, side: Side, index: int) -> Underway:
    paid = Payout(tx_hash, side, index, output.owner, output.token, output.amount, output.position)
    return Underway(output, entry.exit_id, Way.IN_FLIGHT, entry.exitable_at, entry.started_at, paid)


def _is_better(legs: tuple[Leg, ...], judged: Judged) -> bool:
    """Whether legs beat a standard exit that is late: by being in time, or else by being ripe earlier."""
    if any(leg.judged.good for leg in legs):
        return True
    return max(leg.judged.exitable_at for leg in legs) < judged.exitable_at
