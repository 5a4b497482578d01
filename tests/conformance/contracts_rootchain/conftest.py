"""One local EVM serves all tests of the RootChain; each test leaves it as it found it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from conformance.contracts_rootchain.replay import Chain
from conformance.contracts_rootchain.scenes import play
from conformance.contracts_rootchain.story import ACCOUNTS, CALLDATA, MIN_EXIT_PERIOD, START, Story
from plasma_guard.devnet.deploy_rootchain import deploy_rootchain
from plasma_guard.devnet.evm import Evm, EvmOptions

# Coinbase is the zero address by default, where fees would be mistaken for burnt bonds.
_COINBASE = "0x" + "c0" * 20


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployed() -> AsyncIterator[Chain]:
    """A RootChain at the address that the recorded signatures are bound to."""
    async with Evm(EvmOptions(automine=False, start_timestamp=START)) as evm:
        await evm.rpc("anvil_setCoinbase", _COINBASE)
        # The recorded contract was the third transaction of its deployer.
        await evm.rpc("anvil_setNonce", ACCOUNTS["operator"], "0x2")
        key = evm.accounts[0].private_key
        deployment = await deploy_rootchain(
            evm,
            min_exit_period=MIN_EXIT_PERIOD,
            deployer_key=key,
            operator_key=key,
            funded_key=evm.accounts[1].private_key,
            add_tokens=False,
        )
        assert deployment.address == CALLDATA["root_chain"]
        assert deployment.tokens == tuple(CALLDATA["tokens"].values())
        yield Chain(evm, deployment.address, deployment.tokens)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def story(deployed: Chain) -> Story:
    """The recorded story, played once; the chain is then as new."""
    snapshot = await deployed.evm.snapshot()
    played = await play(deployed)
    await deployed.evm.revert(snapshot)
    return played


@pytest_asyncio.fixture(loop_scope="session")
async def chain(deployed: Chain) -> AsyncIterator[Chain]:
    """The freshly deployed chain, put back afterwards."""
    snapshot = await deployed.evm.snapshot()
    yield deployed
    await deployed.evm.revert(snapshot)
