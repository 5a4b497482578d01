"""The second path: where intents and signed bytes go when the journal cannot be written and time is short.

Lines of JSON, each flushed before the caller goes on. What is here is put into the journal as soon as that
can be written again, at the latest when it is next opened.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.primitives import Address, Hash32, parse_hex
from plasma_guard.journal.locks import PRIVATE_FILE, private_directory

_BYTES: Final[Mapping[str, Callable[[str], bytes]]] = {
    "account": Address.parse,
    "to": Address.parse,
    "hash": Hash32.parse,
    "data": lambda text: parse_hex(text, "data"),
    "raw": lambda text: parse_hex(text, "raw"),
}


class Spare:
    """Rows of the tables `intents` and `attempts`, in the order they were kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        """The file, which exists only while something is in it."""
        return self._path

    @property
    def is_empty(self) -> bool:
        """Whether everything is in the journal."""
        return not self._path.exists()

    def keep(self, table: str, row: Mapping[str, Any]) -> None:
        """Append one row and flush it; raises `JournalError` when not even that is possible."""
        plain = {
            name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in row.items()
        }
        private_directory(self._path.parent)
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE_FILE)
            try:
                # The newline in front ends a line that an earlier failure cut off.
                line = b"\n" + json.dumps([table, plain]).encode() + b"\n"
                if os.write(handle, line) != len(line):
                    raise JournalError(f"the second path {self._path} is full as well")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise JournalError(f"the second path {self._path} cannot be written: {error.strerror}") from error

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what was kept; a line that was cut off was never relied upon and is dropped."""
        if self.is_empty:
            return []
        found = []
        for line in self._path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            found.append(self._row(entry))
        return found

    def clear(self) -> None:
        """Forget what is in the journal now."""
        self._path.unlink(missing_ok=True)

    def _row(self, entry: Any) -> tuple[str, dict[str, Any]]:
        try:
            table, plain = entry
            row = {name: _BYTES[name](value) if name in _BYTES else value for name, value in plain.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise JournalError(
                f"the second path {self._path} is damaged: move it aside; "
                "what was sent shows on the root chain"
            ) from error
        return table, row
