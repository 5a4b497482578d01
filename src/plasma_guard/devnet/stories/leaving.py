"""Stories in which the guard has money of its own on the plasma chain, and takes it out."""

from collections.abc import AsyncIterator
from typing import Final

from plasma_guard.devnet.attacker import exit_spent_payment
from plasma_guard.devnet.stage import ETHER, Alerts, Cue, Reports, Says, Stage, Wishes
from plasma_guard.devnet.stories.sayings import OUT, STEP, VAULT


async def withheld_block(stage: Stage) -> AsyncIterator[Cue]:
    """The operator shows nobody what is in a block; the guard leaves with what is older."""
    await stage.deposits(stage.guard)
    other = await stage.deposits(stage.bob)
    yield Says(VAULT)
    await stage.people.withhold()
    payment = await stage.pays(stage.bob, other, stage.carol)
    stage.tell("operator", f"I show nobody what is in block {payment.blknum}")
    yield Alerts("leave/block_withholding")
    yield Says(STEP)
    stage.gets_out()
    await stage.ripen()
    yield Says(OUT)


async def invalid_block(stage: Stage) -> AsyncIterator[Cue]:
    """Carol steals the guard's output and exits it; the guard is paid ahead of her, for older and younger."""
    stolen = await stage.deposits(stage.guard)
    await stage.deposits(stage.guard)
    bobs = await stage.deposits(stage.bob)
    yield Says(VAULT)
    theft = stage.people.sign([(stage.carol, stolen)], [stage.output(stage.carol)])
    block = await stage.people.force(theft)
    stage.tell("operator", f"I include in block {block.blknum} that Carol spends the guard's output {stolen}")
    await stage.pays(stage.bob, bobs, stage.guard)
    await stage.steals(stage.carol, block.output())
    yield Alerts("leave/invalid_block")
    # Two standard exits, and an in-flight exit with its piggyback: the payment lies after the theft.
    yield Says(STEP, times=4)
    for _ in range(3):
        stage.gets_out(ETHER)
    await stage.ripen()
    yield Says(OUT, times=3)


ONLY_LEAVES: Final = {"PLASMA_GUARD_REACTIONS__INVALID_EXIT": "observe"}
"""For a guard that does not police the chain: it looks on, and leaves in time."""


async def unchallenged_exit(stage: Stage) -> AsyncIterator[Cue]:
    """Nobody stops a fraud on somebody else; whoever stays may find the chest empty, and the guard is out."""
    await stage.deposits(stage.guard)
    fraud = await exit_spent_payment(stage.people, lambda text: stage.tell("thief", text))
    stage.loses(stage.alice, fraud.amount, "the deposit, which came back to her on the plasma chain")
    stage.loses(fraud.thief, fraud.exit.bond, "the bond of the fraudulent exit")
    yield Reports("unchallenged_exit")
    stage.tell("chain", "nobody has challenged it for long: the Watcher reports unchallenged_exit")
    yield Alerts("leave/unchallenged_exit")
    yield Says(STEP)
    stage.gets_out()
    await stage.ripen()
    # By the same call, and only after the guard.
    stage.is_paid_behind(fraud.thief, fraud.exit.bond, fraud.amount)
    yield Says(OUT)


async def operator_vanishes(stage: Stage) -> AsyncIterator[Cue]:
    """Operator and Watcher are gone for good; what the guard has kept is enough to leave."""
    await stage.deposits(stage.guard)
    yield Says(VAULT)
    other = await stage.deposits(stage.alice)
    await stage.pays(stage.alice, other, stage.guard)
    yield Says(VAULT, times=2)
    await stage.people.vanish()
    stage.tell("operator", "I am gone, and the Watcher with me")
    yield Wishes()
    stage.tell("guard", "exits start all")
    yield Says(STEP, times=2)
    stage.gets_out(ETHER)
    stage.gets_out(ETHER)
    await stage.ripen()
    yield Says(OUT, times=2)
