"""Stories of piggybacks: spent inputs and outputs that join an exit, and our own that must."""

from collections.abc import AsyncIterator

from plasma_guard.devnet.stage import ETHER, Cue, Says, Stage
from plasma_guard.devnet.stories.sayings import JOINED, NOT_CANONICAL, REMOVED
from plasma_guard.domain.exits import Side


async def spent_input(stage: Stage) -> AsyncIterator[Cue]:
    """Alice has spent her deposit, and joins the exit of another spend of it with the deposit itself."""
    deposit = await stage.deposits(stage.alice)
    await stage.pays(stage.alice, deposit, stage.bob)
    other = stage.signs(stage.alice, deposit, stage.carol)
    exit_ = await stage.exits(stage.carol, other, bond_to=stage.guard)
    bond = await stage.joins(stage.alice, exit_, Side.INPUT)
    stage.gains(stage.guard, bond, "the bond of Alice's piggyback")
    yield Says(NOT_CANONICAL)
    yield Says(REMOVED)
    await stage.process()


async def spent_output(stage: Stage) -> AsyncIterator[Cue]:
    """Bob has spent what he was paid, and joins the exit of that payment with it."""
    deposit = await stage.deposits(stage.alice)
    payment = await stage.pays(stage.alice, deposit, stage.bob)
    await stage.pays(stage.bob, payment.output(), stage.carol)
    exit_ = await stage.exits(stage.bob, payment, bond_to=stage.bob)
    bond = await stage.joins(stage.bob, exit_, Side.OUTPUT)
    stage.gains(stage.guard, bond, "the bond of Bob's piggyback")
    yield Says(REMOVED)
    await stage.process()


async def own_piggyback(stage: Stage) -> AsyncIterator[Cue]:
    """The operator leaves out a payment to the guard; its sender exits it, and the guard joins."""
    deposit = await stage.deposits(stage.alice)
    payment = stage.signs(stage.alice, deposit, stage.guard)
    await stage.exits(stage.alice, payment, bond_to=stage.alice)
    bond = (await stage.people.game.bonds(await stage.people.chain.head())).piggyback
    yield Says(JOINED)
    stage.loses(stage.guard, bond, "the bond of its own piggyback")
    stage.piggyback_ends(stage.guard, bond, pays=ETHER)
    await stage.process()


async def full_battle(stage: Stage) -> AsyncIterator[Cue]:
    """Two exits over one input, four piggybacks, of which three are spent: everything is challenged.

    tx1 spends a deposit of Bob's and one of Alice's and is included; Bob spends its output 1.
    tx2 spends Bob's deposit again.
    """
    alice, bob, guard = stage.alice, stage.bob, stage.guard
    bobs, alices = await stage.deposits(bob), await stage.deposits(alice)
    tx1 = await stage.people.spend([(bob, bobs), (alice, alices)], [stage.output(alice), stage.output(bob)])
    stage.tell("alice", f"Bob and I exchange our deposits in block {tx1.blknum}: tx1")
    await stage.pays(bob, tx1.output(1), alice)
    tx2 = stage.signs(bob, bobs, bob)
    first = await stage.exits(alice, tx1, bond_to=alice)
    for side, index in ((Side.OUTPUT, 1), (Side.INPUT, 0)):
        stage.gains(guard, await stage.joins(bob, first, side, index), "the bond of a piggyback of Bob's")
    second = await stage.exits(bob, tx2, bond_to=guard)
    spent = await stage.joins(bob, second, Side.INPUT)
    stage.gains(guard, spent, "the bond of a piggyback of Bob's")
    stage.piggyback_ends(bob, await stage.joins(bob, second, Side.OUTPUT))
    yield Says(NOT_CANONICAL)
    yield Says(REMOVED, times=3)
    await stage.process()
