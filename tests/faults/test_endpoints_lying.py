"""Endpoints that lag, change chains or lie: the guard finds out, says who it is, and acts on what is true."""

from pathlib import Path
from typing import Any

from aiohttp import web

from support.arena import Arena, Guard, running
from support.endpoints import behind, condition, guard_of
from support.rpc_proxy import RpcProxy, results, status
from support.until import until
from support.watcher_proxy import WatcherProxy

LAG = 50
OTHER_CHAIN = results(eth_chainId="0x5", eth_getBalance="0xffff", eth_getLogs=[])
HEAD = "plasma_guard_head_block"


async def test_a_healthy_endpoint_fifty_blocks_behind_is_outvoted(
    net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 8: the trusted one is stale: head and deadline are those of the others, and it is not read."""
    async with RpcProxy(net.connection.rpc_url) as second, RpcProxy(net.connection.rpc_url) as third:
        guard = guard_of(net, tmp_path / "guard", rpc, second, third)
        async with running(guard):
            stuck_at = (await net.people.chain.head()).number
            rpc.fault = behind(rpc, stuck_at)

            async def went_on() -> bool:
                return (await guard.metrics())[HEAD] >= stuck_at + LAG

            await until(went_on, "the head goes on without the stale endpoint")
            assert await condition(guard, rpc) == "lagging"
            await net.fraud()
            await guard.won()
            assert (await guard.metrics()).get("plasma_guard_tx_reorged_total", 0) == 0
    assert (await net.spent()).transactions == 1


async def test_a_head_that_goes_back_and_forth_is_no_reorg(net: Arena, rpc: RpcProxy, tmp_path: Path) -> None:
    """Fault 8: of two nodes behind one URL one is stale: the head stays, and nothing is sent twice."""
    guard = guard_of(net, tmp_path / "guard", rpc)
    async with running(guard):
        turns = iter(range(10**9))

        async def either(request: web.Request, payload: Any) -> web.StreamResponse | None:
            if next(turns) % 2:
                return None
            head = int(await net.evm.rpc("eth_blockNumber"), 16)
            return await behind(rpc, head - LAG)(request, payload)

        rpc.fault = either
        await net.fraud()
        seen = [(await guard.metrics())[HEAD]]

        async def watched() -> bool:
            seen.append((await guard.metrics())[HEAD])
            return "won by us" in await guard.closures()

        await until(watched, "the case is won", patience=60)
        assert seen == sorted(seen)
        assert (await guard.metrics()).get("plasma_guard_tx_reorged_total", 0) == 0
        assert not [line for line in guard.lines if "reorg" in str(line.get("event", ""))]
    assert (await net.spent()).transactions == 1


async def test_an_endpoint_of_another_chain_is_quarantined_from_the_start(
    net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 9: nothing but its chain id is asked, nothing signed reaches it, and the other one serves."""
    rpc.fault = OTHER_CHAIN
    async with RpcProxy(net.connection.rpc_url) as second:
        guard = guard_of(net, tmp_path / "guard", rpc, second)
        async with running(guard):
            await net.fraud()
            await guard.won()
            assert await condition(guard, rpc) == "other_chain"
            (alert, *_) = guard.alerts(f"endpoint/{rpc.url}")
            assert "serves chain 5, expected 31337" in str(alert)
    assert set(rpc.seen) == {"eth_chainId"}
    assert (await net.spent()).transactions == 1


async def test_a_failover_to_another_chain_is_noticed_before_anything_is_sent(
    net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 9: the URL fails and comes back elsewhere: its balances are not believed, our bytes stay away."""
    async with RpcProxy(net.connection.rpc_url) as second:
        guard = guard_of(net, tmp_path / "guard", rpc, second)
        async with running(guard):
            rpc.fault = status(502)
            await guard.heard("endpoint failed")
            rpc.fault = OTHER_CHAIN
            rpc.seen.clear()
            await net.fraud()
            await guard.won()

            async def found_out() -> bool:
                return await condition(guard, rpc) == "other_chain"

            await until(found_out, "the failover is noticed")
            assert rpc.count("eth_sendRawTransaction") == 0
            assert rpc.count("eth_getBalance") == 0
    assert (await net.spent()).transactions == 1


async def test_a_guard_whose_endpoints_are_all_of_another_chain_refuses_to_start(
    net: Arena, rpc: RpcProxy, tmp_path: Path
) -> None:
    """Fault 9: it ends at once, and says both ids and what to correct."""
    rpc.fault = OTHER_CHAIN
    async with RpcProxy(net.connection.rpc_url) as second:
        second.fault = OTHER_CHAIN
        guard = guard_of(net, tmp_path / "guard", rpc, second)
        await guard.start()
        assert await guard.died() == 2
        said = " ".join(guard.tail)
        assert "serves chain 5, expected 31337" in said
        assert "root_chain.chain_id" in said
    assert (await net.spent()).transactions == 0


async def test_an_endpoint_that_hides_all_logs_hides_no_exit(
    net: Arena, rpc: RpcProxy, watcher: WatcherProxy, tmp_path: Path
) -> None:
    """Fault 10: the trusted endpoint withholds logs, the Watcher its list: the second shows the fraud."""

    def silence(path: str, _: Any, answer: Any) -> Any:
        if path == "/status.get":
            answer["data"]["byzantine_events"] = []
        return answer

    watcher.rewrite = silence
    rpc.fault = rpc.editing(eth_getLogs=lambda *_: [])
    fraud = await net.fraud()
    await net.reported(fraud)
    async with RpcProxy(net.connection.rpc_url) as second:
        urls = f"{rpc.url},{second.url}"
        env = {"PLASMA_GUARD_ROOT_CHAIN__RPC": urls}
        guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard", env=env)
        async with running(guard):
            await guard.won()
            (alert, *_) = guard.alerts("endpoints/disagree/logs")
            assert alert["severity"] == "critical"
            assert rpc.url in str(alert)
            assert second.url in str(alert)
    assert (await net.spent()).transactions == 1


async def test_an_invented_receipt_settles_nothing(net: Arena, rpc: RpcProxy, tmp_path: Path) -> None:
    """Fault 10: mined, the trusted endpoint lies: no outcome until both say so, then the true one."""
    fraud = await net.fraud()
    await net.reported(fraud)
    await net.hold()
    async with RpcProxy(net.connection.rpc_url) as second:
        guard = guard_of(net, tmp_path / "guard", rpc, second)
        async with running(guard, ready=False):
            await guard.heard("signed")
            (signed,) = guard.said("signed")
            block = await net.evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 (JSON-RPC)
            invented = {
                "transactionHash": signed["tx"],
                "blockNumber": hex(int(block["number"], 16) - 3),
                "blockHash": block["parentHash"],
                "status": "0x1",
                "gasUsed": "0x5208",
                "effectiveGasPrice": "0x1",
            }
            rpc.fault = rpc.editing(
                eth_getTransactionReceipt=lambda params, _: invented if params == [signed["tx"]] else None,
                eth_getTransactionCount=lambda *_: "0x1",
            )
            await guard.alerted(f"endpoints/disagree/receipt/{signed['tx']}")
            assert not guard.said("mined")
            assert await guard.closures() == ["open"]
            rpc.fault = None
            await net.release()
            await guard.won()
    assert (await net.spent()).transactions == 1


async def test_a_denied_receipt_sends_nothing_twice(net: Arena, rpc: RpcProxy, tmp_path: Path) -> None:
    """Fault 10: not mined, the trusted endpoint lies: nothing else is signed, and a person is told."""
    async with RpcProxy(net.connection.rpc_url) as second:
        guard = guard_of(net, tmp_path / "guard", rpc, second)
        async with running(guard):
            rpc.fault = rpc.editing(eth_getTransactionReceipt=lambda *_: None)
            fraud = await net.fraud()
            await net.challenged(fraud)
            await guard.alerted("endpoints/disagree/receipt/")
            assert len(guard.said("signed")) == 1
            rpc.fault = None
            await guard.won()
    assert (await net.spent()).transactions == 1


async def test_a_simulation_that_always_succeeds_spends_nothing_without_proof(
    net: Arena, rpc: RpcProxy, watcher: WatcherProxy, tmp_path: Path
) -> None:
    """Fault 10: an estimate that says ok does not make up for evidence that proves nothing."""

    def lie(path: str, _: Any, answer: Any) -> Any:
        if path == "/utxo.get_challenge_data":
            answer["data"]["sig"] = "0x" + "11" * 65
        return answer

    watcher.rewrite = lie
    rpc.fault = rpc.editing(eth_estimateGas=lambda *_: "0x30d40")
    await net.fraud()
    guard = Guard(net.through(watcher=watcher.url, rpc=rpc.url), tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("held: evidence that proves nothing")
        assert (await net.spent()).transactions == 0
        watcher.rewrite = None
        await guard.won()
    assert (await net.spent()).transactions == 1
