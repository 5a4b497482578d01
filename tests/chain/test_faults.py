"""What RpcChain does when endpoints fail; the node behind the proxies is real."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from eth_account import Account

from plasma_guard.chain import RpcChain
from plasma_guard.chain.endpoints import PROBE_SECONDS, ROUNDS
from plasma_guard.chain.state import MAX_REQUESTS, QUARANTINE_SECONDS
from plasma_guard.devnet.evm import Evm, EvmOptions
from plasma_guard.domain.errors import CallReverted, ChainUnavailable, OtherChain
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.domain.transactions import Accepted, Rejected
from plasma_guard.ports import Call
from plasma_guard.sender.node_errors import NodeError, classify
from support.clock import FakeClock
from support.node import mined
from support.rpc_proxy import (
    Fault,
    Flood,
    RpcProxy,
    dripping,
    errors,
    hang_up,
    html,
    no_batches,
    raw,
    redirect,
    results,
    status,
)

ME = Address(b"\xaa" * 20)
BODY_CAP = 2**20


def connect(clock: FakeClock, *urls: str, chain_id: int | None = 31337) -> RpcChain:
    return RpcChain.connect(urls, clock, chain_id=chain_id, deadline=0.3, max_body=BODY_CAP)


@pytest.fixture
async def chain(proxy: RpcProxy, backup: RpcProxy, clock: FakeClock) -> AsyncIterator[RpcChain]:
    """A chain whose trusted endpoint is `proxy`; `backup` comes second."""
    async with connect(clock, proxy.url, backup.url) as running:
        yield running


FAULTS: dict[str, Callable[[RpcProxy], Fault]] = {
    "HTTP 429": lambda _: status(429),
    "HTTP 429 with a JSON body": lambda _: status(429, {"error": {"code": -32005, "message": "slow down"}}),
    "HTTP 500": lambda _: status(500),
    "HTTP 502": lambda _: status(502),
    "HTTP 403": lambda _: status(403),
    "HTTP 413": lambda _: status(413),
    "HTML with HTTP 200": lambda _: html(),
    "redirect": lambda _: redirect("http://127.0.0.1:1/"),
    "hangs up": lambda _: hang_up(),
    "never answers": lambda proxy: proxy.silence(),
    "answers one byte": lambda proxy: dripping(proxy.closing),
    "200 MB": lambda _: Flood(200 * 2**20),
    "empty body": lambda _: raw(b""),
    "truncated": lambda _: raw(b'{"jsonrpc":"2.0","id":1,"resu'),
    "not UTF-8": lambda _: raw(b'{"jsonrpc":"2.0","id":1,"result":"\xff\xfe"}'),
    "a list": lambda _: raw(b"[]"),
    "a number": lambda _: raw(b"7"),
    "null": lambda _: raw(b"null"),
    "no result": lambda _: raw(b'{"jsonrpc":"2.0","id":1}'),
    "deeply nested": lambda _: raw(b"[" * 200_000),
    "error without shape": lambda _: raw(b'{"jsonrpc":"2.0","id":1,"error":"no"}'),
    "rate limit in words": lambda _: errors(
        eth_getBalance={"code": -32005, "message": "daily request count exceeded, request rate limited"}
    ),
    "internal error": lambda _: errors(eth_getBalance={"code": -32603, "message": "Internal error"}),
    "wrong type": lambda _: results(eth_getBalance=12),
    "not hex": lambda _: results(eth_getBalance="0xzz"),
    "empty hex": lambda _: results(eth_getBalance="0x"),
    "too large a number": lambda _: results(eth_getBalance="0x" + "f" * 65),
    "null result": lambda _: results(eth_getBalance=None),
    "wrong chain": lambda _: results(eth_chainId="0x5"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_another_endpoint_answers_when_the_trusted_one_fails(
    name: str, chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, clock: FakeClock
) -> None:
    """Whatever the trusted endpoint does instead of answering, the next one is asked at once."""
    proxy.fault = FAULTS[name](proxy)
    assert await chain.balance(ME) == 0
    assert backup.count("eth_getBalance") == 1
    assert clock.slept == []
    assert chain.endpoints[0].problem is not None


@pytest.mark.parametrize("name", FAULTS)
async def test_a_lone_failing_endpoint_is_asked_a_bounded_number_of_times(
    name: str, proxy: RpcProxy, clock: FakeClock
) -> None:
    """No tight loop: a few tries with growing jittered waits, then an error that names no secret."""
    proxy.fault = FAULTS[name](proxy)
    async with connect(clock, proxy.url + "/?key=s3cret") as chain:
        with pytest.raises(ChainUnavailable) as failed:
            await chain.balance(ME)
        assert len(proxy.seen) <= 2 * ROUNDS
        assert proxy.url in str(failed.value)
        assert "s3cret" not in str(failed.value)
        if name == "wrong chain":  # waiting does not turn it into the right one
            assert isinstance(failed.value, OtherChain)
            assert clock.slept == []
            return
        assert len(clock.slept) == ROUNDS - 1
        assert 0.25 <= clock.slept[0] <= 0.75 <= 1.5 * clock.slept[1]


async def test_another_block_than_asked_for_is_not_believed(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm
) -> None:
    """An answer must repeat the height of the question."""
    newest = await evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 : JSON-RPC
    proxy.fault = results(eth_chainId="0x7a69", eth_getBlockByNumber=newest)
    found = await chain.block(5)
    assert found is not None
    assert found.number == 5


async def test_a_redirect_is_not_followed(proxy: RpcProxy, backup: RpcProxy, clock: FakeClock) -> None:
    """Where a request goes is the configuration's business, not a server's."""
    proxy.fault = redirect(backup.url)
    async with connect(clock, proxy.url) as chain:
        with pytest.raises(ChainUnavailable):
            await chain.balance(ME)
    assert backup.seen == []


async def test_a_huge_answer_is_not_read_to_its_end(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy
) -> None:
    """Of 200 MB only about the cap is taken; what TCP buffers may add a little."""
    proxy.fault = flood = Flood(200 * 2**20)
    assert await chain.balance(ME) == 0
    assert flood.sent < 20 * BODY_CAP


async def test_the_cap_counts_decompressed_bytes(chain: RpcChain, proxy: RpcProxy, backup: RpcProxy) -> None:
    """A small compressed body that grows beyond the cap is refused."""
    bomb = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":"0x0"' + b" " * 50 * BODY_CAP + b"}")

    async def fault(_: web.Request, __: object) -> web.Response:
        return web.Response(
            body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )

    proxy.fault = fault
    assert await chain.balance(ME) == 0
    assert chain.endpoints[0].problem is not None
    assert backup.count("eth_getBalance") == 1


async def test_three_failures_pause_an_endpoint_for_a_minute(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, clock: FakeClock
) -> None:
    """A paused endpoint is left alone, and is the first choice again afterwards."""
    proxy.fault = status(503)
    for _ in range(5):
        assert await chain.balance(ME) == 0
    assert len(proxy.seen) == 3
    proxy.fault = None
    clock.advance(59)
    await chain.balance(ME)
    assert len(proxy.seen) == 3
    clock.advance(1)
    await chain.balance(ME)
    assert proxy.count("eth_getBalance") == 1


async def test_when_every_endpoint_rests_one_is_still_tried_now_and_then(
    proxy: RpcProxy, clock: FakeClock
) -> None:
    """A deadline does not wait for a pause to end: every few seconds there is a probe, not a loop."""
    async with connect(clock, proxy.url) as chain:
        proxy.fault = status(503)
        with pytest.raises(ChainUnavailable):
            await chain.balance(ME)
        asked = len(proxy.seen)
        for _ in range(20):
            with pytest.raises(ChainUnavailable):
                await chain.balance(ME)
        assert len(proxy.seen) - asked < 20
        clock.advance(PROBE_SECONDS)
        proxy.fault = None
        assert await chain.balance(ME) == 0


async def test_an_endpoint_on_another_chain_is_quarantined(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, clock: FakeClock
) -> None:
    """Nothing but its chain id is asked of it, no transaction reaches it, and much later it gets a chance."""
    proxy.fault = results(eth_chainId="0x1")
    for _ in range(5):
        await chain.balance(ME)
        await chain.head()
    answer = await chain.broadcast(b"\x01")
    assert isinstance(answer, Rejected)
    assert proxy.seen == ["eth_chainId"]
    proxy.fault = None
    clock.advance(QUARANTINE_SECONDS)
    await chain.head()
    await chain.balance(ME)
    assert proxy.count("eth_getBalance") == 1


async def test_no_endpoint_on_the_right_chain_is_said_with_both_ids(
    proxy: RpcProxy, backup: RpcProxy, clock: FakeClock
) -> None:
    """The operator reads which chain was found and which was expected."""
    async with connect(clock, proxy.url, backup.url, chain_id=1) as chain:
        with pytest.raises(ChainUnavailable, match="serves chain 31337, expected 1"):
            await chain.chain_id()


async def test_a_failover_to_another_chain_is_noticed(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy
) -> None:
    """After a failure the endpoint must name its chain again before it is believed."""
    assert await chain.balance(ME) == 0
    assert backup.seen == []
    proxy.fault = status(502)
    await chain.balance(ME)
    proxy.fault = results(eth_chainId="0x5", eth_getBalance="0xffff")
    assert await chain.balance(ME) == 0


async def test_an_endpoint_days_behind_is_not_read_from(clock: FakeClock, proxy: RpcProxy) -> None:
    """Head and reads come from the current endpoint; the stale one still gets broadcasts."""
    async with (
        Evm(EvmOptions(start_timestamp=1_600_000_000)) as stale,
        RpcProxy(stale.rpc_url) as behind,
        connect(clock, behind.url, proxy.url) as chain,
    ):
        clock.time = 1_700_000_000.0
        head = await chain.head()
        assert head.number == 20
        behind.seen.clear()
        await chain.balance(ME)
        assert behind.seen == []
        await chain.broadcast(b"\x01")
        assert behind.seen == ["eth_sendRawTransaction"]


async def test_a_fresh_trusted_head_is_believed_over_a_farther_one(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm, clock: FakeClock
) -> None:
    """A less trusted endpoint cannot take over by claiming blocks from the future."""
    clock.time = await evm.timestamp() + 30.0
    block = await evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 : JSON-RPC
    backup.fault = results(eth_chainId="0x7a69", eth_getBlockByNumber={**block, "number": "0xffffff"})
    assert (await chain.head()).number == 20


async def test_an_endpoint_that_lacks_the_pinned_block_is_passed_over(
    clock: FakeClock, proxy: RpcProxy
) -> None:
    """Not knowing a block is lag, not a fault: the next endpoint answers, and nobody is paused."""
    async with connect(clock, proxy.url) as current:
        head = await current.head()
    async with (
        Evm(EvmOptions(start_timestamp=1_600_000_000)) as stale,
        RpcProxy(stale.rpc_url) as behind,
        connect(clock, behind.url, proxy.url) as chain,
    ):
        for _ in range(5):
            assert await chain.call(Call(ME, b""), head) == b""
        assert behind.count("eth_call") == 5
        assert chain.endpoints[0].failures == 0


async def test_one_endpoint_alone_cannot_veto_a_simulation(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy
) -> None:
    """A call that another current endpoint lets through is not refused; a read has no second opinion."""
    refusal = {"code": 3, "message": "execution reverted: no", "data": "0x"}
    proxy.fault = errors(eth_call=refusal, eth_estimateGas=refusal)
    await chain.chain_id()
    simulation = Call(ME, b"", sender=ME)
    assert await chain.call(simulation) == b""
    assert await chain.estimate_gas(simulation) == 21_000
    with pytest.raises(CallReverted):
        await chain.call(Call(ME, b""))
    backup.fault = proxy.fault
    for method in (chain.call, chain.estimate_gas):
        with pytest.raises(CallReverted, match="no"):
            await method(simulation)


async def test_a_crowd_of_requests_is_not_taken_for_silence(proxy: RpcProxy, clock: FakeClock) -> None:
    """Requests wait for their turn outside the deadline, and only so many are under way at once."""
    waiting, most = 0, 0

    async def slow(_: web.Request, __: object) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.1)  # the fault: all turns together take longer than the deadline
        waiting -= 1

    async with RpcChain.connect([proxy.url], clock, chain_id=31337, deadline=2) as chain:
        await chain.chain_id()
        proxy.fault = slow
        found = await asyncio.gather(*(chain.block(number % 20) for number in range(30 * MAX_REQUESTS)))
        assert None not in found
        assert most <= MAX_REQUESTS
        assert chain.endpoints[0].problem is None


async def test_a_crowd_does_not_queue_up_before_a_dead_endpoint(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy
) -> None:
    """Once it is paused, those still waiting for it go on to the next endpoint."""
    await chain.chain_id()
    proxy.fault = proxy.silence()
    found = await asyncio.gather(*(chain.block(number % 20) for number in range(300)))
    assert None not in found
    assert len(proxy.seen) < 3 * MAX_REQUESTS


async def test_calls_are_sent_singly_to_an_endpoint_without_batches(
    proxy: RpcProxy, clock: FakeClock
) -> None:
    """A refused batch is asked again one by one, and no batch is tried after that."""
    batches = 0
    refuse = no_batches()

    async def counting(request: web.Request, payload: object) -> web.StreamResponse | None:
        nonlocal batches
        batches += isinstance(payload, list)
        return await refuse(request, payload)

    proxy.fault = counting
    async with connect(clock, proxy.url) as chain:
        assert await chain.call_many([Call(ME, b"")] * 3) == [b""] * 3
        assert await chain.call_many([Call(ME, b"")] * 3) == [b""] * 3
    assert batches == 1


@pytest.mark.parametrize(
    "fault",
    [
        html(),
        raw(b"[]"),
        raw(b'[{"id":7,"result":"0x01"}]'),
        raw(b'[{"id":7,"result":"0x01"},{"id":7,"result":"0x02"},{"id":8,"result":"0x03"}]'),
        raw(b'[{"id":[],"result":"0x01"},{"id":{},"result":"0x02"},7]'),
        status(400),
    ],
)
async def test_a_batch_answered_with_nonsense_does_not_mix_up_calls(
    fault: Fault, proxy: RpcProxy, clock: FakeClock
) -> None:
    """Too few answers, or answers to other questions, are never assigned to calls."""

    async def only_batches(request: web.Request, payload: object) -> web.StreamResponse | None:
        return await fault(request, payload) if isinstance(payload, list) else None

    proxy.fault = only_batches
    async with connect(clock, proxy.url) as chain:
        assert await chain.call_many([Call(ME, b"")] * 3) == [b""] * 3


def transfer(evm: Evm) -> bytes:
    fields = {
        "chainId": 31337,
        "nonce": 0,
        "gas": 21_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
        "value": 1,
        "to": bytes(20),
    }
    return bytes(Account.from_key(evm.accounts[0].private_key).sign_transaction(fields).raw_transaction)


@pytest.mark.parametrize("name", list(FAULTS)[: list(FAULTS).index("error without shape")])
async def test_a_broadcast_reaches_every_endpoint_exactly_once(
    name: str, chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm
) -> None:
    """One failing endpoint neither stops nor repeats the broadcast."""
    await chain.chain_id()
    await chain.balance(ME)
    proxy.fault = FAULTS[name](proxy)
    answer = await chain.broadcast(transfer(evm))
    assert answer == Accepted((backup.url,))
    assert backup.count("eth_sendRawTransaction") == 1
    assert proxy.count("eth_sendRawTransaction") == 1


async def test_one_endpoint_that_knows_it_outweighs_another_that_refuses_it(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy
) -> None:
    """Every refusal comes out, in order of trust, so that the sender finds the one that means success."""
    await chain.chain_id()
    proxy.fault = errors(eth_sendRawTransaction={"code": -32603, "message": "Internal error"})
    backup.fault = errors(eth_sendRawTransaction={"code": -32000, "message": "already known"})
    answer = await chain.broadcast(b"\x01")
    assert answer == Rejected(-32603, "Internal error", others=(Rejected(-32000, "already known"),))
    assert isinstance(answer, Rejected)
    assert classify(answer) is NodeError.ALREADY_KNOWN


async def test_an_endpoint_that_lags_gets_broadcasts_and_one_on_another_chain_never(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm
) -> None:
    """A stale node still gossips; a foreign one would only learn what we sign."""
    await chain.chain_id()
    chain.endpoints[0].lagging = True
    backup.fault = results(eth_chainId="0x1")
    assert await chain.broadcast(transfer(evm)) == Accepted((proxy.url,))
    assert backup.seen == ["eth_chainId"]


async def test_a_wrong_hash_is_not_an_acceptance(proxy: RpcProxy, clock: FakeClock, evm: Evm) -> None:
    """An endpoint that returns another hash may have thrown the transaction away."""
    proxy.fault = results(eth_chainId="0x7a69", eth_sendRawTransaction="0x" + "11" * 32)
    async with connect(clock, proxy.url) as chain:
        with pytest.raises(ChainUnavailable, match="eth_sendRawTransaction"):
            await chain.broadcast(transfer(evm))


async def test_a_paused_endpoint_still_gets_broadcasts(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm
) -> None:
    """More ears for a transaction are worth a request."""
    proxy.fault = status(503)
    for _ in range(3):
        await chain.balance(ME)
    proxy.fault = None
    answer = await chain.broadcast(transfer(evm))
    assert isinstance(answer, Accepted)
    assert proxy.count("eth_sendRawTransaction") == 1


async def test_an_http_error_with_a_json_rpc_body_is_the_nodes_answer(
    proxy: RpcProxy, clock: FakeClock
) -> None:
    """Some providers send the node's refusal with HTTP 400; its words reach the sender."""
    proxy.fault = status(
        400, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "nonce too low"}}
    )
    async with connect(clock, proxy.url) as chain:
        proxy.fault, refusal = None, proxy.fault
        await chain.chain_id()
        proxy.fault = refusal
        assert await chain.broadcast(b"\x01") == Rejected(-32000, "nonce too low")


