"""A journal of any earlier version is upgraded whole, after a backup, or left alone."""

import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from journal.suite import CONTRACT, at, key
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.primitives import Hash32
from plasma_guard.journal import SqlJournal, migrate, open_journal, read_journal
from plasma_guard.journal.database import writing_engine
from plasma_guard.journal.schema import metadata
from support.cases import open_case

REVISIONS = [
    script.revision for script in reversed(list(ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions()))
]
NEXT = '''
"""A later step."""
import sqlalchemy as sa
from alembic import op
revision = "9999"
down_revision = "{head}"
def upgrade():
    op.add_column("cases", sa.Column("note", sa.Text))
    {then}
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def open_at(path: Path, migrations: Path = migrate.MIGRATIONS) -> SqlJournal:
    return open_journal(path, 1, CONTRACT, runtime=path.parent, migrations=migrations)


def later(folder: Path, then: str = "pass") -> Path:
    """Return the migrations of a later program: those of today and one more."""
    target = folder / "migrations"
    shutil.copytree(migrate.MIGRATIONS, target, ignore=shutil.ignore_patterns("__pycache__"))
    (target / "versions" / "9999_later.py").write_text(NEXT.format(head=migrate.head(), then=then))
    return target


async def filled(path: Path) -> None:
    async with open_at(path) as journal:
        await open_case(journal, key(), at(0))


def tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [str(row[0]) for row in connection.execute("SELECT sql FROM sqlite_master ORDER BY name")]


async def test_the_migrations_make_the_tables_the_program_uses(path: Path) -> None:
    """Columns, types, keys, indexes and checks: none missing, none too many."""
    await filled(path)
    with writing_engine(path).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert [
            change for change in compare_metadata(context, metadata) if "alembic_version" not in str(change)
        ] == []
        migrated = {
            row[0]: row[1].count("CHECK") + row[1].count("UNIQUE") + row[1].count("FOREIGN KEY")
            for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        }
    direct = path.with_name("direct.db")
    engine = writing_engine(direct)
    metadata.create_all(engine)
    with engine.connect() as connection:
        declared = {
            row[0]: row[1].count("CHECK") + row[1].count("UNIQUE") + row[1].count("FOREIGN KEY")
            for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        }
    assert declared == {name: count for name, count in migrated.items() if name != "alembic_version"}


@pytest.mark.parametrize("start", REVISIONS)
async def test_every_older_journal_comes_up_to_date(path: Path, tmp_path: Path, start: str) -> None:
    """From each version there ever was to the newest one, with the same tables as a new journal."""
    migrate.upgrade(
        writing_engine(path),
        path,
        current=None,
        chain_id=1,
        contract=CONTRACT,
        migrations=only(tmp_path, start),
    )
    async with open_at(path) as journal:
        assert await journal.cases() == []
    fresh = tmp_path / "fresh.db"
    await filled(fresh)
    assert tables(path) == tables(fresh)


def only(folder: Path, last: str) -> Path:
    """Return the migrations as they were when `last` was the newest."""
    target = folder / f"until-{last}"
    shutil.copytree(migrate.MIGRATIONS, target, ignore=shutil.ignore_patterns("__pycache__"))
    for script in ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions():
        if script.revision == last:
            break
        (target / "versions" / Path(script.path).name).unlink()
    return target


async def test_an_upgrade_keeps_a_backup_of_what_was_there(path: Path, tmp_path: Path) -> None:
    """Private, complete and readable by the program of before; and the data is in the upgraded one too."""
    await filled(path)
    async with open_at(path, later(tmp_path)) as journal:
        assert len(await journal.cases()) == 1
    backup = tmp_path / "journal.db.before-9999"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    async with read_journal(backup) as reader:
        assert len(await reader.cases()) == 1


async def test_opening_an_up_to_date_journal_makes_no_backup(path: Path) -> None:
    """Nor does a new one."""
    await filled(path)
    await filled(path)
    assert list(path.parent.glob("*.before-*")) == []


async def test_a_failing_upgrade_changes_nothing(path: Path, tmp_path: Path) -> None:
    """All steps are one transaction: the old program opens the file as if nothing had been tried."""
    await filled(path)
    before = tables(path)
    with pytest.raises(JournalError, match="cannot be opened"):
        open_at(path, later(tmp_path, 'op.execute("INSERT INTO nowhere VALUES (1)")'))
    assert tables(path) == before
    async with open_at(path) as journal:
        assert len(await journal.cases()) == 1


async def test_a_journal_of_a_newer_program_is_refused(path: Path, tmp_path: Path) -> None:
    """By who writes and by who only reads; the refusal says what to install or restore."""
    await filled(path)
    await open_at(path, later(tmp_path)).close()
    with pytest.raises(JournalError, match=r"newer plasma-guard \(journal version '9999'.*backup"):
        open_at(path)
    with pytest.raises(JournalError, match="newer plasma-guard"):
        read_journal(path)


async def test_a_journal_of_an_older_program_is_not_read_but_upgraded_first(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading must not write, so it says who will."""
    await filled(path)
    newer = later(tmp_path)
    monkeypatch.setattr("plasma_guard.journal.reading.head", lambda: migrate.head(newer))
    with pytest.raises(JournalError, match="start `plasma-guard run` once"):
        read_journal(path)


async def test_in_flight_starts_of_an_older_journal_are_found_by_their_transaction(
    path: Path, tmp_path: Path
) -> None:
    """Version 0002 had the transaction's hash in the body alone; the upgrade gives it its column."""
    tx, zeros = Hash32(bytes([7]) * 32), "0x" + 64 * "0"
    await open_at(path, only(tmp_path, "0002")).close()
    body = json.dumps({"initiator": str(CONTRACT), "plasma_tx_hash": str(tx)})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO root_events (block_number, log_index, block_hash, tx_hash, kind, body)"
            " VALUES (5, 0, ?, ?, 'in_flight_exit_started', ?)",
            (zeros, zeros, body),
        )
    async with open_at(path) as journal:
        assert [start.block_number for start in await journal.in_flight_starts(tx)] == [5]
