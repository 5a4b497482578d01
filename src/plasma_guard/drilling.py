"""Rehearses leaving: the whole plan with the reactions that would carry it out, where nothing is lost.

On a copy of the root chain every call is really mined, by the same code that decides in earnest, until the
money has arrived. Nothing is ever signed: such a signature would be good on the real chain too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from plasma_guard.daemon.departures import event_of
from plasma_guard.daemon.prices import Prices
from plasma_guard.domain.actions import AddExitQueue
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Act, Close, Closure, Decision, Hold
from plasma_guard.domain.drill import Drill, Rehearsal
from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.plan import ExitPlan, PlannedExit
from plasma_guard.domain.primitives import ETH, Address, Seconds, Timestamp, Wei
from plasma_guard.domain.transactions import Receipt, TxCandidate
from plasma_guard.domain.vault import HeldOutput, VaultContents
from plasma_guard.explaining import ScannedNow
from plasma_guard.planner import PlanPolicy
from plasma_guard.ports import Call, Chain, ExitGame, Watcher
from plasma_guard.reactions import own_in_flight_exit, own_standard_exit
from plasma_guard.reactions.base import Policy, Scene
from plasma_guard.reactions.invariants import Proposal, violations
from plasma_guard.reactions.own_exit import OwnExit
from plasma_guard.reactions.own_standard_exit import OwnStandardExit

MOST_STEPS = 200
"""Calls that one exit may take, its share of the queue's slices included."""
MOST_SKIPS = 20
"""Times in a row that the copy's clock is put forward with nothing to do."""


class Stage(Protocol):
    """A root chain on which nothing is lost; `chain` reads it."""

    @property
    def chain(self) -> Chain:
        """What it looks like now."""
        ...

    async def send(self, candidate: TxCandidate) -> Receipt:
        """Have a call mined; raises `CallReverted`."""
        ...

    async def skip_to(self, timestamp: Timestamp) -> BlockStamp:
        """Mine a block at a time to come."""
        ...


@dataclass(frozen=True, slots=True)
class Script:
    """What is rehearsed: what is kept, the plan for it, and what the operator allows.

    `watcher` is there because scenes have one; nothing of an exit of our own asks it.
    """

    contents: VaultContents
    plan: ExitPlan
    wishes: PlanPolicy
    chain_id: int
    watcher: Watcher
    accounts: frozenset[Address]
    max_cost: Wei


@dataclass(slots=True)
class _Part:
    """One exit of the plan, while it is played."""

    planned: PlannedExit
    event: OwnExit
    reaction: Any
    steps: int = 0
    is_over: bool = False
    failure: str = ""


@dataclass(slots=True)
class _Play:
    """What has happened; `acted` says whether anything has in this round."""

    gas: int = 0
    ended_at: Timestamp = Timestamp(0)
    acted: bool = False
    out: list[_Part] = field(default_factory=list)
    failed: list[_Part] = field(default_factory=list)

    def fail(self, part: _Part, why: str) -> None:
        """Give up one exit."""
        part.is_over, part.failure = True, why
        self.failed.append(part)


async def rehearse(
    script: Script, stage: Stage, game: ExitGame, progress: Callable[[str], None] = lambda _: None
) -> Drill:
    """Carry the plan out on a copy, to the end; `game` is that of the copy."""
    began = await stage.chain.head()
    before = await _ether(script, stage.chain)
    play = _Play(ended_at=began.timestamp)
    parts = [_part(planned, script.contents, began) for planned in script.plan.exits if planned.funded]
    skips = 0
    while parts:
        progress(f"{len(play.out)} of {len(script.plan.exits)} exits are paid, {len(parts)} are under way")
        later = [time for part in parts for time in await _turn(part, script, stage, game, began, play)]
        parts = [part for part in parts if not part.is_over]
        if parts and not play.acted:
            skips += 1
            if not later or skips > MOST_SKIPS:
                for part in parts:
                    play.fail(part, "nothing more happens, and it is not paid")
                break
            await stage.skip_to(min(later))
        else:
            skips = 0
        play.acted = False
    missing = _lacking(script) + [_failed(part) for part in play.failed]
    out = [part.planned for part in play.out]
    received = await _ether(script, stage.chain) - before
    expected = sum(_paid_ether(part.planned) for part in play.out)
    if received < expected:
        missing.append(f"the accounts received {received} wei, and {expected} were expected")
    seconds = Seconds(play.ended_at - began.timestamp)
    cost = Wei(play.gas * script.plan.gas_price)
    return _drill(script, game, Rehearsal.COPY, out, seconds, cost, missing)


async def try_calls(script: Script, chain: Chain, game: ExitGame) -> Drill:
    """Simulate the first call of each exit on the root chain itself; nothing is sent."""
    at = await chain.head()
    out: list[PlannedExit] = []
    missing = _lacking(script)
    last = at.timestamp
    cost = Wei(0)
    for planned in script.plan.exits:
        if not planned.funded:
            continue
        try:
            await _simulate(planned, script, chain, game, at)
        except CallReverted as error:
            missing.append(f"{_names(planned.outputs)}: the root chain refuses its first call: {error}")
            continue
        out.append(planned)
        last = max(last, planned.exitable_at)
        cost = Wei(cost + planned.cost)
    return _drill(script, game, Rehearsal.CALLS, out, Seconds(last - at.timestamp), cost, missing)


