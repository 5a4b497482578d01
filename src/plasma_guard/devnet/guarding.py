"""The ordinary daemon in a process of its own, guarding a devnet."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import httpx

from plasma_guard.daemon.mailbox import Mailbox
from plasma_guard.devnet.errors import DevnetError

if TYPE_CHECKING:
    from pathlib import Path

    from plasma_guard.devnet.connection import Connection

PATIENCE: Final = 30.0
KEPT_LINES: Final = 50
Line = Mapping[str, Any]

_CONFIG: Final = """\
[root_chain]
rpc = ["{rpc_url}"]
chain_id = {chain_id}
contract = "{contract}"
confirmations = {confirmations}
poll_interval = 0.5

[watcher]
url = "{watcher_url}"
poll_interval = 1
incident_poll_interval = 0.5

[vault]
child_chain_url = "{operator_url}"
refresh_interval = 5

[journal]
path = "{journal}"

[server]
port = 0

[logging]
format = "json"
"""


class GuardProcess:
    """`plasma-guard run` as a child process; its JSON log lines go to `hear`."""

    def __init__(
        self,
        connection: Connection,
        directory: Path,
        *,
        hear: Callable[[Line], None] = lambda _: None,
        arguments: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        confirmations: int = 2,
    ) -> None:
        self._connection = connection
        self._directory = directory
        self._hear = hear
        self._arguments = arguments
        self._env = dict(env or {})
        self._confirmations = confirmations
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._served: asyncio.Future[str] | None = None
        self._heard: dict[str, list[Line]] = {}
        self._ended = False
        self._spoke = asyncio.Condition()
        self.tail: deque[str] = deque(maxlen=KEPT_LINES)

    @property
    def config(self) -> Path:
        """The configuration file it runs with."""
        return self._directory / "plasma-guard.toml"

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self._directory / "journal.sqlite3"

    async def wish_to_leave(self) -> None:
        """Ask it to take everything out, as `plasma-guard exits start all` does."""
        await asyncio.to_thread(Mailbox(self._directory / "journal.wishes").post, None)

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Its process id; `start` comes first."""
        assert self._process is not None  # noqa: S101 (start comes first)
        return self._process.pid

    def write_config(self) -> Path:
        """Write the configuration for this devnet and return its path."""
        connection = self._connection
        self._directory.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            _CONFIG.format(
                rpc_url=connection.rpc_url,
                chain_id=connection.chain_id,
                contract=connection.contract,
                watcher_url=connection.watcher_url,
                operator_url=connection.operator_url,
                journal=self.journal,
                confirmations=self._confirmations,
            ),
            encoding="utf-8",
        )
        return self.config

    def environment(self) -> dict[str, str]:
        """Return the child's environment: ours without any other guard's settings, plus the key."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("PLASMA_GUARD_", "PRIVATE_KEY"))}
        key = {"PRIVATE_KEY": self._connection.keys["guard"]}
        # Locks of a demo's key must not meet those of a real guard of this user.
        runtime = {"XDG_RUNTIME_DIR": str(self._directory)}
        return {**ours, **key, **runtime, **self._env}

    async def start(self) -> None:
        """Start the daemon; returns as soon as the process runs."""
        self._served = asyncio.get_running_loop().create_future()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "plasma_guard",
            "run",
            "--config",
            str(self.write_config()),
            *self._arguments,
            env=self.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._read())

    async def ready(self) -> None:
        """Wait until the daemon says that it can do its work."""
        url = await self.url()
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(trust_env=False) as http:
            while True:
                if (await http.get(url + "/ready")).status_code == httpx.codes.OK:
                    return
                await asyncio.sleep(0.1)

    async def url(self) -> str:
        """Return where the daemon serves its status; raise `DevnetError` if it ended instead."""
        assert self._served is not None  # noqa: S101 (start comes first)
        async with asyncio.timeout(PATIENCE):
            return await asyncio.shield(self._served)

    async def until_said(self, event: str, times: int = 1) -> Line:
        """Wait until the daemon has said a sentence so often; return the last log line of those.

        Raises `DevnetError` if the daemon ended without it.
        """
        return (await self._until(lambda: self._heard.get(event, ()), times, event))[times - 1]

    async def until_alerted(self, key: str) -> Line:
        """Wait until the daemon has raised an alert whose key begins so; return its log line."""

        def found() -> Sequence[Line]:
            lines = (line for heard in self._heard.values() for line in heard)
            return [line for line in lines if str(line.get("alert", "")).startswith(key)]

        return (await self._until(found, 1, f"alert {key}"))[0]

    async def _until(self, found: Callable[[], Sequence[Line]], times: int, what: str) -> Sequence[Line]:
        async with self._spoke:
            await self._spoke.wait_for(lambda: len(found()) >= times or self._ended)
        if len(found()) < times:
            raise DevnetError(f"the guard ended before it said {what!r}: " + " | ".join(self.tail))
        return found()

    async def wait(self) -> int:
        """Wait until the daemon ends by itself; return its exit code."""
        assert self._process is not None  # noqa: S101 (start comes first)
        assert self._reader is not None  # noqa: S101 (same)
        await self._reader
        return await self._process.wait()

    async def stop(self) -> int:
        """Ask the daemon to stop and return its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """End the daemon without asking, as a power cut would."""
        return await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None  # noqa: S101 (start comes first)
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            return await self.wait()

    async def _read(self) -> None:
        assert self._process is not None  # noqa: S101 (start comes first)
        assert self._process.stderr is not None  # noqa: S101 (asked for)
        assert self._served is not None  # noqa: S101 (made before)
        async for raw in self._process.stderr:
            text = raw.decode(errors="replace").rstrip()
            self.tail.append(text)
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if str(line.get("event", "")).startswith("serving") and not self._served.done():
                self._served.set_result(f"http://127.0.0.1:{line['port']}")
            self._hear(line)
            await self._note(line)
        self._ended = True
        await self._note({})
        if not self._served.done():
            self._served.set_exception(
                DevnetError("the guard ended before it served anything: " + " | ".join(self.tail))
            )
            self._served.exception()  # whoever asks still gets it; nobody asking is no error of its own

    async def _note(self, line: Line) -> None:
        """Keep the first lines of each sentence, and wake whoever waits for one."""
        async with self._spoke:
            heard = self._heard.setdefault(str(line.get("event", "")), [])
            if len(heard) < KEPT_LINES:
                heard.append(line)
            self._spoke.notify_all()


@contextlib.asynccontextmanager
async def guarding(process: GuardProcess) -> AsyncIterator[GuardProcess]:
    """Run a guard for the length of a block."""
    async with stopping(process):
        await process.start()
        yield process


@contextlib.asynccontextmanager
async def stopping(process: GuardProcess) -> AsyncIterator[GuardProcess]:
    """Stop a guard at the end of a block, if it was started in it."""
    try:
        yield process
    finally:
        if process.started:
            await process.stop()
