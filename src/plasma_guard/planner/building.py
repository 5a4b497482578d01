"""From ways out to exits: the calls, what they cost, and what they tie up."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from plasma_guard.domain.actions import Piggyback, StartInFlightExit, StartStandardExit
from plasma_guard.domain.exits import Side
from plasma_guard.domain.plan import Payout, PlannedExit, Underway, Way
from plasma_guard.domain.primitives import Address, Hash32, Wei
from plasma_guard.domain.vault import HeldOutput, KeptTransaction
from plasma_guard.planner.deadlines import Deadlines, Judged
from plasma_guard.planner.facts import PlanPolicy
from plasma_guard.planner.gas import GAS
from plasma_guard.planner.joining import Joined, slots_to_join
from plasma_guard.planner.ledger import Key, Ledger, key_of
from plasma_guard.planner.routes import Leg, Legs, NoWay, Standard


@dataclass(frozen=True, slots=True)
class Draft:
    """A planned exit that may still be dropped, and every output that it pays, spends or brings out.

    Two exits that claim the same one would pay the same money twice.
    """

    exit: PlannedExit
    claims: frozenset[Key]


@dataclass(slots=True)
class _Group:
    """What leaves by one transaction's in-flight exit."""

    tx: KeptTransaction
    judged: Judged
    indexes: set[int] = field(default_factory=set)
    outputs: list[HeldOutput] = field(default_factory=list)
    back: bool = False


