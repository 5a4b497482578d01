"""A devnet made for faults: blocks come fast and can be held back, and a guard process tells all it says."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from plasma_guard.devnet.attacker import ETHER, Fraud, exit_spent_deposit
from plasma_guard.devnet.connection import Connection
from plasma_guard.devnet.deploy import Deployment, deploy
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.guarding import GuardProcess
from plasma_guard.devnet.network import Options, network
from plasma_guard.devnet.people import People, people_of
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.exits import ExitChallenged
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Wei
from plasma_guard.journal import read_journal
from support import invariants
from support.until import PATIENCE, until

PERIOD = 100_000
"""Chain time runs ahead of the clock here: an exit must not mature while a slow machine works."""
BLOCK_EVERY = 0.1
QUICK = {
    "PLASMA_GUARD_ROOT_CHAIN__POLL_INTERVAL": "0.1",
    "PLASMA_GUARD_WATCHER__POLL_INTERVAL": "0.2",
    "PLASMA_GUARD_WATCHER__INCIDENT_POLL_INTERVAL": "0.2",
    "PLASMA_GUARD_WATCHER__DEADLINE": "2",
    "PLASMA_GUARD_ROOT_CHAIN__CALL_DEADLINE": "2",
}
"""The guard looks as often as the blocks come; deadlines shorter than a test's patience."""


@dataclass(slots=True)
class Ticker:
    """Mines a block every now and then, unless held."""

    evm: Evm
    held: bool = False

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            if not self.held:
                await self.evm.mine()
            await asyncio.sleep(BLOCK_EVERY)


@dataclass(frozen=True, slots=True)
class Spent:
    """What an account ever did on chain: mined transactions, and its balance in wei."""

    transactions: int
    balance: int


@dataclass(frozen=True, slots=True)
class Arena:
    """A running devnet, its people, and the facts that verdicts rest on."""

    evm: Evm
    ticker: Ticker
    deployment: Deployment
    connection: Connection
    people: People

    async def fraud(self, amount: Wei = ETHER) -> Fraud:
        """Have Alice exit a deposit, of an amount in wei, that she has spent."""
        return await exit_spent_deposit(self.people, lambda _: None, amount)

    async def honest_exit(self) -> UtxoPosition:
        """Have Bob exit a deposit of his that nobody spent."""
        bob = self.people["bob"]
        position = await self.people.deposit(bob, ETHER)
        await self.people.start_exit(bob, position, ETHER)
        return position

    async def challenges(self) -> list[ExitChallenged]:
        """Return every ExitChallenged log there is."""
        head = await self.people.chain.head()
        events = await self.people.game.root_chain_events(0, head.number)
        return [event for event in events if isinstance(event, ExitChallenged)]

    async def challenged(self, fraud: Fraud) -> ExitChallenged:
        """Wait for the log that ends a fraud."""
        await until(lambda: self._is_challenged(fraud.exit.position), f"{fraud.exit.position} is challenged")
        return next(each for each in await self.challenges() if each.position == fraud.exit.position)

    async def _is_challenged(self, position: UtxoPosition) -> bool:
        return any(each.position == position for each in await self.challenges())

    async def reported(self, *frauds: Fraud) -> None:
        """Wait until the Watcher itself reports these frauds."""
        wanted = {fraud.exit.position.encode() for fraud in frauds}

        async def listed() -> bool:
            async with httpx.AsyncClient(trust_env=False) as http:
                answer = (await http.post(self.connection.watcher_url + "/status.get", json={})).json()
            return wanted <= {each["details"].get("utxo_pos") for each in answer["data"]["byzantine_events"]}

        await until(listed, "the Watcher reports the fraud")

    async def challenge_data(self, fraud: Fraud) -> dict[str, Any]:
        """Return what the Watcher itself says about a fraud."""
        parameters = {"utxo_pos": fraud.exit.position.encode()}
        async with httpx.AsyncClient(trust_env=False) as http:
            url = self.connection.watcher_url + "/utxo.get_challenge_data"
            data: dict[str, Any] = (await http.post(url, json=parameters)).json()["data"]
        return data

    async def hold(self) -> None:
        """Let no block come until `release`: what is sent stays in the pool."""
        self.ticker.held = True
        await self.evm.set_automine(enabled=False)

    async def release(self) -> None:
        """Let blocks come again."""
        await self.evm.set_automine(enabled=True)
        self.ticker.held = False

    async def spent(self) -> Spent:
        """Return what the guard's account has done."""
        address = str(self.people["guard"].address)
        count = await self.evm.rpc("eth_getTransactionCount", address, "latest")
        balance = await self.evm.rpc("eth_getBalance", address, "latest")
        return Spent(int(count, 16), int(balance, 16))

    def through(self, *, watcher: str | None = None, rpc: str | None = None) -> Connection:
        """Return the connection with other URLs in front of the same services."""
        return replace(
            self.connection,
            watcher_url=watcher or self.connection.watcher_url,
            rpc_url=rpc or self.connection.rpc_url,
        )


