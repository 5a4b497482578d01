"""A reverse proxy in front of a real Watcher that lies or breaks on request.

`rewrite` may change the JSON of an answer, `replace` may answer in the Watcher's place; with neither, it is
as honest as what is behind it.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

Answer = Any
Rewrite = Callable[[str, Any, Answer], Answer]
"""Takes path, parameters and the Watcher's own answer; returns the answer to give."""
Replace = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WatcherProxy:
    """Listens on loopback and forwards to `upstream`; `asked` counts the requests per path."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.closing = asyncio.Event()
        self.rewrite: Rewrite | None = None
        self.replace: Replace | None = None
        self.asked: Counter[str] = Counter()
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        self.asked[request.path] += 1
        if self.replace is not None:
            return await self.replace(request)
        body = await request.read()
        async with self._session.request(
            request.method,
            self._upstream + request.path_qs,
            data=body,
            headers={"Content-Type": "application/json"},
        ) as answered:
            answer = await answered.json()
            status = answered.status
        if self.rewrite is not None:
            answer = self.rewrite(request.path, json.loads(body) if body else None, answer)
        return web.json_response(answer, status=status)

    def dripping(self) -> Replace:
        """Return an answer of one byte per second."""

        async def replace(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                while not self.closing.is_set():
                    await response.write(b" ")
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            await self.closing.wait()
            return response

        return replace


def body(content: bytes, *, content_type: str = "application/json", status: int = 200) -> Replace:
    """Answer with these very bytes."""

    async def replace(_: web.Request) -> web.StreamResponse:
        return web.Response(body=content, content_type=content_type, status=status)

    return replace


def truncated(content: bytes) -> Replace:
    """Promise more bytes than are sent, and hang up."""

    async def replace(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Content-Length": str(2 * len(content))}
        )
        await response.prepare(request)
        await response.write(content)
        if request.transport is not None:
            request.transport.close()
        return response

    return replace


def flood(size: int) -> Replace:
    """Answer with an endless string of up to `size` bytes."""

    async def replace(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await response.write(b'{"success":true,"data":"')
            for _ in range(size // 2**20):
                await response.write(b"x" * 2**20)
        return response

    return replace


def redirect(location: str) -> Replace:
    """Send the client elsewhere."""

    async def replace(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    return replace
