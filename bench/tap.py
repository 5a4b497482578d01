"""A tap stands in front of a Watcher and a node, passes everything on, and notes when what passed.

It also decides when its user learns of a fraud: until a position is revealed, the Watcher behind it seems
not to have seen that exit yet. So both sides of a comparison are measured from outside, in the same way, and
without the luck of when a poll falls.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from bench.processes import cpu_seconds
from bench.wire import Passed, wire
from plasma_guard.domain.position import UtxoPosition

_PATIENCE: Final = 30.0
_SEND: Final = "eth_sendRawTransaction"
_UNKNOWN_EXIT: Final = {
    "success": False,
    "version": "1.0",
    "service_name": "watcher",
    "data": {"object": "error", "code": "challenge:exit_not_found", "description": "not revealed yet"},
}


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment: by the wall, in seconds, and in CPU seconds of the process behind the tap."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Reaction:
    """From the answer that held the event to the node's acceptance of the challenge, in seconds.

    `cpu` is CPU time of the reacting process; `waited` is when at least one of its requests was unanswered.
    """

    wall: float
    cpu: float
    waited: float
    requests: tuple[Passed, ...]


@dataclass(slots=True)
class Tap:
    """A recording reverse proxy of a Watcher, and the notes of a wire to a node."""

    behind: str
    watcher_url: str = ""
    rpc_url: str = ""
    pid: int | None = None
    passed: list[Passed] = field(default_factory=list)
    _revealed: set[int] = field(default_factory=set)
    _awaited: int | None = None
    _latest_first: bool = False
    _shown: Instant | None = None
    _accepted: asyncio.Future[tuple[Instant, Instant]] | None = None
    _polled: asyncio.Event = field(default_factory=asyncio.Event)
    _http: ClientSession | None = None

    async def reaction(self, position: int) -> Reaction:
        """Reveal an exit, and wait until the node has accepted a transaction."""
        self._awaited, self._shown = position, None
        self._accepted = asyncio.get_running_loop().create_future()
        self._revealed.add(position)
        async with asyncio.timeout(_PATIENCE):
            shown, accepted = await self._accepted
        inside = [each for each in self.passed if shown.wall < each.started < accepted.wall]
        return Reaction(
            wall=accepted.wall - shown.wall,
            cpu=accepted.cpu - shown.cpu,
            waited=_covered(inside, accepted.wall),
            requests=tuple(inside),
        )

    def reveal(self, positions: Iterable[UtxoPosition]) -> None:
        """Reveal many exits at one moment; those with the latest deadlines are then reported first."""
        self._latest_first = True
        revealed = [position.encode() for position in positions]
        self._awaited = revealed[0]
        self._revealed.update(revealed)

    def shown_at(self) -> float:
        """Return when the answer that held them went out, in seconds of `time.perf_counter`."""
        assert self._shown is not None, "nobody has asked the Watcher since"
        return self._shown.wall

    async def polled(self) -> float:
        """Return when the first `status.get` came in."""
        async with asyncio.timeout(_PATIENCE):
            await self._polled.wait()
        return next(each.started for each in self.passed if each.what == "status.get")

    def _now(self) -> Instant:
        return Instant(time.perf_counter(), cpu_seconds(self.pid) if self.pid else 0.0)

    async def _watcher(self, request: web.Request) -> web.StreamResponse:
        body, started = await request.read(), time.perf_counter()
        what = request.path.removeprefix("/")
        if what == "status.get" and not self._polled.is_set():
            self.passed.append(Passed(what, started, started))
            self._polled.set()
        if what == "utxo.get_challenge_data" and json.loads(body)["utxo_pos"] not in self._revealed:
            return web.json_response(_UNKNOWN_EXIT)
        status, answer = await self._ask(request.method, self.behind + request.path_qs, body)
        if what == "status.get":
            return self._status(status, answer)
        self.passed.append(Passed(what, started, time.perf_counter()))
        return web.Response(status=status, body=answer, content_type="application/json")

    def _status(self, status: int, answer: bytes) -> web.Response:
        document: Any = json.loads(answer)
        positions: list[int] = []
        if document["success"]:
            events = document["data"]["byzantine_events"]
            known = [each for each in events if each["details"].get("utxo_pos") in self._revealed]
            document["data"]["byzantine_events"] = known[::-1] if self._latest_first else known
            positions = [each["details"]["utxo_pos"] for each in known]
        body = json.dumps(document).encode()
        if self._awaited in positions and self._shown is None:
            self._shown = self._now()
        return web.Response(status=status, body=body, content_type="application/json")

    def listen(self, request: Passed, answer: bytes) -> None:
        """Take note of what passed to the node."""
        self.passed.append(request)
        if _SEND in request.what and b'"error"' not in answer:
            self._note_acceptance()

    def _note_acceptance(self) -> None:
        if self._accepted is None or self._accepted.done():
            return
        assert self._shown is not None, "a transaction was sent before the fraud was revealed"
        self._accepted.set_result((self._shown, self._now()))

    async def _ask(self, method: str, url: str, body: bytes) -> tuple[int, bytes]:
        assert self._http is not None, "the tap is closed"
        headers = {"content-type": "application/json"}
        async with self._http.request(method, url, data=body, headers=headers) as answer:
            return answer.status, await answer.read()


def _covered(requests: list[Passed], end: float) -> float:
    """Return for how long, up to `end`, at least one request was under way."""
    total, until = 0.0, 0.0
    for each in sorted(requests, key=lambda passed: passed.started):
        ended = min(each.ended, end)
        total += max(0.0, ended - max(until, each.started))
        until = max(until, ended)
    return total


@contextlib.asynccontextmanager
async def tap(watcher_url: str, rpc_url: str) -> AsyncIterator[Tap]:
    """Serve a tap for the length of a block."""
    made = Tap(watcher_url)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.+}", made._watcher)  # noqa: SLF001 (a handler of the same module)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        connector = TCPConnector(keepalive_timeout=60)
        session = ClientSession(connector=connector, timeout=ClientTimeout(total=_PATIENCE))
        made._http = await stack.enter_async_context(session)  # noqa: SLF001 (same)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.watcher_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        made.rpc_url = await stack.enter_async_context(wire(rpc_url, made.listen))
        yield made
