"""invalid_block: the operator submitted a block that breaks the rules; get the funds out."""

from typing import ClassVar

from pydantic import Field

from plasma_guard.domain.decisions import Decision
from plasma_guard.domain.primitives import shorten
from plasma_guard.reactions.bad_block import Facts, gather_block, leave_because
from plasma_guard.reactions.base import Policy, Reaction, Scene, WatcherEvent
from plasma_guard.reactions.fields import Root


class InvalidBlock(WatcherEvent):
    """The block `blknum` with Merkle root `hash` is said to be invalid; `error_type` says how."""

    names: ClassVar[tuple[str, ...]] = ("invalid_block",)

    blknum: int = Field(ge=1)
    hash: Root
    error_type: str = "unknown"

    @property
    def key(self) -> str:
        """The block and its root."""
        return f"invalid_block:{self.blknum}:{self.hash}"

    @property
    def topic(self) -> str:
        """Leaving because of this block."""
        return self.key


async def gather(event: InvalidBlock, scene: Scene) -> tuple[Facts]:
    """Look the block up on the root chain."""
    return await gather_block(event.blknum, event.hash, scene)


def decide(event: InvalidBlock, facts: Facts, _policy: Policy) -> Decision:
    """Leave, on the Watcher's word."""
    return leave_because(facts, event.blknum, f"said to be invalid ({shorten(event.error_type)})")


REACTION = Reaction(InvalidBlock, gather, decide, answers=())
