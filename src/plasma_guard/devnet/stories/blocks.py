"""Stories of an operator that goes wrong: nothing can be challenged, but a person must be told in time."""

from collections.abc import AsyncIterator

from plasma_guard.devnet.stage import Alerts, Cue, Stage


async def invalid_block(stage: Stage) -> AsyncIterator[Cue]:
    """The operator includes a spend that the owner never signed; she is told, and leaves with her money."""
    deposit = await stage.deposits(stage.alice)
    theft = stage.people.sign([(stage.carol, deposit)], [stage.output(stage.carol)])
    block = await stage.people.force(theft)
    stage.tell("operator", f"I include in block {block.blknum} that Carol spends Alice's output {deposit}")
    yield Alerts("leave/invalid_block")
    await stage.leaves(stage.alice, deposit)
    await stage.process()


async def withheld_block(stage: Stage) -> AsyncIterator[Cue]:
    """The operator shows nobody what is in a block; what is older than the block leaves with its owner."""
    deposit, other = await stage.deposits(stage.alice), await stage.deposits(stage.bob)
    await stage.people.withhold()
    payment = await stage.pays(stage.bob, other, stage.carol)
    stage.tell("operator", f"I show nobody what is in block {payment.blknum}")
    yield Alerts("leave/block_withholding")
    await stage.leaves(stage.alice, deposit)
    await stage.process()
