"""The journal on SQLite: every method returns only when its change is on disk."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog
from sqlalchemy import Connection, update
from sqlalchemy.exc import SQLAlchemyError

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case, Conclusion, Finding, Judgement, Observation, TrackedExit
from plasma_guard.domain.crashpoints import crash_point
from plasma_guard.domain.decisions import Closure, Window
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.exits import ExitId, RootChainEvent
from plasma_guard.domain.primitives import Address, Hash32, Timestamp
from plasma_guard.domain.transactions import Attempt, AttemptStatus, Outcome, TxCandidate
from plasma_guard.journal import concluding, rows, scan
from plasma_guard.journal.aside import is_journal, set_aside
from plasma_guard.journal.database import Contradiction, Reader, Writer, reading_engine, writing_engine
from plasma_guard.journal.locks import (
    PRIVATE_FILE,
    FileLock,
    lock_account,
    lock_journal,
    private_directory,
    runtime_directory,
)
from plasma_guard.journal.migrate import MIGRATIONS, DamagedJournal, inspect_file, upgrade
from plasma_guard.journal.reading import JournalReads
from plasma_guard.journal.schema import cases, intents
from plasma_guard.journal.spare import Spare
from plasma_guard.journal.statements import (
    KEEP,
    KNOWN_OBSERVATIONS,
    MARK_ATTEMPT,
    NEW_OBSERVATION,
    SEEN_AGAIN,
    replay,
)

T = TypeVar("T")
log = structlog.get_logger(__name__)

_CHUNK = 400


class SqlJournal(JournalReads):
    """Implements the Journal port; made by `open_journal`, closed by `close`."""

    def __init__(
        self, path: Path, locks: Sequence[FileLock], spare: Spare, aside: Path | None = None
    ) -> None:
        self.aside = aside
        """Where the damaged file is that was found in this one's place."""
        engine = writing_engine(path)
        self._writer = Writer(engine, path)
        self._locks = locks
        self._spare = spare
        self._spare_in_use = asyncio.Lock()
        self._soft: dict[str, Timestamp] = {}
        super().__init__(Reader(reading_engine(path), path))

    async def close(self) -> None:
        """Finish what is under way and let go of the file and of the accounts."""
        self._writer.close()
        self._reader.close()
        for lock in self._locks:
            lock.release()

    async def __aenter__(self) -> Self:
        """Return the open journal."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def observe(self, reported: Sequence[Observation], at: Timestamp) -> set[str]:
        """Record what was reported; return the keys never seen before."""
        wanted = {observation.key: observation for observation in reported}
        if not wanted:
            return set()

        def change(connection: Connection) -> set[str]:
            keys = sorted(wanted)
            known: set[str] = set()
            for start in range(0, len(keys), _CHUNK):
                asked = {"keys": json.dumps(keys[start : start + _CHUNK]), "at": at}
                found = {row["key"] for row in KNOWN_OBSERVATIONS.rows(connection, asked)}
                if found:
                    SEEN_AGAIN.run(connection, asked)
                    known |= found
            fresh = [key for key in keys if key not in known]
            new = [wanted[key] for key in fresh]
            NEW_OBSERVATION.run_many(
                connection,
                [
                    {
                        "key": each.key,
                        "kind": each.kind,
                        "source": each.source,
                        "body": each.body,
                        "first_at": at,
                        "last_at": at,
                    }
                    for each in new
                ],
            )
            return set(fresh)

        return await self._write(change, "observation.recorded")

    async def record_scan(
        self, first: int, stamp: BlockStamp, exits: Sequence[TrackedExit], events: Sequence[RootChainEvent]
    ) -> None:
        """Replace what is known of blocks `first` and above and move the checkpoint, in one commit."""
        await self._write(lambda c: scan.replace_range(c, first, stamp, exits, events), "scan.recorded")

    async def judge(
        self,
        exits: Sequence[tuple[ExitId, str]],
        judgement: Judgement,
        at: Timestamp,
        *,
        running: bool = True,
    ) -> None:
        """Record what is now known about tracked exits; a start that a reorg removed stays not running."""
        findings = [Finding(exit_id, start, judgement, running) for exit_id, start in exits]

        def change(connection: Connection) -> None:
            for finding in findings:
                concluding.judge(connection, finding, at)

        await self._write(change, "exit.judged")

    async def conclude(self, conclusion: Conclusion) -> Case:
        """Record what a turn ended in, in one commit; return its case, new or known."""
        return await self._write(lambda c: concluding.conclude(c, conclusion), "conclusion.recorded")

    async def close_case(self, case_id: int, closure: Closure, at: Timestamp) -> None:
        """Record that the contract's state leaves nothing to do."""

        def change(connection: Connection) -> None:
            changed = connection.execute(
                update(cases).where(cases.c.id == case_id).values(closure=closure.value, closed_at=at)
            )
            if changed.rowcount == 0:
                raise JournalError(f"the journal has no case {case_id}")

        await self._write(change, "case.closed")

    async def record_intent(self, candidate: TxCandidate, window: Window, at: Timestamp) -> None:
        """Record that this call shall be mined; the same intent again changes nothing.

        One that ended with nothing alive that was signed is opened again, with the new call and window.
        """
        row = {
            "intent": candidate.intent,
            "case_id": candidate.case_id,
            "account": candidate.account,
            "to": candidate.to,
            "data": candidate.data,
            "value": candidate.value,
            "purpose": candidate.purpose,
            "gas_limit": candidate.gas_limit,
            "soft": window.soft,
            "hard": window.hard,
            "budget": window.budget,
            "at": at,
        }
        self._soft[candidate.intent] = window.soft
        await self._keep("intents", row, urgent=at >= window.soft)

    async def record_attempt(self, attempt: Attempt, at: Timestamp) -> None:
        """Record signed bytes, before they are broadcast; the same bytes again change nothing."""
        row = {
            "hash": attempt.hash,
            "intent": attempt.intent,
            "account": attempt.account,
            "nonce": attempt.nonce,
            "raw": attempt.raw,
            "gas_limit": attempt.gas_limit,
            "max_fee": attempt.fees.max_fee,
            "max_priority_fee": attempt.fees.max_priority_fee,
            "status": attempt.status.value,
            "at": at,
        }
        urgent = attempt.intent in self._soft and at >= self._soft[attempt.intent]
        await self._keep("attempts", row, urgent=urgent)

    async def mark_attempt(self, tx_hash: Hash32, status: AttemptStatus, at: Timestamp) -> None:
        """Record how far an attempt got."""

        def change(connection: Connection) -> None:
            marked = {"which": tx_hash, "status": status.value, "marked_at": at}
            if MARK_ATTEMPT.run(connection, marked) == 0:
                raise JournalError(f"the journal has no attempt {tx_hash}")

        await self._take_back()
        await self._writer.run(change)

    async def record_outcome(self, intent: str, outcome: Outcome, at: Timestamp) -> None:
        """Record what became of an intent."""
        kind, body = rows.outcome_columns(outcome)

        def change(connection: Connection) -> None:
            changed = connection.execute(
                update(intents)
                .where(intents.c.intent == intent)
                .values(outcome=kind, outcome_body=body, outcome_at=at)
            )
            if changed.rowcount == 0:
                raise JournalError(f"the journal has no intent {intent!r}")

        await self._take_back()
        await self._writer.run(change)

    async def _write(self, change: Callable[[Connection], T], done: str) -> T:
        """Return what a change returned once it is on disk; `done` names the moment after."""
        result = await self._writer.run(change)
        crash_point(done)
        return result

    async def reopen(self, intent: str) -> None:
        """Record that an intent has no outcome any more: a reorg took its transaction out."""

        def change(connection: Connection) -> None:
            none: dict[str, None] = {"outcome": None, "outcome_body": None, "outcome_at": None}
            connection.execute(update(intents).where(intents.c.intent == intent).values(none))

        await self._take_back()
        await self._write(change, "intent.reopened")

    async def _keep(self, table: str, row: dict[str, Any], *, urgent: bool) -> None:
        """Put a row into the journal, or when that fails and time is short, on the second path."""
        try:
            await self._take_back()
            await self._writer.run(lambda c: KEEP[table].run(c, row))
        except Contradiction:
            raise
        except JournalError as error:
            if not urgent:
                raise
            async with self._spare_in_use:
                await asyncio.to_thread(self._spare.keep, table, row)
            crash_point("spare.kept")
            log.error("kept on the second path", table=table, path=str(self._spare.path), error=str(error))

    async def _take_back(self) -> None:
        """Move what is on the second path into the journal."""
        if self._spare.is_empty:
            return
        async with self._spare_in_use:
            kept = self._spare.rows()
            await self._write(lambda c: replay(c, kept), "spare.replayed")
            self._spare.clear()


