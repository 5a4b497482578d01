"""Cases of the journal as JSON; amounts and ids are decimal strings: JSON readers round large numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plasma_guard.cli.casebook import STAKED, state, told
from plasma_guard.domain.cases import Case
from plasma_guard.domain.decisions import Closure

if TYPE_CHECKING:
    from plasma_guard.journal.history import CaseHistory, IntentRecord


def case_document(history: CaseHistory) -> dict[str, Any]:
    """Return a case without its history as JSON; amounts and ids are decimal strings."""
    case, last = history.case, history.last_decision
    return {
        "id": case.id,
        "kind": case.key.kind.value,
        "chain_id": case.key.chain_id,
        "contract": str(case.key.contract),
        "exit_id": str(case.key.exit_id),
        "start": case.key.start,
        "position": str(case.position),
        "state": state(case),
        "event": case.event,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "deadline": case.deadline,
        "ripe_at": case.ripe_at,
        "verdict": last.verdict if last else None,
        "reason": last.reason if last else None,
        "attempts": sum(len(intent.signed) for intent in history.intents),
        "cost_wei": str(history.cost),
        "bond_wei": None if case.bond is None else str(case.bond),
        "bond_won_wei": str(_bond_won(case)),
    }


def history_document(history: CaseHistory) -> dict[str, Any]:
    """Return a case with all that happened in it as JSON; signed bytes are left out."""
    return {
        **case_document(history),
        "owner": str(history.tracked.owner) if history.tracked else None,
        "exit_started_at": history.tracked.started_at if history.tracked else None,
        "observations": [
            {
                "key": each.observation.key,
                "kind": each.observation.kind,
                "source": each.observation.source,
                "first_at": each.first_at,
                "last_at": each.last_at,
            }
            for each in history.observations
        ],
        "decisions": [
            {
                "first_at": each.first_at,
                "at": each.record.at,
                "block_number": each.record.block_number,
                "verdict": each.record.verdict,
                "reason": each.record.reason,
                "action": each.record.action,
            }
            for each in history.decisions
        ],
        "intents": [_intent_document(each) for each in history.intents],
        "root_events": list(history.events),
    }


def _intent_document(intent: IntentRecord) -> dict[str, Any]:
    candidate, window = intent.candidate, intent.window
    return {
        "intent": candidate.intent,
        "call": candidate.purpose,
        "account": str(candidate.account),
        "to": str(candidate.to),
        "value_wei": str(candidate.value),
        "data": "0x" + candidate.data.hex(),
        "at": intent.at,
        "soft": window.soft,
        "hard": window.hard,
        "budget_wei": str(window.budget),
        "attempts": [
            {
                "hash": str(each.attempt.hash),
                "nonce": each.attempt.nonce,
                "status": each.attempt.status.value,
                "gas_limit": each.attempt.gas_limit,
                "max_fee_per_gas": str(each.attempt.fees.max_fee),
                "max_priority_fee_per_gas": str(each.attempt.fees.max_priority_fee),
                "at": each.at,
                "marked_at": each.marked_at,
            }
            for each in intent.signed
        ],
        "outcome": type(intent.outcome).__name__.lower() if intent.outcome else None,
        "outcome_at": intent.outcome_at,
        "outcome_told": told(intent.outcome) if intent.outcome else None,
        "cost_wei": str(intent.cost),
    }


def _bond_won(case: Case) -> int:
    """Return what the contract paid us at once, in wei; bonds that are paid later are not counted."""
    won = case.closure is Closure.WON_BY_US and case.key.kind not in STAKED
    return case.bond or 0 if won else 0
