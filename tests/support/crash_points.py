"""The one list of crash points, and those that the source really has."""

import ast
from collections.abc import Iterator
from pathlib import Path

import plasma_guard

SENDING = [
    "intent.recorded",
    "attempt.signed",
    "attempt.recorded",
    "broadcast.before",
    "broadcast.done",
    "broadcast.marked",
    "receipt.seen",
    "receipt.marked",
    "outcome.known",
    "outcome.recorded",
]
"""On the way of one transaction, in order."""
WATCHING = ["scan.recorded", "observation.recorded", "exit.judged", "conclusion.recorded"]
"""On the way to it."""
CREATION = ["journal.migrate", "journal.migrated"]
"""While the tables are made, or brought to a newer form."""
BACKUP = ["journal.copied", "journal.backed_up"]
"""Before tables that hold something are changed."""
COMMITS = ["journal.commit", "journal.committed"]
"""On either side of every commit there is, whatever is written."""
SPARE = ["spare.kept", "spare.replayed"]
"""While the journal cannot be written, and when it can be again."""
MOOT = ["case.closed"]
"""When an exit that a reorg removed is given up."""
REOPENED = ["intent.reopened"]
"""When a reorg took a settled transaction out."""
POINTS = {*SENDING, *WATCHING, *CREATION, *BACKUP, *COMMITS, *SPARE, *MOOT, *REOPENED}

_MARKS = {"crash_point", "_write"}


def in_source() -> set[str]:
    """Return the name of every crash point in the program's source."""
    source = Path(plasma_guard.__file__).parent
    return {
        name for file in source.rglob("*.py") for name in _named(ast.parse(file.read_text(encoding="utf-8")))
    }


def _named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for argument in node.args if called in _MARKS else ():
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value