async def _simulate(
    planned: PlannedExit, script: Script, chain: Chain, game: ExitGame, at: BlockStamp
) -> None:
    closed = [token for token in planned.tokens if token in script.plan.queues]
    if closed:  # its start would be refused until this is mined
        actions: Sequence[Any] = [AddExitQueue(token) for token in closed]
    else:
        actions = planned.piggybacks if planned.start is None else [planned.start]
    senders = [planned.account] * len(actions)
    if planned.start is None and not closed:
        senders = [payout.owner for payout in planned.payouts]
    for action, sender in zip(actions, senders, strict=True):
        call = game.candidate(action, intent="drill", case_id=0, account=sender)
        await chain.call(Call(call.to, call.data, sender, call.value, call.gas_limit), at)


def _part(planned: PlannedExit, contents: VaultContents, at: BlockStamp) -> _Part:
    event = event_of(planned, contents, at, "a rehearsal")
    standard = isinstance(event, OwnStandardExit)
    return _Part(planned, event, (own_standard_exit if standard else own_in_flight_exit).REACTION)


async def _turn(
    part: _Part, script: Script, stage: Stage, game: ExitGame, began: BlockStamp, play: _Play
) -> list[Timestamp]:
    """Do what is next for one exit; return the times to come at which more may be."""
    at = await stage.chain.head()
    decision, times = await _decide(part, script, stage, game, began, at)
    match decision:
        case Act():
            await _act(part, decision, stage, game, play)
        case Close(closure=Closure.WON_BY_US):
            part.is_over = True
            play.out.append(part)
            play.ended_at = at.timestamp
        case Hold():
            return [time for time in times if time > at.timestamp]
        case _:
            play.fail(part, decision.reason)
    return []


async def _decide(
    part: _Part, script: Script, stage: Stage, game: ExitGame, began: BlockStamp, at: BlockStamp
) -> tuple[Decision, list[Timestamp]]:
    """Return what is next, and the times at which something else may be."""
    exits = ScannedNow(stage.chain, game, began.number)
    scene = Scene(at, script.watcher, stage.chain, Prices(stage.chain), game, exits, script.accounts)
    (facts,) = await part.reaction.gather(part.event, scene)
    decision: Decision = part.reaction.decide(part.event, facts, Policy(script.max_cost))
    ripe = [Timestamp(facts.exitable_at + 1)]
    if isinstance(facts, own_in_flight_exit.Facts):
        ripe.append(facts.phase_ends)
    if isinstance(decision, Act):
        broken = violations(Proposal(decision, facts.subject, at, game.rules, ()))
        if broken:
            return Close(Closure.LOST, f"the guard would not send it: {'; '.join(broken)}"), ripe
    return decision, ripe


async def _act(part: _Part, act: Act, stage: Stage, game: ExitGame, play: _Play) -> None:
    """Have a call mined, and count its gas."""
    part.steps += 1
    if part.steps > MOST_STEPS:
        play.fail(part, f"{MOST_STEPS} calls did not get it paid; the last was {act.action.name}")
        return
    account = act.account or part.planned.account
    call = game.candidate(act.action, intent="drill", case_id=0, account=account)
    try:
        receipt = await stage.send(call)
    except CallReverted as error:
        play.fail(part, f"{act.action.name} failed: {error}")
        return
    play.acted = True
    play.gas += receipt.gas_used


def _lacking(script: Script) -> list[str]:
    """What the plan itself leaves behind, and what there is no money for."""
    plan = script.plan
    found = [f"{_names([left.output])}: {left.reason}" for left in plan.left]
    unfunded = [each for each in plan.exits if not each.funded]
    found += [f"{_names(each.outputs)}: no ether is left for its bonds and gas" for each in unfunded]
    if unfunded:
        short = ", ".join(f"{account} lacks {wei} wei" for account, wei in plan.shortfalls.items())
        found.append(f"top up: {short}")
    return found


def _failed(part: _Part) -> str:
    return f"{_names(part.planned.outputs)}: {part.failure}"


def _names(outputs: Sequence[HeldOutput]) -> str:
    return ", ".join(str(each.position or f"{each.tx_hash}/{each.index}") for each in outputs)


def _drill(
    script: Script,
    game: ExitGame,
    how: Rehearsal,
    out: Sequence[PlannedExit],
    seconds: Seconds,
    cost: Wei,
    missing: Sequence[str],
) -> Drill:
    """Count; what an exit on the root chain already takes out is no part of a rehearsal.

    Money counts once: an output that a kept transaction spends, and what that pays, are the same money.
    """
    plan, worth = script.plan, script.wishes.worth
    stays = [each.output for each in plan.left if each.output.spent_by is None]
    left = [worth(each.token, each.amount) for each in stays]
    values = [each.value for each in plan.exits] + left
    return Drill(
        how=how,
        at=plan.at,
        chain_id=script.chain_id,
        contract=str(game.contracts.entry),
        outputs=len(script.contents.outputs) - len(plan.underway),
        out=sum(len(each.outputs) for each in out),
        value=Wei(sum(each or 0 for each in values)),
        value_out=Wei(sum(each.value or 0 for each in out)),
        seconds=seconds,
        cost=cost,
        bonds=Wei(sum(each.bonds for each in plan.exits if each.funded)),
        unpriced=sum(each is None for each in values),
        missing=tuple(missing),
    )


def _paid_ether(planned: PlannedExit) -> int:
    """Return the least wei an exit pays: of an in-flight exit's two sides only one is paid."""
    sides: dict[str, int] = {}
    for payout in planned.payouts:
        if payout.token == ETH:
            sides[payout.side] = sides.get(payout.side, 0) + payout.amount
        else:
            sides.setdefault(payout.side, 0)
    return min(sides.values(), default=0)


async def _ether(script: Script, chain: Chain) -> int:
    return sum([await chain.balance(account) for account in script.accounts])
