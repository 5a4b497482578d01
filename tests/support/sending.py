"""A lane on a real node and a real journal, driven turn by turn by a clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from plasma_guard.chain import RpcChain
from plasma_guard.devnet.evm import Evm
from plasma_guard.domain.cases import CaseKey, Kind
from plasma_guard.domain.decisions import Window
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.primitives import Address, Timestamp, Wei
from plasma_guard.domain.transactions import Outcome, TxCandidate
from plasma_guard.journal import SqlJournal, open_journal
from plasma_guard.keys import LocalSigner, SigningPolicy
from plasma_guard.sender import SenderSettings, TxSender
from plasma_guard.sender.lane import Lane
from plasma_guard.sender.pricing import SHORTFALLS
from support import invariants
from support.cases import open_case
from support.clock import FakeClock
from support.recorders import RecordedAlerts, RecordedMetrics
from support.rpc_proxy import RpcProxy

CHAIN_ID = 31337
PLASMA = Address(b"\x5f" * 20)
COUNTER = Address(b"\xc0" * 20)
"""Adds one to slot 0 at every call: how often an intent was really mined."""
COUNTER_CODE = "0x60016000540160005500"
ONCE = Address(b"\xc1" * 20)
"""Works once, then reverts, as a challenge does."""
ONCE_CODE = "0x60005415600b57600080fd5b600160005500"
SELECTOR = b"\x01\x02\x03\x04"
BOND = Wei(10**16)
BUDGET = Wei(10**17)
PATIENCE = 20.0
"""Real seconds until a test gives up on a lane."""


class ManualClock:
    """Stands still until told; `idle` returns once somebody sleeps on it. `wall` is how wrong `now` is."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0
        self.wall = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()
        self.sleeps = 0

    def now(self) -> float:
        return self.time + self.wall

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        entry = (self.time + seconds, asyncio.get_running_loop().create_future())
        self._sleepers.append(entry)
        self.sleeps += 1
        self._changed.set()
        try:
            await entry[1]
        finally:
            if entry in self._sleepers:
                self._sleepers.remove(entry)

    async def idle(self, sleeps: int = 0) -> None:
        while not self._sleepers or self.sleeps < sleeps:
            self._changed.clear()
            await self._changed.wait()

    def advance(self, seconds: float) -> None:
        self.time += seconds
        due = [entry for entry in self._sleepers if entry[0] <= self.time]
        # The woken no longer count as sleeping, though they have not run yet.
        self._sleepers = [entry for entry in self._sleepers if entry not in due]
        for _, sleeper in due:
            if not sleeper.done():
                sleeper.set_result(None)


