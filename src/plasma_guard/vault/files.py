"""The vault's file: private, bound to one chain and contract, refreshed by one process at a time."""

import fcntl
import os
import socket
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from plasma_guard.domain.errors import VaultError

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
_BUSY_SECONDS = 10.0


class RefreshLock:
    """Held by whoever refreshes; the kernel drops it with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock beside a vault; raises `VaultError` that names the holder."""
        self._handle: int | None = os.open(
            path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE
        )
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._handle, 256).decode(errors="replace").strip() or "another process"
            self.release()
            raise VaultError(
                f"the vault {path} is refreshed by {holder}, which keeps it up to date by itself: nothing is"
                " to be done, or stop that process first"
            ) from error
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"pid {os.getpid()} on {socket.gethostname()}\n".encode())

    def release(self) -> None:
        """Let go; the file stays, or two processes could hold two different files."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def create(path: Path) -> None:
    """Make sure that there is a file only this user can read; raises `VaultError`."""
    try:
        path.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
    except OSError as error:
        raise VaultError(
            f"the vault {path} cannot be opened ({error.strerror}): name a file on a local disk that this"
            " user may write, with vault.path"
        ) from error


def engine(path: Path, *, writing: bool) -> Engine:
    """Return an engine for the file; a writing one is on disk when it has committed."""
    mode = "rw" if writing else "ro"
    made = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
        ),
        poolclass=NullPool,
    )

    @event.listens_for(made, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        if writing:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "trusted_schema = OFF"):
                connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        # The driver's own transactions begin late and not for every statement.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return made
