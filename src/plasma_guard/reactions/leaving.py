"""What the events that mean "take your money off this chain" have in common.

The decision and its evidence are made here; carrying it out is the exit planner's. A late fraud is always
reported together with the plain one, whose challenge is made by its own reaction.
"""

from dataclasses import replace

from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold, LeaveChain
from plasma_guard.reactions.base import Subject


def subject_of(underlying: Subject | None) -> Subject | None:
    """Return the subject of a case about leaving because of something that has a case of its own."""
    return None if underlying is None else replace(underlying, kind=Kind.LEAVE_CHAIN)


def because_of(underlying: Decision, what: str, *, known: bool) -> Decision:
    """Turn the decision about a late fraud into one about leaving.

    A fraud that proves itself confirms it; what was stopped calls for nothing; a Watcher's word alone is only
    told, because leaving costs bonds. A fraud that was paid leaves the chain owing more than it holds; the
    loss itself is told by its own case. One that is not `known`, because our own scan is a block behind, is
    looked at again before anybody is told.
    """
    match underlying:
        case Close(closure=Closure.LOST):
            return LeaveChain(
                f"{what} is said to have stood unchallenged for long, and is lost: {underlying.reason}",
                confirmed=False,
            )
        case Close():
            return underlying
        case Hold(suspicious=suspicious) if suspicious or not known:
            return underlying
        case Act():
            return LeaveChain(f"{what} stands unchallenged for long: {underlying.reason}", confirmed=True)
        case _:
            return LeaveChain(
                f"{what} is said to stand unchallenged for long; the guard could not confirm it:"
                f" {underlying.reason}",
                confirmed=False,
            )
