"""One intent on its way, and what was told to people about it."""

import asyncio

from plasma_guard.domain.decisions import Severity, Window
from plasma_guard.domain.transactions import Outcome, TxCandidate
from plasma_guard.ports import Alerts
from plasma_guard.sender.attempt import SendState, Step


class Flight:
    """A call, its window, how far it got, and who waits for its outcome."""

    def __init__(self, candidate: TxCandidate, window: Window, alerts: Alerts) -> None:
        self.candidate = candidate
        self.window = window
        self.state: SendState | None = None
        """None until the attempts on disk are read."""
        self.step = Step.WAIT
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._alerts = alerts
        self._alarms: set[str] = set()

    @property
    def in_flight(self) -> bool:
        """Whether signed bytes wait to be mined."""
        return self.state is not None and self.state.in_flight

    @property
    def unsigned(self) -> bool:
        """Whether it waits for a nonce."""
        return self.state is not None and self.state.receipt is None and self.state.current is None

    @property
    def reserved(self) -> int:
        """What may still leave the account for it, in wei."""
        current = self.state.current if self.state is not None and self.state.in_flight else None
        return 0 if current is None else current.gas_limit * current.fees.max_fee + self.candidate.value

    def alarm(self, name: str, severity: Severity, message: str, **facts: object) -> None:
        """Tell a person, once until it is cleared."""
        self._alarms.add(name)
        self._alerts.alert(
            f"send/{self.candidate.intent}/{name}",
            severity,
            f"{self.candidate.purpose}: {message}",
            case=self.candidate.case_id,
            account=str(self.candidate.account),
            **facts,
        )

    def clear(self, name: str) -> None:
        """Say that it is over."""
        if name in self._alarms:
            self._alarms.discard(name)
            self._alerts.clear(f"send/{self.candidate.intent}/{name}")

    def land(self, outcome: Outcome) -> None:
        """Tell those who wait."""
        for name in list(self._alarms):
            self.clear(name)
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        """Tell those who wait that this turn cannot go on; the intent stays open on disk."""
        if not self.outcome.done():
            self.outcome.set_exception(error)
