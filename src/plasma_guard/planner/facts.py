"""What the planner is told: the root chain's state at one block, and the operator's policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.exits import Bonds, ContractSet, InFlightExit, StandardExit
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Seconds, Timestamp, Wei


class Priced(Protocol):
    """What is known of a token's price."""

    def value(self, amount: Wei) -> Wei:
        """Return what so many units are worth, in wei."""
        ...


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """A token's exit queue: whether it is there, how long it is, and when its head is ripe; None: unknown."""

    exists: bool
    size: int | None = None
    head_exitable_at: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Bounties:
    """What whoever processes an exit is paid out of its bonds, in wei; only ald v2 has them."""

    standard_exit: Wei = Wei(0)
    piggyback: Wei = Wei(0)


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """The root chain at block `at`.

    `accounts` are those the guard can sign for, `balances` their wei. `gas_price` is today's in wei per gas.
    `block_times` says when a plasma block was submitted, of every block an output or an input lies in.
    `standard_exits` are the entries at the positions of outputs and of inputs; `finalized` the positions that
    ald says were paid by some exit; `in_flight` the entries by transaction hash. What is absent from a
    mapping does not exist on the root chain.
    """

    at: BlockStamp
    contracts: ContractSet
    bonds: Bonds
    gas_price: Wei
    accounts: frozenset[Address]
    balances: Mapping[Address, Wei]
    block_times: Mapping[int, Timestamp]
    standard_exits: Mapping[UtxoPosition, StandardExit] = field(default_factory=dict)
    finalized: frozenset[UtxoPosition] = frozenset()
    in_flight: Mapping[Hash32, InFlightExit] = field(default_factory=dict)
    queues: Mapping[Address, QueueFacts] = field(default_factory=dict)
    bounties: Bounties = Bounties()


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """What the operator wants.

    Outputs worth less than `least_value` wei stay. `max_cost` is the most that the gas of one exit may cost,
    in wei, and what an unpriced token counts as where exits are ordered: it is never worth nothing. No gas is
    bought above `max_fee` wei per gas (None: no limit). `lead` are the seconds before a deadline in which no
    more questions are asked. `gas_per_block` is the share of a block we may hope for, `block_seconds` the
    time between two.
    """

    least_value: Wei = Wei(0)
    prices: Mapping[Address, Priced] = field(default_factory=dict)
    lead: Seconds = Seconds(3600)
    max_cost: Wei = Wei(10**17)
    max_fee: Wei | None = None
    gas_per_block: int = 15_000_000
    block_seconds: Seconds = Seconds(12)

    def worth(self, token: Address, amount: Wei) -> Wei | None:
        """Return what an amount is worth in wei, or None for a token without a price."""
        if token == ETH:
            return amount
        price = self.prices.get(token)
        return None if price is None else price.value(amount)
