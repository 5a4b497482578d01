"""Cases in a journal, without a daemon to open them."""

from typing import Any

from plasma_guard.domain.cases import Case, CaseKey, Conclusion, DecisionRecord
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.ports import Journal


def conclusion(key: CaseKey, at: Timestamp, **changes: Any) -> Conclusion:
    """Return what a first turn that holds ends in; `changes` are fields of the conclusion."""
    fields: dict[str, Any] = {
        "position": UtxoPosition(1000, 3, 1),
        "event": "invalid_exit",
        "details": "{}",
        "block_number": 1,
        "verdict": "hold",
        "reason": "first seen",
    }
    return Conclusion(key=key, at=at, **(fields | changes))


async def open_case(journal: Journal, key: CaseKey, at: Timestamp) -> Case:
    """Return the case with this key, new or known."""
    return await journal.conclude(conclusion(key, at))


def decided(key: CaseKey, record: DecisionRecord) -> Conclusion:
    """Return the conclusion that leads to a decision of a journal's history."""
    return conclusion(
        key,
        record.at,
        block_number=record.block_number,
        verdict=record.verdict,
        reason=record.reason,
        action=record.action,
    )
