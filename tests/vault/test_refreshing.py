"""A vault filled from real services holds what the real contracts take, and nothing that is not proven."""

import pytest

from devnet.world import ETHER, World
from plasma_guard.domain.exits import ExitStatus
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.vault import Source
from support.vaults import NOWHERE, find, keeping, kept, leave_by_standard_exit, leave_in_flight

both = pytest.mark.parametrize("generation", ["rootchain", "ald"])


@both
async def test_a_deposit_needs_no_watcher(world: World) -> None:
    """G8: computed from the root chain alone, its proof is the Watcher's, and the contract takes it."""
    position = await world.people.deposit(world.alice, ETHER)
    await world.caught_up()
    told = await world.watcher.exit_data(position)
    async with keeping(world, world.alice, watcher=NOWHERE) as keeper:
        contents = await keeper.contents()
        output = find(contents, position)
        assert output is not None
        assert not output.missing
        assert output.doubt
        made = kept(contents, position)
        assert (made.raw, made.proof, made.source) == (told.tx, told.proof, Source.DEPOSIT)
        await leave_by_standard_exit(world.people, contents, output)
    entry = await world.entry(world.people.rules.standard_exit_id(made.raw, position))
    assert entry.status is ExitStatus.RUNNING


@both
async def test_equal_deposits_are_two_outputs(world: World) -> None:
    """Two deposits of the same amount have the same bytes and hash; both are held, each with its place."""
    first = await world.people.deposit(world.alice, ETHER)
    second = await world.people.deposit(world.alice, ETHER)
    async with keeping(world, world.alice, watcher=NOWHERE) as keeper:
        contents = await keeper.contents()
        assert [output.position for output in contents.outputs] == [first, second]
        assert [kept(contents, at).position for at in (first, second)] == [first, second]
        for output in contents.outputs:
            await leave_by_standard_exit(world.people, contents, output)


@both
async def test_a_payment_can_leave_either_way(world: World) -> None:
    """With the child chain's blocks everything is there: the standard exit, and the in-flight exit."""
    people = world.people
    spent = await people.deposit(world.alice, ETHER)
    half = Wei(ETHER // 2)
    payment = await people.spend(
        [(world.alice, spent)], [world.output("bob", half), world.output("alice", half)]
    )
    async with keeping(world, world.alice, world.bob, child_chain=True) as keeper:
        bobs, alices = await keeper.holds(payment.output(0)), await keeper.holds(payment.output(1))
        assert (bobs.missing, bobs.stuck, alices.missing, alices.stuck) == ((), False, (), False)
        contents = await keeper.vault.contents()
        made = kept(contents, payment.output())
        assert made.signatures == payment.signatures
        await leave_in_flight(people, contents, alices)
        await leave_by_standard_exit(people, contents, bobs)
    (entry,) = await people.game.in_flight_exits([payment.tx], await people.chain.head())
    assert entry.status is ExitStatus.RUNNING


@pytest.mark.parametrize("generation", ["ald"])
async def test_missing_signatures_are_said(world: World) -> None:
    """A security-critical Watcher of v1 tells no signatures: that is said, since when, until they come."""
    spent = await world.people.deposit(world.alice, ETHER)
    position = await world.people.pay(world.alice, spent, ETHER, world.bob)
    async with keeping(world, world.bob) as keeper:
        output = await keeper.holds(position)
        assert output.missing == (f"the signatures of transaction {output.tx_hash}",)
        assert not output.stuck
        since = output.missing_since
        assert since
        again = find(await keeper.contents(), position)
        assert again is not None
        assert again.missing_since == since
    async with keeping(world, world.bob, child_chain=True) as keeper:
        assert not (await keeper.holds(position)).missing


@pytest.mark.parametrize("generation", ["rootchain"])
async def test_v02_tells_the_signatures_itself(world: World) -> None:
    """There `utxo.get_exit_data` has them, so that a Watcher is enough, even for an odd output index."""
    spent = await world.people.deposit(world.alice, ETHER)
    half = Wei(ETHER // 2)
    payment = await world.people.spend(
        [(world.alice, spent)], [world.output("alice", half), world.output("bob", half)]
    )
    async with keeping(world, world.bob) as keeper:
        output = await keeper.holds(payment.output(1))
        assert not output.missing
        await leave_in_flight(world.people, await keeper.vault.contents(), output)
