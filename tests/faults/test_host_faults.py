"""Faults of the machine: clocks that jump, disks that fail, a daemon that is stopped, stuck or half dead."""

import asyncio
import json
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from eth_account import Account
from sqlalchemy.exc import OperationalError

from plasma_guard.app import Guard as Assembled
from plasma_guard.app import assemble
from plasma_guard.cli.run import _watchdog
from plasma_guard.clock import SystemClock
from plasma_guard.config import load_config
from plasma_guard.devnet.evm import Evm, EvmOptions
from plasma_guard.domain.transactions import Confirmed
from plasma_guard.journal import SqlJournal, database
from plasma_guard.journal.spare import Spare
from plasma_guard.sender import SenderSettings
from plasma_guard.telemetry.health import PULSE_LIMIT, Health
from plasma_guard.telemetry.secrets import forget_secrets
from support.arena import QUICK, Arena, Guard, command, running
from support.clock import FakeClock
from support.crash_child import _fill
from support.invariants import same_end
from support.rpc_proxy import RpcProxy
from support.sending import CHAIN_ID, Bench, bench
from support.until import until
from support.watcher_proxy import WatcherProxy

GWEI = 10**9
BLOCK = 12
WITHIN = 30.0
"""Seconds to end in; systemd would wait 90."""
SLEPT = 6 * 3600


@pytest.fixture
async def b(tmp_path: Path) -> AsyncIterator[Bench]:
    settings = SenderSettings(CHAIN_ID, confirmations=2)
    async with Evm() as evm, bench(tmp_path, settings, evm) as made:
        yield made


# 28: clocks


async def next_block(b: Bench) -> None:
    """Mine a block exactly twelve seconds later: by itself the node counts a slow machine's seconds."""
    await b.evm.set_next_timestamp(await b.evm.timestamp() + BLOCK)
    await b.block(seconds=BLOCK)


async def one_run(b: Bench, *, wall: float) -> dict[str, Any]:
    """Send a call through rising prices, with a wall clock that is wrong and then steps to the other side."""
    b.clock.time, b.clock.wall = float(await b.evm.timestamp()), wall
    await b.submit(b.call(), await b.window(soft=5 * BLOCK, hard=20 * BLOCK))
    for base_fee in (4, 8, 16, 32, 64):
        await b.evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee * GWEI))
        await next_block(b)
        b.clock.wall = -b.clock.wall
    for _ in range(4):
        await next_block(b)
    signed = await b.journal.attempts()
    (record,) = await b.journal.intents()
    return {
        "signed": [(each.nonce, each.fees, each.gas_limit, each.status) for each in signed],
        "outcome": type(record.outcome),
        "told": sorted(b.alerts.keys),
    }


@pytest.mark.parametrize("wrong", [-7200.0, 7200.0])
async def test_fault_28_a_wall_clock_that_is_wrong_and_steps_changes_nothing(
    tmp_path: Path, wrong: float
) -> None:
    """Fault 28: two hours off, and a step at every block: prices and outcome are those of a right clock."""
    ends = []
    for name, wall in (("right", 0.0), ("wrong", wrong)):
        (tmp_path / name).mkdir()
        options = EvmOptions(start_timestamp=2_000_000_000)
        settings = SenderSettings(CHAIN_ID, confirmations=2)
        async with Evm(options) as evm, bench(tmp_path / name, settings, evm) as b:
            ends.append(await one_run(b, wall=wall))
    same_end(ends[1], ends[0])
    assert ends[0]["outcome"] is Confirmed
    assert len(ends[0]["signed"]) > 1


async def test_fault_28_after_six_hours_asleep_all_is_read_anew_before_anything_is_sent(b: Bench) -> None:
    """Fault 28: what was read before is not used, though no process ran since; the first price is today's."""
    old = await b.submit(b.call("old"))
    await b.sender.prepare(await b.chain.head())
    await b.evm.rpc("anvil_setNextBlockBaseFeePerGas", hex(200 * GWEI))
    await b.evm.increase_time(SLEPT)
    await b.evm.mine()
    b.clock.time += SLEPT
    asked = len(b.proxy.seen)
    new = await b.submit(b.call("new"), await b.window(soft=-1))
    fresh = b.proxy.seen[asked:]
    sent = fresh.index("eth_sendRawTransaction")
    for read in ("eth_getBlockByNumber", "eth_getTransactionCount", "eth_feeHistory", "eth_getBalance"):
        assert read in fresh[:sent], f"{read} comes before the first transaction"
    assert min(each.fees.max_fee for each in await b.journal.attempts(intent="new")) > 100 * GWEI
    for _ in range(60):
        await b.block(seconds=BLOCK)
    assert [type(task.result()) for task in (old, new)] == [Confirmed, Confirmed]


