"""What invalid and withheld blocks have in common: from that block on, the chain cannot be trusted."""

from dataclasses import dataclass

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.cases import Kind
from plasma_guard.domain.decisions import Decision, Hold, LeaveChain
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32, Timestamp
from plasma_guard.reactions.base import Scene, Subject


@dataclass(frozen=True, slots=True)
class Facts:
    """The block as the root chain knows it; `subject` is None when it was never submitted under this root."""

    subject: Subject | None
    block: PlasmaBlock | None


async def gather_block(blknum: int, root: Hash32, scene: Scene) -> tuple[Facts]:
    """Look the block up on the root chain: honest exits must be mined before its time plus a period."""
    block = await scene.game.plasma_block(blknum, scene.at)
    if block is None or block.root != root:
        return (Facts(None, block),)
    hard = Timestamp(block.timestamp + scene.game.contracts.min_exit_period)
    subject = Subject(
        kind=Kind.LEAVE_CHAIN,
        exit_id=ExitId(0),
        start=f"block/{blknum}/{root}",
        position=UtxoPosition(blknum, 0, 0),
        open=True,
        started_at=block.timestamp,
        hard=hard,
    )
    return (Facts(subject, block),)


def leave_because(facts: Facts, blknum: int, what: str, *, withheld: bool = False) -> Decision:
    """Leave on a Watcher's word, told but not confirmed; a block the root chain does not have is a lie."""
    if facts.block is None:
        return Hold(f"the root chain has no plasma block {blknum}", suspicious=True)
    if facts.subject is None:
        return Hold(f"plasma block {blknum} has another root there: {facts.block.root}", suspicious=True)
    return LeaveChain(
        f"plasma block {blknum} is {what}; exits mined before {facts.subject.hard} (root-chain time) keep"
        " their place ahead of what was made up in it",
        confirmed=False,
        first_bad_blknum=blknum,
        withheld=withheld,
    )
