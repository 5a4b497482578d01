"""Wrong answers put an endpoint aside at once, with the reason where an operator looks."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from plasma_guard.chain import RpcChain
from plasma_guard.chain.endpoints import PROBE_SECONDS
from plasma_guard.chain.state import PAUSE_SECONDS, QUARANTINE_SECONDS
from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.errors import ChainUnavailable, OtherChain
from plasma_guard.domain.primitives import Address
from support.clock import FakeClock
from support.recorders import RecordedAlerts, RecordedMetrics
from support.rpc_proxy import Fault, RpcProxy, html, results, status

ME = Address(b"\xaa" * 20)


@pytest.fixture
def alerts() -> RecordedAlerts:
    return RecordedAlerts()


@pytest.fixture
def metrics() -> RecordedMetrics:
    return RecordedMetrics()


@pytest.fixture
async def chain(
    proxy: RpcProxy, backup: RpcProxy, clock: FakeClock, alerts: RecordedAlerts, metrics: RecordedMetrics
) -> AsyncIterator[RpcChain]:
    """A chain whose trusted endpoint is `proxy`; `backup` comes second."""
    urls = [proxy.url, backup.url]
    async with RpcChain.connect(
        urls, clock, chain_id=31337, deadline=5, alerts=alerts, metrics=metrics
    ) as running:
        yield running


def another_id(result: object) -> Fault:
    """Answer a request that nobody made."""

    async def fault(_: web.Request, payload: Any) -> web.StreamResponse | None:
        if payload["method"] == "eth_chainId":
            return None
        return web.json_response({"jsonrpc": "2.0", "id": payload["id"] + 1, "result": result})

    return fault


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (results(eth_chainId="0x7a69", eth_getBalance=12), "expected a 0x hex number"),
        (results(eth_chainId="0x7a69", eth_getBalance={}), "expected a 0x hex number"),
        (another_id("0xffff"), "the answer is to another request"),
    ],
)
async def test_one_wrong_answer_quarantines_an_endpoint_and_says_why(
    fault: Fault,
    reason: str,
    chain: RpcChain,
    proxy: RpcProxy,
    clock: FakeClock,
    alerts: RecordedAlerts,
    metrics: RecordedMetrics,
) -> None:
    """It is read from no more for ten minutes; status, metric and alert tell, and then it is over."""
    await chain.chain_id()
    proxy.fault = fault
    assert await chain.balance(ME) == 0
    shown, other = chain.document()
    assert (shown["endpoint"], shown["condition"]) == (proxy.url, "distrusted")
    assert reason in str(shown["problem"])
    assert other["condition"] == "ok"
    ((key, _, words),) = alerts.told
    assert key == f"endpoint/{proxy.url}"
    assert reason in words
    proxy.fault = None
    proxy.seen.clear()
    clock.advance(QUARANTINE_SECONDS - 1)
    await chain.head()
    await chain.balance(ME)
    assert proxy.seen == []
    clock.advance(1)
    await chain.head()
    await chain.balance(ME)
    assert proxy.count("eth_getBalance") == 1
    assert chain.document()[0] == {"endpoint": proxy.url, "condition": "ok", "problem": None}
    assert key in alerts.cleared
    assert metrics.values["endpoint_ok"] == 1


async def test_a_gateway_that_answers_for_its_node_is_no_liar(chain: RpcChain, proxy: RpcProxy) -> None:
    """An HTML page says nothing about the chain: the endpoint is tried again soon."""
    proxy.fault = html()
    assert await chain.balance(ME) == 0
    assert chain.document()[0]["condition"] == "ok"
    proxy.fault = None
    proxy.seen.clear()
    assert await chain.balance(ME) == 0
    assert proxy.count("eth_getBalance") == 1


async def test_a_quarantined_endpoint_is_read_from_where_nobody_else_is_left(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy
) -> None:
    """Bad sight is better than none; what it says is still checked."""
    await chain.chain_id()
    proxy.fault = results(eth_chainId="0x7a69", eth_getBalance=12)
    assert await chain.balance(ME) == 0
    proxy.fault, backup.fault = None, status(503)
    with pytest.raises(ChainUnavailable):
        await chain.balance(ME)
    assert await chain.balance(ME) == 0  # the other one rests by now
    assert chain.document()[0]["condition"] == "distrusted"


async def test_a_chain_that_changes_without_any_failure_is_noticed_within_a_minute(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, clock: FakeClock
) -> None:
    """Behind one URL a failover can happen between two good answers."""
    assert await chain.balance(ME) == 0
    proxy.fault = results(eth_chainId="0x5", eth_getBalance="0xffff")
    clock.advance(60)
    assert await chain.balance(ME) == 0
    shown = chain.document()[0]
    assert shown["condition"] == "other_chain"
    assert shown["problem"] == "serves chain 5, expected 31337"


async def test_endpoints_all_of_another_chain_are_said_to_be_so(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy
) -> None:
    """It is no outage that waiting could end."""
    proxy.fault = backup.fault = results(eth_chainId="0x5")
    with pytest.raises(OtherChain, match="serves chain 5, expected 31337"):
        await chain.head()


def busy(headers: dict[str, str], code: int = 429) -> Fault:
    async def fault(_: web.Request, __: Any) -> web.StreamResponse:
        return web.Response(status=code, headers=headers)

    return fault


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "86400"}, PAUSE_SECONDS),
        (
            {"Retry-After": "Wed, 21 Oct 2026 07:28:09 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            9,
        ),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
async def test_an_endpoint_that_asks_for_a_pause_gets_it_within_bounds(
    code: int,
    headers: dict[str, str],
    seconds: float,
    chain: RpcChain,
    proxy: RpcProxy,
    clock: FakeClock,
) -> None:
    """Once is enough to be left alone, and nobody is left alone for longer than a minute."""
    proxy.fault = busy(headers, code)
    assert await chain.balance(ME) == 0
    assert chain.document()[0]["condition"] == "resting"
    proxy.fault = None
    proxy.seen.clear()
    clock.advance(seconds - 0.5)
    await chain.balance(ME)
    assert proxy.seen == []
    clock.advance(0.5)
    await chain.balance(ME)
    assert proxy.count("eth_getBalance") == 1


@pytest.mark.parametrize("value", ["soon", "", "-1", "Wed, 21 Oct 2026 07:28:09 GMT", "1e99", "²"])
async def test_a_pause_that_cannot_be_read_is_none(value: str, chain: RpcChain, proxy: RpcProxy) -> None:
    """A date says nothing without the server's own clock."""
    proxy.fault = busy({"Retry-After": value, "Date": "no date"})
    assert await chain.balance(ME) == 0
    assert chain.document()[0]["condition"] == "ok"


