"""Fetching blocks from an operator who may answer anything: a block, or an error that can be retried."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from plasma_guard.domain.errors import ConfigurationError
from plasma_guard.domain.primitives import Hash32
from plasma_guard.verifier.child_chain import BlockUnavailableError, HttpBlockSource

ROOT = Hash32(b"\x11" * 32)
Serve = Callable[[bytes, int, dict[str, str]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> str:
            async def answer(_: web.Request) -> web.Response:
                return web.Response(body=body, status=status, headers=headers)

            application = web.Application()
            application.router.add_post("/block.get", answer)
            server = await stack.enter_async_context(TestServer(application))
            return str(server.make_url("/"))

        yield start


def envelope(data: str, success: str = "true") -> bytes:
    return f'{{"success": {success}, "data": {data}}}'.encode()


async def test_a_block_is_read(serve: Serve) -> None:
    """Number, hash and signed transactions come back as said; checking them is the verifier's work."""
    said = envelope(f'{{"blknum": 1000, "hash": "{ROOT}", "transactions": ["0xc0", "0x"], "more": 1}}')
    async with HttpBlockSource(await serve(said, 200, {})) as source:
        block = await source.block(ROOT)
    assert (block.blknum, block.hash, block.transactions) == (1000, ROOT, (b"\xc0", b""))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"[" * 10**6,
        b"[]",
        b"null",
        envelope("null"),
        envelope("{}", "false"),
        envelope('{"code": "get_block:not_found"}', "false"),
        envelope('{"blknum": "1000", "hash": "0x", "transactions": []}'),
        envelope('{"blknum": true, "hash": "0x", "transactions": []}'),
        envelope('{"blknum": 1000, "hash": "0x11", "transactions": []}'),
        envelope(f'{{"blknum": 1000, "hash": "{ROOT}", "transactions": {{}}}}'),
        envelope(f'{{"blknum": 1000, "hash": "{ROOT}", "transactions": [5]}}'),
        envelope(f'{{"blknum": 1000, "hash": "{ROOT}", "transactions": ["c0"]}}'),
        envelope(f'{{"blknum": NaN, "hash": "{ROOT}", "transactions": []}}'),
        envelope(f'{{"blknum": 1000, "hash": "{ROOT}", "transactions": [{"null," * 65536} null]}}'),
        b" " * 2_000_000,
    ],
    ids=lambda body: repr(body[:30]),
)
async def test_anything_else_is_no_block(serve: Serve, body: bytes) -> None:
    """Whatever else is answered means that the block cannot be had this time, in one bounded sentence."""
    async with HttpBlockSource(await serve(body, 200, {}), max_body=1_000_000) as source:
        with pytest.raises(BlockUnavailableError) as caught:
            await source.block(ROOT)
    assert len(str(caught.value)) < 500


async def test_compression_and_redirects_are_not_followed(serve: Serve) -> None:
    """A bomb is not inflated and no other host is asked."""
    for status, headers in ((200, {"content-encoding": "gzip"}), (302, {"location": "http://127.0.0.1:1/"})):
        async with HttpBlockSource(await serve(b"", status, headers)) as source:
            with pytest.raises(BlockUnavailableError):
                await source.block(ROOT)


async def test_a_silent_or_absent_child_chain_ends_at_the_deadline(unused_tcp_port: int) -> None:
    """Neither waiting nor a refused connection is anything but unavailability."""

    async def never(_: web.Request) -> web.Response:
        await silence.wait()
        return web.Response()

    silence = asyncio.Event()
    application = web.Application()
    application.router.add_post("/block.get", never)
    async with TestServer(application) as server:
        async with HttpBlockSource(str(server.make_url("/")), deadline=0.1) as source:
            with pytest.raises(BlockUnavailableError):
                await source.block(ROOT)
        silence.set()
    async with HttpBlockSource(f"http://127.0.0.1:{unused_tcp_port}") as source:
        with pytest.raises(BlockUnavailableError):
            await source.block(ROOT)


def test_a_url_without_scheme_is_refused() -> None:
    """A wrong URL is found at the start."""
    with pytest.raises(ConfigurationError, match="child chain URL"):
        HttpBlockSource("childchain:9656")
