"""Whether each account can pay for the worst case of what it may have to do."""

from collections.abc import Sequence

from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.ports import Alerts, Chain, Health, Journal, Metrics


class Funds:
    """Compares balances with what the open intents and one more could cost."""

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
        short = []
        for account in self._accounts:
            balance = await self._chain.balance(account)
            self.balances[account] = balance
            self._metrics.gauge("balance_wei", balance, account=str(account))
            open_here = sum(candidate.account == account for candidate, _ in intents)
            worst = Wei(self._max_cost * (open_here + 1))
            if balance < worst:
                short.append(f"{account} has {balance} wei, {worst - balance} wei short of {worst}")
        if short:
            self._alerts.alert(
                "funds",
                Severity.WARNING,
                f"top up: {len(intents)} open intents and one more are not covered: {'; '.join(short)}",
            )
        else:
            self._alerts.clear("funds")
        empty = [str(account) for account, balance in self.balances.items() if balance == 0]
        if empty:
            self._health.set("funds", ok=False, reason=f"no ETH for gas at {', '.join(empty)}")
        else:
            self._health.set("funds", ok=True)
