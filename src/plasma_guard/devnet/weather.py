"""What a node can do to the people who use it: no blocks, dear blocks, forgotten transactions, reorgs."""

from __future__ import annotations

from typing import Final

from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.jsonrpc import EvmRpcError
from plasma_guard.devnet.transactor import Rpc
from plasma_guard.domain.primitives import Address, Wei

STORM: Final = 40
"""How many times dearer the gas of a storm is."""
LEAST_STORM: Final = Wei(20 * 10**9)


class Weather:
    """Makes a local node misbehave; nodes that are not anvil refuse, with `DevnetError`."""

    def __init__(self, node: Rpc) -> None:
        self._node = node
        self._interval: int | None = None
        self._calm = Wei(0)

    async def hold(self) -> None:
        """Let no block come but by `mine`, and remember today's base fee as the calm one."""
        try:
            automine = await self._node.rpc("anvil_getAutomine")
            self._interval = None if automine else await self._node.rpc("anvil_getIntervalMining")
            await self._node.rpc("evm_setIntervalMining", 0)
        except EvmRpcError as error:
            raise DevnetError(f"this node's blocks cannot be held back, it is no anvil: {error}") from error
        block = await self._node.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 (JSON-RPC)
        self._calm = Wei(int(block["baseFeePerGas"], 16))

    async def release(self) -> None:
        """Let blocks come as before, at the calm base fee."""
        await self._next_base_fee(self._calm)
        if self._interval is None:
            await self._node.rpc("evm_setAutomine", True)  # noqa: FBT003 (JSON-RPC)
        else:
            await self._node.rpc("evm_setIntervalMining", self._interval)

    @property
    def storm(self) -> Wei:
        """The base fee of a storm, in wei per gas."""
        return max(Wei(STORM * self._calm), LEAST_STORM)

    async def mine(self, count: int = 1, *, stormy: bool = False) -> None:
        """Mine blocks at the calm base fee, or at that of the storm."""
        for _ in range(count):
            await self._next_base_fee(self.storm if stormy else self._calm)
            await self._node.rpc("evm_mine")

    async def pooled(self, sender: Address) -> list[str]:
        """Return the hashes of a sender's transactions that wait in the node's pool, by nonce."""
        content = await self._node.rpc("txpool_content")
        waiting = [
            (int(nonce), str(tx["hash"]))
            for part in content.values()
            for address, by_nonce in part.items()
            for nonce, tx in by_nonce.items()
            if Address.parse(address) == sender
        ]
        return [tx_hash for _, tx_hash in sorted(waiting)]

    async def forget(self, tx_hash: str) -> None:
        """Drop a transaction from the pool, without a word to anybody."""
        await self._node.rpc("anvil_dropTransaction", tx_hash)

    async def reorg(self, depth: int) -> None:
        """Replace the newest blocks by as many empty ones; their transactions are gone, from the pool too."""
        await self._node.rpc("anvil_reorg", depth, [])

    async def _next_base_fee(self, wei: Wei) -> None:
        await self._node.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))
