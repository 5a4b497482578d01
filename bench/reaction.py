"""How fast a fraud is answered, and how much of that is the guard's own time.

The ordinary daemon and omg-js take turns on the same node and contracts, each with a fresh fraud every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx
from eth_account import Account

from bench.contender import Contender, contender
from bench.devnet import devnet
from bench.report import Row, row
from bench.tap import Reaction, Tap, tap
from plasma_guard.devnet.attacker import exit_spent_deposit
from plasma_guard.devnet.connection import Connection
from plasma_guard.devnet.guarding import GuardProcess, Line, guarding
from plasma_guard.devnet.jsonrpc import JsonRpc
from plasma_guard.devnet.people import People, people_of

_ETHER: Final = 10**18
_PATIENCE: Final = 30.0
_SEEN: Final = "an exit was started"
_DONE: Final = "challenged: the fraudulent exit is stopped"


@dataclass(slots=True)
class _Ear:
    """Waits for what the daemon says."""

    lines: list[Line] = field(default_factory=list)
    _said: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, line: Line) -> None:
        self.lines.append(line)
        self._said.set()

    async def until(self, event: str, *, position: str | None = None, times: int = 1) -> None:
        async with asyncio.timeout(_PATIENCE):
            while sum(self._is(line, event, position) for line in self.lines) < times:
                self._said.clear()
                await self._said.wait()

    @staticmethod
    def _is(line: Line, event: str, position: str | None) -> bool:
        return line.get("event") == event and (position is None or line.get("position") == position)


@dataclass(slots=True)
class _Field:
    """Where the two meet."""

    people: People
    ear: _Ear
    guard: Tap
    omgjs: Tap
    contender: Contender
    won: int = 0

    async def guard_answers(self) -> Reaction:
        position = await self._fraud()
        reaction = await self.guard.reaction(position.encode())
        self.won += 1
        await self.ear.until(_DONE, times=self.won)
        return reaction

    async def omgjs_answers(self) -> Reaction:
        position = await self._fraud()
        reaction = await self.omgjs.reaction(position.encode())
        await self.contender.says()
        return reaction

    async def _fraud(self) -> Any:
        """Commit a fraud, and let the Watcher and the guard's own scan see it: then only the event is new."""
        fraud = await exit_spent_deposit(self.people, lambda _: None)
        position = fraud.exit.position
        await self.ear.until(_SEEN, position=str(position))
        async with asyncio.timeout(_PATIENCE), httpx.AsyncClient(trust_env=False) as http:
            while True:
                status = (await http.post(self.people.connection.watcher_url + "/status.get", json={})).json()
                events = status["data"]["byzantine_events"]
                if position.encode() in [each["details"].get("utxo_pos") for each in events]:
                    return position
                await asyncio.sleep(0.1)


async def measure(runs: int, tell: Callable[[str], None]) -> list[Row]:
    """Return the rows of reaction and overhead."""
    ours: list[Reaction] = []
    theirs: list[Reaction] = []
    async with contextlib.AsyncExitStack() as stack:
        field_ = await _field(stack, tell)
        tell("one round of each to warm up")
        await field_.guard_answers()
        await field_.omgjs_answers()
        for number in range(1, runs + 1):
            ours.append(await field_.guard_answers())
            theirs.append(await field_.omgjs_answers())
            tell(f"round {number} of {runs}: {_ms(ours[-1].wall)} against {_ms(theirs[-1].wall)}")
    return _rows(ours, theirs)


async def _field(stack: contextlib.AsyncExitStack, tell: Callable[[str], None]) -> _Field:
    connection = await stack.enter_async_context(devnet(tell))
    taps = [await stack.enter_async_context(tap(connection.watcher_url, connection.rpc_url)) for _ in "ab"]
    key = Account.create().key.to_0x_hex()
    omgjs = await stack.enter_async_context(
        contender(taps[1].watcher_url, taps[1].rpc_url, connection.contract, key, tell)
    )
    await _fund(connection, omgjs.address)
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plasma-guard-bench-")))
    ear = _Ear()
    behind = replace(connection, rpc_url=taps[0].rpc_url, watcher_url=taps[0].watcher_url)
    guard = await stack.enter_async_context(guarding(GuardProcess(behind, directory, hear=ear.hear)))
    await guard.ready()
    taps[0].pid, taps[1].pid = guard.pid, omgjs.process.pid
    people = await stack.enter_async_context(people_of(connection))
    return _Field(people, ear, taps[0], taps[1], omgjs)


async def _fund(connection: Connection, address: str) -> None:
    node = JsonRpc(connection.rpc_url)
    try:
        await node.rpc("anvil_setBalance", address, hex(100 * _ETHER))
    finally:
        await node.close()


def _rows(ours: list[Reaction], theirs: list[Reaction]) -> list[Row]:
    return [
        row(
            "reaction",
            "ms",
            [1000 * each.wall for each in ours],
            [1000 * each.wall for each in theirs],
            target_ratio=0.5,
            note=f"requests of the guard: {_requests(ours)}; of omg-js: {_requests(theirs)}",
        ),
        row(
            "reaction, waiting for Watcher or node",
            "ms",
            [1000 * each.waited for each in ours],
            [1000 * each.waited for each in theirs],
        ),
        row(
            "overhead (CPU time of the process)",
            "ms",
            [1000 * each.cpu for each in ours],
            [1000 * each.cpu for each in theirs],
            target=15,
        ),
    ]


def _requests(reactions: list[Reaction]) -> str:
    """Say which requests the last reaction made."""
    counts = Counter(each.what for each in reactions[-1].requests)
    return ", ".join(f"{count} x {what}" if count > 1 else what for what, count in counts.items())


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
