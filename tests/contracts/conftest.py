"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator

import pytest

from contracts.deployed import PERIOD, World
from plasma_guard.chain import RpcChain
from plasma_guard.contracts import probe
from plasma_guard.devnet.deploy import deploy
from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.primitives import Address
from support.clock import FakeClock


@pytest.fixture(params=["rootchain", "ald-v1", "ald-v2"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with Evm() as evm:
        deployed = await deploy(evm, request.param, min_exit_period=PERIOD)
        async with RpcChain.connect([evm.rpc_url], FakeClock()) as chain:
            yield World(evm, chain, await probe(chain, Address.parse(deployed.address)))
