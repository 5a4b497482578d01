"""How long a source has been in trouble, and how loudly to say so."""

from dataclasses import dataclass

from plasma_guard.domain.decisions import Severity
from plasma_guard.ports import Alerts, Clock, Health

NOT_READY_AFTER_POLLS = 3
NOT_READY_AFTER = 60.0
ALERT_AFTER = 300.0
LOUDER_AFTER = 900.0


@dataclass(slots=True)
class _Trouble:
    since: float
    polls: int = 0


class Troubles:
    """Turns repeated complaints about one component into readiness and alerts.

    A blip is only counted: not ready after 3 polls or 60 s, an alert after 5 minutes, a louder one after 15.
    `grave` complaints, which waiting cannot mend, take effect at once.
    """

    def __init__(self, component: str, clock: Clock, health: Health, alerts: Alerts) -> None:
        self._component = component
        self._clock = clock
        self._health = health
        self._alerts = alerts
        self._open: dict[str, _Trouble] = {}
        health.set(component, ok=False, reason="not heard from yet")

    @property
    def ongoing(self) -> bool:
        """Whether the last report held any complaint."""
        return bool(self._open)

    def report(self, complaints: dict[str, str], *, grave: frozenset[str] = frozenset()) -> None:
        """Take the complaints of one poll; those not repeated are over."""
        now = self._clock.monotonic()
        for kind in self._open.keys() - complaints.keys():
            del self._open[kind]
            self._alerts.clear(self._key(kind))
        unready = []
        for kind, complaint in complaints.items():
            trouble = self._open.setdefault(kind, _Trouble(now))
            trouble.polls += 1
            lasted = now - trouble.since
            if kind in grave or trouble.polls >= NOT_READY_AFTER_POLLS or lasted >= NOT_READY_AFTER:
                unready.append(complaint)
            if kind in grave or lasted >= LOUDER_AFTER:
                self._tell(kind, Severity.CRITICAL, complaint, lasted)
            elif lasted >= ALERT_AFTER:
                self._tell(kind, Severity.WARNING, complaint, lasted)
        if unready:
            self._health.set(self._component, ok=False, reason="; ".join(unready))
        elif not complaints:
            self._health.set(self._component, ok=True)

    def _tell(self, kind: str, severity: Severity, complaint: str, lasted: float) -> None:
        self._alerts.alert(
            self._key(kind), severity, f"{self._component}: {complaint}", lasting_seconds=round(lasted)
        )

    def _key(self, kind: str) -> str:
        return f"{self._component}/{kind}"
