"""What is known about one endpoint, and what follows from how it answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from plasma_guard.chain.failures import EndpointFailure, WrongChain
from plasma_guard.chain.rpc import RpcEndpoint

FAILURES_BEFORE_PAUSE = 3
PAUSE_SECONDS = 60.0
"""How long a failing endpoint rests, and the longest that one may ask for with Retry-After."""
QUARANTINE_SECONDS = 600.0
"""How long a wrong answer counts: then the chain id is asked again, or the endpoint believed again."""
VERIFY_SECONDS = 60.0
"""How long a chain id is believed: behind one URL it can change without any failure."""
MAX_REQUESTS = 16
"""How many requests one endpoint gets at the same time; the others wait, and waiting is no silence of its."""
_NEVER = float("-inf")


class Condition(StrEnum):
    """How far an endpoint is used."""

    OK = "ok"
    LAGGING = "lagging"
    """Behind: it gets broadcasts, and is read from where nobody else is left."""
    RESTING = "resting"
    """It failed, or asked for a pause: it gets broadcasts."""
    DISTRUSTED = "distrusted"
    """It answered wrongly: it gets broadcasts, and is read from where nobody else is left."""
    OTHER_CHAIN = "other_chain"
    """It gets nothing."""


@dataclass(slots=True, eq=False)
class EndpointState:
    """One endpoint's record; times are monotonic seconds."""

    endpoint: RpcEndpoint
    failures: int = 0
    pauses: int = 0
    paused_until: float = _NEVER
    quarantined_until: float = _NEVER
    distrusted_until: float = _NEVER
    asked_at: float = _NEVER
    verified_at: float = _NEVER
    lagging: bool = False
    problem: str | None = None
    told: Condition | None = None
    """What was last said of it."""
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_REQUESTS))

    @property
    def name(self) -> str:
        """The endpoint's printable name."""
        return self.endpoint.name

    def condition(self, now: float) -> Condition:
        """Return how far it is used now."""
        if self.quarantined_until > now:
            return Condition.OTHER_CHAIN
        if self.distrusted_until > now:
            return Condition.DISTRUSTED
        if self.paused_until > now:
            return Condition.RESTING
        return Condition.LAGGING if self.lagging else Condition.OK

    def document(self, now: float) -> Mapping[str, str | None]:
        """Return its name, condition and last problem, None where there is none."""
        return {"endpoint": self.name, "condition": str(self.condition(now)), "problem": self.problem}

    def succeeded(self, now: float) -> None:
        """Note a good answer; what it said before stays said."""
        self.failures = 0
        self.paused_until = _NEVER
        if self.distrusted_until <= now:
            self.problem = None

    def failed(self, failure: EndpointFailure, now: float) -> None:
        """Note a failure: quarantine whoever answered wrongly, let rest whoever fails again and again."""
        if not failure.counts:
            return
        self.problem = str(failure)
        self.verified_at = _NEVER
        if isinstance(failure, WrongChain):
            self.quarantined_until = now + QUARANTINE_SECONDS
            return
        if failure.lies:
            self.distrust(str(failure), now)
        self.failures += 1
        if failure.retry_after is not None:
            self._pause(now, min(failure.retry_after, PAUSE_SECONDS))
        elif self.failures >= FAILURES_BEFORE_PAUSE:
            self._pause(now, PAUSE_SECONDS)

    def distrust(self, problem: str, now: float) -> None:
        """Read from it only where nobody else is left."""
        self.problem = problem
        self.distrusted_until = now + QUARANTINE_SECONDS

    def _pause(self, now: float, seconds: float) -> None:
        self.failures = 0
        self.pauses += 1
        self.paused_until = now + seconds
