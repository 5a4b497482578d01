"""One SQLite file behind one writing thread, one reading thread, and a connection for what is found at once.

Every commit costs a disk flush, so changes that arrive while a commit runs share the next one (group commit).
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from plasma_guard.domain.crashpoints import crash_point
from plasma_guard.domain.errors import JournalError
from plasma_guard.journal.prepared import command

T = TypeVar("T")
_BATCH = 256
_BUSY_SECONDS = 5.0


def writing_engine(path: Path) -> Engine:
    """Return an engine whose transactions take the write lock at once and are on disk when committed."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        ),
        poolclass=NullPool,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The driver's own transactions begin late and not for every statement.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reading_engine(path: Path) -> Engine:
    """Return an engine that cannot change the file."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
        ),
        poolclass=NullPool,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # One snapshot for all statements of one read.
        connection.exec_driver_sql("BEGIN")

    return engine


class Contradiction(JournalError):
    """A change that the tables refuse; another place would not make it right."""


class _Request:
    """One change and who waits for it."""

    def __init__(self, change: Callable[[Connection], Any]) -> None:
        self.change = change
        self.result: Any = None
        self.error: BaseException | None = None
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    def resolve(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _settle(batch: list[_Request]) -> None:
    """Tell all who wait, waking each loop once."""

    def resolve(requests: list[_Request]) -> None:
        for request in requests:
            request.resolve()

    waiting: dict[asyncio.AbstractEventLoop, list[_Request]] = {}
    for request in batch:
        waiting.setdefault(request.loop, []).append(request)
    for loop, requests in waiting.items():
        # A closed loop: nobody waits any more, and the changes are on disk all the same.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(resolve, requests)


class Writer:
    """Runs changes in the order they were asked for, on a thread of its own."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="journal-writer", daemon=True)
        self._thread.start()

    async def run(self, change: Callable[[Connection], T]) -> T:
        """Return what `change` returned once it is on disk; raises `JournalError` when it is not kept."""
        if self._closed:
            raise JournalError(f"the journal {self._path} is closed")
        request = _Request(change)
        self._queue.put(request)
        result: T = await request.future
        return result

    def close(self) -> None:
        """Finish what was asked for, then end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _serve(self) -> None:
        with self._engine.connect() as connection:
            while (first := self._queue.get()) is not None:
                batch, ending = self._gather(first)
                self._commit(connection, batch)
                _settle(batch)
                if ending:
                    return

    def _gather(self, first: _Request) -> tuple[list[_Request], bool]:
        batch = [first]
        while len(batch) < _BATCH:
            try:
                request = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
            if request is None:
                return batch, True
            batch.append(request)
        return batch, False

    def _commit(self, connection: Connection, batch: list[_Request]) -> None:
        try:
            with connection.begin():
                if len(batch) == 1:
                    # Nobody to protect from its failure: the transaction itself is the savepoint.
                    batch[0].result = batch[0].change(connection)
                else:
                    for request in batch:
                        self._apply(connection, request)
                crash_point("journal.commit")
        except Exception as error:  # noqa: BLE001 : handed to every caller of the batch, none of whose changes were kept
            failure = _translated(error, self._path)
            for request in batch:
                request.error = failure
            return
        crash_point("journal.committed")

    def _apply(self, connection: Connection, request: _Request) -> None:
        command(connection, "SAVEPOINT change")
        try:
            request.result = request.change(connection)
        except DBAPIError as error:
            if not isinstance(error, IntegrityError):
                # Full disk, I/O error: SQLite may have rolled back the whole transaction by itself.
                raise
            request.error = _translated(error, self._path)
        except Exception as error:  # noqa: BLE001 : handed to the one caller whose change it was
            request.error = error
        if request.error is not None:
            command(connection, "ROLLBACK TO change")
        command(connection, "RELEASE change")


class Reader:
    """Runs reads on connections of its own, so that they never wait for a disk flush."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._path = path
        self._connection = engine.connect()
        self._at_hand = engine.connect()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal-reader")

    async def run(self, read: Callable[[Connection], T]) -> T:
        """Return what `read` returned, on a thread; raises `JournalError` when the file cannot be read."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read, read)

    def look(self, read: Callable[[Connection], T]) -> T:
        """Return what `read` returned, at once; raises `JournalError` like `run`.

        For a few rows found by a key with `Prepared` statements: to tell a thread of that takes longer.
        """
        connection = self._at_hand
        try:
            command(connection, "BEGIN")
            try:
                return read(connection)
            finally:
                command(connection, "COMMIT")
        except SQLAlchemyError as error:
            raise _translated(error, self._path) from error

    def close(self) -> None:
        """Finish running reads and close the connections."""
        self._executor.shutdown()
        self._connection.close()
        self._at_hand.close()

    def _read(self, read: Callable[[Connection], T]) -> T:
        try:
            with self._connection.begin():
                return read(self._connection)
        except SQLAlchemyError as error:
            raise _translated(error, self._path) from error


def _translated(error: BaseException, path: Path) -> BaseException:
    if isinstance(error, IntegrityError):
        return Contradiction(f"the journal {path} refuses a change that contradicts it: {error.orig}")
    if isinstance(error, DBAPIError):
        return JournalError(
            f"the journal {path} cannot be used ({error.orig}): "
            "check free space, permissions and the disk; nothing was sent that is not recorded"
        )
    return error
