"""Deploy puts the contracts of one generation on a local chain, ready for deposits, blocks and exits."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from plasma_guard.devnet.deploy_ald import deploy_ald
from plasma_guard.devnet.deploy_rootchain import deploy_rootchain
from plasma_guard.devnet.deployment import REVISIONS, Deployment
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.jsonrpc import JsonRpc
from plasma_guard.devnet.transactor import Rpc

__all__ = ["DEV_KEYS", "Deployment", "deploy"]

# The first accounts of anvil's well-known mnemonic; they hold nothing outside local chains.
DEV_KEYS: Final = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
)


async def deploy(
    node: Rpc | str,
    revision: str,
    *,
    min_exit_period: int,
    deployer_key: str = DEV_KEYS[0],
    maintainer_key: str = DEV_KEYS[1],
    operator_key: str = DEV_KEYS[2],
    funded_key: str = DEV_KEYS[3],
) -> Deployment:
    """Deploy "ald-v1", "ald-v2" or "rootchain" and return what was deployed.

    ``node`` is a running `Evm`, a `JsonRpc` client or a URL; ``min_exit_period`` is in seconds. The keys'
    accounts must hold ether. Raises `DevnetError` for an unknown revision and for a transaction that fails.
    """
    if revision not in REVISIONS:
        raise DevnetError(f"revision must be one of {', '.join(REVISIONS)}, not {revision!r}")
    async with _connected(node) as rpc:
        if revision == "rootchain":
            return await deploy_rootchain(
                rpc,
                min_exit_period=min_exit_period,
                deployer_key=deployer_key,
                operator_key=operator_key,
                funded_key=funded_key,
            )
        return await deploy_ald(
            rpc,
            "ald-v1" if revision == "ald-v1" else "ald-v2",
            min_exit_period=min_exit_period,
            deployer_key=deployer_key,
            maintainer_key=maintainer_key,
            operator_key=operator_key,
            funded_key=funded_key,
        )


@contextlib.asynccontextmanager
async def _connected(node: Rpc | str) -> AsyncIterator[Rpc]:
    if not isinstance(node, str):
        yield node
        return
    client = JsonRpc(node)
    try:
        yield client
    finally:
        await client.close()
