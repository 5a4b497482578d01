"""A devnet with ten blocks a second, its people, what its Watcher says, and a guard run by this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from plasma_guard.app import Guard, assemble
from plasma_guard.clock import SystemClock
from plasma_guard.config import load_config
from plasma_guard.daemon.mailbox import Mailbox
from plasma_guard.devnet.attacker import Fraud
from plasma_guard.devnet.deploy import deploy
from plasma_guard.devnet.evm import Evm
from plasma_guard.devnet.in_flight import StartedInFlightExit
from plasma_guard.devnet.network import REVISIONS, Options, network
from plasma_guard.devnet.people import People, people_of
from plasma_guard.domain.cases import TrackedExit
from plasma_guard.domain.decisions import Closure
from plasma_guard.domain.errors import WatcherMisbehaved
from plasma_guard.domain.exits import ExitChallenged, ExitId, StandardExit
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei
from plasma_guard.domain.watchers import ByzantineEvent
from plasma_guard.journal import read_journal
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.transaction import Output
from plasma_guard.verifier import Margins, Verifier
from plasma_guard.verifier.api import application
from plasma_guard.verifier.child_chain import HttpBlockSource
from plasma_guard.verifier.follower import Follower
from plasma_guard.watcher import HttpWatcher
from support.arena import Ticker
from support.until import until
from verifier.net import Withholding

ETHER = Wei(10**18)
PERIOD = 100_000
"""Chain time runs ahead of the clock here: an exit must not mature while a slow machine works."""
STEP = 0.1
LONG = 5520
LATE = 200
"""Root-chain blocks after which an exit is late, in the scenarios about late ones."""
MARGINS = Margins(exit_finality=3, deposit_finality=2, sla=LONG)
GUARD_SETTINGS = {
    "PLASMA_GUARD_ROOT_CHAIN__CONFIRMATIONS": "1",
    "PLASMA_GUARD_ROOT_CHAIN__POLL_INTERVAL": "0.1",
    "PLASMA_GUARD_WATCHER__POLL_INTERVAL": "0.2",
    "PLASMA_GUARD_WATCHER__INCIDENT_POLL_INTERVAL": "0.2",
}

Reported = tuple[str, UtxoPosition | Hash32 | int]
"""The name of a byzantine event, and the output, transaction or plasma block it is about."""


def about(name: str, *frauds: Fraud) -> list[Reported]:
    """Return the events of one name about these frauds."""
    return [(name, fraud.exit.position) for fraud in frauds]


def of(name: str, *exits: StartedInFlightExit) -> list[Reported]:
    """Return the events of one name about these in-flight exits."""
    return [(name, keccak(exit_.tx)) for exit_ in exits]


@dataclass(slots=True)
class Witness:
    """Asks a Watcher all the time, and keeps every event it ever reported."""

    watcher: HttpWatcher
    seen: set[Reported] = field(default_factory=set)

    async def run(self) -> None:
        """Ask for ever, or until the Watcher breaks off: it has vanished, and says no more."""
        while True:
            try:
                self.seen.update(await events_of(self.watcher))
            except WatcherMisbehaved:
                return
            await asyncio.sleep(STEP / 2)


@dataclass(frozen=True, slots=True)
class LocalGuard:
    """The ordinary daemon, run by this process; `lines` is all it logs."""

    guard: Guard
    journal: Path
    lines: Sequence[Any]

    def said(self, event: str) -> list[Any]:
        """Return the log lines with this sentence."""
        return [line for line in self.lines if line["event"] == event]

    def alerts(self, key: str = "") -> list[Any]:
        """Return the alerts told whose key begins so."""
        return [line for line in self.lines if str(line.get("alert", "")).startswith(key) and "alert" in line]

    async def challenged(self, *frauds: Fraud, times: int = 1) -> None:
        """Wait until it says of each fraud that it stopped it."""

        def told() -> bool:
            lines = self.said("challenged: the fraudulent exit is stopped")
            positions = [line["position"] for line in lines]
            return all(positions.count(str(fraud.exit.position)) == times for fraud in frauds)

        await until(told, "the guard says that the fraud is stopped")

    async def scanned(self, block: int) -> None:
        """Wait until its own scan has read this root-chain block."""

        def read() -> bool:
            head = self.guard.supervisor.head
            return head is not None and head.number >= block

        await until(read, f"the guard has scanned block {block}")

    async def until_said(self, event: str, times: int = 1) -> None:
        """Wait until it has said a sentence so often."""
        await until(
            lambda: len(self.said(event)) >= times, f"the guard says {event!r} {times} times", patience=90
        )

    async def until_alerted(self, key: str) -> None:
        """Wait until it has raised an alert whose key begins so."""
        await until(lambda: self.alerts(key), f"the guard raises the alert {key!r}")

    async def exits(self) -> list[TrackedExit]:
        """Return the exits of its own scan."""
        async with read_journal(self.journal) as reader:
            return await reader.tracked_exits()

    async def closures(self) -> list[Closure | None]:
        """Return how each of its cases is closed, None for an open one."""
        async with read_journal(self.journal) as reader:
            return [case.closure for case in await reader.cases()]


class Summoned:
    """The world's guard, for a story that says itself when it comes; it goes with `stack`."""

    def __init__(
        self,
        world: "World",
        stack: contextlib.AsyncExitStack,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._world = world
        self._stack = stack
        self._settings = settings
        self._guard: LocalGuard | None = None

    @property
    def guard(self) -> LocalGuard:
        """The guard, which has come."""
        assert self._guard is not None
        return self._guard

    async def start(self) -> None:
        """Let it come."""
        self._guard = await self._stack.enter_async_context(self._world.guarded(self._settings))

    async def ready(self) -> None:
        """Nothing is to be waited for."""

    async def until_said(self, event: str, times: int = 1) -> None:
        """Wait until it has said a sentence so often."""
        await self.guard.until_said(event, times)

    async def until_alerted(self, key: str) -> None:
        """Wait until it has raised an alert whose key begins so."""
        await self.guard.until_alerted(key)

    async def wish_to_leave(self) -> None:
        """Ask it to take everything out."""
        journal = self.guard.journal
        Mailbox(journal.with_name(f"{journal.stem}.wishes")).post(None)


class World:
    """One devnet with everything a scenario asks about."""

    def __init__(
        self, evm: Evm, ticker: Ticker, people: People, watcher: HttpWatcher, witness: Witness, folder: Path
    ) -> None:
        self.evm = evm
        self.people = people
        self.watcher = watcher
        self._ticker = ticker
        self._witness = witness
        self.folder = folder
        self._guards = 0
        self.extra: dict[str, str] = {}
        """Further settings of its guards."""
        self.alice, self.bob = people["alice"], people["bob"]
        self.token = Address.parse(people.connection.tokens[0])

    @property
    def is_ald(self) -> bool:
        """Whether this is not the v0.2 generation."""
        return self.people.rules.generation.is_ald

    @property
    def ever_reported(self) -> set[Reported]:
        """Every event the Watcher was ever seen to report."""
        return self._witness.seen

    def output(self, owner: str, amount: Wei = ETHER, token: Address = ETH) -> Output:
        """Return an output to somebody, of ether unless a token is given."""
        return Output(self.people[owner].address, token, amount)

    async def hold(self) -> None:
        """Let blocks come only with transactions, so that nothing new is buried."""
        self._ticker.held = True
        await self.evm.rpc("eth_blockNumber")  # a block asked for before this answer is mined by now

    async def leave_mining_to_the_node(self) -> None:
        """Let the node itself make a block each second, as in a demo, so that a story can stop it."""
        await self.hold()
        await self.evm.rpc("evm_setIntervalMining", 1)

    def release(self) -> None:
        """Let blocks come again."""
        self._ticker.held = False

    async def reports(self, expected: Sequence[Reported], watcher: HttpWatcher | None = None) -> None:
        """Wait until the Watcher reports exactly these events, in any order."""
        wanted = sorted(expected, key=str)

        async def same() -> bool:
            return sorted(await events_of(watcher or self.watcher), key=str) == wanted

        await until(same, f"the Watcher reports {wanted}")

    async def caught_up(self, watcher: HttpWatcher | None = None) -> None:
        """Wait until the Watcher has judged all that has happened up to now."""
        head = await self.people.chain.head()

        async def judged() -> bool:
            return (await (watcher or self.watcher).status()).services["exit_processor"] >= head.number

        await until(judged, f"the Watcher has judged block {head.number}")

    async def grow_old(self) -> None:
        """Let so many blocks pass that in the world of late exits everything wrong is late."""
        await self.evm.mine(LATE)

    async def entry(self, exit_id: ExitId) -> StandardExit:
        """Return the contract's entry of an exit, now."""
        (entry,) = await self.people.game.standard_exits([exit_id], await self.people.chain.head())
        return entry

    async def let_mature(self) -> None:
        """Move the time on until every exit started so far can be processed."""
        head = await self.people.chain.head()
        assert await self.people.move_time(head.timestamp + 2 * PERIOD)

    async def challenges(self) -> list[ExitChallenged]:
        """Return every challenge ever mined."""
        events = await self.people.game.root_chain_events(0, (await self.people.chain.head()).number)
        return [event for event in events if isinstance(event, ExitChallenged)]

    async def guard_sent(self) -> int:
        """Return how many transactions of the guard's account were mined: its nonce."""
        return await self.people.chain.transaction_count(self.people["guard"].address)

    async def ask(self, path: str, payload: dict[str, Any]) -> Any:
        """Ask the Watcher's HTTP API something that no client of ours asks; return the data."""
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = (await http.post(self.people.connection.watcher_url + path, json=payload)).json()
        assert answer["success"], answer
        return answer["data"]

    def settings(self, journal: Path) -> dict[str, str]:
        """Return the environment of a guard of this devnet; an empty `extra` leaves a setting out."""
        connection = self.people.connection
        settings = {
            **GUARD_SETTINGS,
            "PRIVATE_KEY": connection.keys["guard"],
            "PLASMA_GUARD_ROOT_CHAIN__RPC": connection.rpc_url,
            "PLASMA_GUARD_ROOT_CHAIN__CHAIN_ID": str(connection.chain_id),
            "PLASMA_GUARD_ROOT_CHAIN__CONTRACT": connection.contract,
            "PLASMA_GUARD_WATCHER__URL": connection.watcher_url,
            "PLASMA_GUARD_JOURNAL__PATH": str(journal),
            "PLASMA_GUARD_VAULT__CHILD_CHAIN_URL": connection.operator_url,
            "PLASMA_GUARD_VAULT__REFRESH_INTERVAL": "5",
            **self.extra,
        }
        return {name: value for name, value in settings.items() if value}

    @contextlib.asynccontextmanager
    async def guarded(self, settings: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[LocalGuard]:
        """Run a guard with a journal of its own, and these settings besides, for the length of a block."""
        self._guards += 1
        journal = self.folder / f"journal-{self._guards}.sqlite3"
        env = {**self.settings(journal), **settings}
        stop = asyncio.Event()
        with capture_logs() as lines:
            async with assemble(load_config(None, env), env) as guard:
                running = asyncio.create_task(guard.supervisor.run(stop))
                try:
                    yield LocalGuard(guard, journal, lines)
                finally:
                    stop.set()
                    await running

    @contextlib.asynccontextmanager
    async def second_watcher(
        self, *, first: int = 0, withheld: bool = False
    ) -> AsyncIterator[tuple[HttpWatcher, Withholding]]:
        """Run a Watcher of our own over HTTP, and yield it with its way to the operator's blocks.

        It starts to read the root chain at block `first`; with `withheld` it cannot have any block yet.
        """
        verifier = Verifier(self.people.game.contracts, MARGINS)
        async with contextlib.AsyncExitStack() as stack:
            source = HttpBlockSource(self.people.connection.operator_url)
            blocks = Withholding(await stack.enter_async_context(source))
            blocks.withheld = withheld
            follower = Follower(
                verifier, self.people.game, self.people.chain, blocks, SystemClock(), first=first
            )
            await follower.step()
            await stack.enter_async_context(_running(follower.run(interval=STEP)))
            server = await stack.enter_async_context(TestServer(application(verifier)))
            watcher = HttpWatcher(str(server.make_url("/")))
            yield await stack.enter_async_context(watcher), blocks


async def events_of(watcher: HttpWatcher) -> list[Reported]:
    """Return the byzantine events of one answer, in the Watcher's order."""
    status = await watcher.status()
    return [(event.name, _subject(event)) for event in status.events]


def _subject(event: ByzantineEvent) -> UtxoPosition | Hash32 | int:
    match event.details:
        case {"utxo_pos": int(encoded)}:
            return UtxoPosition.decode(encoded)
        case {"txbytes": str(unsigned)}:
            return keccak(bytes.fromhex(unsigned.removeprefix("0x")))
        case {"blknum": int(blknum)}:
            return blknum
    raise AssertionError(f"an event about nothing known: {event}")


@contextlib.asynccontextmanager
async def world_of(generation: str, folder: Path, *, sla: int = LONG) -> AsyncIterator[World]:
    """Run a fresh devnet; an invalid exit is late after `sla` root-chain blocks."""
    async with contextlib.AsyncExitStack() as stack:
        evm = await stack.enter_async_context(Evm())
        deployment = await deploy(evm, REVISIONS[generation], min_exit_period=PERIOD)
        contracts = folder / "contracts.json"
        contracts.write_text(deployment.to_json(), encoding="utf-8")
        ticker = Ticker(evm)
        await stack.enter_async_context(_running(ticker.run()))
        options = Options(
            REVISIONS[generation],
            rpc_url=evm.rpc_url,
            contracts=contracts,
            margins=replace(MARGINS, sla=sla),
            step=STEP,
        )
        connection = await stack.enter_async_context(network(options))
        people = await stack.enter_async_context(people_of(connection))
        watcher = await stack.enter_async_context(HttpWatcher(connection.watcher_url))
        witness = Witness(watcher)
        await stack.enter_async_context(_running(witness.run()))
        yield World(evm, ticker, people, watcher, witness, folder)


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something endless for the length of a block; an error that ended it before is raised here."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
