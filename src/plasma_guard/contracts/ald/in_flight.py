"""In-flight exits as PaymentExitGame stores them."""

from collections.abc import Sequence
from typing import Any

from plasma_guard.contracts.positions import position_or_none
from plasma_guard.domain.exits import ExitId, ExitStatus, InFlightExit, InFlightSlot, Side
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei

_NO_OUTPUT = bytes(32)


def in_flight_exit(exit_id: ExitId, entry: Sequence[Any]) -> InFlightExit:
    """Build from what inFlightExits returns for one id; a deleted or processed exit reads all zero.

    In the exit map the bits of outputs follow those of all input slots, used or not.
    """
    canonical, started_at, exit_map, position, inputs, outputs, bond_owner, bond, competitor = entry
    if not started_at:
        return InFlightExit(exit_id, ExitStatus.ABSENT)
    return InFlightExit(
        exit_id=exit_id,
        status=ExitStatus.RUNNING,
        started_at=Timestamp(started_at),
        canonical=canonical,
        oldest_competitor=competitor or None,
        slots=(
            *_slots(Side.INPUT, inputs, exit_map),
            *_slots(Side.OUTPUT, outputs, exit_map >> len(inputs)),
        ),
        position=position_or_none(position),
        bond_owner=Address.parse(bond_owner),
        bond=Wei(bond),
    )


def _slots(side: Side, entries: Sequence[Sequence[Any]], bits: int) -> list[InFlightSlot]:
    """Return the used slots; the stored piggyback bond outlives its bit, so only the bit counts."""
    return [
        InFlightSlot(
            side=side,
            index=index,
            piggybacked=bool(bits >> index & 1),
            blocked=not bits >> index & 1 and entry[4] > 0,
            owner=Address.parse(entry[1]),
            token=Address.parse(entry[2]),
            amount=Wei(entry[3]),
            output_id=Hash32(entry[0]),
        )
        for index, entry in enumerate(entries)
        if entry[0] != _NO_OUTPUT
    ]
