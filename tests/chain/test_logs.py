"""Log scans: complete whatever ranges an endpoint allows, and nothing in them that was not asked for."""

from typing import Any

import pytest
from aiohttp import web

from plasma_guard.chain import EndpointPool, RpcChain, RpcEndpoint
from plasma_guard.chain.disputes import Disputes
from plasma_guard.chain.logs import MAX_RANGE, LogScanner
from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.primitives import Address, Hash32
from support.clock import FakeClock
from support.node import mined
from support.rpc_proxy import Fault, RpcProxy, log_range_limit, no_batches, results, status

PLACE = Address(b"\xaa" * 20)
OTHER = Address(b"\xbb" * 20)
TOPIC = Hash32(b"\x01" * 32)
OTHER_TOPIC = Hash32(b"\x02" * 32)
LOG_WITH_CALLDATA_AS_TOPIC = "0x60003560006000a100"

REFUSALS: dict[str, tuple[dict[str, object], int]] = {
    "Infura": (
        {"code": -32005, "message": "query returned more than 10000 results. Try with this block range"},
        200,
    ),
    "Alchemy": (
        {
            "code": -32602,
            "message": "Log response size exceeded. You can request up to a 2K block range",
        },
        400,
    ),
    "QuickNode": ({"code": -32614, "message": "eth_getLogs is limited to a 10,000 range"}, 413),
    "Ankr": ({"code": -32000, "message": "block range is too wide"}, 200),
    "Cloudflare": (
        {
            "code": -32047,
            "message": "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800",
        },
        200,
    ),
    "BSC": ({"code": -32000, "message": "exceed maximum block range: 5000"}, 200),
    "LlamaNodes": ({"code": -32602, "message": "query exceeds max block range 1000"}, 200),
    "Chainstack": ({"code": -32602, "message": "Block range limit exceeded. See docs."}, 403),
    "Erigon": ({"code": -32000, "message": "query timeout exceeded"}, 200),
    "Nethermind": ({"code": -32002, "message": "request timed out"}, 200),
}


@pytest.fixture
async def wanted(evm: Evm) -> list[int]:
    """Emit logs on a chain of some 60 blocks; return the blocks with a log of `PLACE` about `TOPIC`."""
    for place in (PLACE, OTHER):
        await evm.rpc("anvil_setCode", str(place), LOG_WITH_CALLDATA_AS_TOPIC)
    blocks = []
    for _ in range(8):
        blocks.append(await emit(evm, PLACE, TOPIC))
        await emit(evm, OTHER, TOPIC)
        await emit(evm, PLACE, OTHER_TOPIC)
        await evm.mine(2)
    return blocks


async def emit(evm: Evm, place: Address, topic: Hash32) -> int:
    fields = {"from": evm.accounts[0].address, "to": str(place), "data": str(topic)}
    receipt = await mined(evm, await evm.rpc("eth_sendTransaction", fields))
    return int(receipt["blockNumber"], 16)


def connect(clock: FakeClock, *urls: str) -> RpcChain:
    return RpcChain.connect(urls, clock, chain_id=31337)


async def scan(chain: RpcChain) -> list[int]:
    last = (await chain.head()).number
    return [log.block_number for log in await chain.logs([PLACE], [TOPIC], 0, last)]


async def test_logs_are_those_of_the_addresses_and_topics(
    wanted: list[int], evm: Evm, clock: FakeClock
) -> None:
    """Nothing of another contract or topic, everything else, in chain order, with all fields."""
    async with connect(clock, evm.rpc_url) as chain:
        assert await scan(chain) == wanted
        (log,) = await chain.logs([PLACE], [TOPIC], wanted[3], wanted[3])
        block = await chain.block(wanted[3])
        assert block is not None
        assert (log.address, log.topics, log.data, log.block_hash) == (PLACE, (TOPIC,), b"", block.hash)
        assert await chain.logs([PLACE], [TOPIC], wanted[3] + 1, wanted[4] - 1) == []
        both = await chain.logs([PLACE, OTHER], [TOPIC, OTHER_TOPIC], 0, wanted[-1] + 2)
        assert len(both) == 24


@pytest.mark.parametrize("limit", [1, 2, 7, 30])
@pytest.mark.parametrize("provider", REFUSALS)
async def test_a_refused_range_is_split_until_it_is_served(
    provider: str, limit: int, wanted: list[int], proxy: RpcProxy, clock: FakeClock
) -> None:
    """In every provider's words, down to one block at a time; nobody is blamed and nothing is missed."""
    error, http_status = REFUSALS[provider]
    proxy.fault = log_range_limit(limit, error, http_status)
    async with connect(clock, proxy.url) as chain:
        assert await scan(chain) == wanted
        assert await scan(chain) == wanted
        assert clock.slept == []
        assert chain.endpoints[0].failures == 0
        assert chain.endpoints[0].endpoint._batches


async def test_a_range_is_split_without_batches_too(
    wanted: list[int], proxy: RpcProxy, clock: FakeClock
) -> None:
    """An endpoint that takes single calls only, and small ranges only, still serves everything."""
    proxy.fault = no_batches(log_range_limit(5, {"code": -32005, "message": "range too large"}))
    async with connect(clock, proxy.url) as chain:
        assert await scan(chain) == wanted


async def test_an_answer_beyond_the_cap_is_split(
    wanted: list[int], proxy: RpcProxy, clock: FakeClock
) -> None:
    """Too many logs for one answer are read in several."""
    async with RpcChain.connect([proxy.url], clock, max_body=2500) as chain:
        assert await scan(chain) == wanted
        assert chain.endpoints[0].endpoint._batches


