"""Leaving is rehearsed with everything that would be used in earnest, and costs nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from devnet.world import ETHER, World
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.probe import probe
from plasma_guard.daemon.plan_facts import plan_exits
from plasma_guard.devnet.copy import copied
from plasma_guard.domain.actions import StartStandardExit
from plasma_guard.domain.drill import Drill, Rehearsal
from plasma_guard.domain.plan import Way
from plasma_guard.domain.primitives import Address, Seconds, Timestamp, Wei
from plasma_guard.drilling import Script, rehearse, try_calls
from plasma_guard.planner import PlanPolicy
from support.vaults import Keeper, keeping, signed_form

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])
POLICY = PlanPolicy()


@dataclass(frozen=True, slots=True)
class Desk:
    """What a drill is made from."""

    world: World
    keeper: Keeper

    async def script(self, accounts: frozenset[Address] | None = None) -> Script:
        """Plan for what is kept now."""
        people, owners = self.world.people, accounts or self.keeper.owners
        contents = await self.keeper.vault.contents()
        plan = await plan_exits(contents, None, POLICY, chain=people.chain, game=people.game, accounts=owners)
        chain_id = people.connection.chain_id
        return Script(contents, plan, POLICY, chain_id, self.world.watcher, owners, Wei(10**17))

    async def on_a_copy(self, script: Script) -> Drill:
        """Rehearse on a copy."""
        people = self.world.people
        url, clock = people.connection.rpc_url, SystemClock()
        at = await people.chain.head()
        async with copied(url, at, people.connection.chain_id, clock) as copy:
            game = await probe(copy.chain, people.game.contracts.entry)
            return await rehearse(script, copy, game)


@asynccontextmanager
async def desk(world: World) -> AsyncIterator[Desk]:
    """Bob has a deposit and a payment that a block includes, and a vault with both."""
    people = world.people
    paid = await people.pay(world.alice, await people.deposit(world.alice, ETHER), ETHER, world.bob)
    deposit = await people.deposit(world.bob, ETHER)
    await world.caught_up()
    async with keeping(world, world.bob, child_chain=True) as keeper:
        await keeper.holds(paid)
        await keeper.holds(deposit)
        yield Desk(world, keeper)


@both
async def test_everything_comes_out_on_a_copy_and_nothing_is_done_here(world: World) -> None:
    """Both outputs are started, ripen and are paid there; the real chain has not one transaction more."""
    async with desk(world) as made:
        bob = world.bob.address
        sent = await world.people.chain.transaction_count(bob)
        held = await world.people.chain.balance(bob)
        drill = await made.on_a_copy(await made.script())
        assert drill.missing == ()
        assert (drill.ok, drill.how) == (True, Rehearsal.COPY)
        assert (drill.out, drill.outputs) == (2, 2)
        assert (drill.value_out, drill.value) == (2 * ETHER, 2 * ETHER)
        assert drill.seconds > world.people.game.contracts.min_exit_period
        assert drill.cost > 0
        assert await world.people.chain.transaction_count(bob) == sent
        assert await world.people.chain.balance(bob) == held


@both
async def test_without_a_copy_the_first_calls_are_tried(world: World) -> None:
    """The live node says that it would take them; what comes later is not claimed to have been tried."""
    async with desk(world) as made:
        script = await made.script()
        people = world.people
        drill = await try_calls(script, people.chain, people.game)
        assert (drill.ok, drill.how, drill.out) == (True, Rehearsal.CALLS, 2)
        assert drill.bonds == script.plan.bonds


@both
@pytest.mark.parametrize("on_a_copy", [True, False])
async def test_a_proof_that_fails_is_named(world: World, *, on_a_copy: bool) -> None:
    """One exit would be refused: the other comes out all the same, and the list says which and why."""
    async with desk(world) as made:
        script = await made.script()
        first, *rest = script.plan.exits
        assert isinstance(first.start, StartStandardExit)
        broken = replace(first, start=replace(first.start, proof=bytes(512)))
        script = replace(script, plan=replace(script.plan, exits=(broken, *rest)))
        people = world.people
        drill = await (made.on_a_copy(script) if on_a_copy else try_calls(script, people.chain, people.game))
        assert (drill.ok, drill.out, drill.outputs) == (False, 1, 2)
        assert [str(first.start.position) in line for line in drill.missing] == [True]


@both
async def test_too_little_ether_is_said_with_the_sum(world: World) -> None:
    """With an empty account nothing can start, and the result says how much to top up."""
    async with desk(world) as made:
        await world.evm.set_balance(str(world.bob.address), 0)
        await world.evm.mine()
        script = await made.script()
        drill = await made.on_a_copy(script)
        assert (drill.ok, drill.out, drill.outputs) == (False, 0, 2)
        assert str(script.plan.missing) in drill.missing[-1]


@both
async def test_a_payment_in_flight_comes_out_by_its_in_flight_exit(world: World) -> None:
    """Signed, in no block, tracked: it is started, joined in time, ripens, and is paid on the copy."""
    people, alice = world.people, world.alice
    spent = await people.deposit(alice, ETHER)
    await world.caught_up()
    payment = people.sign([(alice, spent)], [world.output("alice")])
    async with keeping(world, alice, child_chain=True) as keeper:
        await keeper.holds(spent)
        await keeper.vault.track(signed_form(people, payment), await people.chain.head())
        made = Desk(world, keeper)
        script = await made.script()
        assert [planned.way for planned in script.plan.exits] == [Way.IN_FLIGHT]
        drill = await made.on_a_copy(script)
        assert drill.missing == ()
        assert (drill.ok, drill.value_out) == (True, ETHER)


def test_the_result_is_a_sentence() -> None:
    """How many, how much, how long, for how much."""
    drill = Drill(
        how=Rehearsal.COPY,
        at=Timestamp(1),
        chain_id=1,
        contract="0x00",
        outputs=3,
        out=2,
        value=Wei(30),
        value_out=Wei(20),
        seconds=Seconds(14 * 86400 + 3600 + 59),
        cost=Wei(7),
        bonds=Wei(5),
        missing=("one",),
    )
    assert drill.sentence == (
        "you could get out 2 of 3 outputs, 20 of 30 wei, in 14 d 1 h, for 7 wei of gas and 5 wei of bonds"
        " that come back"
    )
    assert not drill.ok
