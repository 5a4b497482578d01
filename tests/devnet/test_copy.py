"""A copy of a chain is as good as the chain, and the chain never hears of it."""

import httpx
import pytest

from plasma_guard.chain.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.probe import probe
from plasma_guard.devnet.copy import copied
from plasma_guard.devnet.deploy import Deployment
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.jsonrpc import EvmRpcError, JsonRpc
from plasma_guard.devnet.relay import reading
from plasma_guard.domain.actions import AddExitQueue
from plasma_guard.domain.errors import CallReverted
from plasma_guard.domain.primitives import Address, Timestamp, Wei
from plasma_guard.domain.transactions import TxCandidate

TOKEN = Address(b"\x77" * 20)
STRANGER = Address(b"\x55" * 20)
"""An account whose key nobody has."""


async def test_what_is_done_to_a_copy_leaves_the_chain_alone(evm: Evm, deployment: Deployment) -> None:
    """A queue is opened there by an account without a key and without ether; here nothing was mined."""
    clock = SystemClock()
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        before, chain_id = await chain.head(), await chain.chain_id()
        async with copied(evm.rpc_url, before, chain_id, clock) as copy:
            game = await probe(copy.chain, Address.parse(deployment.address))
            call = game.candidate(AddExitQueue(TOKEN), intent="try", case_id=0, account=STRANGER)
            receipt = await copy.send(call)
            assert receipt.gas_used > 0
            with pytest.raises(CallReverted):
                await copy.send(call)
            later = await copy.skip_to(Timestamp(before.timestamp + 10**6))
            assert later.timestamp == before.timestamp + 10**6
            assert later.number > before.number
        assert await chain.head() == before
        assert await chain.transaction_count(STRANGER) == 0


async def test_a_copy_has_the_balances_of_the_chain(evm: Evm) -> None:
    """A bond that the real account cannot pay is not paid there either."""
    clock = SystemClock()
    await evm.set_balance(str(STRANGER), 99)
    await evm.mine()
    async with RpcChain.connect([evm.rpc_url], clock) as chain:
        async with copied(evm.rpc_url, await chain.head(), await chain.chain_id(), clock) as copy:
            assert await copy.chain.balance(STRANGER) == 99

            def gift(value: int) -> TxCandidate:
                return TxCandidate("gift", 0, STRANGER, TOKEN, b"", Wei(value), "a gift", 21_000)

            with pytest.raises(CallReverted):
                await copy.send(gift(100))
            await copy.send(gift(99))
            assert await copy.chain.balance(TOKEN) == 99
        assert await chain.balance(STRANGER) == 99


@pytest.mark.parametrize(
    "method", ["eth_sendRawTransaction", "eth_sendTransaction", "evm_mine", "anvil_mine"]
)
async def test_the_way_to_the_node_only_reads(evm: Evm, method: str) -> None:
    """A copy cannot reach the real chain with anything that would change it, whatever goes wrong in it."""
    before = await evm.rpc("eth_blockNumber")
    async with reading(evm.rpc_url) as url:
        way = JsonRpc(url)
        assert await way.rpc("eth_blockNumber") == before
        with pytest.raises(EvmRpcError, match="only reads"):
            await way.rpc(method)
        await way.close()
    assert await evm.rpc("eth_blockNumber") == before


async def test_no_token_is_told_when_the_node_is_gone() -> None:
    """Whoever is told of the failure does not learn the node's URL."""
    async with (
        reading("http://127.0.0.1:1/v3/secrettoken") as url,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        answer = await http.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"})
        assert answer.status_code == 502
        assert "does not answer" in answer.text
        assert "secrettoken" not in answer.text
