"""deploy_rootchain puts a RootChain and two test tokens on a local chain."""

from __future__ import annotations

from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from plasma_guard.devnet import artifacts
from plasma_guard.devnet.deployment import Deployment
from plasma_guard.devnet.transactor import Rpc, Transactor

_TOKENS: Final = (("Test Token One", "ONE"), ("Test Token Two", "TWO"))
_TOKEN_SUPPLY: Final = 10**24


async def deploy_rootchain(
    node: Rpc,
    *,
    min_exit_period: int,
    deployer_key: str,
    operator_key: str,
    funded_key: str,
    add_tokens: bool = True,
) -> Deployment:
    """Deploy the v0.2 contract and return what was deployed.

    ``min_exit_period`` is in seconds. The account of ``operator_key`` initialises the contract and thereby
    becomes its operator; the account of ``funded_key`` is given 10**24 units of each token. Without
    ``add_tokens`` the tokens have no exit queue: they can be deposited, not exited. Raises `DevnetError`
    for a transaction that fails.
    """
    transactor = Transactor(node)
    root_chain = artifacts.load("RootChain")
    token = artifacts.load("TestToken")
    block_number = int(await node.rpc("eth_blockNumber"), 16)

    address = await transactor.create(deployer_key, root_chain)
    await transactor.send(operator_key, address, root_chain, "init", min_exit_period)
    tokens = tuple([await transactor.create(deployer_key, token, *names) for names in _TOKENS])
    funded: LocalAccount = Account.from_key(funded_key)
    for one in tokens:
        await transactor.send(deployer_key, one, token, "mint", funded.address, _TOKEN_SUPPLY)
        if add_tokens:
            await transactor.send(deployer_key, address, root_chain, "addToken", one)
    return Deployment(
        generation="rootchain",
        address=address,
        operator_key=operator_key,
        funded_key=funded_key,
        revision="rootchain",
        tokens=tokens,
        block_number=block_number,
    )
