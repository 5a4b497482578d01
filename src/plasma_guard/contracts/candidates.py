"""What every generation's calls have in common before they are sent."""

from plasma_guard.domain.actions import (
    Action,
    AddExitQueue,
    ChallengeInputSpent,
    ChallengeOutputSpent,
    ChallengeStandardExit,
    Piggyback,
    ProcessExits,
    StartInFlightExit,
    StartStandardExit,
)
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Wei


def value_of(action: Action) -> Wei:
    """Return the wei that go with an action: the exact bond of a start or piggyback, else nothing."""
    return action.bond if isinstance(action, Piggyback | StartStandardExit | StartInFlightExit) else Wei(0)


def purpose_of(action: Action) -> str:
    """Return what a call is for, in words for logs and people."""
    match action:
        case ChallengeStandardExit() | StartStandardExit():
            return f"{action.name} of output {action.position}"
        case AddExitQueue():
            return f"{action.name} for token {action.token}"
        case ProcessExits():
            return f"{action.name} of up to {action.count} exits of token {action.token}"
        case ChallengeInputSpent():
            what = f"input {action.in_flight_input_index} of "
        case ChallengeOutputSpent():
            what = f"output {action.output_position.oindex} of "
        case Piggyback():
            what = f"{action.side} {action.index} of "
        case _:
            what = ""
    return f"{action.name} of {what}in-flight exit {action.exit_id}"


def tx_position(position: UtxoPosition, name: str) -> int:
    """Return a transaction's position as the contracts want it; raises `MalformedError` for an output's.

    ald refuses a position with an output index; rootchain v0.2 takes it, and loses the bond to the next
    caller who sends the same position with a smaller one.
    """
    if position.oindex != 0:
        raise MalformedError(f"{name}: its position must have output index 0, got {position}")
    return position.encode()
