"""A JSON-RPC proxy in front of a real node that misbehaves on request.

`proxy.fault` decides per HTTP request: None lets it through. The functions below make the usual faults.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

Payload = Any
Fault = Callable[[web.Request, Payload], Awaitable[web.StreamResponse | None]]


class RpcProxy:
    """Listens on loopback and forwards to `upstream`; `seen` lists the method of every call that arrived."""

    def __init__(self, upstream: str | None = None) -> None:
        self._upstream = upstream
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.closing = asyncio.Event()
        self.fault: Fault | None = None
        self.pool: Fault | None = None
        """What the node's pool refuses although the node behind would not; asked after `fault`."""
        self.seen: list[str] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
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

    @property
    def upstream(self) -> str:
        """Where it forwards to."""
        assert self._upstream is not None
        return self._upstream

    def count(self, method: str) -> int:
        """Return how many calls of a method arrived."""
        return self.seen.count(method)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        payload = await request.json()
        calls = payload if isinstance(payload, list) else [payload]
        self.seen += [call["method"] for call in calls]
        for fault in (self.fault, self.pool):
            if fault is not None and (answer := await fault(request, payload)) is not None:
                return answer
        if self._upstream is None or self._session is None:
            return web.json_response(
                {"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "no node"}}
            )
        async with self._session.post(self._upstream, json=payload) as answered:
            return web.Response(
                body=await answered.read(), status=answered.status, content_type="application/json"
            )

    def editing(self, **edits: Callable[[Any, Any], Any]) -> Fault:
        """Change results of these methods, given the parameters too; everything else is the node's own."""

        async def fault(_: web.Request, payload: Payload) -> web.StreamResponse | None:
            assert self._session is not None
            assert self._upstream is not None
            async with self._session.post(self._upstream, json=payload) as answered:
                answer = await answered.json()
            calls, answers = (each if isinstance(each, list) else [each] for each in (payload, answer))
            asked = {call["id"]: call for call in calls}
            for each in answers:
                call = asked[each["id"]]
                edit = edits.get(call["method"])
                if edit is not None and "result" in each:
                    each["result"] = edit(call["params"], each["result"])
            return web.json_response(answer)

        return fault

    def silence(self) -> Fault:
        """Accept the request and never answer."""

        async def fault(_: web.Request, __: Payload) -> web.StreamResponse | None:
            await self.closing.wait()
            return web.Response(status=503)

        return fault


def status(code: int, body: object = None) -> Fault:
    """Answer with an HTTP status, and a JSON body if given."""

    async def fault(_: web.Request, __: Payload) -> web.StreamResponse | None:
        return web.Response(status=code) if body is None else web.json_response(body, status=code)

    return fault


def html() -> Fault:
    """Answer 200 with the error page of a gateway."""

    async def fault(_: web.Request, __: Payload) -> web.StreamResponse | None:
        return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")

    return fault


def redirect(location: str) -> Fault:
    """Send the client elsewhere."""

    async def fault(_: web.Request, __: Payload) -> web.StreamResponse | None:
        return web.Response(status=307, headers={"Location": location})

    return fault


def hang_up() -> Fault:
    """Close the connection instead of answering."""

    async def fault(request: web.Request, _: Payload) -> web.StreamResponse | None:
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=503)

    return fault


class Flood:
    """Answers with an endless string of `size` bytes; `sent` counts what the client took."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.sent = 0

    async def __call__(self, request: web.Request, _: Payload) -> web.StreamResponse | None:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"jsonrpc":"2.0","id":0,"result":"0x')
        try:
            while self.sent < self._size:
                await response.write(b"0" * 2**20)
                self.sent += 2**20
        except (ConnectionError, aiohttp.ClientError):
            return response
        return response


def dripping(closing: asyncio.Event) -> Fault:
    """Send the first byte of an answer and keep the rest for ever."""

    async def fault(request: web.Request, _: Payload) -> web.StreamResponse | None:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b"{")
        await closing.wait()
        return response

    return fault


def raw(body: bytes) -> Fault:
    """Answer 200 with these very bytes."""

    async def fault(_: web.Request, __: Payload) -> web.StreamResponse | None:
        return web.Response(body=body, content_type="application/json")

    return fault


def results(**by_method: object) -> Fault:
    """Answer these methods with these results, in single and batch requests; other calls go through."""

    def reply(_: str, call: dict[str, Any]) -> dict[str, Any]:
        return {"result": by_method[call["method"]]}

    return _answers(reply, by_method)


def errors(**by_method: dict[str, object]) -> Fault:
    """Answer these methods with these JSON-RPC errors; other calls go through."""

    def reply(method: str, _: dict[str, Any]) -> dict[str, Any]:
        return {"error": by_method[method]}

    return _answers(reply, by_method)


def log_range_limit(blocks: int, error: dict[str, object], http_status: int = 200) -> Fault:
    """Refuse `eth_getLogs` over more than this many blocks, in one provider's words."""

    async def fault(_: web.Request, payload: Payload) -> web.StreamResponse | None:
        calls = payload if isinstance(payload, list) else [payload]
        if not any(_too_wide(call, blocks) for call in calls):
            return None
        answers = [{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in calls]
        return web.json_response(answers if isinstance(payload, list) else answers[0], status=http_status)

    return fault


def no_batches(fault: Fault | None = None) -> Fault:
    """Refuse batches as a whole; `fault` applies to single calls."""

    async def wrapped(request: web.Request, payload: Payload) -> web.StreamResponse | None:
        if isinstance(payload, list):
            return web.json_response(
                {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch not supported"}}
            )
        return await fault(request, payload) if fault else None

    return wrapped


def _too_wide(call: dict[str, Any], blocks: int) -> bool:
    if call["method"] != "eth_getLogs":
        return False
    query = call["params"][0]
    return int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1 > blocks


def _answers(reply: Callable[[str, dict[str, Any]], dict[str, Any]], by_method: dict[str, Any]) -> Fault:
    async def fault(_: web.Request, payload: Payload) -> web.StreamResponse | None:
        calls = payload if isinstance(payload, list) else [payload]
        if not any(call["method"] in by_method for call in calls):
            return None
        answers = [
            {"jsonrpc": "2.0", "id": call["id"], **reply(call["method"], call)}
            if call["method"] in by_method
            else {
                "jsonrpc": "2.0",
                "id": call["id"],
                "error": {"code": -32601, "message": "method not found"},
            }
            for call in calls
        ]
        body = json.dumps(answers if isinstance(payload, list) else answers[0])
        return web.Response(text=body, content_type="application/json")

    return fault