@dataclass
class Bench:
    """What a test of the sender needs."""

    evm: Evm
    proxy: RpcProxy
    chain: RpcChain
    journal: SqlJournal
    path: Path
    settings: SenderSettings
    accounts: int = 1
    clock: ManualClock = field(default_factory=ManualClock)
    alerts: RecordedAlerts = field(default_factory=RecordedAlerts)
    metrics: RecordedMetrics = field(default_factory=RecordedMetrics)
    case_id: int = 0
    checked: int = 0
    """How many intents the invariants were asked of so far."""
    sender: TxSender = field(init=False)
    tasks: set[asyncio.Task[Outcome]] = field(default_factory=set)

    def __post_init__(self) -> None:
        policy = SigningPolicy(
            CHAIN_ID, {to: {SELECTOR: {Wei(0), BOND}} for to in (COUNTER, ONCE)}, Wei(10**18)
        )
        self.signers = [
            LocalSigner(bytes.fromhex(account.private_key[2:]), policy)
            for account in self.evm.accounts[: self.accounts]
        ]
        self.sender = self.new_sender()

    @property
    def account(self) -> Address:
        return self.signers[0].address

    @property
    def lane(self) -> Lane:
        return self.sender._lanes[self.account]

    def new_sender(self, **changes: Any) -> TxSender:
        """Return a sender over the same journal, as after a restart."""
        return TxSender(
            chain=self.chain,
            journal=self.journal,
            signers=self.signers,
            clock=self.clock,
            alerts=self.alerts,
            metrics=self.metrics,
            settings=replace(self.settings, **changes),
        )

    def call(self, intent: str = "challenge", to: Address = COUNTER, **changes: Any) -> TxCandidate:
        """Return a call of one of the two contracts."""
        fields: dict[str, Any] = {
            "intent": intent,
            "case_id": self.case_id,
            "account": self.account,
            "to": to,
            "data": SELECTOR,
            "value": Wei(0),
            "purpose": f"call {intent}",
            "gas_limit": 100_000,
        }
        return TxCandidate(**(fields | changes))

    async def window(self, *, soft: int = 3600, hard: int = 7200, budget: Wei = BUDGET) -> Window:
        """Return a window of so many seconds from the newest block."""
        now = await self.evm.timestamp()
        return Window(Timestamp(now + soft), Timestamp(now + hard), budget)

    async def submit(self, candidate: TxCandidate, window: Window | None = None) -> asyncio.Task[Outcome]:
        """Start a submission and let the lane do its first turn."""
        window = window or await self.window()
        await self.settle()
        before = self.clock.sleeps
        task = self.start(self.sender.submit(candidate, window))
        await self.settle(before + 1)
        return task

    def start(self, submission: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        task = asyncio.create_task(submission)
        self.tasks.add(task)
        return task

    async def settle(self, sleeps: int = 0) -> None:
        """Wait until every lane sleeps (for the `sleeps`th time at least) or everything submitted is over."""
        idle: asyncio.Future[Any] = asyncio.create_task(self.clock.idle(sleeps))
        everything: asyncio.Future[Any] = asyncio.gather(*self.tasks, return_exceptions=True)
        done, _ = await asyncio.wait(
            [idle, everything], return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE
        )
        idle.cancel()
        assert done, "the lane neither sleeps nor ends"

    async def turn(self, seconds: float | None = None) -> None:
        """Let the lane look at the chain once more, `seconds` (default: one poll) later."""
        await self.settle()
        self.clock.advance(self.settings.poll if seconds is None else seconds)
        await self.settle()

    async def block(self, blocks: int = 1, seconds: float | None = None) -> None:
        """Mine, and let the lane see it."""
        await self.settle()
        await self.evm.mine(blocks)
        await self.turn(seconds)
        if self.proxy.fault is None:
            await self.hold()

    async def hold(self) -> None:
        """Fail when an invariant is broken."""
        self.checked += await invariants.hold(
            self.evm,
            self.path,
            keys=[account.private_key for account in self.evm.accounts],
            day_cap=self.settings.max_cost_per_day,
            paged=[key.split("/")[1] for key in self.alerts.standing if key.split("/")[-1] in SHORTFALLS],
        )
        invariants.no_key_said([each.private_key for each in self.evm.accounts], self.alerts.told)

    async def mined_calls(self, to: Address = COUNTER) -> int:
        """Return how many calls of a contract were mined and worked."""
        return int(await self.evm.rpc("eth_getStorageAt", str(to), "0x0", "latest"), 16)

    async def nonce(self) -> int:
        return await self.chain.transaction_count(self.account)

    async def pool(self) -> list[dict[str, Any]]:
        """Return the pending transactions of the account, by nonce."""
        content = await self.evm.rpc("txpool_content")
        mine = [
            found
            for part in ("pending", "queued")
            for sender, by_nonce in content[part].items()
            if Address.parse(sender) == self.account
            for found in by_nonce.values()
        ]
        return sorted(mine, key=lambda each: int(each["nonce"], 16))

    def told(self, name: str) -> list[str]:
        """Return the alerts whose key ends in a name."""
        return [message for key, _, message in self.alerts.told if key.endswith(name)]


@asynccontextmanager
async def bench(path: Path, settings: SenderSettings, evm: Evm) -> AsyncIterator[Bench]:
    """Put both contracts on the chain and one case into a new journal."""
    for to, code in ((COUNTER, COUNTER_CODE), (ONCE, ONCE_CODE)):
        await evm.rpc("anvil_setCode", str(to), code)
    await evm.set_automine(enabled=False)
    await evm.mine(2)
    journal = open_journal(path / "journal.db", CHAIN_ID, PLASMA, runtime=path)
    async with RpcProxy(evm.rpc_url) as proxy, RpcChain.connect([proxy.url], FakeClock()) as chain, journal:
        key = CaseKey(CHAIN_ID, PLASMA, Kind.STANDARD_EXIT, ExitId(1), "0xab/0")
        case = await open_case(journal, key, Timestamp(0))
        made = Bench(evm, proxy, chain, journal, path, settings, case_id=case.id)
        try:
            yield made
            await made.hold()
        finally:
            await made.sender.close()
            for task in made.tasks:
                task.cancel()
            await asyncio.gather(*made.tasks, return_exceptions=True)
