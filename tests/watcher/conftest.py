"""Real servers on loopback: one that speaks HTTP, one that is told every byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from watcher.replay import Handler, RawHandler, Serve, ServeRaw


@pytest.fixture
async def servers() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def serve(servers: AsyncExitStack) -> Serve:
    async def start(handler: Handler) -> str:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        server = await servers.enter_async_context(TestServer(application))
        return str(server.make_url("/"))

    return start


@asynccontextmanager
async def _listening(handler: RawHandler) -> AsyncIterator[str]:
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handler(reader, writer)
        except ConnectionError:
            pass  # the client hung up, which is what these tests want
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


@pytest.fixture
def serve_raw(servers: AsyncExitStack) -> ServeRaw:
    async def start(handler: RawHandler) -> str:
        return await servers.enter_async_context(_listening(handler))

    return start
