"""Requests to a guard that runs: a private directory beside its journal, one file each.

The journal belongs to one process at a time, so another one cannot write into it. Who may write into this
directory may ask: the file system decides that, and no port is opened for it.
"""

import contextlib
import json
import os
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plasma_guard.domain.errors import JournalError, MalformedError
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.domain.requests import Errand, Reply, Request, output_name
from plasma_guard.journal.locks import PRIVATE_FILE, private_directory

LARGEST = 1 << 20
"""Bytes of a request or reply; thousands of outputs fit."""
REQUEST, REPLY = ".request", ".reply"
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def spool_path(journal: Path) -> Path:
    """Return where the requests to the guard of a journal lie."""
    return journal.with_name(journal.name + ".requests")


def new_id() -> str:
    """Return an id that no other request has."""
    return uuid.uuid4().hex


class Spool:
    """Implements the Requests port; `ask` and `reply_to` are for the process that asks.

    Raises `JournalError` when the directory cannot be used, or when others than its owner may write there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        private_directory(path)
        found = path.stat()
        if found.st_uid != os.geteuid():
            raise JournalError(
                f"{path} belongs to user {found.st_uid}, and this is user {os.geteuid()}: run the command as"
                " the user whose guard it is"
            )
        if found.st_mode & _OTHERS_MAY_WRITE:
            raise JournalError(f"others may write into {path}, and so start exits: chmod 700 it")

    def ask(self, request: Request) -> None:
        """Leave a request; it is on disk when this returns."""
        self._write(request.id + REQUEST, _request_json(request))

    def reply_to(self, request_id: str) -> Reply | None:
        """Take the reply to a request, or return None while there is none; `MalformedError` if unreadable."""
        path = self._path / (request_id + REPLY)
        try:
            reply = _reply(_read(path))
        except FileNotFoundError:
            return None
        path.unlink(missing_ok=True)
        return reply

    def pending(self) -> list[Request]:
        """Return what is asked, oldest first; what cannot be read is refused, and no longer pending."""
        found: list[Request] = []
        for path in sorted(self._path.glob("*" + REQUEST), key=_age):
            try:
                found.append(_request(path.name.removesuffix(REQUEST), _read(path)))
            except FileNotFoundError:  # withdrawn in the meantime
                continue
            except MalformedError as error:
                self.reply(path.name.removesuffix(REQUEST), Reply(refused=(str(error),)))
        return found

    def reply(self, request_id: str, reply: Reply) -> None:
        """Answer a request, which is then no longer pending."""
        self._write(request_id + REPLY, {"accepted": reply.accepted, "refused": reply.refused})
        (self._path / (request_id + REQUEST)).unlink(missing_ok=True)
        _sync(self._path)

    def _write(self, name: str, document: Mapping[str, Any]) -> None:
        """Have the whole file there or none of it, whenever this process ends."""
        partial = self._path / f".{name}.partial"
        try:
            partial.unlink(missing_ok=True)
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(document, stream)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(self._path / name)
            _sync(self._path)
        except OSError as error:
            raise JournalError(f"{self._path / name} cannot be written: {error.strerror}") from error


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _age(path: Path) -> tuple[float, str]:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime, path.name
    return 0.0, path.name


def _read(path: Path) -> Any:
    """Read a file of ours; raises `FileNotFoundError`, and `MalformedError` for anything else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MalformedError(f"{path.name}: cannot be read ({error.strerror})") from error
    with os.fdopen(handle, "rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise MalformedError(f"{path.name}: larger than {LARGEST} bytes, no request is")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{path.name}: not JSON") from error


def _request_json(request: Request) -> dict[str, Any]:
    return {
        "errand": request.errand.value,
        "asked_at": request.asked_at,
        "outputs": [str(name) for name in request.outputs],
    }


def _request(request_id: str, document: Any) -> Request:
    match document:
        case {"errand": str(errand), "asked_at": int(asked_at), "outputs": list(outputs)}:
            if errand not in set(Errand) or not all(isinstance(each, str) for each in outputs):
                raise MalformedError(f"request {request_id}: expected an errand and names of outputs")
            names = tuple(output_name(each) for each in outputs)
            return Request(request_id, Errand(errand), Timestamp(asked_at), names)
    raise MalformedError(f"request {request_id}: expected errand, asked_at and outputs")


def _reply(document: Any) -> Reply:
    match document:
        case {"accepted": list(accepted), "refused": list(refused)}:
            return Reply(tuple(map(str, accepted)), tuple(map(str, refused)))
    raise MalformedError("reply: expected lists accepted and refused")
