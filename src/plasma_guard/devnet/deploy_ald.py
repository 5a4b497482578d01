"""The ALD generation is deployed in the order its parts need: framework, vaults, exit games, tokens."""

from __future__ import annotations

from typing import Final, Literal

from eth_account import Account

from plasma_guard.devnet import artifacts
from plasma_guard.devnet.artifacts import Artifact
from plasma_guard.devnet.deployment import Deployment
from plasma_guard.devnet.transactor import Rpc, Transactor

ETH_VAULT: Final = 1
ERC20_VAULT: Final = 2
ETH: Final = "0x" + "00" * 20
_TOKEN_SUPPLY: Final = 10**24
_PAYMENT_TX: Final = 1
_FEE_TX: Final = 3
_FEE_OUTPUT: Final = 2
_MORE_VP: Final = 2
# Enough for a receiver that only accepts the ether.
_GAS_STIPEND: Final = 2300
# Of each kind this many enter without quarantine.
_IMMUNE: Final = 2
# A deposit decodes by the limits of its revision: inputs, outputs, whether amounts may be zero.
_RULES: Final = {"ald-v1": (4, 4, False), "ald-v2": (5, 5, True)}
_SUFFIX: Final = {"ald-v1": "V1", "ald-v2": "V2"}
_VERSION: Final = {"ald-v1": "1.0.5+devnet", "ald-v2": "2.0.0+devnet"}
_TOKENS: Final = (("Devnet token", "DEV"), ("Second devnet token", "DEV2"))
# Nonces of the creating accounts, so that a fresh chain has the addresses of the public deployment script.
_EXIT_GAME_NONCE: Final = 22
_ETH_VAULT_NONCE: Final = 1
_ERC20_VAULT_NONCE: Final = 4


async def deploy_ald(
    node: Rpc,
    revision: Literal["ald-v1", "ald-v2"],
    *,
    min_exit_period: int,
    deployer_key: str,
    maintainer_key: str,
    operator_key: str,
    funded_key: str,
    queues: bool = True,
) -> Deployment:
    """Deploy one revision, ready for deposits, blocks and exits; ``min_exit_period`` is in seconds.

    Two tokens that anybody may mint come along; the account of ``funded_key`` gets 10**24 units of each.
    Without ``queues`` nothing can be exited yet. Raises `DevnetError` for a transaction that fails.
    """
    chain = Transactor(node)
    suffix = _SUFFIX[revision]
    framework_code = artifacts.load(f"PlasmaFramework{suffix}")
    framework = await chain.create(
        deployer_key,
        framework_code,
        min_exit_period,
        _IMMUNE,
        _IMMUNE,
        Account.from_key(operator_key).address,
        Account.from_key(maintainer_key).address,
    )
    first_block = int(await node.rpc("eth_blockNumber"), 16)
    await chain.send(maintainer_key, framework, framework_code, "setVersion", _VERSION[revision])
    if revision == "ald-v1":
        await chain.send(operator_key, framework, framework_code, "activateChildChain")

    rules = _RULES[revision]
    for vault_id, name, nonce, arguments in (
        (ETH_VAULT, "Eth", _ETH_VAULT_NONCE, (framework, _GAS_STIPEND)),
        (ERC20_VAULT, "Erc20", _ERC20_VAULT_NONCE, (framework,)),
    ):
        verifier = await chain.create(deployer_key, artifacts.load(f"{name}DepositVerifier"), *rules)
        vault_code = artifacts.load(f"{name}Vault")
        await chain.skip_nonces(maintainer_key, nonce)
        vault = await chain.create(maintainer_key, vault_code, *arguments)
        await chain.send(maintainer_key, vault, vault_code, "setDepositVerifier", verifier)
        await chain.send(maintainer_key, framework, framework_code, "registerVault", vault_id, vault)

    exit_game = await _create_exit_game(chain, revision, framework, deployer_key)
    if revision == "ald-v2":
        await chain.send(maintainer_key, exit_game, artifacts.load("PaymentExitGameV2"), "init")
    fee_game = await chain.create(deployer_key, artifacts.load("FeeExitGame"))
    for tx_type, game in ((_PAYMENT_TX, exit_game), (_FEE_TX, fee_game)):
        await chain.send(
            maintainer_key, framework, framework_code, "registerExitGame", tx_type, game, _MORE_VP
        )

    token_code = artifacts.load("TestToken")
    tokens = [await chain.create(deployer_key, token_code, *names) for names in _TOKENS]
    for token in tokens:
        holder = Account.from_key(funded_key).address
        await chain.send(deployer_key, token, token_code, "mint", holder, _TOKEN_SUPPLY)
    if queues:
        for vault_id, token in ((ETH_VAULT, ETH), *((ERC20_VAULT, token) for token in tokens)):
            await chain.send(deployer_key, framework, framework_code, "addExitQueue", vault_id, token)
    return Deployment(
        generation="ald",
        address=framework,
        operator_key=operator_key,
        funded_key=funded_key,
        revision=revision,
        tokens=tuple(tokens),
        block_number=first_block,
    )


async def _create_exit_game(chain: Transactor, revision: str, framework: str, deployer_key: str) -> str:
    suffix = _SUFFIX[revision]
    condition: Artifact = artifacts.load(f"SpendingCondition{suffix}")
    payment = await chain.create(deployer_key, condition, framework, _PAYMENT_TX, _PAYMENT_TX)
    fee_condition = artifacts.load(f"FeeSpendingCondition{suffix}")
    fee = await chain.create(deployer_key, fee_condition, framework, _FEE_TX, _FEE_OUTPUT, _PAYMENT_TX)
    in_flight = await chain.create(deployer_key, artifacts.load(f"InFlightGame{suffix}"))
    await chain.skip_nonces(deployer_key, _EXIT_GAME_NONCE)
    setup = (framework, ETH_VAULT, ERC20_VAULT, payment, fee, _GAS_STIPEND, in_flight)
    return await chain.create(deployer_key, artifacts.load(f"PaymentExitGame{suffix}"), setup)
