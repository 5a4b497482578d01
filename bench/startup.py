"""How long the daemon takes to its first poll, and what it occupies while nothing happens."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.devnet import devnet
from bench.processes import resident_megabytes
from bench.report import Row, row
from bench.tap import tap
from plasma_guard.devnet.connection import Connection
from plasma_guard.devnet.guarding import GuardProcess, guarding


async def startup(runs: int, tell: Callable[[str], None]) -> list[Row]:
    """Return the row of the time from the start of the process to its first `status.get`."""
    async with devnet(tell) as connection:
        seconds = []
        for number in range(1, runs + 1):
            seconds.append(await _start(connection))
            tell(f"start {number} of {runs}: {seconds[-1]:.2f} s")
    return [row("cold start to first poll", "s", seconds, target=2)]


async def _start(connection: Connection) -> float:
    with tempfile.TemporaryDirectory(prefix="plasma-guard-bench-") as directory:
        async with tap(connection.watcher_url, connection.rpc_url) as between:
            behind = replace(connection, rpc_url=between.rpc_url, watcher_url=between.watcher_url)
            started = time.perf_counter()
            async with guarding(GuardProcess(behind, Path(directory))):
                return await between.polled() - started


async def idle(seconds: float, tell: Callable[[str], None]) -> list[Row]:
    """Return the row of the resident memory after some seconds in which nothing happened."""
    async with devnet(tell) as connection:
        with tempfile.TemporaryDirectory(prefix="plasma-guard-bench-") as directory:
            async with guarding(GuardProcess(connection, Path(directory))) as guard:
                await guard.ready()
                tell(f"idling for {seconds:g} s")
                await asyncio.sleep(seconds)
                megabytes = resident_megabytes(guard.pid)
    return [row(f"resident after {seconds:g} s idle", "MB", [megabytes], target=120)]
