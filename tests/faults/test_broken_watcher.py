"""A Watcher that answers nonsense fails a poll, never the guard; memory, time and gas stay bounded."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from plasma_guard.devnet.attacker import Fraud
from support.arena import Arena, Guard, running
from support.until import until
from support.watcher_proxy import Replace, WatcherProxy, body, flood, redirect, truncated

MEGABYTES = 100
BOUND_MB = 250
"""The guard itself needs half of it; the largest answer it reads is 16 MiB."""
GOOD = b'{"success":true,"data":{"byzantine_events":[]},"version":"1.0.9"}'
NOT_READY = (
    b'{"success":false,"version":"1.0.9","data":{"object":"error","code":"operation:service_unavailable",'
    b'"description":"The server is not ready to handle the request."}}'
)

FAULTS: dict[str, Callable[[WatcherProxy], Replace]] = {
    "garbage": lambda _: body(b"\xff\xfe\x00 not json at all"),
    "empty": lambda _: body(b""),
    "null": lambda _: body(b"null"),
    "truncated": lambda _: truncated(GOOD),
    "100 MB": lambda _: flood(MEGABYTES * 2**20),
    "gzip bomb": lambda _: bomb(),
    "deep nesting": lambda _: body(b'{"success":true,"data":' + b"[" * 5_000_000),
    "huge integer": lambda _: body(b'{"success":true,"data":{"byzantine_events":' + b"9" * 10**6 + b"}}"),
    "NaN": lambda _: body(b'{"success":true,"data":NaN}'),
    "duplicate keys": lambda _: body(b'{"success":false,"success":true,"data":{}}'),
    "one byte per second": lambda proxy: proxy.dripping(),
    "redirect": lambda _: redirect("http://127.0.0.1:1/status.get"),
    "HTML": lambda _: body(b"<html><body>It works!</body></html>", content_type="text/html"),
    "bad gateway": lambda _: body(b"<html>502</html>", content_type="text/html", status=502),
    "service_unavailable": lambda _: body(NOT_READY),
}


def bomb() -> Replace:
    """Compress 100 MB into 100 kB."""
    packed = gzip.compress(b"0" * (MEGABYTES * 2**20), 1)

    async def replace(_: web.Request) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=packed, headers=headers)

    return replace


async def unverified(guard: Guard, fraud: Fraud) -> dict[str, Any]:
    """Wait until /status lists the exit as one that nobody has judged; return the page."""

    async def listed() -> dict[str, Any] | None:
        _, page = await guard.page("/status")
        found = [each["position"] for each in page["exits"]["unverified_exits"]]
        return dict(page) if str(fraud.exit.position) in found else None

    page: dict[str, Any] | None = await until(listed, f"{fraud.exit.position} is listed as unverified")
    assert page is not None
    return page


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_guard_outlives_a_watcher_that_answers(
    net: Arena, watcher: WatcherProxy, tmp_path: Path, fault: str
) -> None:
    """The poll fails, /ready falls, the exit is listed as unverified, nothing is spent; and it recovers."""
    guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
    async with running(guard):
        watcher.replace = FAULTS[fault](watcher)
        fraud = await net.fraud()
        assert "no usable answer" in await guard.not_ready("watcher")
        page = await unverified(guard, fraud)
        assert not page["ready"]
        assert not page["watcher"]["fresh"]
        code, _ = await guard.page("/live")
        assert code == 200
        assert (await guard.metrics())["plasma_guard_watcher_ok"] == 0
        assert len(guard.said("the Watcher gave no usable answer")) >= 3
        assert (await net.spent()).transactions == 0
        watcher.replace = None
        await guard.won()
        await guard.ready()
        assert guard.peak_mb() < BOUND_MB
        assert not [text for text in guard.tail if "Traceback" in text]
    assert (await net.spent()).transactions == 1


async def test_a_watcher_of_another_network_is_not_believed(
    net: Arena, watcher: WatcherProxy, tmp_path: Path
) -> None:
    """Said at once and loudly with both addresses; it knows nothing of our exits, so nothing is spent."""
    wrong = "0x" + "77" * 20

    def rewrite(path: str, _: Any, answer: Any) -> Any:
        if path == "/status.get":
            answer["data"]["contract_addr"] = {"plasma_framework": wrong}
            return answer
        refusal = {"object": "error", "code": "challenge:exit_not_found", "description": "unknown exit"}
        return {"success": False, "data": refusal, "version": "1.0.9"}

    guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
    async with running(guard):
        watcher.rewrite = rewrite
        reason = await guard.not_ready("watcher")
        assert wrong in reason
        assert net.connection.contract in reason
        fraud = await net.fraud()
        await unverified(guard, fraud)
        (alert,) = guard.alerts("watcher/contracts")
        assert alert["severity"] == "critical"
        assert (await net.spent()).transactions == 0
        watcher.rewrite = None
        await guard.won()


async def test_a_watcher_that_is_down_at_the_start_is_waited_for(
    net: Arena, watcher: WatcherProxy, tmp_path: Path
) -> None:
    """The guard starts, says that it is not ready, and answers what happened meanwhile."""
    watcher.replace = body(b"", status=503)
    guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.not_ready("watcher")
        await unverified(guard, await net.fraud())
        watcher.replace = None
        await guard.won()
        await guard.ready()
