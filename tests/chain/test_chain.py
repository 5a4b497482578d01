"""RpcChain against a real node."""

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from plasma_guard.chain import RpcChain
from plasma_guard.devnet.evm import DevAccount, Evm
from plasma_guard.domain.errors import CallReverted, ChainUnavailable
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.transactions import Accepted, FeeFacts, Rejected
from plasma_guard.ports import Call
from support.clock import FakeClock
from support.node import mined
from support.rpc_proxy import RpcProxy, errors, results

PLACE = Address(b"\xaa" * 20)
ECHO = "0x366000600037366000f3"
"""Returns its calldata."""
REVERT_WITH_CALLDATA = "0x366000600037366000fd"
INVALID_OPCODE = "0xfe"
READ_SLOT_ZERO = "0x60005460005260206000f3"


def signed(account: DevAccount, nonce: int) -> bytes:
    fields = {
        "chainId": 31337,
        "nonce": nonce,
        "gas": 21_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
        "value": 1,
        "to": bytes(20),
    }
    return bytes(Account.from_key(account.private_key).sign_transaction(fields).raw_transaction)


async def put(evm: Evm, code: str) -> None:
    await evm.rpc("anvil_setCode", str(PLACE), code)


async def test_head_is_the_newest_block(evm: Evm, clock: FakeClock) -> None:
    """Head, its parent and its height agree with the node's own blocks."""
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        head = await chain.head()
        assert head.number == 20
        parent = await chain.block(19)
        assert parent is not None
        assert head.parent == parent.hash
        assert await chain.block(21) is None
        assert await chain.chain_id() == 31337


async def test_a_pinned_call_reads_the_state_of_its_block(evm: Evm, clock: FakeClock) -> None:
    """State changed later does not show in a call pinned to an earlier block."""
    await put(evm, READ_SLOT_ZERO)
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        before = await chain.head()
        await evm.mine()
        await evm.rpc("anvil_setStorageAt", str(PLACE), "0x0", "0x" + (7).to_bytes(32, "big").hex())
        await evm.mine()
        assert int.from_bytes(await chain.call(Call(PLACE, b""), before), "big") == 0
        assert int.from_bytes(await chain.call(Call(PLACE, b"")), "big") == 7


async def test_a_call_pinned_to_a_reorged_block_is_not_answered(evm: Evm, clock: FakeClock) -> None:
    """The block is gone, so there is no answer rather than one from another chain of blocks."""
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        gone = await chain.head()
        await evm.reorg(3)
        assert (await chain.head()).hash != gone.hash
        with pytest.raises(ChainUnavailable):
            await chain.call(Call(PLACE, b""), gone)


async def test_many_calls_come_back_in_order_across_batches(evm: Evm, clock: FakeClock) -> None:
    """250 calls are more than one batch holds; each answer is that of its own call."""
    await put(evm, ECHO)
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        asked = [number.to_bytes(32, "big") for number in range(250)]
        assert await chain.call_many([Call(PLACE, data) for data in asked]) == asked
        assert await chain.call_many([]) == []


@pytest.mark.parametrize(
    ("code", "data", "reason"),
    [
        (
            REVERT_WITH_CALLDATA,
            "08c379a0" + "20".rjust(64, "0") + "03".rjust(64, "0") + b"why".hex().ljust(64, "0"),
            "why",
        ),
        (
            REVERT_WITH_CALLDATA,
            "4e487b71" + "11".rjust(64, "0"),
            "panic 0x11: arithmetic overflow or underflow",
        ),
        (REVERT_WITH_CALLDATA, "", None),
        (REVERT_WITH_CALLDATA, "deadbeef", None),
        (INVALID_OPCODE, "", None),
    ],
)
async def test_a_refused_call_tells_its_reason(
    evm: Evm, clock: FakeClock, code: str, data: str, reason: str | None
) -> None:
    """Error, Panic, empty and custom reverts and a burnt call all are `CallReverted`, for estimates too."""
    await put(evm, code)
    call = Call(PLACE, bytes.fromhex(data), sender=Address.parse(evm.accounts[0].address))
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        with pytest.raises(CallReverted) as refused:
            await chain.call(call)
        assert refused.value.reason == reason
        if code == REVERT_WITH_CALLDATA:
            assert refused.value.data == bytes.fromhex(data)
        with pytest.raises(CallReverted):
            await chain.estimate_gas(call)
        with pytest.raises(CallReverted):
            await chain.call_many([call, call])
        assert clock.slept == []


