"""What gas costs, asked for once per root-chain block however many decisions want to know."""

import asyncio

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.transactions import FeeFacts
from plasma_guard.ports import Chain


class Prices:
    """Keeps the prices of the block last asked about; a failure is not kept."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._known: tuple[BlockStamp, FeeFacts] | None = None
        self._asking = asyncio.Lock()

    async def at(self, block: BlockStamp) -> FeeFacts:
        """Return the prices as they were first read at this block; raises `ChainUnavailable`."""
        async with self._asking:
            if self._known is None or self._known[0] != block:
                self._known = block, await self._chain.fee_facts()
            return self._known[1]
