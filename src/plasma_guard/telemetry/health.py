"""Whether the daemon is alive (its loop turns) and ready (everything it needs works)."""

from collections.abc import Iterable
from dataclasses import dataclass

from plasma_guard.ports import Clock

PULSE_LIMIT = 90.0
"""Seconds without a pulse after which the loop counts as stuck; systemd's WatchdogSec is the same."""


@dataclass(frozen=True, slots=True)
class ComponentState:
    """What one component last said of itself; `since` is wall-clock time of the last change of `ok`."""

    ok: bool
    reason: str
    since: float


class Health:
    """Collects what each component says of itself; one that has said nothing yet is not ready."""

    def __init__(self, components: Iterable[str], clock: Clock) -> None:
        self._clock = clock
        started = clock.now()
        self._states = {
            name: ComponentState(ok=False, reason="starting", since=started) for name in components
        }
        self._pulse = clock.monotonic()

    def set(self, component: str, *, ok: bool, reason: str = "") -> None:
        """Record how a component is; `reason` is a sentence for a person, and needed when it is not ok."""
        if not ok and not reason:
            raise ValueError(f"health of {component}: expected a reason for not being ok, got none")
        before = self._states.get(component)
        same = before is not None and before.ok == ok
        since = before.since if before is not None and same else self._clock.now()
        self._states[component] = ComponentState(ok=ok, reason=reason, since=since)

    def pulse(self) -> None:
        """Say that the daemon's main loop has just turned."""
        self._pulse = self._clock.monotonic()

    @property
    def components(self) -> dict[str, ComponentState]:
        """What each component last said of itself."""
        return dict(self._states)

    @property
    def pulse_age(self) -> float:
        """Seconds since the loop last turned."""
        return self._clock.monotonic() - self._pulse

    @property
    def live(self) -> bool:
        """Whether the loop turns; nothing outside the process counts, or an outage would get it restarted."""
        return self.pulse_age < PULSE_LIMIT

    @property
    def ready(self) -> bool:
        """Whether every component is ok."""
        return all(state.ok for state in self._states.values())

    @property
    def reasons(self) -> dict[str, str]:
        """Why it is not ready: a sentence per component that is not ok."""
        return {name: state.reason for name, state in self._states.items() if not state.ok}
