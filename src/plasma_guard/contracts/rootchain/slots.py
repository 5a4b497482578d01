"""How RootChain v0.2 counts the inputs and outputs of an in-flight exit: inputs are 0..3, outputs 4..7."""

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import Side

PER_SIDE = 4


def slot_number(side: Side, index: int) -> int:
    """Return the contract's number of a slot; raises `MalformedError` for one that does not exist."""
    if not 0 <= index < PER_SIDE:
        raise MalformedError(f"{side}: index must be 0..{PER_SIDE - 1}, got {index}")
    return index if side is Side.INPUT else PER_SIDE + index


def side_and_index(slot: int) -> tuple[Side, int]:
    """Return the side and the index within it."""
    return (Side.INPUT, slot) if slot < PER_SIDE else (Side.OUTPUT, slot - PER_SIDE)