async def test_a_receipt_missing_at_one_endpoint_is_found_at_another(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm
) -> None:
    """The null of a node that is known to lag does not hide a mined transaction."""
    sent = await evm.rpc("eth_sendRawTransaction", "0x" + transfer(evm).hex())
    await mined(evm, sent)
    proxy.fault = results(eth_chainId="0x7a69", eth_getTransactionReceipt=None)
    chain.endpoints[0].lagging = True
    receipt = await chain.receipt(Hash32.parse(sent))
    assert receipt is not None
    assert receipt.success


@pytest.mark.parametrize(
    "change",
    [
        {"transactionHash": "0x" + "22" * 32},
        {"status": "0x2"},
        {"status": None},
        {"blockNumber": "latest"},
        {"blockHash": "0x12"},
        {"gasUsed": -1},
    ],
)
async def test_a_receipt_of_another_shape_is_not_believed(
    change: dict[str, object], chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm
) -> None:
    """A receipt must be of the transaction asked for and say plainly whether it succeeded."""
    sent = await evm.rpc("eth_sendRawTransaction", "0x" + transfer(evm).hex())
    true = await mined(evm, sent)
    proxy.fault = results(eth_chainId="0x7a69", eth_getTransactionReceipt={**true, **change})
    receipt = await chain.receipt(Hash32.parse(sent))
    assert receipt is not None
    assert receipt.block_hash == Hash32.parse(true["blockHash"])
    assert backup.count("eth_getTransactionReceipt") == 1


