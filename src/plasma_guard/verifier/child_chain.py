"""Where the contents of plasma blocks come from: the operator's child chain, asked by hash, not believed."""

import asyncio
from types import TracebackType
from typing import Protocol, Self

import aiohttp

from plasma_guard.domain.blocks import ChildBlock
from plasma_guard.domain.errors import ConfigurationError, MalformedError, RetryableError
from plasma_guard.domain.primitives import Hash32, shorten
from plasma_guard.verifier.json import hex_bytes, parse

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
    in hex takes about 60 MB. Raises `ConfigurationError` for a URL without http or https; close it, or use
    it as an asynchronous context manager.
    """

    def __init__(self, base_url: str, *, deadline: float = 60, max_body: int = 128 * 2**20) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ConfigurationError("child chain URL: expected http://host[:port] or https://host[:port]")
        self._url = base_url.rstrip("/") + "/block.get"
        self._deadline = deadline
        self._max_body = max_body
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def block(self, root: Hash32) -> ChildBlock:
        """Ask `block.get` for the block with this root."""
        try:
            async with asyncio.timeout(self._deadline):
                body = await self._fetch(root)
            return _read(body)
        except (TimeoutError, aiohttp.ClientError, MalformedError) as error:
            reason = shorten(str(error) or type(error).__name__, 200)
            raise BlockUnavailableError(f"block {root}: {reason}") from error

    async def _fetch(self, root: Hash32) -> bytes:
        if self._session is None:
            # Uncompressed, so that the size on the wire is the size in memory.
            headers = {"accept": "application/json", "accept-encoding": "identity"}
            self._session = aiohttp.ClientSession(headers=headers, auto_decompress=False)
        asked = {"hash": str(root)}
        async with self._session.post(self._url, json=asked, allow_redirects=False) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise MalformedError("block.get: answered with a compression that was not asked for")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > self._max_body:
                    raise MalformedError(f"block.get: larger than {self._max_body} bytes")
            return bytes(body)


def _read(body: bytes) -> ChildBlock:
    envelope = parse(body)
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
        hash=Hash32(hex_bytes(data.get("hash"), "block.get: hash")),
        transactions=tuple(hex_bytes(each, "block.get: transaction") for each in transactions),
    )