async def test_a_block_whose_logs_are_refused_is_not_skipped(
    wanted: list[int], proxy: RpcProxy, clock: FakeClock
) -> None:
    """When not even one block is served the scan fails; it never leaves a gap."""
    proxy.fault = log_range_limit(0, {"code": -32005, "message": "query returned more than 10000 results"})
    async with connect(clock, proxy.url) as chain:
        with pytest.raises(ChainUnavailable):
            await chain.logs([PLACE], [TOPIC], 0, wanted[-1])


async def test_the_range_grows_while_answers_are_quick_and_shrinks_while_slow(
    wanted: list[int], evm: Evm, proxy: RpcProxy, clock: FakeClock
) -> None:
    """x2 up to 100,000 blocks when quick; ÷2 when slow; ÷5 when refused or unanswered."""
    pool = EndpointPool([RpcEndpoint(proxy.url)], clock, chain_id=31337)
    scanner = LogScanner(pool, clock, Disputes(clock, None), first_range=4)
    try:
        await scanner.fetch([PLACE], [TOPIC], 0, 59)
        assert scanner.range == 64
        proxy.fault = await a_long_empty_chain(evm)
        await scanner.fetch([PLACE], [TOPIC], 0, 20 * MAX_RANGE)
        assert scanner.range == MAX_RANGE

        async def slow(_: web.Request, __: object) -> None:
            clock.advance(6)

        proxy.fault = slow
        await scanner.fetch([PLACE], [TOPIC], 0, 10)
        assert scanner.range == MAX_RANGE // 2
        proxy.fault = status(503)
        with pytest.raises(ChainUnavailable):
            await scanner.fetch([PLACE], [TOPIC], 0, 10)
        assert scanner.range == MAX_RANGE // 10
    finally:
        await pool.close()


async def test_removed_logs_are_dropped_one_by_one(
    wanted: list[int], evm: Evm, proxy: RpcProxy, clock: FakeClock
) -> None:
    """A log that a reorg removed takes no other log with it."""
    logs = await true_logs(evm)
    logs[2]["removed"] = True
    proxy.fault = await answering(evm, logs)
    async with connect(clock, proxy.url) as chain:
        assert await scan(chain) == [block for block in wanted if block != wanted[2]]


async def test_logs_come_in_chain_order_and_once(
    wanted: list[int], evm: Evm, proxy: RpcProxy, clock: FakeClock
) -> None:
    """Neither the order nor the repetitions of an answer matter."""
    logs = await true_logs(evm)
    proxy.fault = await answering(evm, [*reversed(logs), *logs])
    async with connect(clock, proxy.url) as chain:
        assert await scan(chain) == wanted


@pytest.mark.parametrize(
    "change",
    [
        {"address": str(OTHER)},
        {"topics": [str(OTHER_TOPIC)]},
        {"topics": []},
        {"topics": None},
        {"blockNumber": "0xffffff"},
        {"blockNumber": None},
        {"data": "0x1"},
        {"data": None},
        {"logIndex": 0},
        {"transactionHash": "0x12"},
        {"blockHash": None},
    ],
)
async def test_an_answer_with_a_log_not_asked_for_is_not_believed(
    change: dict[str, object],
    wanted: list[int],
    evm: Evm,
    proxy: RpcProxy,
    backup: RpcProxy,
    clock: FakeClock,
) -> None:
    """One wrong log condemns the whole answer: the next endpoint is asked."""
    logs = await true_logs(evm)
    logs[4] |= change
    proxy.fault = await answering(evm, logs)
    async with connect(clock, proxy.url, backup.url) as chain:
        assert await scan(chain) == wanted
        assert backup.count("eth_getLogs") == 1


@pytest.mark.parametrize("logs", [None, "0x", {}, [None], ["0x"], [[]]])
async def test_logs_of_another_shape_are_not_believed(
    logs: object, wanted: list[int], evm: Evm, proxy: RpcProxy, backup: RpcProxy, clock: FakeClock
) -> None:
    """A list of objects, or the next endpoint is asked."""
    proxy.fault = await answering(evm, logs)
    async with connect(clock, proxy.url, backup.url) as chain:
        assert await scan(chain) == wanted


async def test_a_node_that_has_not_seen_the_last_block_is_not_believed(
    wanted: list[int], evm: Evm, proxy: RpcProxy, backup: RpcProxy, clock: FakeClock
) -> None:
    """Such a node answers with too few logs and no error; its silence is not taken for peace."""
    proxy.fault = results(eth_chainId="0x7a69", eth_getLogs=[], eth_getBlockByNumber=None)
    async with connect(clock, proxy.url, backup.url) as chain:
        assert [log.block_number for log in await chain.logs([PLACE], [TOPIC], 0, wanted[-1])] == wanted
        assert chain.endpoints[0].failures == 0


async def true_logs(evm: Evm) -> list[dict[str, Any]]:
    query = {"fromBlock": "0x0", "toBlock": "latest", "address": str(PLACE), "topics": [str(TOPIC)]}
    logs: list[dict[str, Any]] = await evm.rpc("eth_getLogs", query)
    return logs


async def a_long_empty_chain(evm: Evm) -> Fault:
    """Answer that every block exists and holds no log."""
    head = await evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 : JSON-RPC

    async def fault(_: web.Request, payload: Any) -> web.StreamResponse:
        logs, header = payload
        return web.json_response(
            [
                {"jsonrpc": "2.0", "id": logs["id"], "result": []},
                {"jsonrpc": "2.0", "id": header["id"], "result": {**head, "number": header["params"][0]}},
            ]
        )

    return fault


async def answering(evm: Evm, logs: object) -> Fault:
    """Answer log queries with `logs`, and everything that goes with them truthfully."""
    head = await evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 : JSON-RPC
    return results(eth_chainId="0x7a69", eth_getLogs=logs, eth_getBlockByNumber=head)
