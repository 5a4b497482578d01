"""Reads of many decisions at one block: asked together, and each once, since nothing there can change."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import ContractError, MalformedError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedReads(Generic[K, V]):
    """Keeps what `read` found at the block last asked about; what failed is asked again.

    `read` takes several keys at one block and returns their values in the order asked. Keys that are asked
    for at the same moment go to it together; where it refuses them as a whole, each goes alone.
    """

    def __init__(self, read: Callable[[Sequence[K], BlockStamp], Awaitable[Sequence[V]]]) -> None:
        self._read = read
        self._at: BlockStamp | None = None
        self._rounds: dict[K, asyncio.Task[dict[K, V | Exception]]] = {}
        self._gathering: list[K] | None = None

    async def one(self, key: K, at: BlockStamp) -> V:
        """Return the value of one key; raises what `read` does."""
        (value,) = await self.all([key], at)
        return value

    async def all(self, keys: Sequence[K], at: BlockStamp) -> list[V]:
        """Return the values of several keys, in the order asked; raises what `read` does."""
        if at != self._at:
            self._at, self._rounds, self._gathering = at, {}, None
        rounds = [self._round(key, at) for key in keys]
        values = []
        for key, round_ in zip(keys, rounds, strict=True):
            # Others wait for the same round: whoever is cancelled must not take it along.
            value = (round_.result() if round_.done() else await asyncio.shield(round_))[key]
            if isinstance(value, Exception):
                raise value
            values.append(value)
        return values

    def _round(self, key: K, at: BlockStamp) -> asyncio.Task[dict[K, V | Exception]]:
        """Return the round that `key` was read in, is being read in, or goes out with next."""
        if key not in self._rounds:
            if self._gathering is None:
                self._gathering = []
                self._next = asyncio.create_task(self._go(self._gathering, at, self._rounds))
            self._gathering.append(key)
            self._rounds[key] = self._next
        return self._rounds[key]

    async def _go(self, keys: list[K], at: BlockStamp, rounds: dict[K, Any]) -> dict[K, V | Exception]:
        if self._gathering is keys:
            self._gathering = None
        found = await self._found(keys, at)
        for key, value in found.items():
            if isinstance(value, Exception):
                del rounds[key]
        return found

    async def _found(self, keys: Sequence[K], at: BlockStamp) -> dict[K, V | Exception]:
        try:
            return dict(zip(keys, await self._read(keys, at), strict=True))
        except (ContractError, MalformedError) as error:
            if len(keys) == 1:
                return {keys[0]: error}
        except Exception as error:  # noqa: BLE001 : handed to everybody who asked
            return dict.fromkeys(keys, error)
        return {key: (await self._found([key], at))[key] for key in keys}
