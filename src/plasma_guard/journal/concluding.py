"""What a turn of a case ended in, written down as a whole; the statements are built once."""

from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from plasma_guard.domain.cases import Case, CaseKey, Conclusion, Finding
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.domain.transactions import Outcome
from plasma_guard.journal import rows
from plasma_guard.journal.prepared import Prepared
from plasma_guard.journal.schema import cases, decisions, intents, tracked_exits

_KEY = ("chain_id", "contract", "kind", "exit_id", "start")
_MOMENT = ("block_number", "at")
_STATE = ("closure", "closed_at", "deadline", "bond", "ripe_at")
_SUMS = ("deadline", "bond", "ripe_at")
_SAID = ("verdict", "reason", "action")

_CASE = Prepared(select(cases).where(*(cases.c[name] == bindparam(name) for name in _KEY)))
_NEW_CASE = Prepared(
    insert(cases).on_conflict_do_nothing(index_elements=_KEY),
    sets=(*_KEY, "position", "event", "details", "opened_at", "deadline", "bond", "ripe_at"),
)
_CHANGE_CASE = Prepared(update(cases).where(cases.c.id == bindparam("which")), sets=_STATE)
_OUTCOMES = Prepared(
    select(intents.c.outcome, intents.c.outcome_body)
    .where(
        intents.c.case_id == bindparam("case"),
        intents.c.outcome.is_not(None),
        # A transfer to ourselves only frees a nonce; it answers nothing.
        intents.c.to != intents.c.account,
    )
    .order_by(intents.c.id)
)
_LAST_DECISION = Prepared(
    select(decisions).where(decisions.c.case_id == bindparam("case")).order_by(decisions.c.id.desc()).limit(1)
)
_NEW_DECISION = Prepared(insert(decisions), sets=("case_id", "first_at", *_MOMENT, *_SAID))
_SAME_DECISION = Prepared(update(decisions).where(decisions.c.id == bindparam("which")), sets=_MOMENT)
_JUDGE = Prepared(
    update(tracked_exits)
    .where(tracked_exits.c.exit_id == bindparam("which"), tracked_exits.c.start == bindparam("began"))
    .values(running=tracked_exits.c.gone.is_(False) & bindparam("runs")),
    sets=("judgement", "judged_at"),
)


def read_case(connection: Connection, key: CaseKey) -> tuple[Case | None, list[Outcome]]:
    """Return the case with this key and what became of its intents, oldest first."""
    row = _CASE.row(connection, _named(key))
    if row is None:
        return None, []
    found = _OUTCOMES.rows(connection, {"case": row["id"]})
    return rows.case(row), [rows.outcome(each["outcome"], each["outcome_body"]) for each in found]


def _open(connection: Connection, conclusion: Conclusion) -> Case:
    """Return the case of a conclusion, new or known."""
    named = _named(conclusion.key)
    known = _CASE.row(connection, named)
    if known is None:
        new = {
            "position": conclusion.position.encode(),
            "event": conclusion.event,
            "details": conclusion.details,
            "opened_at": conclusion.at,
            "deadline": conclusion.deadline,
            "bond": conclusion.bond,
            "ripe_at": conclusion.ripe_at,
        }
        _NEW_CASE.run(connection, named | new)
        known = _CASE.row(connection, named)
    assert known is not None  # noqa: S101 (inserted just above)
    return rows.case(known)


def conclude(connection: Connection, conclusion: Conclusion) -> Case:
    """Record the case, the decision, and what follows for the exit and for the case's state."""
    case = _open(connection, conclusion)
    _decide(connection, case.id, conclusion)
    if conclusion.finding is not None:
        judge(connection, conclusion.finding, conclusion.at)
    known = {name: getattr(case, name) for name in _STATE}
    change = {name: said for name in _SUMS if (said := getattr(conclusion, name)) is not None}
    if case.is_open and conclusion.closure is not None:
        change |= {"closure": conclusion.closure.value, "closed_at": conclusion.at}
    elif not case.is_open and conclusion.reopen:
        change |= {"closure": None, "closed_at": None}
    if known | change == known:
        return case
    _CHANGE_CASE.run(connection, {"which": case.id, **known, **change})
    return _open(connection, conclusion)


def judge(connection: Connection, finding: Finding, at: Timestamp) -> None:
    """Record what is known about a tracked exit; a start that a reorg removed stays not running."""
    _JUDGE.run(
        connection,
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
    moment = {name: getattr(conclusion, name) for name in _MOMENT}
    last = _LAST_DECISION.row(connection, {"case": case_id})
    if last is not None and {name: last[name] for name in _SAID} == said:
        _SAME_DECISION.run(connection, {"which": last["id"], **moment})
    else:
        first = {"case_id": case_id, "first_at": conclusion.at}
        _NEW_DECISION.run(connection, {**first, **moment, **said})


def _named(key: CaseKey) -> dict[str, Any]:
    return {
        "chain_id": key.chain_id,
        "contract": key.contract,
        "kind": key.kind.value,
        "exit_id": key.exit_id,
        "start": key.start,
    }
