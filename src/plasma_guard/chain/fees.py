"""What gas costs now, from fee history where there is one."""

from statistics import median_low
from typing import Any

from plasma_guard.chain import shapes
from plasma_guard.chain.failures import EndpointMisbehaved, RpcAnsweredError
from plasma_guard.chain.rpc import RpcEndpoint
from plasma_guard.domain.primitives import Wei, shorten
from plasma_guard.domain.transactions import FeeFacts

HISTORY_BLOCKS = 20
PERCENTILE = 50


async def read(endpoint: RpcEndpoint) -> FeeFacts:
    """Return the next base fee and the median tip of recent blocks, in wei per gas."""
    head = await endpoint.request("eth_getBlockByNumber", ["latest", False])
    at = shapes.block(head).timestamp
    if head.get("baseFeePerGas") is None:
        price = shapes.quantity(await endpoint.request("eth_gasPrice", []), "eth_gasPrice")
        return FeeFacts(base_fee=None, tip=Wei(price), at=at)
    current = shapes.quantity(head["baseFeePerGas"], "block.baseFeePerGas")
    try:
        history = await endpoint.request("eth_feeHistory", [hex(HISTORY_BLOCKS), "latest", [PERCENTILE]])
    except RpcAnsweredError:
        # Some small nodes lack the method; the current base fee is within 12.5 % of the next one.
        return FeeFacts(base_fee=Wei(current), tip=await _suggested_tip(endpoint, current), at=at)
    base_fee, tip = _from_history(history)
    return FeeFacts(
        base_fee=Wei(base_fee), tip=Wei(tip) if tip else await _suggested_tip(endpoint, base_fee), at=at
    )


def _from_history(history: Any) -> tuple[int, int]:
    """Return (next base fee, median tip of the blocks with transactions or 0)."""
    if not isinstance(history, dict):
        raise EndpointMisbehaved(f"eth_feeHistory: expected an object, got {shorten(history)}")
    base_fees = shapes.sequence(history.get("baseFeePerGas"), "eth_feeHistory.baseFeePerGas")
    if not base_fees:
        raise EndpointMisbehaved("eth_feeHistory.baseFeePerGas: expected at least one entry")
    # Nodes answer null instead of an empty list when no block of the range has transactions.
    rewards = shapes.sequence(history.get("reward") or [], "eth_feeHistory.reward")
    tips = [
        shapes.quantity(tip, "eth_feeHistory.reward")
        for row in rewards
        for tip in shapes.sequence(row, "eth_feeHistory.reward")[:1]
    ]
    paid = [tip for tip in tips if tip]
    return shapes.quantity(base_fees[-1], "eth_feeHistory.baseFeePerGas"), median_low(paid) if paid else 0


async def _suggested_tip(endpoint: RpcEndpoint, base_fee: int) -> Wei:
    try:
        return Wei(
            shapes.quantity(
                await endpoint.request("eth_maxPriorityFeePerGas", []), "eth_maxPriorityFeePerGas"
            )
        )
    except RpcAnsweredError:
        price = shapes.quantity(await endpoint.request("eth_gasPrice", []), "eth_gasPrice")
        return Wei(max(0, price - base_fee))
