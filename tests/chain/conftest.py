"""A real node for the tests of this folder, and clocks that do not wait."""

from collections.abc import AsyncIterator

import pytest

from plasma_guard.devnet.evm import Evm
from support.clock import FakeClock
from support.rpc_proxy import RpcProxy


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def evm() -> AsyncIterator[Evm]:
    async with Evm() as node:
        await node.mine(20)
        yield node


@pytest.fixture
async def proxy(evm: Evm) -> AsyncIterator[RpcProxy]:
    async with RpcProxy(evm.rpc_url) as running:
        yield running


@pytest.fixture
async def backup(evm: Evm) -> AsyncIterator[RpcProxy]:
    """A second endpoint in front of the same node."""
    async with RpcProxy(evm.rpc_url) as running:
        yield running
