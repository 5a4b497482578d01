"""Every test gets a devnet of its own, and proxies in front of its services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.arena import Arena, arena
from support.rpc_proxy import RpcProxy
from support.watcher_proxy import WatcherProxy


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Arena]:
    """A devnet with ald contracts and a block every tenth of a second."""
    async with arena(tmp_path) as made:
        yield made


@pytest.fixture
async def watcher(net: Arena) -> AsyncIterator[WatcherProxy]:
    """The devnet's Watcher behind a proxy that can lie."""
    async with WatcherProxy(net.connection.watcher_url) as proxy:
        yield proxy


@pytest.fixture
async def rpc(net: Arena) -> AsyncIterator[RpcProxy]:
    """The devnet's node behind a proxy that can fail."""
    async with RpcProxy(net.connection.rpc_url) as proxy:
        yield proxy
