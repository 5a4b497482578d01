"""What two endpoints contradict each other about is told to a person, and waits until they agree."""

import structlog

from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import ChainUnavailable
from plasma_guard.ports import Alerts, Clock

PATIENCE_SECONDS = 10.0
"""A node may show a block some moments before what is in it; only what lasts longer is a contradiction."""

_log = structlog.get_logger(__name__)


class Disputes:
    """The open contradictions, by what they are about."""

    def __init__(self, clock: Clock, alerts: Alerts | None) -> None:
        self._clock = clock
        self._alerts = alerts
        self._since: dict[str, float] = {}

    def tell(self, thing: str, words: str) -> None:
        """Raise a critical alert at once: `words` name the endpoints and what each of them says."""
        _log.error("endpoints disagree", thing=thing, words=words)
        if self._alerts is not None:
            self._alerts.alert(f"endpoints/disagree/{thing}", Severity.CRITICAL, words)

    def wait(self, thing: str, words: str, patience: float = PATIENCE_SECONDS) -> ChainUnavailable:
        """Return what to raise while nobody can tell who is right; told once it has lasted `patience`."""
        now = self._clock.monotonic()
        since = self._since.setdefault(thing, now)
        if now - since >= patience:
            self.tell(thing, words)
        return ChainUnavailable(words)

    def settled(self, thing: str) -> None:
        """Note that there is no contradiction, or none any more."""
        self._since.pop(thing, None)
        if self._alerts is not None:
            self._alerts.clear(f"endpoints/disagree/{thing}")
