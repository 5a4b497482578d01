"""From a start log to an exit the guard keeps an eye on."""

from plasma_guard.domain.cases import Judgement, TrackedExit
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.exits import ExitStarted
from plasma_guard.ports import Chain


async def track(started: ExitStarted, chain: Chain) -> TrackedExit | None:
    """Return the exit as first seen, running and not yet judged.

    None when the position is known neither from the log nor from the contract: the entry is gone again, so
    there is nothing left to guard. Raises `ChainUnavailable` when the starting block moved meanwhile.
    """
    if started.position is None:
        return None
    block = await chain.block(started.block_number)
    if block is None or block.hash != started.block_hash:
        raise ChainUnavailable(f"block {started.block_number} was reorganized while it was read")
    return TrackedExit(
        exit_id=started.exit_id,
        start=started.identity,
        position=started.position,
        owner=started.owner,
        started_block=started.block_number,
        started_at=block.timestamp,
        judgement=Judgement.UNVERIFIED,
        running=True,
    )
