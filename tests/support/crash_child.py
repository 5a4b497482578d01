"""One life of a sending guard in a process of its own, which a crash point may end.

Each sleep of the guard mines one block (none during the first `quiet` ones), so the chain moves as the guard
waits and a run is the same every time.
"""

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import httpx

from plasma_guard.chain import RpcChain
from plasma_guard.domain.cases import CaseKey, Kind, Observation
from plasma_guard.domain.crashpoints import VARIABLE
from plasma_guard.domain.decisions import Closure, Window
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.primitives import Timestamp, Wei
from plasma_guard.domain.transactions import TxCandidate, WouldRevert
from plasma_guard.journal import SqlJournal, open_journal
from plasma_guard.keys import LocalSigner, SigningPolicy
from plasma_guard.sender import SenderSettings, TxSender
from support.cases import open_case
from support.clock import FakeClock
from support.recorders import RecordedAlerts, RecordedMetrics
from support.sending import BUDGET, CHAIN_ID, COUNTER, COUNTER_CODE, PLASMA, SELECTOR

__all__ = ["COUNTER", "COUNTER_CODE", "Life", "give_up", "live", "reopen"]

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
INTENT = "challenge"
CASE = CaseKey(CHAIN_ID, PLASMA, Kind.STANDARD_EXIT, ExitId(1), "0xab/0")


@dataclass(frozen=True)
class Life:
    """Where a guard lives, and where it ends if not by itself."""

    url: str
    folder: Path
    crash_at: str = ""
    quiet: int = 0
    padding: int = 0
    """Zero bytes after the call's selector: rows that do not fit into the room a page has left."""
    full_disk: bool = False
    """Whether no page can be added to the journal once the case is in it, and time is short."""


class MiningClock(FakeClock):
    """Every sleep lets a block pass."""

    def __init__(self, url: str, quiet: int) -> None:
        super().__init__()
        self._url = url
        self._quiet = quiet

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if len(self.slept) > self._quiet:
            body = {"jsonrpc": "2.0", "id": 1, "method": "anvil_mine", "params": ["0x1"]}
            async with httpx.AsyncClient(trust_env=False) as client:
                await client.post(self._url, json=body)


def live(life: Life) -> None:
    """Open the journal, take up the case, send its one call, and end well."""
    if life.crash_at:
        os.environ[VARIABLE] = life.crash_at
    asyncio.run(_live(life))


def give_up(life: Life) -> None:
    """Open the journal, and close the case as moot: its exit was removed by a reorg."""
    if life.crash_at:
        os.environ[VARIABLE] = life.crash_at
    asyncio.run(_give_up(life))


async def _give_up(life: Life) -> None:
    async with open_journal(life.folder / "journal.db", CHAIN_ID, PLASMA, runtime=life.folder) as journal:
        case = await open_case(journal, CASE, Timestamp(1))
        await journal.close_case(case.id, Closure.MOOT, Timestamp(2))


def reopen(life: Life) -> None:
    """Open the journal, settle an intent, and take that back: a reorg took its transaction out."""
    if life.crash_at:
        os.environ[VARIABLE] = life.crash_at
    asyncio.run(_reopen(life))


async def _reopen(life: Life) -> None:
    async with open_journal(life.folder / "journal.db", CHAIN_ID, PLASMA, runtime=life.folder) as journal:
        case = await open_case(journal, CASE, Timestamp(1))
        call = TxCandidate(INTENT, case.id, COUNTER, COUNTER, SELECTOR, Wei(0), "count", 100_000)
        await journal.record_intent(call, Window(Timestamp(2), Timestamp(3), BUDGET), Timestamp(1))
        await journal.record_outcome(INTENT, WouldRevert("it is settled"), Timestamp(2))
        await journal.reopen(INTENT)


async def _live(life: Life) -> None:
    policy = SigningPolicy(CHAIN_ID, {COUNTER: {SELECTOR: {Wei(0)}}}, Wei(10**18))
    signer = LocalSigner(KEY, policy)
    clock = MiningClock(life.url, life.quiet)
    async with (
        open_journal(
            life.folder / "journal.db", CHAIN_ID, PLASMA, accounts=[signer.address], runtime=life.folder
        ) as journal,
        RpcChain.connect([life.url], FakeClock()) as chain,
        TxSender(
            chain=chain,
            journal=journal,
            signers=[signer],
            clock=clock,
            alerts=RecordedAlerts(),
            metrics=RecordedMetrics(),
            settings=SenderSettings(CHAIN_ID, confirmations=2),
        ) as sender,
    ):
        case = await open_case(journal, CASE, Timestamp(1))
        if life.full_disk:
            await _fill(journal)
        data = SELECTOR + bytes(life.padding)
        call = TxCandidate(INTENT, case.id, signer.address, COUNTER, data, Wei(0), "count", 100_000)
        soft = Timestamp(1 if life.full_disk else 2**40)
        await sender.submit(call, Window(soft, Timestamp(2**41), BUDGET))


async def _fill(journal: SqlJournal) -> None:
    """Set SQLite's own stand-in for a full disk, and take the room that is left."""
    limit = "PRAGMA max_page_count = 1"
    await journal._writer.run(lambda connection: connection.exec_driver_sql(limit).scalar())
    for size in (9000, 900, 90):
        with contextlib.suppress(JournalError):
            for number in range(1000):
                filler = Observation(f"{size} {number}", "filler", "test", "x" * size)
                await journal.observe([filler], Timestamp(1))
