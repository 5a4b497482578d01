"""Twin runs of the whole daemon: one that dies at a named point and is started again, one that lives.

Both must end in the same journal and on the same chain: cases, verdicts, intents, outcomes, exits, and the
number of mined transactions. Times, heights and hashes may differ.
"""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from plasma_guard.devnet.attacker import Fraud
from plasma_guard.domain.cases import Judgement
from plasma_guard.domain.crashpoints import EXIT_STATUS, VARIABLE
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.primitives import Address
from plasma_guard.journal import migrate, read_journal
from plasma_guard.journal.database import writing_engine
from support.arena import Arena, Guard, arena, running
from support.crash_points import BACKUP, COMMITS, CREATION, POINTS, SENDING, WATCHING, in_source
from support.end_state import end_state
from support.until import until

FRAUD, HONEST = 1_000_000_000, 1_001_000_000_000
"""The positions of the first two deposits of a devnet: Alice's, which she spent, and Bob's."""
UNDISTURBED: dict[str, Any] = {
    "cases": [
        {
            "about": ("standard_exit", FRAUD, "invalid_exit"),
            "closure": "won by us",
            "verdicts": [("act", "challengeStandardExit"), ("close", None)],
            "intents": [(f"challengeStandardExit of output {FRAUD}", "Confirmed", [0], 1)],
        }
    ],
    "reports": [("invalid_exit", FRAUD)],
    "exits": [(FRAUD, "invalid", False), (HONEST, "valid", True)],
    "challenged": [FRAUD],
    "transactions": 1,
}
"""One fraud beside one honest exit; the first test proves that this is how a run without a crash ends."""
SIDES = [f"{point}:{number}" for point in COMMITS for number in (1, 2, 3, 4, 5, 7, 9)]
"""The tables, the scan, the report, the case, the intent, the bytes, what became of them."""
BEFORE = "0002"
"""A version of the journal that is older than today's."""


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Arena]:
    async with arena(tmp_path) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "guard"


@pytest.fixture
async def fraud(net: Arena) -> Fraud:
    """A fraud, and an honest exit beside it."""
    committed = await net.fraud()
    await net.honest_exit()
    return committed


def journal_of(folder: Path) -> Path:
    return folder / "journal.sqlite3"


async def dies(net: Arena, folder: Path, point: str) -> None:
    """Let a guard live up to a point, and die as by kill -9."""
    dying = Guard(net.connection, folder, env={VARIABLE: point})
    async with running(dying, ready=False):
        assert await dying.died() == EXIT_STATUS, f"it died at {point}: {list(dying.tail)}"


async def lives(net: Arena, folder: Path) -> dict[str, Any]:
    """Let a guard live until all is settled and judged; return the end state."""
    async with running(Guard(net.connection, folder)) as guard:
        await guard.settled()

        async def judged() -> bool:
            async with read_journal(guard.journal) as reader:
                exits = await reader.tracked_exits()
            return all(each.judgement is not Judgement.UNVERIFIED for each in exits)

        await until(judged, "every exit is judged")
        assert not guard.alerts(), "a restart is nothing to wake a person for"
    return await end_state(net, journal_of(folder))


async def hashes(folder: Path) -> list[str]:
    """Return what is signed and on disk, oldest first; nothing where there are no tables yet."""
    try:
        async with read_journal(journal_of(folder)) as reader:
            return [str(attempt.hash) for attempt in await reader.attempts()]
    except JournalError:
        return []


def test_every_crash_point_of_the_source_is_in_the_list() -> None:
    """A new one in the source must be added to the list, and so gets a run of its own."""
    assert in_source() == POINTS


async def test_an_undisturbed_run_ends_so(net: Arena, folder: Path, fraud: Fraud) -> None:
    """The twin of every other run in this file."""
    assert await lives(net, folder) == UNDISTURBED


@pytest.mark.parametrize("point", [*CREATION, *WATCHING, *SENDING, *SIDES])
async def test_a_run_that_dies_ends_as_its_twin(net: Arena, folder: Path, fraud: Fraud, point: str) -> None:
    """Fault 5: killed at every named point and on either side of commits, it ends as if nothing had been."""
    await dies(net, folder, point)
    before = await hashes(folder)
    assert await lives(net, folder) == UNDISTURBED
    assert (await hashes(folder))[: len(before)] == before, "what is on disk stays there"


