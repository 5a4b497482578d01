"""What a reaction may conclude."""

from dataclasses import dataclass
from enum import StrEnum

from plasma_guard.domain.actions import Action
from plasma_guard.domain.primitives import Address, Timestamp, Wei


class Severity(StrEnum):
    """How loudly a person must be told."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Window:
    """When an action must be mined, in root-chain time, and the most its gas may cost, in wei.

    Before `soft` the guard may insist on a clean simulation; from `soft` on it sends on local proof alone.
    After `hard` anyone can make the action useless.
    """

    soft: Timestamp
    hard: Timestamp
    budget: Wei


@dataclass(frozen=True, slots=True)
class Act:
    """Send this, within this window; `account` is who must send it, None for any that challenges."""

    action: Action
    window: Window
    reason: str
    account: Address | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Spend nothing now; look again later.

    `suspicious` marks evidence that does not prove what it claims: told to a person once, grouped.
    """

    reason: str
    suspicious: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """Only a person can do something about this."""

    reason: str
    severity: Severity = Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class LeaveChain:
    """The user's funds must leave the plasma chain; `first_bad_blknum` is None when no block is bad.

    Handed to the exit planner. `confirmed` says that the guard itself saw the evidence, not only a Watcher;
    `withheld` that the block is said to be withheld rather than invalid.
    """

    reason: str
    confirmed: bool
    first_bad_blknum: int | None = None
    withheld: bool = False


class Closure(StrEnum):
    """Why a case needs nothing more; the contract's state is the only source of this."""

    WON_BY_US = "won by us"
    RESOLVED_BY_OTHERS = "resolved by others"
    LOST = "lost"
    MOOT = "moot"


@dataclass(frozen=True, slots=True)
class Close:
    """The contract's state leaves nothing to do."""

    closure: Closure
    reason: str


Decision = Act | Hold | Alert | LeaveChain | Close
