"""What a status answer with events of all kinds costs: CPU time, questions to the Watcher, RPC calls.

Local servers stand for Watcher and node and count what they are asked; a fresh process per run
(`bench.mixing`) reads the answer and decides about everything in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from aiohttp import web

from bench import frauds
from bench.kinds import KINDS, Case
from bench.node import Node
from bench.report import Row, row

Handler = Callable[[web.Request], Awaitable[web.Response]]
EVENTS: Final = 1_000


async def measure(runs: int, tell: Callable[[str], None]) -> list[Row]:
    """Return the rows of time and of questions per event."""
    cases = [Case(number) for number in range(EVENTS)]
    results, questions, calls, requests = [], [], [], []
    for number in range(1, runs + 1):
        asked, node = Counter[str](), Node(cases)
        async with _serving(_watcher(cases, asked)) as watcher, _serving(node.handle) as rpc:
            results.append(await _mixed(watcher, rpc))
        questions.append(asked)
        calls.append(node.calls)
        requests.append(node.requests)
        tell(f"answer {number} of {runs}: {results[-1]['cpu']:.2f} s of CPU time")
    last = results[-1]
    what = f"mixed: {EVENTS} events of {len(KINDS)} kinds"
    return [
        row(
            f"{what}, CPU time",
            "s",
            [each["cpu"] for each in results],
            target=1,
            note=f"decided: {_listed(last['decided'])}",
        ),
        row(f"{what}, by the wall", "s", [each["seconds"] for each in results]),
        row(
            "mixed: calls to the Watcher per event",
            "",
            [each.total() / EVENTS for each in questions],
            note=_listed(questions[-1]),
        ),
        row(
            "mixed: RPC calls per event",
            "",
            [each.total() / EVENTS for each in calls],
            note=_listed(calls[-1]),
        ),
        row("mixed: requests to the node per event", "", [each / EVENTS for each in requests]),
    ]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


async def _mixed(watcher: str, node: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.mixing", watcher, node, str(EVENTS), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("bench.mixing failed; its words are above")
    result: dict[str, Any] = json.loads(out)
    return result


def _watcher(cases: Sequence[Case], asked: Counter[str]) -> Handler:
    """Return what serves the status and the evidence for it, and counts each question in `asked`."""
    status = json.dumps(_envelope(frauds.status([case.event() for case in cases]))).encode()
    answers = {
        asked_for: json.dumps(_envelope(data)).encode()
        for case in cases
        for asked_for, data in case.answers().items()
    }
    none = {"object": "error", "code": "in_flight_exit:no_competitor_found", "description": None}
    refusal = json.dumps(_envelope(none, success=False)).encode()

    async def answer(request: web.Request) -> web.Response:
        endpoint = request.match_info["endpoint"]
        asked[endpoint] += 1
        if endpoint == "status.get":
            return web.Response(body=status, content_type="application/json")
        parameters = await request.json()
        about = parameters.get("utxo_pos") or parameters.get("txbytes")
        return web.Response(body=answers.get(f"{endpoint}/{about}", refusal), content_type="application/json")

    return answer


@contextlib.asynccontextmanager
async def _serving(handler: Handler) -> AsyncIterator[str]:
    """Serve on a free port of this machine; yield the address."""
    app = web.Application()
    app.router.add_post("/{endpoint:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _envelope(data: dict[str, Any], *, success: bool = True) -> dict[str, Any]:
    return {"success": success, "version": "1.0.4", "service_name": "watcher", "data": data}