async def test_a_lone_endpoint_that_asks_for_a_day_is_probed_every_few_seconds(
    proxy: RpcProxy, clock: FakeClock
) -> None:
    """A deadline on chain does not wait for a provider; nor is the provider stormed."""
    async with RpcChain.connect([proxy.url], clock, chain_id=31337) as chain:
        proxy.fault = busy({"Retry-After": "86400"})
        for _ in range(10):
            with pytest.raises(ChainUnavailable):
                await chain.balance(ME)
        spent = clock.time - 1_700_000_000
        assert len(proxy.seen) <= 1 + spent / PROBE_SECONDS
        proxy.fault = None
        clock.advance(PROBE_SECONDS)
        assert await chain.balance(ME) == 0


HISTORY: dict[str, Any] = {"oldestBlock": "0x1", "baseFeePerGas": ["0x7"] * 21, "gasUsedRatio": [0.5] * 20}


@pytest.mark.parametrize(
    "change",
    [
        {"baseFeePerGas": ["0x7"] * 500},
        {"baseFeePerGas": ["0x7"]},
        {"baseFeePerGas": []},
        {"reward": [["0x1"]] * 3},
        {"reward": [["0x1"]] * 21},
        {"baseFeePerGas": None},
        {"reward": [7] * 20},
    ],
)
async def test_a_fee_history_of_another_length_is_not_believed(
    change: dict[str, Any], chain: RpcChain, proxy: RpcProxy, backup: RpcProxy
) -> None:
    """As many blocks as asked for at most, and rewards of each of them or of none."""
    proxy.fault = proxy.editing(eth_feeHistory=lambda *_: {**HISTORY, **change})
    await chain.fee_facts()
    assert backup.count("eth_feeHistory") == 2
    assert chain.document()[0]["condition"] == "distrusted"


async def test_a_stale_endpoint_is_outvoted_by_two_others_although_it_looks_fresh(
    chain: RpcChain, proxy: RpcProxy, evm: Evm, clock: FakeClock
) -> None:
    """Fifty blocks behind within a minute, on a fast chain: the others' head counts, and it is not read."""
    stale = await evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 (JSON-RPC)
    await evm.mine(50)
    clock.time = float(await evm.timestamp())
    async with (
        RpcProxy(evm.rpc_url) as second,
        RpcProxy(evm.rpc_url) as third,
        RpcChain.connect([proxy.url, second.url, third.url], clock, chain_id=31337) as three,
    ):
        proxy.fault = proxy.editing(eth_getBlockByNumber=lambda *_: stale)
        assert (await three.head()).number == 70
        assert three.document()[0]["condition"] == "lagging"
        proxy.seen.clear()
        await three.balance(ME)
        assert proxy.seen == []


async def test_a_lone_url_whose_backends_differ_gives_a_head_that_does_not_go_back(
    proxy: RpcProxy, evm: Evm, clock: FakeClock
) -> None:
    """Every second answer is fifty blocks old: the best head seen stays the head."""
    stale = await evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 (JSON-RPC)
    await evm.mine(50)
    turns = iter(range(1000))
    proxy.fault = proxy.editing(eth_getBlockByNumber=lambda _, new: stale if next(turns) % 2 else new)
    async with RpcChain.connect([proxy.url], clock, chain_id=31337) as chain:
        heads = [(await chain.head()).number for _ in range(10)]
    assert heads == [70] * 10