def open_journal(
    path: Path,
    chain_id: int,
    contract: Address,
    *,
    accounts: Sequence[Address] = (),
    runtime: Path | None = None,
    second_path: Path | None = None,
    migrations: Path = MIGRATIONS,
) -> SqlJournal:
    """Open or create the journal of one chain and contract, for this process alone.

    `accounts` are those this guard signs for: each is locked per chain in `runtime`, by default the user's
    runtime directory. `second_path` takes intents and signed bytes while the journal cannot be written and
    an intent's soft time has passed; it should be on another file system, and by default is in `runtime`.
    A damaged journal is moved aside and begun anew; `aside` of what is returned says where it is.
    Raises `JournalError` when the file or an account is in use, belongs to another chain or contract, is no
    journal, or was written by a newer program; the file is then as it was.
    """
    private_directory(path.parent)
    locks: list[FileLock] = []
    try:
        locks.append(lock_journal(path))
        locks += [lock_account(account, chain_id, runtime) for account in sorted(set(accounts))]
        spare = Spare(second_path or (runtime or runtime_directory()) / f"spare-{chain_id}-{contract}.jsonl")
        aside: Path | None = None
        try:
            current = inspect_file(path, chain_id=chain_id, contract=contract, migrations=migrations)
        except DamagedJournal as error:
            if not is_journal(path):
                raise
            current, aside = None, set_aside(path, spare.path)
            log.error("the journal was damaged and is begun anew", kept=str(aside), error=str(error))
        try:
            path.touch(mode=PRIVATE_FILE)
            engine = writing_engine(path)
            upgrade(
                engine, path, current=current, chain_id=chain_id, contract=contract, migrations=migrations
            )
            if kept := spare.rows():
                with engine.begin() as connection:
                    replay(connection, kept)
                crash_point("spare.replayed")
            spare.clear()
            return SqlJournal(path, locks, spare, aside)
        except (OSError, SQLAlchemyError) as error:
            raise JournalError(
                f"the journal {path} cannot be opened ({error}): check free space, permissions and the disk"
            ) from error
    except BaseException:  # a refused journal must not keep others out
        for lock in locks:
            lock.release()
        raise
