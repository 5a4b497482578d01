"""What a turn of a case ended in, written down as a whole; the statements are built once."""

from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from plasma_guard.domain.cases import Case, CaseKey, Conclusion, Finding
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.domain.transactions import Outcome
from plasma_guard.journal import rows
from plasma_guard.journal.schema import cases, decisions, intents, tracked_exits

_KEY = ("chain_id", "contract", "kind", "exit_id", "start")
_SAID = ("verdict", "reason", "action")

_NEW_CASE = insert(cases).on_conflict_do_nothing(index_elements=list(_KEY))
_CASE = select(cases).where(*(cases.c[name] == bindparam(name) for name in _KEY))
_OUTCOMES = (
    select(intents.c.outcome, intents.c.outcome_body)
    .where(intents.c.case_id == bindparam("case"), intents.c.outcome.is_not(None))
    .order_by(intents.c.id)
)
_LAST_DECISION = (
    select(decisions).where(decisions.c.case_id == bindparam("case")).order_by(decisions.c.id.desc()).limit(1)
)
_NEW_DECISION = insert(decisions)
_SAME_DECISION = update(decisions).where(decisions.c.id == bindparam("which"))
_CHANGE_CASE = update(cases).where(cases.c.id == bindparam("which"))
_JUDGE = (
    update(tracked_exits)
    .where(tracked_exits.c.exit_id == bindparam("which"), tracked_exits.c.start == bindparam("began"))
    .values(running=tracked_exits.c.gone.is_(False) & bindparam("runs"))
)


def read_case(connection: Connection, key: CaseKey) -> tuple[Case | None, list[Outcome]]:
    """Return the case with this key and what became of its intents, oldest first."""
    row = connection.execute(_CASE, _named(key)).mappings().one_or_none()
    if row is None:
        return None, []
    found = connection.execute(_OUTCOMES, {"case": row["id"]})
    return rows.case(row), [rows.outcome(kind, body) for kind, body in found]


def _open(connection: Connection, conclusion: Conclusion) -> Case:
    """Return the case of a conclusion, new or known."""
    named = _named(conclusion.key)
    known = connection.execute(_CASE, named).mappings().one_or_none()
    if known is None:
        new = {
            "position": conclusion.position.encode(),
            "event": conclusion.event,
            "details": conclusion.details,
            "opened_at": conclusion.at,
            "deadline": conclusion.deadline,
            "bond": conclusion.bond,
        }
        connection.execute(_NEW_CASE, named | new)
        known = connection.execute(_CASE, named).mappings().one()
    return rows.case(known)


def conclude(connection: Connection, conclusion: Conclusion) -> Case:
    """Record the case, the decision, and what follows for the exit and for the case's state."""
    case = _open(connection, conclusion)
    _decide(connection, case.id, conclusion)
    if conclusion.finding is not None:
        judge(connection, conclusion.finding, conclusion.at)
    change = _worth(case, conclusion)
    if case.is_open and conclusion.closure is not None:
        change |= {"closure": conclusion.closure.value, "closed_at": conclusion.at}
    elif not case.is_open and conclusion.reopen:
        change |= {"closure": None, "closed_at": None}
    if not change:
        return case
    connection.execute(_CHANGE_CASE, {"which": case.id, **change})
    return rows.case(connection.execute(_CASE, _named(conclusion.key)).mappings().one())


def _worth(case: Case, conclusion: Conclusion) -> dict[str, Any]:
    """Return what is known better now of a case's deadline and bond."""
    known = {"deadline": case.deadline, "bond": case.bond}
    said = {"deadline": conclusion.deadline, "bond": conclusion.bond}
    return {name: value for name, value in said.items() if value not in {None, known[name]}}


def judge(connection: Connection, finding: Finding, at: Timestamp) -> None:
    """Record what is known about a tracked exit; a start that a reorg removed stays not running."""
    connection.execute(
        _JUDGE,
        {
            "which": finding.exit_id,
            "began": finding.start,
            "runs": finding.running,
            "judgement": finding.judgement.value,
            "judged_at": at,
        },
    )


def _decide(connection: Connection, case_id: int, conclusion: Conclusion) -> None:
    """One decision equal to the case's last one only moves its time and block."""
    said = {name: getattr(conclusion, name) for name in _SAID}
    moment = {"block_number": conclusion.block_number, "at": conclusion.at}
    last = connection.execute(_LAST_DECISION, {"case": case_id}).mappings().one_or_none()
    if last is not None and {name: last[name] for name in _SAID} == said:
        connection.execute(_SAME_DECISION, {"which": last["id"], **moment})
    else:
        first = {"case_id": case_id, "first_at": conclusion.at}
        connection.execute(_NEW_DECISION, {**first, **moment, **said})


def _named(key: CaseKey) -> dict[str, Any]:
    return {
        "chain_id": key.chain_id,
        "contract": key.contract,
        "kind": key.kind.value,
        "exit_id": key.exit_id,
        "start": key.start,
    }
