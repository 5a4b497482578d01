"""What one decision read at a block serves the others at the same block: nothing there can change."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.primitives import Hash32

T = TypeVar("T")


class SharedReads:
    """Keeps the results of reads at the block last asked about; a failed read is not kept."""

    def __init__(self) -> None:
        self._at: Hash32 | None = None
        self._found: dict[Hashable, Any] = {}
        self._asking: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def once(self, at: BlockStamp, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """Return what `read` returned the first time it was asked for `key` at this block."""
        if at.hash != self._at:
            self._at, self._found, self._asking = at.hash, {}, defaultdict(asyncio.Lock)
        found, asking = self._found, self._asking
        if key not in found:
            async with asking[key]:
                if key not in found:
                    found[key] = await read()
        return cast("T", found[key])
