"""The verifier in this process, behind the port that remote Watchers are behind."""

from plasma_guard.domain.errors import WatcherNotReady
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.watchers import WatcherStatus
from plasma_guard.verifier.core import Verifier


class LocalWatcher:
    """Implements the Watcher port over a `Verifier`; `WatcherNotReady` until the root chain was read."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def status(self) -> WatcherStatus:
        """Return the verifier's status."""
        if self._verifier.progress.tip is None:
            raise WatcherNotReady("own verifier: the root chain has not been read yet")
        return self._verifier.status()

    async def challenge_data(self, position: UtxoPosition) -> StandardExitChallenge:
        """Return the verifier's challenge; `WatcherRefused` when it knows no exit or no spend."""
        return self._verifier.challenge_data(position)
