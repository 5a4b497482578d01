"""Stories of competitors: two transactions spend one output, and the older one counts."""

from collections.abc import AsyncIterator

from plasma_guard.devnet.stage import ETHER, Cue, Quiet, Says, Stage
from plasma_guard.devnet.stories.sayings import CANONICAL_AGAIN, NOT_CANONICAL
from plasma_guard.domain.exits import Side


async def competitor(stage: Stage) -> AsyncIterator[Cue]:
    """A transaction is exited although a block holds another that spends its input."""
    deposit = await stage.deposits(stage.alice)
    await stage.pays(stage.alice, deposit, stage.carol)
    secret = stage.signs(stage.alice, deposit, stage.bob)
    exit_ = await stage.exits(stage.bob, secret, bond_to=stage.guard)
    bond = await stage.joins(stage.bob, exit_, Side.OUTPUT)
    stage.piggyback_ends(stage.bob, bond)
    yield Says(NOT_CANONICAL)
    await stage.process()


async def competitor_not_included(stage: Stage) -> AsyncIterator[Cue]:
    """Two exits of one deposit accuse each other, until a block includes one of the transactions.

    A competitor that is in no block counts as the youngest, so it stops both. The block decides, and
    the other is challenged anew.
    """
    deposit = await stage.deposits(stage.alice)
    to_bob = stage.signs(stage.alice, deposit, stage.bob)
    to_carol = stage.signs(stage.alice, deposit, stage.carol)
    first = await stage.exits(stage.bob, to_bob, bond_to=stage.guard)
    second = await stage.exits(stage.carol, to_carol, bond_to=stage.guard)
    stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, first, Side.OUTPUT))
    stage.piggyback_ends(stage.carol, await stage.joins(stage.carol, second, Side.OUTPUT), pays=ETHER)
    yield Says(NOT_CANONICAL, times=2)
    yield Quiet("non_canonical_ife")
    included = await stage.people.submit(to_carol)
    stage.tell("operator", f"I include what Alice signed over to Carol, in block {included.blknum}")
    yield Says(NOT_CANONICAL, times=3)
    yield Says(CANONICAL_AGAIN)
    await stage.process()


async def wrong_challenge(stage: Stage) -> AsyncIterator[Cue]:
    """An honest exit is challenged with a transaction in no block; its own inclusion is the answer."""
    deposit = await stage.deposits(stage.alice)
    payment = await stage.pays(stage.alice, deposit, stage.bob)
    younger = stage.signs(stage.alice, deposit, stage.carol)
    exit_ = await stage.exits(stage.bob, payment, bond_to=stage.guard)
    stage.piggyback_ends(stage.bob, await stage.joins(stage.bob, exit_, Side.OUTPUT), pays=ETHER)
    await stage.in_flight.challenge_not_canonical(stage.carol, exit_, younger)
    stage.tell("carol", "I challenge Bob's exit with what Alice signed over to me")
    yield Says(CANONICAL_AGAIN)
    await stage.process()
