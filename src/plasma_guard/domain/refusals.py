"""What it means for the guard when the root chain refuses one of its calls."""

from enum import StrEnum


class Meaning(StrEnum):
    """Why a call was refused, as far as the contract's words tell."""

    BENIGN = "benign"
    """Somebody did it, or the exit is over: nothing is left to do, which the contract's state confirms."""
    TOO_LATE = "too late"
    """Its phase is over and nobody did it: a person must know."""
    OURS_WRONG = "ours is wrong"
    """Our data or choice is wrong: sending the same again is useless."""
    RETRY = "retry"
    """Something it depends on has changed or is missing: read it again, then try again."""
    UNKNOWN = "unknown"
    """The words, or their absence, do not tell: read the contract's state again."""
