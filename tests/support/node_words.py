"""The tables of docs/node-errors.md, which are the test data for what nodes and providers say."""

import re
from pathlib import Path
from typing import NamedTuple

_DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "node-errors.md"
_ROW = re.compile(
    r"^\| (?P<node>[^|]+) \| (?P<code>-?\d+) \| `(?P<message>[^`]*)` \| `(?P<meaning>[^`]+)` \|$"
)


class Words(NamedTuple):
    """One row: who says what with which code, and what it means."""

    node: str
    code: int
    message: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.node}: {self.message[:40]}"


def node_words(heading: str) -> list[Words]:
    """Return the rows of the table under a heading."""
    section = _DOCUMENT.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    rows = [_ROW.match(line) for line in lines]
    unread = [line for line, row in zip(lines, rows, strict=True) if row is None]
    assert not unread, unread
    return [
        Words(row["node"], int(row["code"]), row["message"], row["meaning"])
        for row in rows
        if row is not None
    ]
