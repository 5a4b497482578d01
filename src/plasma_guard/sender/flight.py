"""One intent on its way, and what was told to people about it."""

import asyncio

from plasma_guard.domain.decisions import Severity, Window
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.domain.transactions import FeeFacts, Outcome, TxCandidate
from plasma_guard.ports import Alerts
from plasma_guard.sender import fees
from plasma_guard.sender.attempt import SendState, Step
from plasma_guard.sender.purse import Claim

UNMEASURED_GAS = 500_000
"""Gas units reckoned for a call whose gas use nobody measured."""


class Alarms:
    """Alerts about one subject, so that all of them can be cleared when it is over."""

    def __init__(self, alerts: Alerts, subject: str, **facts: object) -> None:
        self._alerts = alerts
        self._subject = subject
        self._facts = facts
        self._raised: set[str] = set()

    def alarm(self, name: str, severity: Severity, message: str, **facts: object) -> None:
        """Tell a person, once until it is cleared."""
        self._raised.add(name)
        self._alerts.alert(f"{self._subject}/{name}", severity, message, **self._facts, **facts)

    def clear(self, *names: str) -> None:
        """Say that these are over, or all when none is named."""
        for name in self._raised & set(names or self._raised):
            self._raised.discard(name)
            self._alerts.clear(f"{self._subject}/{name}")


class Flight:
    """A call, its window, how far it got, and who waits for its outcome."""

    def __init__(
        self, candidate: TxCandidate, window: Window, alerts: Alerts, recorded: asyncio.Future[None]
    ) -> None:
        self.candidate = candidate
        self.window = window
        self.recorded = recorded
        """Done once the intent is on disk: before that, nothing is signed."""
        self.state: SendState | None = None
        """None until the attempts on disk are read."""
        self.step = Step.WAIT
        self.withdrawn: str | None = None
        """Why it is not needed any more; None while it is, and again once it is mined."""
        self.order = 0
        """Where its newest bytes come in the order of signing, over all calls of the account."""
        self.displaced = False
        """Whether another intent's bytes are to be mined at its nonce."""
        self.beaten_by_us = False
        """Whether the transaction that was mined at its nonce is another one of ours."""
        self.takes_back = False
        """Whether it is signed again over the bytes of the call it `replaces`, which displaced it."""
        self.lowering = False
        """Whether it is signed at a lower price next, because no endpoint holds its bytes any more."""
        self.nonce: int | None = None
        """The nonce it is for, where that is all it is for."""
        self.replaces: str | None = None
        """The intent whose bytes it is to be mined instead of."""
        self.priced_at: Timestamp | None = None
        """When it was first looked at, in root-chain time: its prices climb from then on."""
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._alarms = Alarms(
            alerts, f"send/{candidate.intent}", case=candidate.case_id, account=str(candidate.account)
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing comes of it any more: it has an outcome, or could not be recorded."""
        recorded = self.recorded
        return self.outcome.done() or (
            recorded.done() and (recorded.cancelled() or recorded.exception() is not None)
        )

    @property
    def in_flight(self) -> bool:
        """Whether signed bytes wait to be mined."""
        return self.state is not None and self.state.in_flight

    @property
    def surplus(self) -> bool:
        """Whether it is mined at one nonce while bytes of it wait at another: they must not be mined too."""
        if self.state is None or self.state.current is None:
            return False
        return self.state.receipt is not None and self.state.mined_nonce != self.state.current.nonce

    @property
    def is_fill(self) -> bool:
        """Whether it only uses up a nonce."""
        return self.candidate.is_fill

    @property
    def unsigned(self) -> bool:
        """Whether it waits for a nonce."""
        return self.state is not None and self.state.receipt is None and self.state.current is None

    @property
    def reserved(self) -> int:
        """What may still leave the account for it, in wei."""
        waits = self.state is not None and self.state.in_flight and not self.displaced
        current = self.state.current if self.state is not None and waits else None
        return 0 if current is None else current.gas_limit * current.fees.max_fee + self.candidate.value

    def claim(self, prices: FeeFacts, now: Timestamp) -> Claim:
        """Return what it may take from the account at root-chain time `now`."""
        window, candidate = self.window, self.candidate
        gas = (candidate.gas_limit or UNMEASURED_GAS) * fees.quote(prices).max_fee
        return Claim(
            candidate.intent,
            self.reserved,
            min(gas, window.budget) + candidate.value,
            window.budget,
            window.hard,
            now >= window.soft,
        )

    def alarm(self, name: str, severity: Severity, message: str, **facts: object) -> None:
        """Tell a person, once until it is cleared."""
        self._alarms.alarm(name, severity, f"{self.candidate.purpose}: {message}", **facts)

    def clear(self, *names: str) -> None:
        """Say that these are over."""
        self._alarms.clear(*names)

    async def on_disk(self) -> bool:
        """Wait until the intent is on disk; if it cannot be put there, those who wait hear why."""
        await asyncio.wait([self.recorded])
        if self.recorded.cancelled():
            self.outcome.cancel()
            return False
        if (error := self.recorded.exception()) is not None:
            self.fail(error)
            return False
        return True

    def land(self, outcome: Outcome) -> None:
        """Tell those who wait."""
        self._alarms.clear()
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        """Tell those who wait that this turn cannot go on; the intent stays open on disk."""
        if not self.outcome.done():
            self.outcome.set_exception(error)
