"""The contender: omg-js in a Node process of its own, doing what a user would do today."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from plasma_guard.devnet import node_packages

VERSION: Final = "4.1.2-1.0.4"
_HERE: Final = Path(__file__).parent / "omgjs"
_PATIENCE: Final = 60.0


@dataclass(slots=True)
class Contender:
    """A running `challenge.js`."""

    process: asyncio.subprocess.Process
    address: str = ""

    async def says(self) -> dict[str, Any]:
        """Return its next line; raise when it ended or complains."""
        assert self.process.stdout is not None, "asked for below"
        async with asyncio.timeout(_PATIENCE):
            line = await self.process.stdout.readline()
        said: dict[str, Any] = json.loads(line or b'{"error": "it ended"}')
        if "error" in said:
            raise RuntimeError(f"omg-js: {said['error']}")
        return said


@contextlib.asynccontextmanager
async def contender(
    watcher_url: str,
    rpc_url: str,
    contract: str,
    key: str,
    tell: Callable[[str], None],
    *,
    script: str = "challenge.js",
    env: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Contender]:
    """Run omg-js against a Watcher and a node; its packages live in the user's cache."""
    folder = await asyncio.to_thread(node_packages.install, f"omg-js-{VERSION}", _HERE, tell)
    modules = {"NODE_PATH": str(folder / "node_modules")}
    settings = {"WATCHER_URL": watcher_url, "RPC_URL": rpc_url, "CONTRACT": contract, "PRIVATE_KEY": key}
    process = await asyncio.create_subprocess_exec(
        str(node_packages.node_program()),
        "--no-deprecation",
        str(_HERE / script),
        env={**os.environ, **modules, **settings, **env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        running = Contender(process)
        running.address = (await running.says())["ready"]
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
