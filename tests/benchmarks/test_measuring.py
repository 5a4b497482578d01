"""The instruments of `bench/` measure what they say; nothing here is timed."""

import asyncio
import os
import time

import httpx
from aiohttp import web
from bench import frauds
from bench.processes import cpu_seconds, resident_megabytes
from bench.report import row
from bench.tap import tap

POSITION = frauds.position(1).encode()
RESULT = {"jsonrpc": "2.0", "id": 1, "result": "0x1"}


async def _status(_: web.Request) -> web.Response:
    data = frauds.status([frauds.event(1), frauds.event(2)])
    return web.json_response({"success": True, "data": data})


async def _challenge(_: web.Request) -> web.Response:
    return web.json_response({"success": True, "data": frauds.challenge(1)})


async def _node(_: web.Request) -> web.Response:
    return web.json_response(RESULT)


async def test_a_tap_reveals_one_fraud_and_waits_for_the_answer_to_it() -> None:
    """The Watcher behind it has known all along; the clock starts with the answer that shows the event."""
    app = web.Application()
    app.router.add_post("/status.get", _status)
    app.router.add_post("/utxo.get_challenge_data", _challenge)
    app.router.add_post("/", _node)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with tap(url, url) as between, httpx.AsyncClient(trust_env=False) as http:

        async def watcher(path: str, **body: int) -> dict[str, object]:
            answer: dict[str, object] = (await http.post(between.watcher_url + path, json=body)).json()
            return answer

        async def events() -> list[object]:
            answer = (await http.post(between.watcher_url + "/status.get", json={})).json()
            return [each["details"]["utxo_pos"] for each in answer["data"]["byzantine_events"]]

        assert await events() == []
        assert (await watcher("/utxo.get_challenge_data", utxo_pos=POSITION))["success"] is False
        reaction = asyncio.create_task(between.reaction(POSITION))
        await asyncio.sleep(0)
        assert await events() == [POSITION]
        assert (await watcher("/utxo.get_challenge_data", utxo_pos=POSITION))["success"] is True
        for method in ("eth_gasPrice", "eth_sendRawTransaction"):
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
            assert (await http.post(between.rpc_url, json=body)).json() == RESULT
        done = await reaction
    await runner.cleanup()
    passed = [each.what for each in done.requests]
    assert passed == ["utxo.get_challenge_data", "eth_gasPrice", "eth_sendRawTransaction"]
    assert 0 < done.waited <= done.wall


def test_a_process_is_read_from_outside_as_it_reads_itself() -> None:
    """The kernel's clock of a process is the one behind `time.process_time`."""
    before = time.process_time()
    outside = cpu_seconds(os.getpid())
    assert before <= outside <= time.process_time()
    assert resident_megabytes(os.getpid()) > 1


def test_a_row_holds_medians_and_judges_by_its_target() -> None:
    """An outlier moves neither side, and a ratio is judged like an absolute number."""
    compared = row("x", "ms", [1, 2, 300], [4, 5, 4], target_ratio=0.5)
    assert (compared.ours, compared.other, compared.ratio, compared.met) == (2, 4, 0.5, True)
    assert row("x", "ms", [3], target=2).met is False
    assert row("x", "ms", [3]).met is None
