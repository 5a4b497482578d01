"""Deployed contracts are ready to use, and a deployment can be handed over as a file."""

from __future__ import annotations

import json

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from plasma_guard.devnet import artifacts
from plasma_guard.devnet.deploy import Deployment, deploy
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.transactor import Transactor

ETH = "0x" + "00" * 20


async def test_a_deployment_knows_its_generation_and_tokens(evm: Evm, deployment: Deployment) -> None:
    """The funded account holds ether and both tokens; the contract is where the deployment says."""
    assert deployment.generation == ("rootchain" if deployment.revision == "rootchain" else "ald")
    assert len(await evm.rpc("eth_getCode", deployment.address, "latest")) > 1000
    holder = Account.from_key(deployment.funded_key).address
    chain = Transactor(evm)
    for token in deployment.tokens:
        assert await chain.call(token, artifacts.load("TestToken"), "balanceOf", holder) == 10**24
    assert deployment.block_number <= int(await evm.rpc("eth_blockNumber"), 16)


@pytest.mark.parametrize("ald", ["ald-v1", "ald-v2"])
async def test_everything_ald_is_found_from_the_framework(evm: Evm, ald: str) -> None:
    """Exit game, vaults, protocol and queues are there, and the operator can submit a block at once."""
    deployed = await deploy(evm, ald, min_exit_period=1200)
    code = artifacts.load("PlasmaFrameworkV1" if ald == "ald-v1" else "PlasmaFrameworkV2")
    chain = Transactor(evm)

    async def read(name: str, *arguments: object) -> object:
        return await chain.call(deployed.address, code, name, *arguments)

    game = await read("exitGames", 1)
    assert game != ETH
    assert await read("isExitGameSafeToUse", game) is True
    assert await read("protocols", 1) == 2
    assert ETH not in {await read("vaults", 1), await read("vaults", 2)}
    assert await read("minExitPeriod") == 1200
    for vault, token in ((1, ETH), *((2, token) for token in deployed.tokens)):
        assert await read("hasExitQueue", vault, token) is True
    await chain.send(deployed.operator_key, deployed.address, code, "submitBlock", b"\x01" * 32)
    assert await read("nextChildBlock") == 2000


async def test_a_chain_holds_several_deployments(evm: Evm) -> None:
    """Deploying again, by its URL, gives other addresses; nothing of the first is disturbed."""
    first = await deploy(evm, "ald-v1", min_exit_period=600)
    second = await deploy(evm.rpc_url, "ald-v2", min_exit_period=600)
    third = await deploy(evm.rpc_url, "rootchain", min_exit_period=600)
    addresses = {first.address, second.address, third.address, *first.tokens, *second.tokens, *third.tokens}
    assert len(addresses) == 9
    assert addresses == {to_checksum_address(address) for address in addresses}


async def test_an_unknown_revision_is_refused(evm: Evm) -> None:
    """The error lists what can be deployed."""
    with pytest.raises(DevnetError, match="ald-v1, ald-v2, rootchain"):
        await deploy(evm, "ald-v3", min_exit_period=600)


async def test_a_deployment_survives_its_file(deployment: Deployment) -> None:
    """JSON carries every field, with the four fixed keys; neither form prints keys by accident."""
    text = deployment.to_json()
    assert Deployment.from_json(text) == deployment
    assert {"generation", "address", "operator_key", "funded_key"} <= json.loads(text).keys()
    assert deployment.operator_key not in repr(deployment)
    assert deployment.funded_key not in repr(deployment)


def test_a_file_needs_only_the_four_fixed_keys() -> None:
    """Whoever deploys by other means writes these; the rest is discovered on chain."""
    content = {"generation": "ald", "address": ETH, "operator_key": "0x01", "funded_key": "0x02"}
    read = Deployment.from_json(json.dumps({**content, "comment": "anything"}))
    assert (read.generation, read.address, read.revision) == ("ald", ETH, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"address": None}, "address"),
        ({"generation": "ald-v1"}, "generation must be"),
        ({"revision": "v9"}, "revision must be"),
    ],
)
def test_a_wrong_file_is_refused_by_field(change: dict[str, object], message: str) -> None:
    """The error names the field that is missing or wrong."""
    content = {"generation": "ald", "address": ETH, "operator_key": "0x01", "funded_key": "0x02", **change}
    with pytest.raises(DevnetError, match=message):
        Deployment.from_json(json.dumps(content))


def test_a_file_that_is_not_json_is_refused() -> None:
    """So is a text that is no JSON at all, or no object."""
    with pytest.raises(DevnetError, match="not JSON"):
        Deployment.from_json("{")
    with pytest.raises(DevnetError, match="generation"):
        Deployment.from_json("[]")
