"""What a bench found: rows of a table, or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

CONTENDER: Final = "omg-js"


@dataclass(frozen=True, slots=True)
class Row:
    """One number: medians in `unit`; `other` is the same of `beside` where there is something to compare.

    `target` is the most it may be, `least` the least, in `unit`; `target_ratio` the largest share of the
    other number.
    """

    name: str
    unit: str
    ours: float
    runs: int
    other: float | None = None
    beside: str = CONTENDER
    target: float | None = None
    least: float | None = None
    target_ratio: float | None = None
    note: str = ""
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Our number over the other."""
        return None if not self.other else self.ours / self.other

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is not None:
            return self.ours <= self.target
        if self.least is not None:
            return self.ours >= self.least
        if self.target_ratio is not None and self.ratio is not None:
            return self.ratio <= self.target_ratio
        return None

    def document(self) -> dict[str, Any]:
        """Return everything about the row, the single samples too."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def row(
    name: str,
    unit: str,
    ours: Sequence[float],
    other: Sequence[float] = (),
    *,
    beside: str = CONTENDER,
    target: float | None = None,
    least: float | None = None,
    target_ratio: float | None = None,
    note: str = "",
) -> Row:
    """Return the row of these samples: machines are noisy, so it holds medians."""
    return Row(
        name=name,
        unit=unit,
        ours=median(ours),
        runs=len(ours),
        other=median(other) if other else None,
        beside=beside,
        target=target,
        least=least,
        target_ratio=target_ratio,
        note=note,
        samples={"ours": list(ours), **({"other": list(other)} if other else {})},
    )


def show(rows: Sequence[Row], console: Console) -> None:
    """Print rows as one table, and their notes below it."""
    table = Table(title="medians", title_justify="left")
    table.add_column("what", min_width=24)
    table.add_column("plasma-guard", justify="right", no_wrap=True)
    table.add_column("beside", justify="right")
    for heading in ("ratio", "target", "runs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for each in rows:
        table.add_row(
            each.name,
            _amount(each.ours, each.unit),
            "" if each.other is None else f"{_amount(each.other, each.unit)} ({each.beside})",
            "" if each.ratio is None else f"{each.ratio:.2f}",
            _target(each),
            str(each.runs),
            {True: "[green]met[/]", False: "[red]MISSED[/]", None: ""}[each.met],
        )
    console.print(table)
    for each in rows:
        if each.note:
            console.print(f"{each.name}: {each.note}", markup=False, style="dim")


def _amount(value: float, unit: str) -> str:
    return f"{value:.{2 if value < 10 else 0 if value >= 1000 else 1}f} {unit}"


def _target(each: Row) -> str:
    if each.target is not None:
        return f"≤ {each.target:g} {each.unit}"
    if each.least is not None:
        return f"≥ {each.least:g} {each.unit}"
    return "" if each.target_ratio is None else f"ratio ≤ {each.target_ratio:g}"
