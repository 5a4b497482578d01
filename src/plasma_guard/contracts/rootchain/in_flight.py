"""In-flight exits as RootChain v0.2 stores them: flags packed into a timestamp and a bit map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.contracts.reading import Reads
from plasma_guard.contracts.rootchain.slots import PER_SIDE, slot_number
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.exits import ExitId, ExitStatus, InFlightExit, InFlightSlot, Side
from plasma_guard.domain.primitives import ZERO_ADDRESS, Address, Timestamp, Wei
from plasma_guard.plasma.rules import PlasmaRules

_NON_CANONICAL = 1 << 255
_INPUT_FINALIZED = 1 << 254
_FINALIZED = 1 << 255
"""In the exit map."""
_SLOTS = 2 * PER_SIDE


@dataclass(frozen=True, slots=True)
class _Entry:
    """inFlightExits(id), unpacked."""

    tx: bytes
    exit_id: ExitId
    flags: int
    priority: int
    exit_map: int
    bond_owner: Address
    oldest_competitor: int

    @property
    def started_at(self) -> int:
        return self.flags & ~(_NON_CANONICAL | _INPUT_FINALIZED)

    @property
    def status(self) -> ExitStatus:
        if self.started_at:
            return ExitStatus.RUNNING
        return ExitStatus.FINALIZED if self.exit_map & _FINALIZED else ExitStatus.ABSENT


async def read_in_flight_exits(
    reads: Reads, root_chain: Address, rules: PlasmaRules, txs: Sequence[bytes], at: BlockStamp
) -> list[InFlightExit]:
    """Read the exits of several transactions at one block: the entries first, then the slots of running ones.

    An entry that was processed keeps its exit map only.
    """
    ids = [rules.in_flight_exit_id(tx) for tx in txs]
    found = await reads.all([(root_chain, abi.IN_FLIGHT_EXITS, (exit_id,)) for exit_id in ids], at)
    entries = [
        _Entry(tx, exit_id, flags, priority, exit_map, Address.parse(bond_owner), competitor)
        for tx, exit_id, (flags, priority, exit_map, bond_owner, competitor) in zip(
            txs, ids, found, strict=True
        )
    ]
    slots = {
        entry.exit_id: _slots(rules, entry) for entry in entries if entry.status is not ExitStatus.ABSENT
    }
    wanted = [
        (entry, side, index)
        for entry in entries
        if entry.status is ExitStatus.RUNNING
        for side, index in slots[entry.exit_id]
    ]
    details = await reads.all(
        [
            (root_chain, abi.GET_IN_FLIGHT_EXIT_OUTPUT, (entry.tx, slot_number(side, index)))
            for entry, side, index in wanted
        ],
        at,
    )
    stored = {
        (entry.exit_id, side, index): detail
        for (entry, side, index), detail in zip(wanted, details, strict=True)
    }
    return [
        _in_flight_exit(
            rules,
            entry,
            tuple(
                _slot(entry.exit_map, side, index, stored.get((entry.exit_id, side, index)))
                for side, index in slots.get(entry.exit_id, ())
            ),
        )
        for entry in entries
    ]


def _slots(rules: PlasmaRules, entry: _Entry) -> list[tuple[Side, int]]:
    """Return the inputs and outputs the transaction really has; the contract's padding is none."""
    tx = rules.decode(entry.tx)
    return [(Side.INPUT, index) for index in range(len(tx.inputs))] + [
        (Side.OUTPUT, index) for index in range(len(tx.outputs))
    ]


def _slot(exit_map: int, side: Side, index: int, stored: tuple[Any, ...] | None) -> InFlightSlot:
    number = slot_number(side, index)
    owner, token, amount = stored or (None, None, 0)
    joined = bool(exit_map >> number & 1)
    handled = bool(exit_map >> (_SLOTS + number) & 1)
    known = owner is not None and Address.parse(owner) != ZERO_ADDRESS
    return InFlightSlot(
        side=side,
        index=index,
        piggybacked=joined,
        handled=handled,
        # An output's details are stored when it joins, and stay.
        blocked=side is Side.OUTPUT and known and not joined and not handled,
        owner=Address.parse(owner) if known else None,
        token=Address.parse(token) if known else None,
        amount=Wei(amount) if known else None,
    )


def _in_flight_exit(rules: PlasmaRules, entry: _Entry, slots: tuple[InFlightSlot, ...]) -> InFlightExit:
    if entry.status is not ExitStatus.RUNNING:
        return InFlightExit(entry.exit_id, entry.status, slots=slots)
    exitable_at, _, _ = rules.unpack_priority(entry.priority)
    return InFlightExit(
        exit_id=entry.exit_id,
        status=ExitStatus.RUNNING,
        started_at=Timestamp(entry.started_at),
        canonical=not entry.flags & _NON_CANONICAL,
        oldest_competitor=entry.oldest_competitor or None,
        slots=slots,
        position=max(rules.decode(entry.tx).inputs, default=None),
        bond_owner=entry.bond_owner,
        # The priority is fixed at the start, although the queue learns it with the first piggyback.
        exitable_at=exitable_at,
        input_finalized=bool(entry.flags & _INPUT_FINALIZED),
    )
