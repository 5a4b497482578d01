"""Typed contract reads over the Chain port."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from plasma_guard.contracts.abis import Function
from plasma_guard.contracts.sharing import SharedReads
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.errors import CallReverted, ContractError
from plasma_guard.domain.primitives import Address
from plasma_guard.ports import Call, Chain

Read = tuple[Address, Function, tuple[Any, ...]]


async def read_many(chain: Chain, reads: Sequence[Read], at: BlockStamp) -> list[tuple[Any, ...]]:
    """Return the decoded results at one block; raises `ContractError` when a call is refused."""
    calls = [Call(to=to, data=function.encode(*arguments)) for to, function, arguments in reads]
    try:
        results = await chain.call_many(calls, at)
    except CallReverted as error:
        names = ", ".join(sorted({function.name for _, function, _ in reads}))
        raise ContractError(f"a read of {names} was refused: {error}") from error
    return [function.decode(result) for (_, function, _), result in zip(reads, results, strict=True)]


class Reads(SharedReads[Read, tuple[Any, ...]]):
    """Reads of one contract family, shared by all who decide at the same block."""

    def __init__(self, chain: Chain) -> None:
        super().__init__(partial(read_many, chain))

    async def value(self, to: Address, function: Function, *arguments: Any, at: BlockStamp) -> Any:
        """Return the only value of one read, or the tuple of several."""
        values = await self.one((to, function, arguments), at)
        return values[0] if len(values) == 1 else values


async def read(chain: Chain, to: Address, function: Function, *arguments: Any, at: BlockStamp) -> Any:
    """Return the only value of one read, or the tuple of several."""
    (values,) = await read_many(chain, [(to, function, arguments)], at)
    return values[0] if len(values) == 1 else values


async def try_read(chain: Chain, to: Address, function: Function, *arguments: Any, at: BlockStamp) -> Any:
    """Return what `read` does, or None when the contract has no such function or refuses."""
    try:
        return await read(chain, to, function, *arguments, at=at)
    except ContractError:
        return None
