"""A loopback way to a node that only reads: what goes through it can change nothing there.

The node's URL may hold an access token, which would be seen by every user of this machine as an argument of
another program.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
from aiohttp import web

_LARGEST: Final = 16 * 2**20
_SECONDS: Final = 30.0
_REFUSED: Final = ("eth_send", "eth_sign", "personal_", "anvil_", "evm_", "hardhat_", "admin_", "miner_")
"""How the methods begin that could do more than read."""


@contextlib.asynccontextmanager
async def reading(url: str) -> AsyncIterator[str]:
    """Serve a node's JSON-RPC for the length of a block; yield the address to read it at."""
    async with httpx.AsyncClient(timeout=_SECONDS) as node:

        async def pass_on(request: web.Request) -> web.Response:
            body = await request.read()
            if refused := _refused(body):
                return web.json_response(refused)
            try:
                answer = await node.post(url, content=body, headers={"Content-Type": "application/json"})
            except httpx.HTTPError as error:
                # The error's own words may hold the URL.
                return web.Response(status=502, text=f"the node does not answer: {type(error).__name__}")
            return web.Response(
                status=answer.status_code, body=answer.content, content_type="application/json"
            )

        application = web.Application(client_max_size=_LARGEST)
        application.add_routes([web.post("/", pass_on)])
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()


def _refused(body: bytes) -> object | None:
    """Return the refusal of a request with a method that may do more than read, None for all others."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return _error(None, -32700, "not JSON")
    calls: list[Any] = asked if isinstance(asked, list) else [asked]
    for call in calls:
        if not isinstance(call, dict) or not isinstance(call.get("method"), str):
            return _error(None, -32600, "not a JSON-RPC request")
        if call["method"].startswith(_REFUSED):
            return _error(call.get("id"), -32601, f"{call['method']}: this way to the node only reads")
    return None


def _error(number: object, code: int, message: str) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}