async def test_killed_before_signing_it_signs_once(net: Arena, folder: Path, fraud: Fraud) -> None:
    """Fault 1: kill -9 after the intent is stored, before signing: the same intent, and no nonce is burnt."""
    await dies(net, folder, "attempt.signed")
    async with read_journal(journal_of(folder)) as reader:
        ((meant, _),) = await reader.open_intents()
        assert await reader.attempts() == []
    assert await lives(net, folder) == UNDISTURBED
    async with read_journal(journal_of(folder)) as reader:
        (intent,) = await reader.intents()
    assert intent.candidate == meant
    assert [attempt.nonce for attempt in intent.attempts] == [0]


async def test_killed_between_sign_and_broadcast_it_sends_those_bytes(
    net: Arena, folder: Path, fraud: Fraud
) -> None:
    """Fault 2: kill -9 between sign and broadcast: the node had nothing, and gets the very same bytes."""
    await net.reported(fraud)
    await net.hold()  # at the same head, nothing is priced anew
    await dies(net, folder, "broadcast.before")
    (signed,) = await hashes(folder)
    assert await net.evm.rpc("eth_getTransactionByHash", signed) is None
    again = Guard(net.connection, folder)
    async with running(again, ready=False):
        await until(lambda: known(net, signed), "the node has those bytes")
    await net.release()
    assert await lives(net, folder) == UNDISTURBED
    (challenge,) = await net.challenges()
    assert str(challenge.tx_hash) == signed


async def known(net: Arena, tx_hash: str) -> bool:
    return await net.evm.rpc("eth_getTransactionByHash", tx_hash) is not None


async def test_killed_after_the_broadcast_it_finds_its_transaction(
    net: Arena, folder: Path, fraud: Fraud
) -> None:
    """Fault 3: kill -9 after broadcast, before that is on disk: found by hash, no second nonce is used."""
    await net.reported(fraud)
    await net.hold()
    await dies(net, folder, "broadcast.done")
    (signed,) = await hashes(folder)
    assert (await net.evm.rpc("eth_getTransactionByHash", signed))["blockNumber"] is None
    await net.release()
    assert await lives(net, folder) == UNDISTURBED
    assert await hashes(folder) == [signed]


async def test_killed_after_it_was_mined_it_finds_the_receipt(net: Arena, folder: Path, fraud: Fraud) -> None:
    """Fault 4: kill -9 after the transaction was mined, before "mined" is saved: the receipt is found."""
    await dies(net, folder, "receipt.seen")
    (signed,) = await hashes(folder)
    assert (await net.evm.rpc("eth_getTransactionReceipt", signed))["status"] == "0x1"
    assert await lives(net, folder) == UNDISTURBED
    assert await hashes(folder) == [signed]


@pytest.mark.parametrize("point", [*BACKUP, *CREATION])
async def test_killed_during_a_migration_it_keeps_the_old_file(
    net: Arena, folder: Path, tmp_path: Path, fraud: Fraud, point: str
) -> None:
    """Fault 4: kill -9 during a migration: the journal is as old or as new as can be, the old one is kept."""
    old = an_older_journal(net, folder, tmp_path)
    await dies(net, folder, point)
    version, *tables = tables_of(journal_of(folder))
    if point == "journal.migrated":
        assert version == migrate.head()
    else:
        assert [version, *tables] == old
    assert await lives(net, folder) == UNDISTURBED
    copy = folder / f"journal.sqlite3.before-{migrate.head()}"
    assert tables_of(copy) == old
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def an_older_journal(net: Arena, folder: Path, tmp_path: Path) -> list[str]:
    """Make a journal as an older program left it; return its tables."""
    folder.mkdir()
    scripts = tmp_path / "older"
    shutil.copytree(migrate.MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    for script in ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions():
        if script.revision == BEFORE:
            break
        (scripts / "versions" / Path(script.path).name).unlink()
    path = journal_of(folder)
    migrate.upgrade(
        writing_engine(path),
        path,
        current=None,
        chain_id=net.connection.chain_id,
        contract=Address.parse(net.connection.contract),
        migrations=scripts,
    )
    return tables_of(path)


def tables_of(path: Path) -> list[str]:
    """Return a journal's version and tables."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        tables = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name"
        ).fetchall()
    return [version, *(row[0] for row in tables)]
