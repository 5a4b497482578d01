"""What gas costs now and what it usually costs, read from a node."""

from typing import Any

from plasma_guard.chain import RpcChain
from plasma_guard.devnet.evm import Evm
from support.clock import FakeClock
from support.rpc_proxy import RpcProxy, errors

GWEI = 10**9


async def test_a_spike_is_told_from_what_gas_usually_costs(evm: Evm) -> None:
    """The next base fee is the spike's, the usual one that of the calmer part of the last hour."""
    await evm.set_automine(enabled=False)
    for base_fee in (20, 21, 20, 22, 20, 400):
        await evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee * GWEI))
        await evm.mine()
    async with RpcChain.connect([evm.rpc_url], FakeClock()) as chain:
        facts = await chain.fee_facts()
    assert facts.base_fee is not None
    assert facts.usual is not None
    assert facts.base_fee > 300 * GWEI
    assert facts.usual <= 22 * GWEI


async def test_a_node_that_refuses_a_long_history_leaves_the_usual_price_unknown(evm: Evm) -> None:
    """Today's price and tip are known all the same."""
    refusal: dict[str, Any] = {"code": -32602, "message": "block count exceeds the limit"}
    async with RpcProxy(evm.rpc_url) as proxy, RpcChain.connect([proxy.url], FakeClock()) as chain:
        proxy.fault = errors(eth_feeHistory=refusal)
        facts = await chain.fee_facts()
    assert facts.usual is None
    assert facts.base_fee
