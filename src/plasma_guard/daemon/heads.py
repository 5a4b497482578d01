"""The newest block of the root chain, asked for once where several want to know it."""

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.ports import Chain, Clock


class Heads:
    """Remembers the last answer for `lifetime` seconds; what is remembered never goes back in time."""

    def __init__(self, chain: Chain, clock: Clock, lifetime: float) -> None:
        self._chain = chain
        self._clock = clock
        self._lifetime = lifetime
        self._known: BlockStamp | None = None
        self._asked_at = float("-inf")

    async def newest(self) -> BlockStamp:
        """Ask the chain; raises `ChainUnavailable`."""
        asked_at = self._clock.monotonic()
        head = await self._chain.head()
        # An answer that was overtaken by a later question says less: a reorg can make the newer head lower.
        if asked_at >= self._asked_at:
            self._known, self._asked_at = head, asked_at
        return head

    async def recent(self) -> BlockStamp:
        """Return what was asked for at most `lifetime` seconds ago by anybody, or else ask now."""
        if self._known is not None and self._clock.monotonic() - self._asked_at <= self._lifetime:
            return self._known
        return await self.newest()
