"""What became of a case: the contract's state says so, not the transaction alone."""

import structlog

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case
from plasma_guard.domain.decisions import Closure, Severity
from plasma_guard.domain.exits import ExitStatus, StandardExit
from plasma_guard.domain.primitives import Wei
from plasma_guard.domain.transactions import (
    Confirmed,
    Outcome,
    Reverted,
    TxCandidate,
    Unaffordable,
    WouldRevert,
)
from plasma_guard.ports import Alerts, Chain, ExitGame, Journal, Metrics

log = structlog.get_logger(__name__)


class Settle:
    """Reads the exit again after each outcome and closes the case where the contract has."""

    def __init__(
        self, *, chain: Chain, game: ExitGame, journal: Journal, alerts: Alerts, metrics: Metrics
    ) -> None:
        self._chain = chain
        self._game = game
        self._journal = journal
        self._alerts = alerts
        self._metrics = metrics

    async def settle(self, case: Case, candidate: TxCandidate, outcome: Outcome) -> Closure | None:
        """Return how the case closed, or None while it stays open."""
        at = await self._chain.head()
        (entry,) = await self._game.standard_exits([case.key.exit_id], at)
        self._metrics.count("outcomes_total", outcome=type(outcome).__name__.lower())
        if isinstance(outcome, Confirmed | Reverted):
            self._metrics.count("fee_spent_wei_total", outcome.receipt.cost)
        closure = _closure(entry, outcome)
        if closure is None and entry.status is ExitStatus.ABSENT:
            # ald deletes the entry of a paid exit and of a challenged one alike; the next turn asks the logs.
            log.info("the exit is gone; whether it was paid is read from the logs", case=case.id)
            return None
        if closure is None:
            self._say_open(case, candidate, outcome)
            return None
        await self._journal.close_case(case.id, closure, at.timestamp)
        await self._say_closed(case, outcome, closure, entry, at)
        return closure

    def _say_open(self, case: Case, candidate: TxCandidate, outcome: Outcome) -> None:
        """The exit still runs although our call is over: loud, because money is still at stake."""
        match outcome:
            case Unaffordable():
                why = f"it could not be paid for: {outcome.sums}"
            case WouldRevert():
                why = f"its simulation fails ({outcome.reason}) although the exit still runs"
            case Reverted():
                why = f"it was mined and failed in {outcome.receipt.tx_hash}"
            case _:
                why = f"it was mined in {outcome.receipt.tx_hash}, yet the exit still runs"
        log.error("not settled", case=case.id, call=candidate.purpose, reason=why)
        self._alerts.alert(
            f"case/{case.id}/open", Severity.CRITICAL, f"case {case.id}: {candidate.purpose}: {why}"
        )

    async def _say_closed(
        self, case: Case, outcome: Outcome, closure: Closure, entry: StandardExit, at: BlockStamp
    ) -> None:
        self._alerts.clear(f"case/{case.id}/open")
        facts: dict[str, object] = {"case": case.id, "position": str(case.position), "block": at.number}
        if isinstance(outcome, Confirmed | Reverted):
            facts |= {"tx": str(outcome.receipt.tx_hash), "gas_cost_wei": outcome.receipt.cost}
        if closure is Closure.WON_BY_US:
            bond = entry.bond or (await self._game.bonds(at)).standard_exit
            self._metrics.count("bonds_won_wei_total", bond)
            log.info("challenged: the fraudulent exit is stopped", bond_won_wei=Wei(bond), **facts)
        elif closure is Closure.LOST:
            log.error("lost: the exit was paid before a challenge was mined", **facts)
            self._alerts.alert(f"case/{case.id}/lost", Severity.CRITICAL, f"case {case.id} is lost", **facts)
        else:
            log.info("someone else was first: the exit is already stopped, nothing was lost", **facts)


def _closure(entry: StandardExit, outcome: Outcome) -> Closure | None:
    if entry.status is ExitStatus.RUNNING:
        return None
    if isinstance(outcome, Confirmed):
        return Closure.WON_BY_US
    match entry.status:
        case ExitStatus.FINALIZED:
            return Closure.LOST
        case ExitStatus.CHALLENGED:
            return Closure.RESOLVED_BY_OTHERS
        case _:
            return None
