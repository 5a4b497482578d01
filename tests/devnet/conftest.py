"""Every devnet test gets a chain of its own: starting one takes less than a tenth of a second."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from plasma_guard.devnet.deploy import Deployment, deploy
from plasma_guard.devnet.deployment import REVISIONS
from plasma_guard.devnet.evm import Evm

MIN_EXIT_PERIOD = 600


@pytest_asyncio.fixture
async def evm() -> AsyncIterator[Evm]:
    """A fresh local chain that mines every transaction at once."""
    async with Evm() as chain:
        yield chain


@pytest.fixture(params=REVISIONS)
def revision(request: pytest.FixtureRequest) -> str:
    """Each deployable set of contracts in turn."""
    return str(request.param)


@pytest_asyncio.fixture
async def deployment(evm: Evm, revision: str) -> Deployment:
    """The contracts of one revision on the fresh chain, with an exit period of ten minutes."""
    return await deploy(evm, revision, min_exit_period=MIN_EXIT_PERIOD)
