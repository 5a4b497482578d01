"""In which order exits are started, and which of them the blocks and the money are enough for."""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from plasma_guard.domain.plan import PlannedExit, Timing
from plasma_guard.domain.primitives import Address, Timestamp, Wei
from plasma_guard.planner.facts import PlanPolicy

_RANK = {Timing.IN_TIME: 0, Timing.LATE: 1, Timing.UNBOUND: 2}


@dataclass(frozen=True, slots=True)
class Funded:
    """The exits in order, what they need of each account, and what the accounts lack of it."""

    exits: tuple[PlannedExit, ...]
    needed: Wei
    shortfalls: Mapping[Address, Wei]


def in_time(exits: Sequence[PlannedExit], now: Timestamp, policy: PlanPolicy) -> list[PlannedExit]:
    """Turn those late for which the blocks before their deadline have no room.

    Taken by deadline; where the gas of those so far is more than the blocks until the latest of them hold,
    what is worth least per gas goes (Moore-Hodgson, with weights). What is kept can all be mined in the order
    of deadlines.
    """
    kept: list[tuple[float, int, PlannedExit]] = []
    gas, late = 0, []
    bound = [each for each in exits if each.timing is Timing.IN_TIME]
    for number, each in enumerate(sorted(bound, key=lambda e: e.window.hard)):
        heapq.heappush(kept, (density(each, policy), number, each))
        gas += each.gas
        blocks = max(1, (each.window.hard - now) // policy.block_seconds)
        while kept and gas > blocks * policy.gas_per_block:
            _, _, dropped = heapq.heappop(kept)
            gas -= dropped.gas
            note = "the blocks before the deadline have no room for it"
            late.append(replace(dropped, timing=Timing.LATE, notes=(*dropped.notes, note)))
    return [each for _, _, each in kept] + late + [e for e in exits if e.timing is not Timing.IN_TIME]


def density(exit_: PlannedExit, policy: PlanPolicy) -> float:
    """Return what is at risk, in wei, per gas unit: gas is what both money and block space are spent on."""
    return weight(exit_, policy) / exit_.gas


def weight(exit_: PlannedExit, policy: PlanPolicy) -> Wei:
    """Return what an exit counts for, in wei; without a price that is the most that may be spent on it."""
    return policy.max_cost if exit_.value is None else exit_.value


def needs(exit_: PlannedExit, gas_price: Wei) -> dict[Address, Wei]:
    """Return what each account must have for an exit, in wei.

    The start's bond and all gas are asked of the account that starts; each piggyback's bond of its sender.
    """
    needed: defaultdict[Address, int] = defaultdict(int)
    needed[exit_.account] += exit_.gas * gas_price + (exit_.start.bond if exit_.start is not None else 0)
    for piggyback, payout in zip(exit_.piggybacks, exit_.payouts, strict=False):
        needed[payout.owner] += piggyback.bond
    return {account: Wei(wei) for account, wei in needed.items()}


def fund_and_order(
    exits: Sequence[PlannedExit],
    balances: Mapping[Address, Wei],
    extra: Mapping[Address, Wei],
    *,
    gas_price: Wei,
    policy: PlanPolicy,
) -> Funded:
    """Give the money to the most valuable first, those in time before all others, and put them in order.

    `extra` is what accounts must pay besides, such as queues to be opened. The order: what is paid for; in
    time, then late, then what has no deadline; by deadline; by value at risk per gas.
    """
    free = defaultdict(
        int, {account: balance - extra.get(account, 0) for account, balance in balances.items()}
    )
    total: defaultdict[Address, int] = defaultdict(int, extra)
    decided: list[PlannedExit] = []
    for each in sorted(exits, key=lambda e: (_RANK[e.timing], -weight(e, policy), e.exit_id)):
        asked = needs(each, gas_price)
        funded = all(free[account] >= wei for account, wei in asked.items())
        for account, wei in asked.items():
            total[account] += wei
            free[account] -= wei if funded else 0
        decided.append(each if funded == each.funded else replace(each, funded=funded))
    shortfalls = {
        account: Wei(wei - balances.get(account, 0))
        for account, wei in total.items()
        if wei > balances.get(account, 0)
    }

    def place(exit_: PlannedExit) -> tuple[bool, int, int, float, int]:
        hard = exit_.window.hard if exit_.timing is Timing.IN_TIME else 0
        return not exit_.funded, _RANK[exit_.timing], hard, -density(exit_, policy), exit_.exit_id

    return Funded(tuple(sorted(decided, key=place)), Wei(sum(total.values())), shortfalls)
