"""A damaged journal is kept as evidence beside the new one that takes its place.

A guard that refused to start over it would guard nothing, and all that must be known for guarding is on the
root chain: open exits, what was challenged, which nonces are used.
"""

import itertools
from pathlib import Path

from plasma_guard.journal.schema import metadata

_HEADER = b"SQLite format 3\0"
_COMPANIONS = ("-wal", "-shm")


def is_journal(path: Path) -> bool:
    """Return whether a damaged file was a journal: nothing else at its path is ever moved."""
    content = path.read_bytes()
    tables = (f"CREATE TABLE {name} (".encode() for name in metadata.tables)
    return content.startswith(_HEADER) and any(table in content for table in tables)


def set_aside(path: Path, spare: Path) -> Path:
    """Move a journal with its companions and its second path out of the way; return where it is now.

    The journal itself goes last: whatever interrupts this, the next start finds it damaged and goes on.
    """
    number = next(n for n in itertools.count(1) if not _kept(path, n).exists())
    target = _kept(path, number)
    moves = [(Path(f"{path}{end}"), Path(f"{target}{end}")) for end in _COMPANIONS]
    for source, kept in [*moves, (spare, _kept(spare, number)), (path, target)]:
        if source.exists():
            source.rename(kept)
    return target


def _kept(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{number}")
