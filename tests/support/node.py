"""Small steps on a local node."""

from typing import Any

from plasma_guard.devnet.evm import Evm


async def mined(evm: Evm, tx_hash: str) -> dict[str, Any]:
    """Return the receipt of a sent transaction; a node that mines at once may still need a nudge."""
    receipt = await evm.rpc("eth_getTransactionReceipt", tx_hash)
    if receipt is None:
        await evm.mine()
        receipt = await evm.rpc("eth_getTransactionReceipt", tx_hash)
    assert receipt is not None, f"{tx_hash} is not mined"
    found: dict[str, Any] = receipt
    return found