@asynccontextmanager
async def in_this_process(net: Arena, folder: Path) -> AsyncIterator[Assembled]:
    """Run a whole guard where its clock can be reached, until the end of a block."""
    process = Guard(net.connection, folder)
    env = {**process.environment(), **QUICK}
    config = load_config(process.write_config(), env)
    async with AsyncExitStack() as stack:
        stack.callback(forget_secrets)
        guard = await stack.enter_async_context(assemble(config, env))
        stop = asyncio.Event()
        run = asyncio.create_task(guard.supervisor.run(stop))
        try:
            yield guard
        finally:
            stop.set()
            await run


@pytest.mark.parametrize("wrong", [-7200.0, 7200.0])
async def test_fault_28_a_fraud_is_stopped_whatever_the_wall_clock_says(
    net: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    """Fault 28: the whole daemon, two hours off: nothing it decides or waits for rests on that clock."""
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + wrong)
    async with in_this_process(net, tmp_path / "guard") as guard:
        await net.challenged(await net.fraud())
        await until(lambda: not guard.health.reasons, "it is ready")
    assert (await net.spent()).transactions == 1


async def test_fault_28_a_fraud_of_the_night_is_stopped_after_waking_up(
    net: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 28: six hours pass for the chain and the machine between two looks; the fraud is of that time."""
    async with in_this_process(net, tmp_path / "guard") as guard:
        await until(lambda: not guard.health.reasons, "it is ready")
        before = SystemClock().monotonic()
        await net.evm.increase_time(SLEPT)
        monkeypatch.setattr(
            SystemClock, "monotonic", lambda _: time.clock_gettime(time.CLOCK_MONOTONIC) + before + SLEPT
        )
        await net.challenged(await net.fraud())
        await until(lambda: not guard.health.reasons, "it is ready again")
    assert (await net.spent()).transactions == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a clock that says so")
def test_fault_28_the_clock_goes_on_while_the_machine_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 28: the usual monotonic clock stands still meanwhile, and what was read would look young."""
    clock = SystemClock()
    before = clock.monotonic()
    real = time.clock_gettime
    monkeypatch.setattr(
        time, "clock_gettime", lambda which: real(which) + SLEPT * (which == time.CLOCK_BOOTTIME)
    )
    assert clock.monotonic() - before >= SLEPT


# 29: disks


Mend = Callable[[], None]


async def sqlite_of(journal: SqlJournal) -> sqlite3.Connection:
    """Return the writer's own connection."""
    found: Any = await journal._writer.run(lambda c: c.connection.dbapi_connection)
    connection: sqlite3.Connection = found
    return connection


async def full(journal: SqlJournal) -> Mend:
    """Let no page be added to the journal, and take the room that is left."""
    raw = await sqlite_of(journal)
    await _fill(journal)
    return lambda: raw.execute("PRAGMA max_page_count = 100000").close()


async def read_only(journal: SqlJournal) -> Mend:
    """Refuse every write, as on a file system that was mounted again read-only."""
    raw = await sqlite_of(journal)
    raw.execute("PRAGMA query_only = 1").close()
    return lambda: raw.execute("PRAGMA query_only = 0").close()


async def flush_error(journal: SqlJournal) -> Mend:
    """Fail every commit where the operating system would say that the disk did not take it."""

    def fail(point: str) -> None:
        if point == "journal.commit":
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    patch = pytest.MonkeyPatch()
    patch.setattr(database, "crash_point", fail)
    return patch.undo


DISKS = [full, read_only, flush_error]


async def about_to_sign(b: Bench, *, soft: int) -> Any:
    """Have an intent on disk that is signed as soon as there is money."""
    await b.evm.set_balance(str(b.account), 0)
    task = await b.submit(b.call(data=b"\x01\x02\x03\x04" + bytes(5000)), await b.window(soft=soft))
    assert b.told("/unaffordable")
    return task


@pytest.mark.parametrize("breaks", DISKS)
async def test_fault_29_bytes_that_are_on_no_disk_are_not_sent(
    b: Bench, breaks: Callable[[SqlJournal], Awaitable[Mend]]
) -> None:
    """Fault 29: a person is told, nothing leaves; once the disk works it is signed, recorded and sent."""
    task = await about_to_sign(b, soft=3600)
    mend = await breaks(b.journal)
    await b.evm.set_balance(str(b.account), 10**20)
    for _ in range(3):
        await b.evm.mine()
        await b.turn()
    assert b.proxy.count("eth_sendRawTransaction") == 0
    assert await b.journal.attempts() == []
    assert "nothing is sent unrecorded" in b.told("/journal")[0]
    mend()
    await b.block()
    assert b.proxy.count("eth_sendRawTransaction") == 1
    await b.block(2)
    assert isinstance(task.result(), Confirmed)
    assert await b.mined_calls() == 1


@pytest.mark.parametrize("breaks", DISKS)
async def test_fault_29_past_the_soft_time_the_second_path_holds_what_leaves(
    b: Bench, breaks: Callable[[SqlJournal], Awaitable[Mend]]
) -> None:
    """Fault 29: the emergency path: flushed elsewhere before it leaves, later put into the journal."""
    task = await about_to_sign(b, soft=-1)
    mend = await breaks(b.journal)
    await b.evm.set_balance(str(b.account), 10**20)
    await b.evm.mine()
    await b.turn()
    (pending,) = await b.pool()
    kept = [row["hash"] for table, row in b.journal._spare.rows() if table == "attempts"]
    assert [str(each) for each in kept] == [pending["hash"]]
    assert await b.journal.attempts() == []
    mend()
    await b.block()
    await b.block(2)
    assert isinstance(task.result(), Confirmed)
    assert [str(each.hash) for each in await b.journal.attempts()] == [pending["hash"]]
    assert b.journal._spare.is_empty


async def test_fault_29_with_no_disk_at_all_nothing_leaves_even_when_time_is_short(b: Bench) -> None:
    """Fault 29: neither the journal nor the second path takes the bytes: they are not sent."""
    task = await about_to_sign(b, soft=-1)
    mend = await read_only(b.journal)
    (b.path / "file").write_text("")
    b.journal._spare = Spare(b.path / "file" / "spare.jsonl")
    await b.evm.set_balance(str(b.account), 10**20)
    await b.evm.mine()
    await b.turn()
    assert b.proxy.count("eth_sendRawTransaction") == 0
    mend()
    await b.block()
    await b.block(2)
    assert isinstance(task.result(), Confirmed)


async def left_in_flight(net: Arena, folder: Path) -> str:
    """Have a guard die with its challenge in the pool; return the challenge's hash."""
    fraud = await net.fraud()
    await net.reported(fraud)
    await net.hold()
    guard = Guard(net.connection, folder)
    async with running(guard, ready=False):
        await guard.heard("signed")
        (line,) = guard.said("signed")
        await until(lambda: net.evm.rpc("eth_getTransactionByHash", line["tx"]), "the node has the challenge")
    return str(line["tx"])


async def goes_on(net: Arena, folder: Path) -> Guard:
    """Start a guard on what is left of the journal while no block comes; its challenge is mined, once."""
    guard = Guard(net.connection, folder)
    async with running(guard, ready=False):
        await guard.heard("signed")
        await net.release()
        await guard.won()
        critical = [line["alert"] for line in guard.alerts() if line["severity"] == "critical"]
        assert [key for key in critical if not str(key).startswith("journal/")] == []
    assert len(await net.challenges()) == 1
    assert (await net.spent()).transactions == 1
    return guard


async def test_fault_29_a_write_ahead_log_that_was_deleted_costs_no_second_transaction(
    net: Arena, tmp_path: Path
) -> None:
    """Fault 29: what the journal forgot shows on the root chain, and in the pool."""
    folder = tmp_path / "guard"
    await left_in_flight(net, folder)
    assert (folder / "journal.sqlite3-wal").stat().st_size
    for name in ("journal.sqlite3-wal", "journal.sqlite3-shm"):
        (folder / name).unlink()
    await goes_on(net, folder)


async def test_fault_29_a_corrupted_journal_is_kept_aside_and_rebuilt_from_the_chain(
    net: Arena, tmp_path: Path
) -> None:
    """Fault 29: the guard starts, says where the damaged file is, and the fraud is stopped once."""
    folder = tmp_path / "guard"
    await left_in_flight(net, folder)
    path = folder / "journal.sqlite3"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    content = bytearray(path.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    path.write_bytes(content)
    guard = await goes_on(net, folder)
    (alert,) = guard.alerts("journal/damaged")
    kept = folder / "journal.sqlite3.damaged-1"
    assert str(kept) in alert["event"]
    assert kept.read_bytes() == bytes(content)


async def test_fault_29_a_journal_restored_from_an_older_backup_believes_the_chain(
    net: Arena, tmp_path: Path
) -> None:
    """Fault 29: the backup knows of no challenge; the contract does, and the case is closed for nothing."""
    folder = tmp_path / "guard"
    guard = Guard(net.connection, folder)
    async with running(guard):
        await guard.stop()
    shutil.copytree(folder, tmp_path / "backup")
    await net.fraud()
    async with running(Guard(net.connection, folder)) as winner:
        await winner.won()
        await winner.stop()
    before = await net.spent()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    async with running(Guard(net.connection, folder)) as again:
        await again.heard("watching", times=3)
        assert await again.closures() == [], (
            "to the chain it is over, so there is nothing to have a case about"
        )
        assert not again.alerts()
    assert await net.spent() == before


# 30: stopping, standing still, dying in part


@pytest.mark.parametrize("hangs", ["watcher", "root chain", "both"])
async def test_fault_30_sigterm_ends_a_guard_whose_sources_hang(
    net: Arena, rpc: RpcProxy, watcher: WatcherProxy, tmp_path: Path, hangs: str
) -> None:
    """Fault 30: it does not wait for answers that never come; other states are in `test_stopping`."""

    async def never(_: web.Request) -> web.StreamResponse:
        await watcher.closing.wait()
        return web.Response(status=503)

    guard = Guard(net.through(watcher=watcher.url, rpc=rpc.url), tmp_path / "guard")
    async with running(guard):
        watcher.replace = never if hangs in {"watcher", "both"} else None
        rpc.fault = rpc.silence() if hangs in {"root chain", "both"} else None
        asked = len(rpc.seen) + sum(watcher.asked.values())
        await until(lambda: len(rpc.seen) + sum(watcher.asked.values()) > asked, "it asks again")
        assert await guard.ended(signal.SIGTERM, within=WITHIN) == 0
        assert guard.said("stopped; nothing under way is lost")
        rpc.fault = None


@dataclass
class Manager:
    """A service manager that counts how often it was told that all is well."""

    watchdog_interval: float | None = 0.001
    fed: int = 0

    def watchdog(self) -> None:
        self.fed += 1


@dataclass
class Asked:
    """Health that says when it was asked so many times more."""

    health: Health
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    times: int = 0

    @property
    def live(self) -> bool:
        self.times += 1
        self.asked.set()
        return self.health.live

    async def more(self, times: int) -> None:
        wanted = self.times + times
        while self.times < wanted:
            self.asked.clear()
            await self.asked.wait()


async def test_fault_30_a_loop_that_stands_still_for_90_seconds_is_not_vouched_for() -> None:
    """Fault 30: the watchdog is fed as long as the loop turns, and not after that: systemd restarts it."""
    clock, manager = FakeClock(), Manager()
    health = Health(("scan",), clock)
    asked = Asked(health)
    feeding = asyncio.create_task(_watchdog(manager, asked))  # type: ignore[arg-type]  # (stand-ins that count)
    async with asyncio.timeout(WITHIN):
        await asked.more(3)
        clock.advance(PULSE_LIMIT - 1)
        await asked.more(3)
        assert manager.fed >= 5
        clock.advance(1)
        await asked.more(1)
        starved = manager.fed
        await asked.more(5)
        assert manager.fed == starved
        health.pulse()
        await asked.more(3)
        assert manager.fed > starved
    feeding.cancel()


class DyingClock(SystemClock):
    """Raises in the task of one sleeper, once it is told to."""

    victim: asyncio.Task[Any] | None = None
    armed = False

    async def sleep(self, seconds: float) -> None:
        if self.armed and self.victim is None:
            self.victim = asyncio.current_task()
            raise RuntimeError("a task that dies")
        await super().sleep(seconds)


async def test_fault_30_a_dead_task_takes_the_whole_daemon_along(net: Arena, tmp_path: Path) -> None:
    """Fault 30: no half of a guard goes on and looks alive: it ends with an error, to be restarted."""
    guard = Guard(net.connection, tmp_path / "guard")
    env = guard.environment()
    config = load_config(guard.write_config(), env)
    clock = DyingClock()
    async with AsyncExitStack() as stack:
        stack.callback(forget_secrets)
        made = await stack.enter_async_context(assemble(config, env))
        made.supervisor._clock = clock
        before = asyncio.all_tasks()
        run = asyncio.create_task(made.supervisor.run(asyncio.Event()))
        await until(lambda: made.health.components["scan"].ok, "it scans")
        clock.armed = True
        async with asyncio.timeout(WITHIN):
            with pytest.raises(ExceptionGroup, match="unhandled errors") as caught:
                await run
        assert caught.group_contains(RuntimeError, match="a task that dies")
        left = [task.get_coro() for task in asyncio.all_tasks() - before if not task.done()]
        assert not [each for each in left if "/plasma_guard/daemon/" in str(each)]


# 31: nobody to tell


class Webhook:
    """A chat service that is down until it is `up`; `heard` are the alerts it took."""

    def __init__(self) -> None:
        self.up = False
        self.heard: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        if not self.up:
            return web.Response(status=503)
        self.heard.append((await request.json())["key"])
        return web.Response(text="ok")


@asynccontextmanager
async def listening(webhook: Webhook) -> AsyncIterator[str]:
    """Serve a webhook; yields its URL."""
    application = web.Application()
    application.router.add_post("/hook-of-the-guard", webhook.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook-of-the-guard"
    finally:
        await runner.cleanup()


async def test_fault_31_a_dead_webhook_delays_no_challenge_and_gets_its_alerts_later(
    net: Arena, tmp_path: Path
) -> None:
    """Fault 31: while it takes nothing a fraud is stopped; what was to be told is told once it is back."""
    webhook, address = Webhook(), str(net.people["guard"].address)
    async with listening(webhook) as url:
        guard = Guard(net.connection, tmp_path / "guard", env={"PLASMA_GUARD_ALERTS__WEBHOOK_URL": url})
        await net.evm.set_balance(address, 0)
        await net.fraud()
        async with running(guard, ready=False):
            await guard.alerted("send/")
            await net.evm.set_balance(address, 10**18)
            await guard.won()
            assert webhook.heard == []
            webhook.up = True
            await until(lambda: webhook.heard, "an alert arrives")
            assert webhook.heard[0] in {line["alert"] for line in guard.alerts()}
    assert len(await net.challenges()) == 1


# 32: keys


@pytest.mark.parametrize("wrong", ["password", "mode"])
async def test_fault_32_a_key_that_cannot_be_used_is_refused_in_one_sentence(
    net: Arena, tmp_path: Path, wrong: str
) -> None:
    """Fault 32: a wrong password, or a file that others may read: exit code 2, the remedy, and no secret."""
    key = net.connection.keys["guard"]
    guard = Guard(net.connection, tmp_path / "guard")
    env = {name: value for name, value in guard.environment().items() if name != "PRIVATE_KEY"}
    config = guard.write_config()
    path = tmp_path / "secret"
    if wrong == "mode":
        path.write_text(key)
        path.chmod(0o644)
        env["PRIVATE_KEY_FILE"], remedy = str(path), f"mode 0644): run chmod 600 {path}"
    else:
        path.write_text(
            json.dumps(
                Account.encrypt(
                    bytes.fromhex(key.removeprefix("0x")), "right horse", kdf="pbkdf2", iterations=1000
                )
            )
        )
        path.chmod(0o600)
        with config.open("a") as file:
            file.write(f'\n[[accounts]]\nkeystore = "{path}"\nkeystore_password_env = "HORSE"\n')
        env["HORSE"], remedy = "wrong horse", "the password is wrong"
    ended = await command("run", "--config", str(config), env=env)
    path.unlink()
    assert ended.code == 2
    assert remedy in ended.err
    assert "Traceback" not in ended.said
    assert "wrong horse" not in ended.said
    assert key.removeprefix("0x") not in ended.said
