"""What cannot be taken back rests on the word of two endpoints, where there are two."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from plasma_guard.chain import RpcChain
from plasma_guard.chain.disputes import PATIENCE_SECONDS
from plasma_guard.chain.logs import CHECK_BLOCKS, FINAL_BLOCKS
from plasma_guard.chain.receipts import NEWS_SECONDS
from plasma_guard.chain.state import QUARANTINE_SECONDS
from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.domain.primitives import Address, Hash32
from support.clock import FakeClock
from support.node import mined
from support.recorders import RecordedAlerts
from support.rpc_proxy import Fault, RpcProxy, log_range_limit, results, status

PLACE = Address(b"\xaa" * 20)
TOPIC = Hash32(b"\x01" * 32)
LOG_WITH_CALLDATA_AS_TOPIC = "0x60003560006000a100"
DEEP = FINAL_BLOCKS + CHECK_BLOCKS


@pytest.fixture
def alerts() -> RecordedAlerts:
    return RecordedAlerts()


def connect(clock: FakeClock, alerts: RecordedAlerts, *proxies: RpcProxy) -> RpcChain:
    urls = [proxy.url for proxy in proxies]
    return RpcChain.connect(urls, clock, chain_id=31337, deadline=0.5, alerts=alerts)


@pytest.fixture
async def chain(
    proxy: RpcProxy, backup: RpcProxy, clock: FakeClock, alerts: RecordedAlerts
) -> AsyncIterator[RpcChain]:
    """A chain whose trusted endpoint is `proxy`; `backup` comes second."""
    async with connect(clock, alerts, proxy, backup) as running:
        yield running


async def sent(evm: Evm) -> tuple[Hash32, dict[str, Any]]:
    """Have a transaction mined; return its hash and true receipt."""
    fields = {"from": evm.accounts[0].address, "to": str(PLACE), "value": "0x1"}
    tx_hash = await evm.rpc("eth_sendTransaction", fields)
    return Hash32.parse(tx_hash), await mined(evm, tx_hash)


def lying(**by_method: object) -> Fault:
    return results(eth_chainId="0x7a69", **by_method)


async def test_a_receipt_is_confirmed_by_a_second_endpoint_once(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm, alerts: RecordedAlerts
) -> None:
    """One more request per mined transaction, however often it is looked at."""
    tx_hash, _ = await sent(evm)
    for _ in range(5):
        assert await chain.receipt(tx_hash) is not None
    assert (proxy.count("eth_getTransactionReceipt"), backup.count("eth_getTransactionReceipt")) == (5, 1)
    assert alerts.told == []


@pytest.mark.parametrize("liar", ["trusted", "second"])
async def test_a_receipt_that_one_endpoint_denies_is_not_believed(
    liar: str,
    chain: RpcChain,
    proxy: RpcProxy,
    backup: RpcProxy,
    evm: Evm,
    clock: FakeClock,
    alerts: RecordedAlerts,
) -> None:
    """Nothing follows from it; when that lasts, a person reads both names and the transaction."""
    tx_hash, _ = await sent(evm)
    (proxy if liar == "trusted" else backup).fault = lying(eth_getTransactionReceipt=None)
    with pytest.raises(ChainUnavailable, match="is not mined"):
        await chain.receipt(tx_hash)
    assert alerts.told == []
    clock.advance(PATIENCE_SECONDS)
    with pytest.raises(ChainUnavailable):
        await chain.receipt(tx_hash)
    ((key, severity, words),) = alerts.told
    assert (key, severity) == (f"endpoints/disagree/receipt/{tx_hash}", Severity.CRITICAL)
    assert proxy.url in words
    assert backup.url in words
    proxy.fault = backup.fault = None
    assert await chain.receipt(tx_hash) is not None
    assert key in alerts.cleared


@pytest.mark.parametrize("change", [{"status": "0x0"}, {"blockHash": "0x" + "33" * 32}])
async def test_a_receipt_with_another_outcome_is_not_believed(
    change: dict[str, str], chain: RpcChain, proxy: RpcProxy, evm: Evm
) -> None:
    """Success, failure and place must be the same at both."""
    tx_hash, true = await sent(evm)
    proxy.fault = lying(eth_getTransactionReceipt={**true, **change})
    with pytest.raises(ChainUnavailable, match="nothing rests on one word"):
        await chain.receipt(tx_hash)


async def test_a_fake_receipt_of_a_transaction_never_mined_is_not_believed(
    chain: RpcChain, proxy: RpcProxy, evm: Evm
) -> None:
    """An invented success would end the sending."""
    _, true = await sent(evm)
    invented = Hash32(b"\x77" * 32)
    proxy.fault = lying(eth_getTransactionReceipt={**true, "transactionHash": str(invented)})
    with pytest.raises(ChainUnavailable, match="is not mined"):
        await chain.receipt(invented)


async def test_a_receipt_in_a_block_that_nobody_else_has_waits_for_that_block(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm, clock: FakeClock, alerts: RecordedAlerts
) -> None:
    """A second endpoint that is a block late is waited for; an invented block from the future is told."""
    tx_hash, true = await sent(evm)
    backup.fault = lying(eth_getTransactionReceipt=None, eth_getBlockByNumber=None)
    with pytest.raises(ChainUnavailable, match="a block that"):
        await chain.receipt(tx_hash)
    backup.fault = None
    assert await chain.receipt(tx_hash) is not None
    invented = Hash32(b"\x77" * 32)
    future = {"transactionHash": str(invented), "blockNumber": "0xffff"}
    proxy.fault = lying(eth_getTransactionReceipt={**true, **future})
    with pytest.raises(ChainUnavailable):
        await chain.receipt(invented)
    clock.advance(NEWS_SECONDS)
    with pytest.raises(ChainUnavailable):
        await chain.receipt(invented)
    assert alerts.keys == {f"endpoints/disagree/receipt/{invented}"}
    assert all(proxy.url in words and backup.url in words for _, _, words in alerts.told)


async def test_a_majority_settles_it_and_the_outvoted_endpoint_is_quarantined(
    proxy: RpcProxy, backup: RpcProxy, evm: Evm, clock: FakeClock, alerts: RecordedAlerts
) -> None:
    """With three nobody waits: the liar is named, and read from no more."""
    _, true = await sent(evm)
    invented = Hash32(b"\x77" * 32)
    async with RpcProxy(evm.rpc_url) as third, connect(clock, alerts, proxy, backup, third) as chain:
        proxy.fault = lying(eth_getTransactionReceipt={**true, "transactionHash": str(invented)})
        assert await chain.receipt(invented) is None
        assert f"endpoints/disagree/receipt/{invented}" in alerts.keys
        assert f"endpoint/{proxy.url}" in alerts.keys
        assert chain.document()[0]["condition"] == "distrusted"
        proxy.seen.clear()
        assert await chain.balance(PLACE) == 1
        assert proxy.seen == []
        clock.advance(QUARANTINE_SECONDS)
        proxy.fault = None
        assert await chain.balance(PLACE) == 1
        assert chain.document()[0] == {"endpoint": proxy.url, "condition": "ok", "problem": None}


@pytest.mark.parametrize("fault", ["down", "behind", "alone"])
async def test_where_nobody_else_can_tell_one_word_counts(
    fault: str, proxy: RpcProxy, backup: RpcProxy, evm: Evm, clock: FakeClock, alerts: RecordedAlerts
) -> None:
    """One usable endpoint is as good as one endpoint."""
    tx_hash, _ = await sent(evm)
    backup.fault = status(503) if fault == "down" else lying(eth_getTransactionReceipt=None)
    async with connect(clock, alerts, *([proxy] if fault == "alone" else [proxy, backup])) as chain:
        chain.endpoints[-1].lagging = fault == "behind"
        assert await chain.receipt(tx_hash) is not None
    assert not [key for key in alerts.keys if "disagree" in key]


async def test_a_receipt_that_a_lagging_backend_lacks_is_no_reorg(
    proxy: RpcProxy, evm: Evm, clock: FakeClock, alerts: RecordedAlerts
) -> None:
    """Behind one URL nodes differ: only another block in its place takes a receipt away."""
    tx_hash, true = await sent(evm)
    async with connect(clock, alerts, proxy) as chain:
        assert await chain.receipt(tx_hash) is not None
        turns = iter(range(100))
        proxy.fault = proxy.editing(
            eth_getTransactionReceipt=lambda _, receipt: None if next(turns) % 3 < 2 else receipt
        )
        for _ in range(3):
            assert await chain.receipt(tx_hash) is not None
        proxy.fault = None
        await evm.reorg(1)
        now = await evm.rpc("eth_getBlockByNumber", true["blockNumber"], False)  # noqa: FBT003 (JSON-RPC)
        assert now["hash"] != true["blockHash"]
        assert await chain.receipt(tx_hash) is None


@pytest.fixture
async def lone_log(evm: Evm) -> int:
    """Emit one log, bury it deep, and return its block."""
    await evm.rpc("anvil_setCode", str(PLACE), LOG_WITH_CALLDATA_AS_TOPIC)
    fields = {"from": evm.accounts[0].address, "to": str(PLACE), "data": str(TOPIC)}
    receipt = await mined(evm, await evm.rpc("eth_sendTransaction", fields))
    await evm.mine(DEEP)
    return int(receipt["blockNumber"], 16)


async def scan(chain: RpcChain, first: int = 0) -> list[int]:
    last = (await chain.head()).number
    return [log.block_number for log in await chain.logs([PLACE], [TOPIC], first, last)]


@pytest.mark.parametrize("limit", [None, 3])
async def test_silence_about_final_blocks_is_compared_and_the_union_used(
    limit: int | None,
    chain: RpcChain,
    proxy: RpcProxy,
    backup: RpcProxy,
    alerts: RecordedAlerts,
    lone_log: int,
) -> None:
    """What one endpoint hides another one shows, again and again until both agree; ranges may be small."""
    proxy.fault = proxy.editing(eth_getLogs=lambda *_: [])
    if limit:
        backup.fault = log_range_limit(limit, {"code": -32005, "message": "range too large"})
    for _ in range(3):
        assert await scan(chain) == [lone_log]
    ((key, severity, words), *_) = alerts.told
    assert (key, severity) == ("endpoints/disagree/logs", Severity.CRITICAL)
    assert proxy.url in words
    assert backup.url in words
    assert str(lone_log) in words


async def test_silence_is_compared_once_per_stretch_of_final_blocks(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm, alerts: RecordedAlerts
) -> None:
    """A window that follows the head costs one more request per 16 blocks, not one per look."""
    await evm.mine(DEEP)
    for _ in range(2 * CHECK_BLOCKS):
        await evm.mine()
        head = (await chain.head()).number
        assert await scan(chain, head - 2 * FINAL_BLOCKS + 1) == []
    assert proxy.count("eth_getLogs") == 2 * CHECK_BLOCKS
    assert 2 <= backup.count("eth_getLogs") <= 3
    assert alerts.told == []


async def test_silence_about_young_blocks_is_not_compared(
    chain: RpcChain, backup: RpcProxy, evm: Evm
) -> None:
    """They are read again when they are older."""
    head = (await chain.head()).number
    await evm.mine(FINAL_BLOCKS)
    assert await scan(chain, head) == []
    assert backup.count("eth_getLogs") == 0


async def test_silence_that_nobody_else_can_judge_is_believed_and_questioned_again(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, lone_log: int
) -> None:
    """With one usable endpoint nothing changes; as soon as there is another, the lie comes out."""
    proxy.fault = proxy.editing(eth_getLogs=lambda *_: [])
    backup.fault = status(503)
    assert await scan(chain) == []
    backup.fault = None
    assert await scan(chain) == [lone_log]