class Builder:
    """Makes exits of ways out."""

    def __init__(self, ledger: Ledger, deadlines: Deadlines, policy: PlanPolicy) -> None:
        self._ledger = ledger
        self._deadlines = deadlines
        self._policy = policy
        self._gas = GAS[ledger.facts.contracts.generation]
        price = ledger.facts.gas_price
        self.gas_price = price if policy.max_fee is None else Wei(min(price, policy.max_fee))

    def standard(self, route: Standard) -> Draft:
        """Make the standard exit of one output."""
        ledger, facts, output = self._ledger, self._ledger.facts, route.output
        bond = facts.bonds.standard_exit
        start = StartStandardExit(
            exit_id=ledger.rules.standard_exit_id(route.creating.raw, route.position),
            position=route.position,
            output_tx=route.creating.raw,
            proof=route.creating.proof,
            bond=bond,
        )
        value = self._policy.worth(output.token, output.amount)
        gas = self._gas.standard_exit + self._gas.process_standard
        paid = Payout(
            route.creating.hash,
            Side.OUTPUT,
            output.index,
            output.owner,
            output.token,
            output.amount,
            route.position,
        )
        exit_ = PlannedExit(
            start=start,
            piggybacks=(),
            outputs=(output,),
            account=output.owner,
            tokens=(output.token,),
            window=self._deadlines.window(route.judged, lead=self._policy.lead, budget=self._budget(value)),
            timing=route.judged.timing,
            exitable_at=route.judged.exitable_at,
            value=value,
            gas=gas,
            cost=Wei(gas * self.gas_price + facts.bounties.standard_exit),
            bonds=bond,
            payouts=(paid,),
            notes=() if output.doubt is None else (f"it may be spent already: {output.doubt}",),
        )
        return Draft(exit_, frozenset({key_of(output)}))

    def in_flight(self, routes: Iterable[Legs]) -> tuple[list[Draft], list[NoWay], list[Underway]]:
        """Make one in-flight exit for each transaction; say what it is no use for, and what is under way.

        An output that comes out by several exits is named by the first of them.
        """
        drafts: list[Draft] = []
        stuck: list[NoWay] = []
        underway: list[Underway] = []
        for group in self._groups(routes):
            joined = slots_to_join(self._ledger, group.tx, frozenset(group.indexes))
            if joined.payouts:
                drafts.append(self._joint(group, joined))
            elif joined.already:
                entry = self._ledger.running(group.tx.hash)
                exitable_at = None if entry is None else entry.exitable_at
                exit_id = self._ledger.rules.in_flight_exit_id(group.tx.raw)
                underway += [
                    Underway(output, exit_id, Way.IN_FLIGHT, exitable_at) for output in group.outputs
                ]
            else:
                stuck += [NoWay(output, self._no_use(group.tx)) for output in group.outputs]
        return drafts, stuck, underway

    def _no_use(self, tx: KeptTransaction) -> str:
        """Why nothing of a transaction's in-flight exit is ours to join."""
        if any(self._ledger.is_ours(output) for output in self._ledger.decode(tx.raw).outputs):
            return f"signed transaction {tx.hash} spends it, and what that pays us is spent again in flight"
        return f"signed transaction {tx.hash} pays it to others: only they can take it out"

    def _groups(self, routes: Iterable[Legs]) -> list[_Group]:
        groups: dict[Hash32, _Group] = {}
        for route in routes:
            for number, leg in enumerate(_heaviest_first(self._ledger, route.legs)):
                group = groups.setdefault(leg.tx.hash, _Group(leg.tx, leg.judged))
                if leg.index is not None:
                    group.indexes.add(leg.index)
                if number == 0:
                    group.outputs.append(route.output)
                group.back |= leg.back
                if _urgency(leg.judged) < _urgency(group.judged):
                    group.judged = leg.judged
        return list(groups.values())

    def _joint(self, group: _Group, joined: Joined) -> Draft:
        ledger, facts, tx = self._ledger, self._ledger.facts, group.tx
        exit_id = ledger.rules.in_flight_exit_id(tx.raw)
        bonds = facts.bonds
        piggybacks = tuple(
            Piggyback(exit_id, tx.raw, slot.side, slot.index, bonds.piggyback) for slot in joined.payouts
        )
        is_running = ledger.running(tx.hash) is not None
        start = None if is_running else self._start(tx)
        value = self._value(joined.payouts)
        gas = self._in_flight_gas(tx, joined.payouts, started=is_running)
        budget = self._budget(value)
        exit_ = PlannedExit(
            start=start,
            piggybacks=piggybacks,
            outputs=tuple(group.outputs),
            account=self._starter(joined.payouts),
            tokens=tuple(sorted({slot.token for slot in joined.payouts})),
            window=self._deadlines.window(group.judged, lead=self._policy.lead, budget=budget),
            timing=group.judged.timing,
            exitable_at=group.judged.exitable_at,
            value=value,
            gas=gas,
            cost=Wei(gas * self.gas_price + len(piggybacks) * facts.bounties.piggyback),
            bonds=Wei(len(piggybacks) * bonds.piggyback + (0 if is_running else bonds.in_flight_exit)),
            payouts=joined.payouts,
            notes=(*joined.notes, *self._notes(group)),
        )
        outputs = {key_of(output) for output in group.outputs}
        slots: set[Key] = {(slot.tx_hash, slot.index) for slot in joined.payouts if slot.side is Side.OUTPUT}
        placed: set[Key] = {slot.position for slot in joined.payouts if slot.position is not None}
        return Draft(exit_, frozenset(outputs | slots | placed | set(tx.sources)))

    def _start(self, tx: KeptTransaction) -> StartInFlightExit:
        made = [source.creator for source in self._ledger.sources(tx)]
        creators = [creator for creator in made if creator is not None]
        return StartInFlightExit(
            exit_id=self._ledger.rules.in_flight_exit_id(tx.raw),
            in_flight_tx=tx.raw,
            input_txs=tuple(creator.raw for creator in creators),
            input_positions=tx.sources,
            proofs=tuple(creator.proof for creator in creators),
            signatures=tx.signatures,
            bond=self._ledger.facts.bonds.in_flight_exit,
        )

    def _in_flight_gas(self, tx: KeptTransaction, payouts: Sequence[Payout], *, started: bool) -> int:
        tokens = len({slot.token for slot in payouts})
        gas = 0 if started else self._gas.in_flight_exit(len(tx.sources))
        gas += tokens * self._gas.first_piggyback + (len(payouts) - tokens) * self._gas.later_piggyback
        return gas + tokens * self._gas.process_in_flight

    def _value(self, payouts: Sequence[Payout]) -> Wei | None:
        """The most that one side pays; unknown as soon as a token has no price."""
        sides: defaultdict[Side, int] = defaultdict(int)
        for slot in payouts:
            worth = self._policy.worth(slot.token, slot.amount)
            if worth is None:
                return None
            sides[slot.side] += worth
        return Wei(max(sides.values()))

    def _starter(self, payouts: Sequence[Payout]) -> Address:
        """Anybody may start: the owner of what is worth most does."""
        return max(payouts, key=lambda slot: self._weight(slot.token, slot.amount)).owner

    def _weight(self, token: Address, amount: Wei) -> Wei:
        worth = self._policy.worth(token, amount)
        return self._policy.max_cost if worth is None else worth

    def _budget(self, value: Wei | None) -> Wei:
        return self._policy.max_cost if value is None else Wei(min(value, self._policy.max_cost))

    def _notes(self, group: _Group) -> list[str]:
        notes = [f"it may be spent already: {each.doubt}" for each in group.outputs if each.doubt is not None]
        if group.back:
            notes.append(
                "the money is fetched from before it was spent again: whoever shows that spend, and that the"
                " exiting transaction is in a block, takes the piggyback's bond"
            )
        return notes


def _heaviest_first(ledger: Ledger, legs: tuple[Leg, ...]) -> list[Leg]:
    def amount(leg: Leg) -> int:
        output = None if leg.index is None else ledger.output_of(leg.tx, leg.index)
        return 0 if output is None else output.amount

    return sorted(legs, key=amount, reverse=True)


def _urgency(judged: Judged) -> tuple[int, int]:
    return (("in time", "late", "no deadline").index(judged.timing), judged.hard or 0)
