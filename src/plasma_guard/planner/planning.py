"""The plan: every output's way out, made into exits, sifted, paid for and put in order."""

from collections.abc import Iterable, Sequence

from plasma_guard.domain.plan import (
    ExitPlan,
    LeftBehind,
    PlannedExit,
    Timing,
    Trouble,
    Underway,
)
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.domain.vault import VaultContents
from plasma_guard.planner.building import Builder, Draft
from plasma_guard.planner.deadlines import Deadlines
from plasma_guard.planner.facts import ChainFacts, PlanPolicy
from plasma_guard.planner.gas import GAS
from plasma_guard.planner.ledger import Key, Ledger
from plasma_guard.planner.ordering import fund_and_order, in_time, weight
from plasma_guard.planner.routes import Legs, NoWay, Routes, Standard


def plan(contents: VaultContents, state: ChainFacts, trouble: Trouble | None, policy: PlanPolicy) -> ExitPlan:
    """Plan how everything the vault holds leaves the chain; `trouble` None: because the user wants to.

    Each output is in exactly one of the plan's exits, what is left, and what is under way.
    """
    ledger = Ledger(contents, state, trouble)
    deadlines = Deadlines(ledger.now, ledger.period, trouble)
    builder = Builder(ledger, deadlines, policy)
    routes = Routes(ledger, deadlines)

    drafts: list[Draft] = []
    joint: list[Legs] = []
    stuck: list[NoWay] = []
    underway: list[Underway] = []
    for output in contents.outputs:
        match routes.of(output):
            case Standard() as route:
                drafts.append(builder.standard(route))
            case Legs() as route:
                joint.append(route)
            case Underway() as route:
                underway.append(route)
            case NoWay() as route:
                stuck.append(route)
    in_flight, no_use, joined = builder.in_flight(joint)
    underway += joined
    left = [_left(each) for each in (*stuck, *no_use)]

    worth_it, not_worth_it = _worth_it([*drafts, *in_flight], policy)
    chosen, beaten = _without_conflicts(worth_it, policy)
    left += not_worth_it + beaten

    timely = in_time([draft.exit for draft in chosen], ledger.now, policy)
    queues = _missing_queues(timely, state)
    opening = _opening(timely, queues, GAS[state.contracts.generation].add_queue, builder.gas_price, policy)
    funded = fund_and_order(timely, state.balances, opening, gas_price=builder.gas_price, policy=policy)
    return ExitPlan(
        exits=funded.exits,
        left=tuple(left),
        queues=queues,
        needed=funded.needed,
        missing=Wei(sum(funded.shortfalls.values())),
        underway=tuple(underway),
        shortfalls=funded.shortfalls,
        trouble=trouble,
        at=ledger.now,
        gas_price=builder.gas_price,
    )


def _left(no_way: NoWay) -> LeftBehind:
    missing = [each for each in no_way.output.missing if each not in no_way.reason]
    reason = no_way.reason if not missing else f"{no_way.reason}; the vault lacks {'; '.join(missing)}"
    return LeftBehind(no_way.output, reason)


def _without_conflicts(drafts: Sequence[Draft], policy: PlanPolicy) -> tuple[list[Draft], list[LeftBehind]]:
    """Of exits that would pay the same money keep one: what is not late before what is, then the best."""
    taken: dict[Key, PlannedExit] = {}
    kept: list[Draft] = []
    beaten: list[LeftBehind] = []

    def place(draft: Draft) -> tuple[bool, int, int]:
        return draft.exit.timing is Timing.LATE, -weight(draft.exit, policy), draft.exit.exit_id

    for draft in sorted(drafts, key=place):
        rival = next((taken[claim] for claim in draft.claims if claim in taken), None)
        if rival is None:
            kept.append(draft)
            taken |= dict.fromkeys(draft.claims, draft.exit)
            continue
        reason = f"{rival.way} {rival.exit_id} takes out the same money, sooner or more of it"
        beaten += [LeftBehind(output, reason) for output in draft.exit.outputs]
    return kept, beaten


def _worth_it(drafts: Iterable[Draft], policy: PlanPolicy) -> tuple[list[Draft], list[LeftBehind]]:
    """Leave what is worth less than its exit costs, or than the operator cares for; no price is no reason."""
    kept, left = [], []
    for draft in drafts:
        reason = _not_worth_it(draft.exit, policy)
        if reason is None:
            kept.append(draft)
        else:
            left += [LeftBehind(output, reason) for output in draft.exit.outputs]
    return kept, left


def _not_worth_it(exit_: PlannedExit, policy: PlanPolicy) -> str | None:
    if exit_.value is None:
        return None
    if exit_.value < policy.least_value:
        return f"worth {exit_.value} wei, less than the least value of {policy.least_value} wei"
    if exit_.value <= exit_.cost:
        return f"worth {exit_.value} wei, and its {exit_.way} costs {exit_.cost} wei of gas today"
    doubtful = any(output.doubt is not None for output in exit_.outputs)
    if doubtful and exit_.value <= exit_.cost + exit_.bonds:
        at_stake = exit_.cost + exit_.bonds
        return f"worth {exit_.value} wei, and {at_stake} wei are lost if it is spent already, which it may be"
    return None


def _missing_queues(exits: Iterable[PlannedExit], state: ChainFacts) -> tuple[Address, ...]:
    tokens = {token for each in exits for token in each.tokens}
    return tuple(
        sorted(token for token in tokens if token not in state.queues or not state.queues[token].exists)
    )


def _opening(
    exits: Sequence[PlannedExit], queues: Iterable[Address], gas: int, gas_price: Wei, policy: PlanPolicy
) -> dict[Address, Wei]:
    """Return what opening queues costs: each is opened by who has most to leave by it."""
    costs: dict[Address, Wei] = {}
    for token in queues:
        first = max((e for e in exits if token in e.tokens), key=lambda e: weight(e, policy))
        costs[first.account] = Wei(costs.get(first.account, 0) + gas * gas_price)
    return costs
