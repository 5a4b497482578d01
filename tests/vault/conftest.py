"""Every test gets a devnet of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devnet.world import World, world_of


@pytest.fixture
async def world(generation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A devnet of the generation under test."""
    # A real guard of this machine's user must not share locks with the guards here.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with world_of(generation, tmp_path) as made:
        yield made
