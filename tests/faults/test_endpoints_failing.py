"""Endpoints that refuse, stall or flood: the guard goes round them, and says which one it is."""

import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support.arena import Arena, running
from support.endpoints import condition, guard_of
from support.rpc_proxy import Fault, Flood, RpcProxy, dripping, errors, html, status
from support.until import until

BLOCKS_LATE = 100
"""Blocks of the arena, ten in a second, that a challenge may take with a deadline of two seconds per call."""
WATCHED_SECONDS = 6


def too_many() -> Fault:
    async def fault(_: web.Request, __: Any) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "3600"})

    return fault


LIMITED = {"code": -32005, "message": "daily request count exceeded, request rate limited"}
READS = (
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_getBalance",
    "eth_getBlockByNumber",
    "eth_getLogs",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
)
STORMS: dict[str, Fault] = {
    "429 with Retry-After": too_many(),
    "500": status(500),
    "502": status(502),
    "HTML with 200": html(),
    "rate limit in words": errors(**dict.fromkeys(READS, LIMITED)),
}


@pytest.mark.parametrize("name", STORMS)
async def test_a_storm_at_one_endpoint_is_weathered_at_another(
    name: str, net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 6: the other endpoint serves at once, the stormy one is asked now and then."""
    async with RpcProxy(net.connection.rpc_url) as second:
        guard = guard_of(net, tmp_path / "guard", rpc, second)
        async with running(guard):
            rpc.fault = STORMS[name]
            await guard.heard("endpoint paused")
            rpc.seen.clear()
            await net.fraud()
            await guard.won()
            reads = [method for method in rpc.seen if method != "eth_sendRawTransaction"]
            assert len(reads) < 10
            assert not [line for line in guard.said("will try again") if line["loop"] == "root chain"]
            assert await condition(guard, rpc) == "resting"
            assert await condition(guard, second) == "ok"
            assert (await guard.page("/ready"))[0] == 200
    assert (await net.spent()).transactions == 1


@pytest.mark.parametrize("name", ["429 with Retry-After", "502", "HTML with 200"])
async def test_a_storm_at_the_only_endpoint_is_no_peace_and_no_loop(
    name: str, net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 6: no answer is not "no exits", requests stay few, and afterwards the fraud is answered."""
    guard = guard_of(net, tmp_path / "guard", rpc)
    async with running(guard):
        rpc.fault = STORMS[name]
        await net.fraud()
        reason = await guard.not_ready("root chain")
        assert "no RPC endpoint answers" in reason
        rpc.seen.clear()
        began = time.monotonic()
        before = (await guard.metrics())["plasma_guard_scan_checkpoint_block"]
        await until(lambda: time.monotonic() - began > WATCHED_SECONDS, "it had time to ask too often")
        assert len(rpc.seen) <= WATCHED_SECONDS
        assert guard.said("will try again")
        assert (await guard.metrics())["plasma_guard_scan_checkpoint_block"] == before
        assert (await net.spent()).transactions == 0
        rpc.fault = None
        await guard.won()
        await guard.ready()
    assert (await net.spent()).transactions == 1


@pytest.mark.parametrize("name", ["never answers", "one byte", "200 MB"])
async def test_an_endpoint_that_stalls_or_floods_costs_a_deadline_and_no_more(
    name: str, net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 7: deadline and size cap hold per call, the next endpoint answers, and memory stays bounded."""
    flood = Flood(200 * 2**20)
    faults: dict[str, Fault] = {
        "never answers": rpc.silence(),
        "one byte": dripping(rpc.closing),
        "200 MB": flood,
    }
    async with RpcProxy(net.connection.rpc_url) as second:
        guard = guard_of(net, tmp_path / "guard", rpc, second)
        async with running(guard):
            rpc.fault = faults[name]
            began = await net.evm.rpc("eth_blockNumber")
            fraud = await net.fraud()
            challenge = await net.challenged(fraud)
            assert challenge.block_number - int(began, 16) < BLOCKS_LATE
            await guard.won()
    assert (await net.spent()).transactions == 1


@pytest.mark.parametrize("name", ["never answers", "one byte", "200 MB"])
async def test_a_lone_endpoint_that_stalls_or_floods_hangs_nothing(
    name: str, net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 7: each call ends by its deadline or its cap, which is said, and the guard goes on afterwards."""
    floods: list[Flood] = []

    async def flooding(request: web.Request, payload: Any) -> web.StreamResponse | None:
        floods.append(Flood(200 * 2**20))
        return await floods[-1](request, payload)

    faults: dict[str, tuple[Fault, str]] = {
        "never answers": (rpc.silence(), "no answer within 2 s"),
        "one byte": (dripping(rpc.closing), "no answer within 2 s"),
        "200 MB": (flooding, "answer larger than"),
    }
    guard = guard_of(net, tmp_path / "guard", rpc)
    async with running(guard):
        rpc.fault, words = faults[name]
        await net.fraud()
        assert words in await guard.not_ready("root chain")
        assert (await guard.page("/live"))[0] == 200
        rpc.fault = None
        await guard.won()
        assert max((flood.sent for flood in floods), default=0) < 100 * 2**20
    assert (await net.spent()).transactions == 1
