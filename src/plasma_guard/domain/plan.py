"""How the user's money leaves the plasma chain: which outputs, by which call, in which order."""

from dataclasses import dataclass
from enum import StrEnum

from plasma_guard.domain.actions import Piggyback, StartInFlightExit, StartStandardExit
from plasma_guard.domain.decisions import Window
from plasma_guard.domain.primitives import Address, Timestamp, Wei
from plasma_guard.domain.vault import HeldOutput


class Timing(StrEnum):
    """Whether an exit started now still does what it is for."""

    IN_TIME = "in time"
    """It keeps its place ahead of what is wrong."""
    LATE = "late"
    """It queues behind what is wrong, and is paid only if enough is left."""
    UNBOUND = "no deadline"
    """Nothing is known to be wrong."""


@dataclass(frozen=True, slots=True)
class PlannedExit:
    """One exit: its start, the slots of ours that join it, and what it costs.

    `outputs` are paid by it. `account` sends it. `exitable_at` is when it is ripe if started now. `value` is
    what `outputs` are worth in wei (None: unpriced token), `gas` gas units of all its calls, `cost` that gas
    at today's price in wei, `bonds` the wei it ties up until it is paid.
    """

    start: StartStandardExit | StartInFlightExit
    piggybacks: tuple[Piggyback, ...]
    outputs: tuple[HeldOutput, ...]
    account: Address
    tokens: tuple[Address, ...]
    window: Window
    timing: Timing
    exitable_at: Timestamp
    value: Wei | None
    gas: int
    cost: Wei
    bonds: Wei


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """One output that the plan does not take out, and why, in a sentence for its owner."""

    output: HeldOutput
    reason: str


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """The exits in the order in which they are started, and what stays.

    `needed` is the wei the accounts must have for all bonds and gas, `missing` what they lack of it;
    `queues` are tokens whose exit queue must be opened first.
    """

    exits: tuple[PlannedExit, ...]
    left: tuple[LeftBehind, ...]
    queues: tuple[Address, ...]
    needed: Wei
    missing: Wei
