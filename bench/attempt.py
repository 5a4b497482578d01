"""What one attempt costs: build, sign, check, put on disk, mark; beside a bare signature and bare commits.

Both sides flush the disk as often: SQLite, WAL, synchronous=FULL, one commit per change.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from eth_account import Account

from plasma_guard.domain.cases import CaseKey, Conclusion, Kind
from plasma_guard.domain.decisions import Window
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Timestamp, Wei
from plasma_guard.domain.transactions import AttemptStatus, Fees, TxCandidate
from plasma_guard.journal import SqlJournal, open_journal
from plasma_guard.keys import LocalSigner, SigningPolicy
from plasma_guard.sender.pricing import sign

KEY = b"\x01" * 32
GAME = Address(b"\x11" * 20)
DATA = b"\x01\x02\x03\x04" + b"\x99" * 700
ROUNDS = 400
AT_ONCE = 16
NOW = Timestamp(0)


def candidate(account: Address, case_id: int) -> TxCandidate:
    """Return a call of a challenge's size."""
    return TxCandidate("one", case_id, account, GAME, DATA, Wei(0), "challenge", 300_000)


async def attempts(journal: SqlJournal, signer: LocalSigner, call: TxCandidate, *, at_once: int) -> float:
    """Return milliseconds per attempt: signed, recorded and marked as broadcast."""

    async def one(nonce: int) -> None:
        price = Fees(Wei(10**10 + at_once), Wei(10**9))
        attempt = sign(signer, call, chain_id=1, nonce=nonce, gas_limit=300_000, price=price, legacy=False)
        await journal.record_attempt(attempt, NOW)
        await journal.mark_attempt(attempt.hash, AttemptStatus.BROADCAST, NOW)

    return await timed(one, at_once)


async def timed(work: Callable[[int], Awaitable[None]], at_once: int) -> float:
    """Return milliseconds per round, so many rounds being under way at a time."""
    began = time.perf_counter()
    for first in range(0, ROUNDS, at_once):
        await asyncio.gather(*(work(first + offset) for offset in range(at_once)))
    return (time.perf_counter() - began) / ROUNDS * 1000


def bare(folder: Path, *, commits: int) -> float:
    """Return milliseconds per signature and `commits` synced commits of one row each."""
    account = Account.from_key(KEY)
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (raw BLOB)")
    fields = {"chainId": 1, "to": "0x" + "11" * 20, "value": 0, "data": DATA, "gas": 300_000}
    fields |= {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    began = time.perf_counter()
    for nonce in range(ROUNDS):
        raw = account.sign_transaction({**fields, "nonce": nonce}).raw_transaction
        for _ in range(commits):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO rows VALUES (?)", (bytes(raw),))
            connection.execute("COMMIT")
    spent = time.perf_counter() - began
    connection.close()
    return spent / ROUNDS * 1000


async def main() -> None:
    """Measure both and print them side by side."""
    policy = SigningPolicy(1, {GAME: {DATA[:4]: {Wei(0)}}}, Wei(10**18))
    signer = LocalSigner(KEY, policy)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with open_journal(folder / "journal.db", 1, GAME, runtime=folder) as journal:
            key = CaseKey(1, GAME, Kind.STANDARD_EXIT, ExitId(1), "0xab/0")
            case = await journal.conclude(
                Conclusion(key, UtxoPosition(1, 0, 0), "invalid_exit", "{}", 1, NOW, "act", "proven")
            )
            call = candidate(signer.address, case.id)
            await journal.record_intent(call, Window(NOW, NOW, Wei(1)), NOW)
            baseline = bare(folder, commits=2)
            single = await attempts(journal, signer, call, at_once=1)
            grouped = await attempts(journal, signer, call, at_once=AT_ONCE)
            signing = bare(folder, commits=0)
    print(f"{'':44}{'ms each':>9}{'ratio':>8}")
    for label, cost in (
        ("one bare signature", signing),
        ("one bare signature and two bare commits", baseline),
        ("one attempt, recorded and marked", single),
        (f"the same, {AT_ONCE} at once", grouped),
    ):
        print(f"{label:44}{cost:9.3f}{cost / baseline:8.2f}")


if __name__ == "__main__":
    asyncio.run(main())
