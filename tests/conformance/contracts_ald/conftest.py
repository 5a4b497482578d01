"""One local EVM per revision serves all tests; each test leaves it as it found it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from conformance.contracts_ald.replay import Replay
from conformance.contracts_ald.stories import base
from conformance.contracts_ald.world import START, VERSIONS, Version, World
from plasma_guard.devnet.evm import Evm, EvmOptions


@pytest.fixture(scope="session", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    """The revision under test."""
    revision: Version = request.param
    return revision


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployed(version: Version) -> AsyncIterator[World]:
    """A revision as deployed, without deposits or blocks."""
    async with Evm(EvmOptions(start_timestamp=START, automine=False)) as evm:
        yield await World.deploy(evm, version)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def populated(version: Version) -> AsyncIterator[World]:
    """A revision with the recorded deposits, blocks and queues."""
    async with Evm(EvmOptions(start_timestamp=START, automine=False)) as evm:
        world = await World.deploy(evm, version)
        await Replay(world, "S00_base").run(base(world))
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def empty_world(deployed: World) -> AsyncIterator[World]:
    """The deployed revision, put back after the test."""
    snapshot = await deployed.evm.snapshot()
    yield deployed
    await deployed.evm.revert(snapshot)


@pytest_asyncio.fixture(loop_scope="session")
async def world(populated: World) -> AsyncIterator[World]:
    """The populated revision, put back after the test."""
    snapshot = await populated.evm.snapshot()
    yield populated
    await populated.evm.revert(snapshot)
