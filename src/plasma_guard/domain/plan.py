"""How the user's money leaves the plasma chain: which outputs, by which call, in which order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from plasma_guard.domain.actions import Piggyback, StartInFlightExit, StartStandardExit
from plasma_guard.domain.decisions import Window
from plasma_guard.domain.exits import ExitId, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.vault import HeldOutput


@dataclass(frozen=True, slots=True)
class BadBlock:
    """The first plasma block that is invalid or withheld, and when the root chain took it."""

    blknum: int
    submitted_at: Timestamp


@dataclass(frozen=True, slots=True)
class BadExit:
    """A fraudulent exit that nobody stopped.

    It is paid strictly after `exitable_at`, at the place in the queue that `position` gives it: the exiting
    output's, or an in-flight exit's youngest input's. It takes from `tokens`; empty means from every one.
    """

    position: UtxoPosition
    exitable_at: Timestamp
    tokens: frozenset[Address] = frozenset()


Trouble = BadBlock | BadExit


class Timing(StrEnum):
    """Whether an exit started now still does what it is for."""

    IN_TIME = "in time"
    """It keeps its place ahead of what is wrong."""
    LATE = "late"
    """It queues behind what is wrong, and is paid only if enough is left."""
    UNBOUND = "no deadline"
    """Nothing is known to be wrong, or nothing that touches this token."""


class Way(StrEnum):
    """How an output leaves."""

    STANDARD = "standard exit"
    IN_FLIGHT = "in-flight exit"
    JOIN = "join in-flight exit"
    """Somebody has started it; only the piggyback is ours."""


@dataclass(frozen=True, slots=True)
class Payout:
    """One slot that an exit pays: output `index` of transaction `tx_hash`, or what its input `index` spends.

    `amount` is in wei or token units; `owner` must send the piggyback. `position` is where the slot's output
    lies, None for one in no known block.
    """

    tx_hash: Hash32
    side: Side
    index: int
    owner: Address
    token: Address
    amount: Wei
    position: UtxoPosition | None = None


@dataclass(frozen=True, slots=True)
class PlannedExit:
    """One exit: its start, the slots of ours that join it, and what it costs.

    `outputs` are those of the user's that it is for, `payouts` the slots it pays: one for a standard exit,
    one for each of `piggybacks`, in their order, for an in-flight exit. Of its inputs and outputs only one
    side is ever paid. `start` is None where somebody has started it already. `account` sends the start, each
    payout's owner its piggyback.

    `exitable_at` is when it is ripe if started now, `window` when its calls must be mined. `value` is the
    most that its payouts are worth in wei (None: an unpriced token), `gas` the gas units of all its calls,
    being processed included, `cost` that gas at today's price and what processing it earns others, in wei.
    `bonds` are the wei it ties up until it is paid. `funded` says that the balances reach for it and all that
    is more valuable; `notes` are sentences about what can go wrong.
    """

    start: StartStandardExit | StartInFlightExit | None
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
    payouts: tuple[Payout, ...] = ()
    funded: bool = True
    notes: tuple[str, ...] = ()

    @property
    def exit_id(self) -> ExitId:
        """The contract's id of the exit."""
        return self.start.exit_id if self.start is not None else self.piggybacks[0].exit_id

    @property
    def way(self) -> Way:
        """How the outputs leave."""
        if isinstance(self.start, StartStandardExit):
            return Way.STANDARD
        return Way.IN_FLIGHT if self.start is not None else Way.JOIN


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """One output that the plan does not take out, and why, in a sentence for its owner."""

    output: HeldOutput
    reason: str


@dataclass(frozen=True, slots=True)
class Underway:
    """One output that an exit on the root chain already takes out; `exitable_at` None where not known.

    `payout` is the slot of an in-flight exit that pays it, and `started_at` (root-chain seconds) when that
    exit was started; None for a standard exit, and where another output of the same transaction is paid.
    """

    output: HeldOutput
    exit_id: ExitId
    way: Way
    exitable_at: Timestamp | None = None
    started_at: Timestamp | None = None
    payout: Payout | None = None


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """The exits in the order in which they are started, and what stays.

    Every output of the vault is in exactly one of `exits`, `left` and `underway`. `queues` are tokens whose
    exit queue must be opened first. `needed` is the wei the accounts must have for all bonds and gas,
    `missing` what they lack of it, `shortfalls` how much each of them lacks. It is true at block time `at`,
    for a gas price of `gas_price` wei.
    """

    exits: tuple[PlannedExit, ...]
    left: tuple[LeftBehind, ...]
    queues: tuple[Address, ...]
    needed: Wei
    missing: Wei
    underway: tuple[Underway, ...] = ()
    shortfalls: Mapping[Address, Wei] = field(default_factory=dict)
    trouble: Trouble | None = None
    at: Timestamp = Timestamp(0)
    gas_price: Wei = Wei(0)

    @property
    def value(self) -> Wei:
        """What the exits bring out, in wei; unpriced tokens are not in the sum."""
        return Wei(sum(each.value or 0 for each in self.exits))

    @property
    def cost(self) -> Wei:
        """What the exits cost, in wei."""
        return Wei(sum(each.cost for each in self.exits))

    @property
    def bonds(self) -> Wei:
        """What the exits tie up, in wei, until `tied_until`."""
        return Wei(sum(each.bonds for each in self.exits))

    @property
    def tied_until(self) -> Timestamp | None:
        """When the last of the exits is ripe, if all start now; None without any."""
        return max((each.exitable_at for each in self.exits), default=None)

    @property
    def deadline(self) -> Timestamp | None:
        """The first second too late for the most urgent exit that is in time; None without one."""
        bound = [each.window.hard for each in self.exits if each.timing is Timing.IN_TIME]
        return min(bound, default=None)
