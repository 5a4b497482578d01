"""What gas costs now, from fee history where there is one."""

import asyncio
from statistics import median_low
from typing import Any

from plasma_guard.chain import shapes
from plasma_guard.chain.failures import EndpointMisbehaved, RpcAnsweredError
from plasma_guard.chain.rpc import RpcEndpoint
from plasma_guard.domain.primitives import Wei, shorten
from plasma_guard.domain.transactions import FeeFacts

HISTORY_BLOCKS = 20
PERCENTILE = 50
HOUR_BLOCKS = 300
"""Of mainnet; nodes give up to 1024, and base fees alone cost them no more than headers."""


async def read(endpoint: RpcEndpoint) -> FeeFacts:
    """Return the next base fee, the usual one, and the median tip of recent blocks, in wei per gas.

    The usual one is the lower quartile of an hour: what gas costs when no spike passes.
    """
    head = await endpoint.request("eth_getBlockByNumber", ["latest", False])
    at = shapes.block(head).timestamp
    if head.get("baseFeePerGas") is None:
        price = shapes.quantity(await endpoint.request("eth_gasPrice", []), "eth_gasPrice")
        return FeeFacts(base_fee=None, tip=Wei(price), at=at)
    current = shapes.quantity(head["baseFeePerGas"], "block.baseFeePerGas")
    history, hour = await asyncio.gather(
        _history(endpoint, HISTORY_BLOCKS, [PERCENTILE]), _history(endpoint, HOUR_BLOCKS, [])
    )
    if history is None:
        # Some small nodes lack the method; the current base fee is within 12.5 % of the next one.
        return FeeFacts(base_fee=Wei(current), tip=await _suggested_tip(endpoint, current), at=at)
    base_fee, tip = _from_history(history)
    return FeeFacts(
        base_fee=Wei(base_fee),
        tip=Wei(tip) if tip else await _suggested_tip(endpoint, base_fee),
        at=at,
        usual=None if hour is None else _usual(hour),
    )


async def _history(endpoint: RpcEndpoint, blocks: int, percentiles: list[int]) -> Any:
    """Return the fee history up to the newest block, or None where a node does not give it."""
    try:
        history = await endpoint.request("eth_feeHistory", [hex(blocks), "latest", percentiles])
    except RpcAnsweredError:
        return None
    _check(history, blocks)
    return history


def _check(history: Any, blocks: int) -> None:
    """Refuse a history of more blocks than asked for, or with rewards for more or fewer than it has."""
    known = len(_base_fees(history)) - 1  # the last one is that of the block to come
    if not 1 <= known <= blocks:
        raise EndpointMisbehaved(f"eth_feeHistory: asked for up to {blocks} blocks, got {known}")
    rewards = shapes.sequence(history.get("reward") or [], "eth_feeHistory.reward")
    if rewards and len(rewards) != known:
        raise EndpointMisbehaved(f"eth_feeHistory: rewards of {len(rewards)} blocks where there are {known}")


def _usual(history: Any) -> Wei:
    base_fees = sorted(_base_fees(history))
    return Wei(base_fees[len(base_fees) // 4])


def _base_fees(history: Any) -> list[int]:
    if not isinstance(history, dict):
        raise EndpointMisbehaved(f"eth_feeHistory: expected an object, got {shorten(history)}")
    name = "eth_feeHistory.baseFeePerGas"
    return [shapes.quantity(each, name) for each in shapes.sequence(history.get("baseFeePerGas"), name)]


def _from_history(history: Any) -> tuple[int, int]:
    """Return (next base fee, median tip of the blocks with transactions or 0)."""
    base_fees = _base_fees(history)
    # Nodes answer null instead of an empty list when no block of the range has transactions.
    rewards = shapes.sequence(history.get("reward") or [], "eth_feeHistory.reward")
    tips = [
        shapes.quantity(tip, "eth_feeHistory.reward")
        for row in rewards
        for tip in shapes.sequence(row, "eth_feeHistory.reward")[:1]
    ]
    paid = [tip for tip in tips if tip]
    return base_fees[-1], median_low(paid) if paid else 0


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
