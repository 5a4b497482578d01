"""Recorded answers of Watchers, and handlers that answer like them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

FIXTURES = Path(__file__).parent.parent / "fixtures" / "watcher"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Handler], Awaitable[str]]
ServeRaw = Callable[[RawHandler], Awaitable[str]]


def fixture(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return loaded


def names(*prefixes: str) -> list[str]:
    return sorted(path.stem for path in FIXTURES.glob("*.json") if path.stem.startswith(prefixes))


def replay(recorded: dict[str, Any]) -> Handler:
    """Answer as recorded, but only the method, path and body that were recorded."""

    async def handle(request: web.Request) -> web.Response:
        asked = recorded["request"]
        sent = await request.read()
        if "body" in asked:
            assert request.content_type == "application/json"
            assert json.loads(sent) == asked["body"]
        else:
            assert sent == b""
        assert (request.method, request.path) == (asked["method"], asked["path"])
        answer = recorded["response"]
        return web.Response(
            status=answer["status"], body=json.dumps(answer["body"]).encode(), headers=answer["headers"]
        )

    return handle