async def test_the_value_and_sender_of_a_call_reach_the_contract(evm: Evm, clock: FakeClock) -> None:
    """CALLER and CALLVALUE are those of the simulation."""
    await put(evm, "0x336000523460205260406000f3")
    me = Address.parse(evm.accounts[1].address)
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        answer = await chain.call(Call(PLACE, b"", sender=me, value=Wei(5)))
        assert (answer[12:32], int.from_bytes(answer[32:], "big")) == (me, 5)
        assert await chain.code(PLACE) == bytes.fromhex("336000523460205260406000f3")
        assert await chain.code(me) == b""


async def test_a_broadcast_is_accepted_once_and_mined(evm: Evm, clock: FakeClock) -> None:
    """The endpoint that returned the hash is named; a second handing over is refused in the node's words."""
    account = evm.accounts[2]
    address = Address.parse(account.address)
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        raw = signed(account, 0)
        tx_hash = Hash32(keccak(raw))
        assert await chain.receipt(tx_hash) is None
        assert await chain.transaction_count(address) == 0
        assert await chain.broadcast(raw) == Accepted((evm.rpc_url,))
        await mined(evm, str(tx_hash))
        receipt = await chain.receipt(tx_hash)
        assert receipt is not None
        assert receipt.success
        assert receipt.gas_used == 21_000
        assert await chain.transaction_input(tx_hash) == b""
        assert await chain.transaction_count(address) == 1
        assert await chain.balance(address) == 10**22 - 1 - receipt.cost
        again = await chain.broadcast(raw)
        assert isinstance(again, Rejected)
        assert "nonce too low" in again.message or "already" in again.message


async def test_a_known_transaction_is_rejected_with_the_nodes_words(evm: Evm, clock: FakeClock) -> None:
    """What "already known" means is the sender's to say: it comes out as `Rejected`."""
    await evm.set_automine(False)
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        raw = signed(evm.accounts[3], 0)
        assert isinstance(await chain.broadcast(raw), Accepted)
        again = await chain.broadcast(raw)
        assert isinstance(again, Rejected)
        assert "already" in again.message


async def test_block_at_time_is_the_first_block_not_older(evm: Evm, clock: FakeClock) -> None:
    """Bisection finds the first block at or after a time, also between two blocks and at both ends."""
    start = await evm.timestamp() + 1000
    for step in range(12):
        await evm.set_next_timestamp(start + 10 * step)
        await evm.mine()
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        for step in range(12):
            for time in (start + 10 * step, start + 10 * step - 9):
                found = await chain.block_at_time(Timestamp(time))
                assert found is not None
                assert found.number == 21 + step
        first = await chain.block_at_time(Timestamp(0))
        assert first is not None
        assert first.number == 0
        assert await chain.block_at_time(Timestamp(start + 10**6)) is None


async def test_fees_are_the_next_base_fee_and_a_paid_tip(evm: Evm, clock: FakeClock) -> None:
    """Base fee is that of the block to come; the tip is what mined transactions paid."""
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        for nonce in range(3):
            raw = signed(evm.accounts[4], nonce)
            await chain.broadcast(raw)
            await mined(evm, "0x" + keccak(raw).hex())
        facts = await chain.fee_facts()
        assert facts.tip == 10**9
        await evm.mine()
        block = await evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 : JSON-RPC
        assert facts.base_fee == int(block["baseFeePerGas"], 16)


async def test_fees_without_a_base_fee_are_the_gas_price(evm: Evm, proxy: RpcProxy, clock: FakeClock) -> None:
    """On a chain from before EIP-1559 the tip is the whole price."""
    block = await evm.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 : JSON-RPC
    del block["baseFeePerGas"]
    proxy.fault = results(eth_getBlockByNumber=block, eth_gasPrice="0x77")
    async with RpcChain.connect([proxy.url], clock) as chain:
        facts = await chain.fee_facts()
        assert facts == FeeFacts(base_fee=None, tip=Wei(0x77), at=Timestamp(int(block["timestamp"], 16)))


async def test_fees_without_fee_history_fall_back_to_the_suggested_tip(
    proxy: RpcProxy, clock: FakeClock
) -> None:
    """A node without eth_feeHistory still gives a price."""
    proxy.fault = errors(eth_feeHistory={"code": -32601, "message": "the method does not exist"})
    async with RpcChain.connect([proxy.url], clock) as chain:
        facts = await chain.fee_facts()
        assert facts.tip == 10**9
        assert facts.base_fee
