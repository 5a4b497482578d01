"""What the program counts is declared: an undeclared name would end the task that counts it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from plasma_guard.telemetry.metrics import METRICS

SOURCES = Path(__file__).parents[2] / "src" / "plasma_guard"


def _recorded() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield (kind, name, labels) of every metric the source records under a literal name."""
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="count" | "gauge" as verb, value=holder),
                    args=[ast.Constant(value=str(name)), *_],
                ) if ast.unparse(holder).endswith("metrics"):
                    labels = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
                    yield (
                        "counter" if verb == "count" else "gauge",
                        name,
                        frozenset(labels - {"amount", "value"}),
                    )


def test_every_metric_the_program_records_is_declared() -> None:
    """Name, kind and labels of each record match a row of the table."""
    declared = {(metric.kind, metric.name, frozenset(metric.labels)) for metric in METRICS}
    recorded = set(_recorded())
    assert len(recorded) > 10
    assert recorded - declared == set()


def test_every_declared_metric_is_recorded() -> None:
    """A metric that never moves would let an alert on it sleep for ever."""
    recorded = {(kind, name) for kind, name, _ in _recorded()}
    assert {(metric.kind, metric.name) for metric in METRICS} - recorded == set()