@contextlib.asynccontextmanager
async def arena(directory: Path, revision: str = "ald-v1") -> AsyncIterator[Arena]:
    """Run a devnet for the length of a block."""
    async with contextlib.AsyncExitStack() as stack:
        evm = await stack.enter_async_context(Evm())
        deployment = await deploy(evm, revision, min_exit_period=PERIOD)
        contracts = directory / "contracts.json"
        contracts.write_text(deployment.to_json(), encoding="utf-8")
        ticker = Ticker(evm)
        ticking = asyncio.create_task(ticker.run())
        stack.push_async_callback(_ended, ticking)
        options = Options(deployment.revision or "ald-v1", rpc_url=evm.rpc_url, contracts=contracts)
        connection = await stack.enter_async_context(network(options))
        people = await stack.enter_async_context(people_of(connection))
        yield Arena(evm, ticker, deployment, connection, people)
        await invariants.hold(evm, directory, keys=connection.keys.values())


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


class Guard(GuardProcess):
    """A guard whose every log line is kept, and whose pages can be read."""

    def __init__(
        self,
        connection: Connection,
        directory: Path,
        *,
        arguments: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.lines: list[Mapping[str, Any]] = []
        self.keys = list(connection.keys.values())
        super().__init__(
            connection,
            directory,
            hear=self.lines.append,
            arguments=arguments,
            env={**QUICK, **(env or {})},
        )

    def said(self, event: str) -> list[Mapping[str, Any]]:
        """Return the log lines that begin with these words."""
        return [line for line in self.lines if str(line.get("event", "")).startswith(event)]

    def alerts(self, key: str = "") -> list[Mapping[str, Any]]:
        """Return the alerts told whose key begins so."""
        return [line for line in self.lines if "alert" in line and str(line["alert"]).startswith(key)]

    async def heard(self, event: str, *, times: int = 1) -> None:
        """Wait until the guard said something."""
        await until(lambda: len(self.said(event)) >= times, f"the guard says {event!r} {times} times")

    async def alerted(self, key: str) -> None:
        """Wait for an alert."""
        await until(lambda: self.alerts(key), f"the guard raises the alert {key!r}")

    async def page(self, path: str) -> tuple[int, Any]:
        """Return status and JSON of one of its pages."""
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(await self.url() + path)
        return answer.status_code, answer.json()

    async def metrics(self) -> dict[str, float]:
        """Return the samples of /metrics by name and labels."""
        async with httpx.AsyncClient(trust_env=False) as http:
            text = (await http.get(await self.url() + "/metrics")).text
        samples = (line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, _, value in samples}

    async def not_ready(self, component: str) -> str:
        """Wait until /ready has fallen because of a component; return the reason."""

        async def reason() -> str:
            code, page = await self.page("/ready")
            return str(page["reasons"].get(component, "")) if code == httpx.codes.SERVICE_UNAVAILABLE else ""

        return await until(reason, f"/ready falls because of the {component}")

    async def closures(self) -> list[str]:
        """Return how each case in its journal is closed, "open" for one that is not."""
        async with read_journal(self.journal) as reader:
            return [str(case.closure or "open") for case in await reader.cases()]

    async def won(self, cases: int = 1) -> None:
        """Wait until its journal holds so many cases that it won."""

        async def enough() -> bool:
            return (await self.closures()).count(Closure.WON_BY_US.value) >= cases

        await until(enough, f"{cases} cases are won")

    async def settled(self) -> None:
        """Wait until its journal holds cases, all closed."""

        async def all_closed() -> bool:
            closures = await self.closures()
            return bool(closures) and "open" not in closures

        await until(all_closed, "every case in the journal is closed")

    async def died(self) -> int:
        """Wait until it ends by itself; return the exit code."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.wait()
        except TimeoutError:
            raise AssertionError(f"the guard went on living: {list(self.tail)}") from None

    async def ended(self, number: signal.Signals, *, within: float) -> int:
        """Send a signal and return the exit code; fail when it takes longer than `within` seconds."""
        os.kill(self.pid, number)
        async with asyncio.timeout(within):
            return await self.wait()

    def peak_mb(self) -> float:
        """Return the most memory it was ever resident with, in megabytes."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextlib.asynccontextmanager
async def running(guard: Guard, *, ready: bool = True) -> AsyncIterator[Guard]:
    """Run a guard for the length of a block; whatever happens it is gone afterwards."""
    await guard.start()
    try:
        if ready:
            await guard.ready()
        yield guard
    finally:
        await guard.kill()
    invariants.no_key_said(guard.keys, [*guard.lines, *guard.tail])


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left: exit code, output and time taken in seconds."""

    code: int
    out: str
    err: str
    seconds: float = field(compare=False)

    @property
    def said(self) -> str:
        """All it printed."""
        return self.out + self.err


async def command(*arguments: str, env: Mapping[str, str], patience: float = 30.0) -> Ended:
    """Run `plasma-guard` with these arguments to its end."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "plasma_guard",
        *arguments,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(patience):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(f"{arguments} did not end within {patience:g} s: {err.decode()}") from None
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode(), time.monotonic() - began)
