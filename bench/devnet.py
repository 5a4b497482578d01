"""A devnet in a process of its own, so that its work disturbs no measurement made here."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Final

from plasma_guard.devnet.connection import Connection
from plasma_guard.devnet.errors import DevnetError

GENERATION: Final = "ald"
_PATIENCE: Final = 120.0


@contextlib.asynccontextmanager
async def devnet(tell: Callable[[str], None]) -> AsyncIterator[Connection]:
    """Run `plasma-guard devnet` for the length of a block."""
    tell(f"starting a devnet ({GENERATION})")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="plasma-guard-bench-"))
        file = Path(directory) / "devnet.json"
        words = stack.enter_context((Path(directory) / "stderr").open("w+", encoding="utf-8"))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "plasma_guard", "devnet", "--generation", GENERATION, "--connection", str(file)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=words,
        )
        try:
            yield await _connection(file, process, words)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _connection(file: Path, process: asyncio.subprocess.Process, words: IO[str]) -> Connection:
    async with asyncio.timeout(_PATIENCE):
        while True:
            with contextlib.suppress(DevnetError):  # it has not written the file yet
                return Connection.load(file)
            if process.returncode is not None:
                words.seek(0)
                raise DevnetError(f"the devnet ended before it was up; its words:\n{words.read()[-2000:]}")
            await asyncio.sleep(0.1)
