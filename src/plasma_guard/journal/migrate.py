"""A journal file is checked, backed up and brought to today's tables before anything is written to it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, StampStep
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from plasma_guard.domain.crashpoints import crash_point
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.primitives import Address, shorten
from plasma_guard.journal.locks import PRIVATE_FILE
from plasma_guard.journal.schema import binding

MIGRATIONS = Path(__file__).parent / "migrations"


class DamagedJournal(JournalError):
    """A file that SQLite cannot read whole."""


def head(migrations: Path = MIGRATIONS) -> str:
    """Return the newest revision this program knows."""
    newest = _scripts(migrations).get_current_head()
    if newest is None:
        raise JournalError(f"no migrations in {migrations}: the installation is incomplete, reinstall it")
    return newest


def inspect_file(
    path: Path, *, chain_id: int | None, contract: Address | None, migrations: Path
) -> str | None:
    """Return the file's revision, None for a new one, without changing it.

    Raises `JournalError` for a file that is damaged, not a journal, newer than this program, or bound to
    another chain or contract.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise _damaged(path, damage)
            tables = {
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            if not tables:
                return None
            if not {"alembic_version", "binding"} <= tables:
                raise JournalError(
                    f"{path} is a database, but no journal of plasma-guard: name another file as the journal"
                )
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            bound = connection.execute("SELECT chain_id, contract FROM binding").fetchone()
    except sqlite3.OperationalError as error:
        raise JournalError(
            f"the journal {path} cannot be read ({error}): check that it is a file "
            "this user may read and write, and that the disk works"
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error
    if revision is None or bound is None:
        raise _damaged(path, "its version or its binding is missing")
    if revision[0] not in {script.revision for script in _scripts(migrations).walk_revisions()}:
        raise JournalError(
            f"the journal {path} was written by a newer plasma-guard "
            f"(journal version {shorten(revision[0])}, this program knows up to {head(migrations)}): "
            "install the newer version again, or restore the backup that the upgrade left beside the file"
        )
    if chain_id is not None and contract is not None and bound != (chain_id, str(contract)):
        raise JournalError(
            f"the journal {path} belongs to contract {bound[1]} on chain {bound[0]}, "
            f"but this guard runs for contract {contract} on chain {chain_id}: "
            "name another journal file, or correct the contract address"
        )
    return str(revision[0])


def upgrade(
    engine: Engine, path: Path, *, current: str | None, chain_id: int, contract: Address, migrations: Path
) -> None:
    """Bring the file to the newest revision in one transaction, after a backup of one that has content."""
    newest = head(migrations)
    if current == newest:
        return
    if current is not None:
        back_up(path, path.with_name(f"{path.name}.before-{newest}"))
    scripts = _scripts(migrations)
    with engine.begin() as connection:

        def steps(revision: str | tuple[str, ...], _context: MigrationContext) -> list[StampStep]:
            return scripts._upgrade_revs(newest, revision)  # type: ignore[return-value, arg-type]  # noqa: SLF001 : alembic's own command does the same; its public form wants an env.py

        with EnvironmentContext(Config(), scripts, fn=steps, destination_rev=newest) as environment:
            environment.configure(connection=connection, transactional_ddl=True)
            environment.run_migrations()
        if current is None:
            connection.execute(binding.insert().values(id=1, chain_id=chain_id, contract=contract))
        crash_point("journal.migrate")
    crash_point("journal.migrated")


def back_up(path: Path, target: Path) -> None:
    """Copy a journal, whole and flushed, to `target`; an older copy of that name is replaced at the end."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as copy:
        source.backup(copy)
    with partial.open("rb") as handle:
        os.fsync(handle.fileno())
    crash_point("journal.copied")
    partial.replace(target)
    crash_point("journal.backed_up")


def _scripts(migrations: Path) -> ScriptDirectory:
    return ScriptDirectory(str(migrations))


def _damaged(path: Path, detail: str) -> DamagedJournal:
    return DamagedJournal(
        f"the journal {path} is damaged ({shorten(detail, 200)}); it was left as it is: move it aside "
        "together with its -wal file and keep both, then restore a backup, or start with a new journal: "
        "the guard finds open exits again on the root chain"
    )
