"""Ports that only remember what they were told."""

from dataclasses import dataclass, field

from plasma_guard.domain.decisions import Severity


@dataclass
class RecordedAlerts:
    """Every alert as (key, severity, message), every key cleared, and what was told and not cleared."""

    told: list[tuple[str, Severity, str]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    standing: dict[str, str] = field(default_factory=dict)

    def alert(self, key: str, severity: Severity, message: str, **facts: object) -> None:
        self.told.append((key, severity, message))
        self.standing[key] = message

    def clear(self, key: str) -> None:
        self.cleared.append(key)
        self.standing.pop(key, None)

    @property
    def keys(self) -> set[str]:
        return {key for key, _, _ in self.told}


@dataclass
class RecordedHealth:
    """The last word of each component: None when it is well, else the reason."""

    components: dict[str, str | None] = field(default_factory=dict)

    def set(self, component: str, *, ok: bool, reason: str = "") -> None:
        self.components[component] = None if ok else reason

    def pulse(self) -> None:
        pass


@dataclass
class RecordedMetrics:
    """The last value of each gauge and the sum of each counter, by name."""

    values: dict[str, float] = field(default_factory=dict)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        self.values[name] = self.values.get(name, 0) + amount

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.values[name] = value