async def test_calldata_missing_at_one_endpoint_is_found_at_another(
    chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm
) -> None:
    """A lagging node's null does not hide a transaction; one that nobody knows has none."""
    sent = await evm.rpc("eth_sendRawTransaction", "0x" + transfer(evm).hex())
    await mined(evm, sent)
    proxy.fault = results(eth_chainId="0x7a69", eth_getTransactionByHash=None)
    assert await chain.transaction_input(Hash32.parse(sent)) == b""
    assert backup.count("eth_getTransactionByHash") == 1
    assert await chain.transaction_input(Hash32(b"\x22" * 32)) is None


@pytest.mark.parametrize(
    "change", [{"hash": "0x" + "22" * 32}, {"hash": None}, {"input": None}, {"input": "0x1"}]
)
async def test_a_transaction_of_another_shape_is_not_believed(
    change: dict[str, object], chain: RpcChain, proxy: RpcProxy, backup: RpcProxy, evm: Evm
) -> None:
    """Calldata must be of the transaction asked for."""
    sent = await evm.rpc("eth_sendRawTransaction", "0x" + transfer(evm).hex())
    await mined(evm, sent)
    true = await evm.rpc("eth_getTransactionByHash", sent)
    proxy.fault = results(eth_chainId="0x7a69", eth_getTransactionByHash={**true, "input": "0x66", **change})
    assert await chain.transaction_input(Hash32.parse(sent)) == b""
    assert backup.count("eth_getTransactionByHash") == 1
