"""What commands print: tables for people, JSON for machines, errors on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

EXIT_WRONG = 1
"""Something is wrong; it was said on stderr in one sentence."""
EXIT_USAGE = 2
"""Bad usage or bad configuration."""
PIPED_WIDTH = 1000
"""Columns that output may have where no terminal shows it."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: object) -> None:
    """Print one JSON document; integers of any size stay integers."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def facts(title: str, rows: Iterable[tuple[str, object]]) -> None:
    """Print names and values in two columns."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, str(value))
    _print(table)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows under headings."""
    built = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        built.add_column(column, overflow="fold")
    for row in rows:
        built.add_row(*(str(cell) for cell in row))
    _print(built)


def _print(table: Table) -> None:
    """Print a table as wide as the terminal; another program reads lines: there, no cell is folded."""
    console = out if out.is_terminal else Console(highlight=False, soft_wrap=True, width=PIPED_WIDTH)
    console.print(table)


def flatten(document: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, object]]:
    """Yield the leaves of nested mappings with dotted names."""
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
