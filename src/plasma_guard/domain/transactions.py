"""Root-chain transactions: what is asked of the sender, what it signs, what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from plasma_guard.domain.decisions import Window
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei


@dataclass(frozen=True, slots=True)
class TxCandidate:
    """A call somebody wants mined; the sender alone decides nonce, gas and fees.

    `intent` identifies it for ever: submitting the same intent again resumes, never repeats, the first.
    """

    intent: str
    case_id: int
    account: Address
    to: Address
    data: bytes = field(repr=False)
    value: Wei
    purpose: str
    gas_limit: int | None = None
    """Measured upper bound in gas units, for when simulation is not possible; None: must be estimated."""

    @property
    def is_fill(self) -> bool:
        """Whether it does nothing but use up a nonce: the sender's own business, no answer to anything."""
        return self.to == self.account and not self.value and not self.data


@dataclass(frozen=True, slots=True)
class Fees:
    """EIP-1559 prices of one attempt in wei per gas; on a chain without base fee both are the gas price."""

    max_fee: Wei
    max_priority_fee: Wei


class AttemptStatus(StrEnum):
    """How far one signed transaction got."""

    SIGNED = "signed"
    BROADCAST = "broadcast"
    MINED = "mined"
    REPLACED = "replaced"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction, on disk before it is broadcast."""

    intent: str
    account: Address
    nonce: int
    hash: Hash32
    raw: bytes = field(repr=False)
    gas_limit: int
    fees: Fees
    status: AttemptStatus = AttemptStatus.SIGNED


@dataclass(frozen=True, slots=True)
class Receipt:
    """The chain's word on a mined transaction; `gas_price` is the effective price in wei per gas."""

    tx_hash: Hash32
    block_number: int
    block_hash: Hash32
    success: bool
    gas_used: int
    gas_price: Wei

    @property
    def cost(self) -> Wei:
        """What the gas cost, in wei."""
        return Wei(self.gas_used * self.gas_price)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Mined successfully and buried under the configured number of confirmations."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Reverted:
    """Mined but failed; `reason` is what a repetition on the block before gave, empty when nobody knows."""

    receipt: Receipt
    reason: str = ""

    @property
    def out_of_gas(self) -> bool:
        """Whether it failed for want of gas, as the whole limit was used."""
        return self.reason == OUT_OF_GAS


OUT_OF_GAS = "out of gas"


@dataclass(frozen=True, slots=True)
class WouldRevert:
    """Not mined: simulation fails, or it was withdrawn and its nonce used for something else.

    Whether that is benign only the contract's state can tell.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Unaffordable:
    """Not sent: balance or budget does not cover it; `sums` says which sums led to that."""

    sums: str


Outcome = Confirmed | Reverted | WouldRevert | Unaffordable


@dataclass(frozen=True, slots=True)
class Standing:
    """What is on disk about some intents, and about their account.

    `outcomes` holds those that have one; `attempts` are those of the intents, `live` those of the account's
    intents without an outcome, all oldest first.
    """

    outcomes: Mapping[str, Outcome]
    attempts: Sequence[Attempt]
    live: Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class SettledIntent:
    """A mined intent as it is on disk, with all that was signed for it, oldest first."""

    candidate: TxCandidate
    window: Window
    attempts: Sequence[Attempt]
    outcome: Confirmed | Reverted


@dataclass(frozen=True, slots=True)
class Accepted:
    """At least one endpoint took the transaction, or already had it; `endpoints` says which."""

    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """No endpoint took the transaction; the words are those of the most trusted one that answered.

    `others` are the refusals of the other endpoints, in order of trust.
    """

    code: int
    message: str
    data: str = ""
    others: tuple["Rejected", ...] = ()


@dataclass(frozen=True, slots=True)
class FeeFacts:
    """What prices are now: next base fee (None before EIP-1559) and a usual tip, in wei per gas.

    `usual` is what the base fee was in the calmer part of the last hour; None where nobody can say.
    """

    base_fee: Wei | None
    tip: Wei
    at: Timestamp
    usual: Wei | None = None
