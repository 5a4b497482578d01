"""block_withholding: the operator does not show a block it submitted; get the funds out."""

from typing import ClassVar

from pydantic import Field

from plasma_guard.domain.decisions import Decision
from plasma_guard.reactions.bad_block import Facts, gather_block, leave_because
from plasma_guard.reactions.base import Policy, Reaction, Scene, WatcherEvent
from plasma_guard.reactions.fields import Root


class BlockWithholding(WatcherEvent):
    """The contents of block `blknum` with Merkle root `hash` are said to be missing for long."""

    names: ClassVar[tuple[str, ...]] = ("block_withholding",)

    blknum: int = Field(ge=1)
    hash: Root

    @property
    def key(self) -> str:
        """The block and its root."""
        return f"block_withholding:{self.blknum}:{self.hash}"

    @property
    def topic(self) -> str:
        """Leaving because of this block."""
        return self.key


async def gather(event: BlockWithholding, scene: Scene) -> tuple[Facts]:
    """Look the block up on the root chain."""
    return await gather_block(event.blknum, event.hash, scene)


def decide(event: BlockWithholding, facts: Facts, _policy: Policy) -> Decision:
    """Leave, on the Watcher's word."""
    return leave_because(facts, event.blknum, "said to be withheld", withheld=True)


REACTION = Reaction(BlockWithholding, gather, decide, answers=())
