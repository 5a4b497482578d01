"""A wire to a node that can be listened to: bytes pass at once, so listening costs next to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

_METHOD: Final = re.compile(rb'"method":\s*"(\w+)"')


@dataclass(frozen=True, slots=True)
class Passed:
    """One request that passed: what it asked, and from when to when it was answered, in seconds."""

    what: str
    started: float
    ended: float


Listener = Callable[[Passed, bytes], None]
"""Takes each request once the first bytes of its answer have come, before these are passed on."""


class _Client(asyncio.Protocol):
    """One connection of the client, with one of its own to the node."""

    def __init__(self, host: str, port: int, listener: Listener) -> None:
        self._node = _Node(self)
        self._host, self._port = host, port
        self._listener = listener
        self._asked: tuple[str, float] | None = None
        self._early = bytearray()
        self._connecting: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self._node, self._host, self._port)
        if self._early and self._node.transport is not None:
            self._node.transport.write(bytes(self._early))

    def data_received(self, data: bytes) -> None:
        methods = dict.fromkeys(method.decode() for method in _METHOD.findall(data))
        if methods:
            self._asked = "+".join(methods), time.perf_counter()
        if self._node.transport is None:
            self._early += data
        else:
            self._node.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._node.transport is not None:
            self._node.transport.close()

    def answered(self, data: bytes) -> None:
        if self._asked is not None:
            what, started = self._asked
            self._asked = None
            self._listener(Passed(what, started, time.perf_counter()), data)
        if self.transport is not None:
            self.transport.write(data)


class _Node(asyncio.Protocol):
    """The connection to the node."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._client.answered(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._client.transport is not None:
            self._client.transport.close()


@contextlib.asynccontextmanager
async def wire(node_url: str, listener: Listener) -> AsyncIterator[str]:
    """Pass everything between the yielded URL and the node for the length of a block."""
    node = urlsplit(node_url)
    assert node.hostname, "the devnet's node has a host"
    assert node.port, "and a port"
    host, port = node.hostname, node.port
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Client(host, port, listener), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
