"""A lane on a real node for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plasma_guard.devnet.evm import Evm
from plasma_guard.sender import SenderSettings
from support.sending import CHAIN_ID, Bench, bench

SETTINGS = SenderSettings(CHAIN_ID, confirmations=3)


@pytest.fixture
async def b(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Evm() as evm, bench(tmp_path, SETTINGS, evm) as made:
        yield made
