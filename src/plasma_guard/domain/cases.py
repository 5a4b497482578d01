"""What the journal keeps: observations, cases, decisions, intents."""

from dataclasses import dataclass
from enum import StrEnum

from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Timestamp, Wei


@dataclass(frozen=True, slots=True)
class Observation:
    """Something reported once or many times; `key` makes repeated reports the same observation.

    `key` = kind + position or transaction hash + eth_height where the report gives one. `body` is JSON text.
    """

    key: str
    kind: str
    source: str
    body: str


class Kind(StrEnum):
    """What a case is about; one per thing that can be wrong on the chain."""

    STANDARD_EXIT = "standard_exit"
    CANONICITY = "canonicity"
    """An in-flight exit whose transaction has a competitor."""
    INCLUSION = "inclusion"
    """An in-flight exit challenged although its transaction is in an older block."""
    PIGGYBACK_SPENT = "piggyback_spent"
    """One piggybacked input or output that is spent elsewhere."""
    OWN_PIGGYBACK = "own_piggyback"
    """One of our own inputs or outputs that must join an in-flight exit."""
    OWN_EXIT = "own_exit"
    """An exit of our own, from its start until it is paid."""
    LEAVE_CHAIN = "leave_chain"
    """A reason to take the user's funds off the plasma chain."""


@dataclass(frozen=True, slots=True)
class CaseKey:
    """Identity of a case: the same output exited again is another `start` and so another case.

    `start` also names the slot where one exit can have several cases.
    """

    chain_id: int
    contract: Address
    kind: Kind
    exit_id: ExitId
    start: str

    def __str__(self) -> str:
        return f"{self.chain_id}:{self.contract}:{self.kind}:{self.exit_id:x}:{self.start}"


@dataclass(frozen=True, slots=True)
class Case:
    """One exit the guard has something to do about. Times are root-chain seconds.

    `event` and `details` (JSON) rebuild the report it came from, so that it lives on when nobody reports it.
    `position` is the exiting output's, or the youngest input's of an in-flight transaction. From `deadline`
    on anybody can make an answer useless; `bond` is what the contract pays at once for one, in wei; `ripe_at`
    is when an exit of our own that runs can be paid. None: not known.
    """

    id: int
    key: CaseKey
    position: UtxoPosition
    event: str
    details: str
    opened_at: Timestamp
    closure: Closure | None = None
    closed_at: Timestamp | None = None
    deadline: Timestamp | None = None
    bond: Wei | None = None
    ripe_at: Timestamp | None = None

    @property
    def is_open(self) -> bool:
        """Whether the contract's state still leaves something to do."""
        return self.closure is None


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision as the journal keeps it: at which block, what, and why in words."""

    case_id: int
    block_number: int
    at: Timestamp
    verdict: str
    reason: str
    action: str | None = None


class Judgement(StrEnum):
    """What is known about a running exit that our own scan found."""

    UNVERIFIED = "unverified"
    """No fresh Watcher has judged it."""
    VALID = "valid"
    """A fresh Watcher was asked directly and knows no spend."""
    INVALID = "invalid"
    """A locally proven spend exists."""


@dataclass(frozen=True, slots=True)
class TrackedExit:
    """A standard exit from our own scan of the root chain, with what is known about it."""

    exit_id: ExitId
    start: str
    position: UtxoPosition
    owner: Address
    started_block: int
    started_at: Timestamp
    judgement: Judgement
    running: bool
    judged_at: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is now known about one tracked exit, named by exit id and start."""

    exit_id: ExitId
    start: str
    judgement: Judgement
    running: bool


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What one turn of a case ended in, to be recorded as a whole.

    `event` and `details` (JSON) are what the case came from, for the first time it is heard of. `closure`
    closes an open case, `reopen` opens a closed one; with neither it stays as it is. `at` and `deadline` are
    root-chain seconds, `bond` is in wei; None leaves what is known of them.
    """

    key: CaseKey
    position: UtxoPosition
    event: str
    details: str
    block_number: int
    at: Timestamp
    verdict: str
    reason: str
    action: str | None = None
    finding: Finding | None = None
    closure: Closure | None = None
    reopen: bool = False
    deadline: Timestamp | None = None
    bond: Wei | None = None
    ripe_at: Timestamp | None = None
