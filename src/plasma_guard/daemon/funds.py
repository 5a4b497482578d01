"""Whether each account can pay for the worst case of what it may have to do."""

from collections.abc import Sequence

from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.ports import Alerts, Chain, Health, Journal, Metrics

COMFORT = 2
"""A balance below so many worst cases is told in time to do something about it."""


class Funds:
    """Compares each balance with the worst case of its open intents, or with one case if none is open.

    The worst case of an intent is its whole budget and the bond that goes with it.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        journal: Journal,
        health: Health,
        alerts: Alerts,
        metrics: Metrics,
        accounts: Sequence[Address],
        max_cost_per_case: Wei,
    ) -> None:
        self._chain = chain
        self._journal = journal
        self._health = health
        self._alerts = alerts
        self._metrics = metrics
        self._accounts = accounts
        self._max_cost = max_cost_per_case
        self.balances: dict[Address, Wei] = {}

    async def check(self) -> None:
        """Read every balance; too little is said with the exact amount that is missing."""
        intents = await self._journal.open_intents()
        for account in self._accounts:
            balance = await self._chain.balance(account)
            self.balances[account] = balance
            self._metrics.gauge("balance_wei", balance, account=str(account))
            needs = [call.value + window.budget for call, window in intents if call.account == account]
            worst = Wei(sum(needs) or self._max_cost)
            self._metrics.gauge("balance_cover_ratio", balance / worst, account=str(account))
            self._tell(account, balance, worst, len(needs))
        empty = [str(account) for account, balance in self.balances.items() if balance == 0]
        if empty:
            self._health.set("funds", ok=False, reason=f"no ETH for gas at {', '.join(empty)}")
        else:
            self._health.set("funds", ok=True)

    def _tell(self, account: Address, balance: Wei, worst: Wei, open_here: int) -> None:
        """Say how far the balance goes: a page below one worst case, a warning below two."""
        low, empty = f"funds/{account}/low", f"funds/{account}/short"
        what = f"the worst case of {open_here} open calls" if open_here else "one case"
        if balance < worst:
            self._alerts.clear(low)
            missing = Wei(worst - balance)
            self._alerts.alert(
                empty,
                Severity.CRITICAL,
                f"top up {account} with {missing} wei now: it has {balance} wei, and {what} may take {worst}",
                top_up=missing,
            )
            return
        self._alerts.clear(empty)
        if balance < COMFORT * worst:
            missing = Wei(COMFORT * worst - balance)
            self._alerts.alert(
                low,
                Severity.WARNING,
                f"top up {account} with {missing} wei: it has {balance} wei, less than {COMFORT} times "
                f"the {worst} wei that {what} may take",
                top_up=missing,
            )
        else:
            self._alerts.clear(low)
