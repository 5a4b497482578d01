"""What ten thousand byzantine events in one answer cost, and what an answer above the limit does.

A local server stands for the Watcher; a fresh process per run (`bench.flooded`) takes its answers, with the
real client, journal, and the parts of the daemon that read, deduplicate and decide.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from aiohttp import web

from bench import frauds
from bench.report import Row, row

EVENTS: Final = 10_000
NEW: Final = 10
TOO_LARGE: Final = 17 * 2**20
"""Above the default limit of 16 MiB."""


async def measure(runs: int, tell: Callable[[str], None]) -> list[Row]:
    """Return the rows of time, memory and refusal."""
    async with _watcher() as url:
        results = []
        for number in range(1, runs + 1):
            results.append(await _flooded(url))
            tell(f"flood {number} of {runs}: {results[-1]['seconds']:.2f} s")
    first = results[0]
    size = f"{first['megabytes']:.1f} MB"
    return [
        row(
            f"flood: {EVENTS} events ({size}), {NEW} new",
            "s",
            [each["seconds"] for each in results],
            target=0.5,
            note="from asking for the status to the last new decision, by the wall, disk sync included",
        ),
        row("flood: CPU time of that", "s", [each["cpu"] for each in results], target=0.5),
        row("flood: peak memory of the process", "MB", [each["peak"] for each in results], target=200),
        row(
            f"flood: refusal of {TOO_LARGE / 1e6:.1f} MB",
            "s",
            [each["refused_seconds"] for each in results],
            note=f"the poll fails and says: {first['refusal']}",
        ),
    ]


async def _flooded(url: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.flooded", url, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, "bench.flooded failed; its words are above"
    result: dict[str, Any] = json.loads(out)
    return result


@contextlib.asynccontextmanager
async def _watcher() -> AsyncIterator[str]:
    """Serve `known`, `all` and `large` answers of a Watcher, each under its own path."""
    known = [frauds.event(blknum) for blknum in range(NEW + 1, EVENTS + 1)]
    fresh = [frauds.event(blknum) for blknum in range(1, NEW + 1)]
    everything = known[: EVENTS // 2] + fresh + known[EVENTS // 2 :]
    bodies = {"known": _status(known), "all": _status(everything), "large": b" " * TOO_LARGE}
    challenges = {frauds.position(n).encode(): frauds.challenge(n) for n in range(1, NEW + 1)}

    async def status(request: web.Request) -> web.Response:
        return web.Response(body=bodies[request.match_info["which"]], content_type="application/json")

    async def challenge(request: web.Request) -> web.Response:
        return web.json_response(_envelope(challenges[(await request.json())["utxo_pos"]]))

    app = web.Application()
    app.router.add_post("/{which}/status.get", status)
    app.router.add_post("/{which}/utxo.get_challenge_data", challenge)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return {"success": True, "version": "1.0.4", "service_name": "watcher", "data": data}


def _status(events: list[dict[str, Any]]) -> bytes:
    return json.dumps(_envelope(frauds.status(events))).encode()
