"""The tables that the documentation must show, made from the code itself."""

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from plasma_guard.config import Config
from plasma_guard.config.problems import section_of
from plasma_guard.telemetry.metrics import METRICS, PREFIX


def settings_table() -> str:
    """Return the Markdown table of every setting, its default, its bounds and its meaning."""
    rows = ["| Setting | Default | Allowed | Meaning |", "|---|---|---|---|", *_rows(Config, "")]
    return "\n".join(rows)


def metrics_table() -> str:
    """Return the Markdown table of every metric, its labels and its meaning."""
    rows = [
        f"| `{PREFIX}{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} "
        f"| {metric.help} |"
        for metric in METRICS
    ]
    return "\n".join(["| Metric | Kind | Labels | Meaning |", "|---|---|---|---|", *rows])


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        section = section_of(field)
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        if section is None:
            yield (
                f"| `{prefix}{name}` | {_default(prefix + name, field)} | {extra['expected']} "
                f"| {field.description} |"
            )
        else:
            yield from _rows(section, f"{prefix}{name}.")


def _default(name: str, field: FieldInfo) -> str:
    if name == "journal.path":
        return "see right"
    if field.is_required():
        return "**required**"
    if name == "accounts.role":
        return "`owner,challenger`"
    value = field.default
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}` s" if isinstance(value, float) else f"`{value}` {_unit(field)}".strip()


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, dict) else ""
