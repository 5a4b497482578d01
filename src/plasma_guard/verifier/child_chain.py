"""Where the contents of plasma blocks come from: the operator's child chain, asked by hash, not believed."""

import asyncio
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Protocol, Self

import httpx

from plasma_guard.domain.errors import MalformedError, RetryableError
from plasma_guard.domain.primitives import Hash32, parse_hex, shorten
from plasma_guard.verifier.blocks import ChildBlock

_MAX_TRANSACTIONS = 2**16


class BlockUnavailableError(RetryableError):
    """The contents of a block could not be had this time; after long enough that is withholding."""


class BlockSource(Protocol):
    """Serves the contents of a submitted block by its Merkle root."""

    async def block(self, root: Hash32) -> ChildBlock:
        """Return what is said to be the block with this root; raises `BlockUnavailableError`."""
        ...


class HttpBlockSource:
    """A child chain's `block.get` over HTTP.

    `deadline` is in seconds and covers a whole call; `max_body` in bytes: a full block of 65,536 transactions
    in hex takes about 60 MB. Close it, or use it as an asynchronous context manager.
    """

    def __init__(self, base_url: str, *, deadline: float = 60, max_body: int = 128 * 2**20) -> None:
        self._deadline = deadline
        self._max_body = max_body
        # Uncompressed, so that the size on the wire is the size in memory.
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, timeout=deadline, follow_redirects=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def block(self, root: Hash32) -> ChildBlock:
        """Ask `block.get` for the block with this root."""
        try:
            async with asyncio.timeout(self._deadline):
                body = await self._fetch(root)
            return _parse(body)
        except (TimeoutError, httpx.TransportError, MalformedError) as error:
            reason = shorten(str(error) or type(error).__name__, 200)
            raise BlockUnavailableError(f"block {root}: {reason}") from error

    async def _fetch(self, root: Hash32) -> bytes:
        async with self._http.stream("POST", "block.get", json={"hash": str(root)}) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise MalformedError("block.get: answered with a compression that was not asked for")
            return await _bounded(response.aiter_raw(), self._max_body)


async def _bounded(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise MalformedError(f"block.get: larger than {limit} bytes")
    return bytes(body)


def _parse(body: bytes) -> ChildBlock:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("block.get: not JSON") from error
    if not isinstance(envelope, dict) or envelope.get("success") is not True:
        raise MalformedError(f"block.get: refused: {shorten(envelope, 200)}")
    data = envelope.get("data")
    if not isinstance(data, dict):
        raise MalformedError(f"block.get: data: expected an object, got {shorten(data)}")
    blknum, transactions = data.get("blknum"), data.get("transactions")
    if not isinstance(blknum, int) or isinstance(blknum, bool):
        raise MalformedError(f"block.get: blknum: expected an integer, got {shorten(blknum)}")
    if not isinstance(transactions, list) or len(transactions) > _MAX_TRANSACTIONS:
        raise MalformedError(f"block.get: transactions: expected a list of at most {_MAX_TRANSACTIONS}")
    return ChildBlock(
        blknum=blknum,
        hash=Hash32(parse_hex(data.get("hash", ""), "block.get: hash")),
        transactions=tuple(parse_hex(each, "block.get: transaction") for each in transactions),
    )
