"""Exclusive files: one guard per journal, and one guard per account on a chain.

The kernel drops the lock with the process that holds it, however that process ends, so a stale file is
harmless; what is written in it is only for the person who reads the refusal.
"""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.primitives import Address

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600


class FileLock:
    """An exclusive lock on a file, held from construction until `release`."""

    def __init__(self, path: Path, subject: str, remedy: str) -> None:
        """Take the lock; raises `JournalError` with holder, `subject` and `remedy` when another has it."""
        private_directory(path.parent)
        self._handle: int | None = None
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        except OSError as error:
            raise JournalError(f"{subject}: cannot open the lock file {path}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(handle, 256).decode(errors="replace").strip() or "a process that left no name"
            os.close(handle)
            if not isinstance(error, BlockingIOError):
                raise JournalError(f"{subject}: {path} cannot be locked: {error.strerror}") from error
            raise JournalError(f"{subject} is in use by {holder} (lock file {path}): {remedy}") from error
        os.ftruncate(handle, 0)
        os.write(handle, f"pid {os.getpid()} on {socket.gethostname()}\n".encode())
        self._handle = handle

    def release(self) -> None:
        """Let go; the file stays, because removing it would let two processes hold two different files."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def lock_journal(path: Path) -> FileLock:
    """Take the lock beside a journal file."""
    return FileLock(
        path.with_name(path.name + ".lock"),
        f"the journal {path}",
        "two guards on one journal would send twice; stop that process, or give this guard its own journal",
    )


def lock_account(account: Address, chain_id: int, runtime: Path | None = None) -> FileLock:
    """Take the lock of an account on a chain, in `runtime` or else the user's own runtime directory."""
    return FileLock(
        (runtime or runtime_directory()) / f"account-{chain_id}-{account}.lock",
        f"the account {account} on chain {chain_id}",
        "two guards with one key take each other's nonces; stop that process, or give this guard another key",
    )


def runtime_directory() -> Path:
    """Return the user's directory for locks: XDG runtime, else XDG state, else a temporary one."""
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "plasma-guard"
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state) / "plasma-guard"
    try:
        return Path.home() / ".local" / "state" / "plasma-guard"
    except RuntimeError:  # a system user without a home
        return Path(tempfile.gettempdir()) / f"plasma-guard-{os.getuid()}"


def private_directory(path: Path) -> None:
    """Create a directory that only this user can enter; an existing one is left as it is."""
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(f"cannot create the directory {path}: {error.strerror}") from error
