"""What became of a case: the contract's state says so, not the transaction alone."""

from collections.abc import Callable

import structlog

from plasma_guard.daemon.heads import Heads
from plasma_guard.daemon.react import React, Turn
from plasma_guard.daemon.watch import Sighting
from plasma_guard.domain.cases import Case, Kind
from plasma_guard.domain.decisions import Close, Closure, Severity
from plasma_guard.domain.transactions import (
    Confirmed,
    Outcome,
    Reverted,
    TxCandidate,
    Unaffordable,
    WouldRevert,
)
from plasma_guard.ports import Alerts, Metrics

log = structlog.get_logger(__name__)

WON = {
    Kind.STANDARD_EXIT: "challenged: the fraudulent exit is stopped",
    Kind.CANONICITY: "challenged: the in-flight exit is not canonical any more",
    Kind.INCLUSION: "answered: the in-flight exit is canonical again",
    Kind.PIGGYBACK_SPENT: "challenged: the spent piggyback is removed",
    Kind.OWN_PIGGYBACK: "joined: our own output is piggybacked",
}


class Settle:
    """Gives a case another turn after each outcome: the contract's state closes it or leaves it open."""

    def __init__(
        self,
        *,
        heads: Heads,
        react: React,
        recall: Callable[[Case], Sighting | None],
        alerts: Alerts,
        metrics: Metrics,
    ) -> None:
        self._heads = heads
        self._react = react
        self._recall = recall
        self._alerts = alerts
        self._metrics = metrics

    async def settle(
        self, case: Case, candidate: TxCandidate, outcome: Outcome, *, withdrawn: bool = False
    ) -> Closure | None:
        """Return how the case closed, or None while it stays open; `withdrawn`: its answer was taken back."""
        self._metrics.count("outcomes_total", outcome=type(outcome).__name__.lower())
        if isinstance(outcome, Confirmed | Reverted):
            self._metrics.count("fee_spent_wei_total", outcome.receipt.cost)
        turn = await self._turn(case)
        if turn is None or not isinstance(turn.decision, Close):
            if isinstance(outcome, WouldRevert | Reverted) and (withdrawn or turn is None):
                # The exit is gone, or was when the answer was taken back: if it returns, it is answered.
                log.info("not answered, as nothing asked for it", case=case.id, reason=outcome.reason)
                return None
            self._say_open(case, candidate, outcome)
            return None
        self._say_closed(case, outcome, turn.decision, turn)
        return turn.decision.closure

    async def _turn(self, case: Case) -> Turn | None:
        sighting = self._recall(case)
        if sighting is None:
            return None
        turns = await self._react.turn(*sighting, await self._heads.newest())
        return next((turn for turn in turns if turn.case and turn.case.id == case.id), None)

    def _say_open(self, case: Case, candidate: TxCandidate, outcome: Outcome) -> None:
        """Our call is over and there is still something to answer: loud, because money is at stake."""
        match outcome:
            case Confirmed() if case.key.kind is Kind.OWN_EXIT:  # one step of several
                self._alerts.clear(f"case/{case.id}/open")
                tx = str(outcome.receipt.tx_hash)
                log.info("a step is done", case=case.id, call=candidate.purpose, tx=tx)
                return
            case Unaffordable():
                why = f"it could not be paid for: {outcome.sums}"
            case WouldRevert():
                why = f"its simulation fails ({outcome.reason}), and the contract still waits for an answer"
            case Reverted():
                why = f"it was mined and failed in {outcome.receipt.tx_hash}"
            case _:
                why = f"it was mined in {outcome.receipt.tx_hash}, and the contract still waits for an answer"
        log.error("not settled", case=case.id, call=candidate.purpose, reason=why)
        self._alerts.alert(
            f"case/{case.id}/open", Severity.CRITICAL, f"case {case.id}: {candidate.purpose}: {why}"
        )

    def _say_closed(self, case: Case, outcome: Outcome, close: Close, turn: Turn) -> None:
        self._alerts.clear(f"case/{case.id}/open")
        facts: dict[str, object] = {"case": case.id, "position": str(case.position), "block": turn.at.number}
        if isinstance(outcome, Confirmed | Reverted):
            facts |= {"tx": str(outcome.receipt.tx_hash), "gas_cost_wei": outcome.receipt.cost}
        spent = sum(each.receipt.cost for each in turn.outcomes if isinstance(each, Confirmed | Reverted))
        match close.closure:
            case Closure.WON_BY_US if case.key.kind is Kind.OWN_EXIT:
                pass  # the turn has told it
            case Closure.WON_BY_US:
                bond = turn.subject.bond if turn.subject else 0
                self._metrics.count("bonds_won_wei_total", bond)
                # What it came to: bonds rarely pay for their gas, and nobody should find that out alone.
                sums = {"bond_won_wei": bond, "case_cost_wei": spent, "net_wei": bond - spent}
                log.info(WON.get(case.key.kind, "answered"), **sums, **facts)
            case Closure.LOST:
                log.error("lost: it was paid before an answer was mined", reason=close.reason, **facts)
                self._alerts.alert(
                    f"case/{case.id}/lost", Severity.CRITICAL, f"case {case.id} is lost", **facts
                )
            case _:
                log.info("someone else was first: nothing was lost", reason=close.reason, **facts)
