"""Notice a Watcher that serves the proof of a fraud but does not report the fraud."""

from plasma_guard.domain.decisions import Severity
from plasma_guard.ports import Alerts

POLLS_OF_GRACE = 2
"""The proof can be served a moment before the next answer of `status.get` lists the event."""


class Silence:
    """Counts polls that leave out what the same Watcher proved when asked directly."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts
        self._unreported: dict[str, int] = {}

    def proven(self, topic: str) -> None:
        """Say that a Watcher served challenge data for this topic."""
        self._unreported.setdefault(topic, 0)

    def polled(self, reported: set[str], *, fresh: bool) -> None:
        """Take the topics of one answer; only a fresh answer can be silent on purpose."""
        for topic in self._unreported.keys() & reported:
            del self._unreported[topic]
        if not fresh:
            return
        silent = []
        for topic in self._unreported:
            self._unreported[topic] += 1
            if self._unreported[topic] == POLLS_OF_GRACE:
                silent.append(topic)
        if silent:
            self._alerts.alert(
                "watcher/silent",
                Severity.CRITICAL,
                "the Watcher does not report frauds it has the proof of; trust another one",
                unreported=", ".join(silent[:10]),
            )
