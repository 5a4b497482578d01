"""A plan made from a real vault and a real chain is one that the real contracts take, call by call."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devnet.world import ETHER, World, world_of
from plasma_guard.daemon.plan_facts import gather_facts, plan_exits
from plasma_guard.devnet.calls import ContractCall
from plasma_guard.domain.actions import Action, AddExitQueue, StartInFlightExit
from plasma_guard.domain.plan import BadBlock, ExitPlan, PlannedExit, Timing, Way
from plasma_guard.domain.primitives import ETH, Address, Wei
from plasma_guard.domain.vault import VaultContents
from plasma_guard.planner import PlanPolicy
from plasma_guard.planner.gas import GAS
from support.vaults import NOWHERE, keeping, signed_form

every = pytest.mark.parametrize("generation", ["rootchain", "ald", "ald-v2"])
HALF, TENTH = Wei(ETHER // 2), Wei(ETHER // 10)


@pytest.fixture
async def world(generation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A devnet of the generation under test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with world_of(generation, tmp_path) as made:
        yield made


async def planned(world: World, contents: VaultContents, trouble: BadBlock | None = None) -> ExitPlan:
    people = world.people
    return await plan_exits(
        contents,
        trouble,
        PlanPolicy(),
        chain=people.chain,
        game=people.game,
        accounts=[world.alice.address],
    )


async def send(world: World, action: Action) -> int:
    """Send one planned call from Alice's account; return the gas it used."""
    people = world.people
    sent = people.game.candidate(action, intent="plan", case_id=0, account=world.alice.address)
    call = ContractCall(sent.to, sent.data)
    mined = await people.send(world.alice, call, value=sent.value, what=action.name)
    receipt = await world.evm.rpc("eth_getTransactionReceipt", mined.tx_hash)
    return int(receipt["gasUsed"], 16)


async def carry_out(world: World, exit_: PlannedExit) -> None:
    """Send all calls of an exit; none may use more gas than was reckoned for it."""
    table = GAS[world.people.rules.generation]
    if exit_.start is not None:
        joint = isinstance(exit_.start, StartInFlightExit)
        reckoned = table.in_flight_exit(1) if joint else table.standard_exit
        assert await send(world, exit_.start) <= reckoned
    for piggyback in exit_.piggybacks:
        assert await send(world, piggyback) <= table.first_piggyback


@every
async def test_a_plan_brings_the_money_out_and_says_what_it_costs(world: World) -> None:
    """Settled, at an odd index, and in flight: the contracts take every call, and pay what was planned.

    Bonds are tied up and come back, the gas is within what was reckoned, and once it runs nothing is planned
    again.
    """
    people, alice = world.people, world.alice
    await people.deposit(alice, ETHER)
    spent, waiting = await people.deposit(alice, ETHER), await people.deposit(alice, Wei(2 * ETHER))
    payment = await people.spend([(alice, spent)], [world.output("bob", HALF), world.output("alice", HALF)])
    in_flight = people.sign([(alice, waiting)], [world.output("alice", Wei(2 * ETHER))])
    async with keeping(world, alice, child_chain=True) as keeper:
        await keeper.holds(payment.output(1))
        await keeper.vault.track(signed_form(people, in_flight))
        contents = await keeper.contents()
    first = await planned(world, contents)
    ways = sorted((exit_.way, exit_.value) for exit_ in first.exits)
    odd = Way.STANDARD if world.is_ald else Way.IN_FLIGHT
    assert ways == sorted([(Way.STANDARD, ETHER), (odd, HALF), (Way.IN_FLIGHT, 2 * ETHER)])
    assert (first.left, first.underway, first.queues) == ((), (), ())
    before = await people.balance(alice)
    for exit_ in first.exits:
        await carry_out(world, exit_)
    again = await planned(world, contents)
    assert (again.exits, again.left) == ((), ())
    assert len(again.underway) == len(contents.outputs)
    await world.let_mature()
    await people.process_exits(world.bob)
    bounties = await people.bounties()
    gained = await people.balance(alice) - before
    earned = sum(
        bounties.standard_exit if exit_.way is Way.STANDARD else len(exit_.piggybacks) * bounties.piggyback
        for exit_ in first.exits
    )
    assert first.value - TENTH < gained + earned <= first.value
    after = await planned(world, contents)
    assert (after.exits, after.underway) == ((), ())


@every
async def test_with_a_bad_block_the_payment_in_it_leaves_in_flight_and_in_time(world: World) -> None:
    """What the operator put into the bad block is dated by the deposit it spent; the contract agrees."""
    people, alice = world.people, world.alice
    spent = await people.deposit(alice, ETHER)
    payment = await people.spend([(alice, spent)], [world.output("alice", ETHER)])
    async with keeping(world, alice, child_chain=True) as keeper:
        await keeper.holds(payment.output())
        contents = await keeper.vault.contents()
    head = await people.chain.head()
    block = await people.game.plasma_block(payment.blknum, head)
    assert block is not None
    plan = await planned(world, contents, BadBlock(payment.blknum, block.timestamp))
    (exit_,) = plan.exits
    assert (exit_.way, exit_.timing) == (Way.IN_FLIGHT, Timing.IN_TIME)
    await carry_out(world, exit_)
    now = await people.chain.head()
    queue = await people.game.queue_head(ETH, now)
    assert queue is not None
    assert (queue.exit_id, await people.game.queue_length(ETH, now)) == (exit_.exit_id, 1)
    assert 0 <= queue.exitable_at - exit_.exitable_at <= now.timestamp - head.timestamp


@every
async def test_a_token_without_a_queue_is_planned_with_its_opening(world: World) -> None:
    """The queue is seen missing, opened by the planned call, and then seen empty."""
    people, game = world.people, world.people.game
    strange = Address(bytes([9]) * 20)
    assert await game.queue_length(strange, await people.chain.head()) is None
    await send(world, AddExitQueue(strange))
    assert await game.queue_length(strange, await people.chain.head()) == 0
    assert await game.queue_length(ETH, await people.chain.head()) == 0


@every
async def test_facts_of_one_block_are_complete(world: World) -> None:
    """Bonds, bounties, balance, block times and queue, for an output that the root chain alone tells of."""
    people, alice = world.people, world.alice
    position = await people.deposit(alice, ETHER)
    async with keeping(world, alice, watcher=NOWHERE) as keeper:
        contents = await keeper.contents()
    at = await people.chain.head()
    facts = await gather_facts(
        contents, chain=people.chain, game=people.game, accounts=[alice.address], at=at
    )
    bounties = await people.bounties()
    block = await people.game.plasma_block(position.blknum, at)
    assert block is not None
    assert (facts.bounties.standard_exit, facts.bounties.piggyback) == (
        bounties.standard_exit,
        bounties.piggyback,
    )
    assert facts.bonds == await people.game.bonds(at)
    assert facts.block_times == {position.blknum: block.timestamp}
    assert facts.balances == {alice.address: await people.balance(alice)}
    assert facts.queues[ETH].exists
    assert facts.finalized == frozenset()
