"""The statements on the way to a challenge, built once: putting one together costs as much as running it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Text, bindparam, column, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from plasma_guard.domain.transactions import AttemptStatus
from plasma_guard.journal.prepared import Prepared
from plasma_guard.journal.schema import attempts, cases, intents, observations, root_events, tracked_exits

_UNSENT = ("would_revert", "unaffordable")

_NEW_INTENT = insert(intents)
_INTENT_AGAIN = _NEW_INTENT.on_conflict_do_update(
    index_elements=["intent"],
    set_={
        **{
            column.name: _NEW_INTENT.excluded[column.name]
            for column in intents.columns
            if column.name not in {"id", "intent"}
        },
        "outcome": None,
        "outcome_body": None,
        "outcome_at": None,
    },
    where=or_(*(intents.c.outcome == outcome for outcome in _UNSENT))
    & ~select(attempts.c.id)
    .where(attempts.c.intent == intents.c.intent, attempts.c.status != AttemptStatus.DROPPED.value)
    .correlate(intents)
    .exists(),
)
_INTENT_COLUMNS = (
    "intent",
    "case_id",
    "account",
    "to",
    "data",
    "value",
    "purpose",
    "gas_limit",
    "soft",
    "hard",
    "budget",
    "at",
)
_ATTEMPT_COLUMNS = (
    "hash",
    "intent",
    "account",
    "nonce",
    "raw",
    "gas_limit",
    "max_fee",
    "max_priority_fee",
    "status",
    "at",
)
KEEP = {
    "intents": Prepared(_INTENT_AGAIN, sets=_INTENT_COLUMNS),
    "attempts": Prepared(
        insert(attempts).on_conflict_do_nothing(index_elements=["hash"]), sets=_ATTEMPT_COLUMNS
    ),
}
_KEYS = select(column("value", Text)).select_from(func.json_each(bindparam("keys", type_=Text)))
OUTCOMES_OF = Prepared(
    select(intents.c.intent, intents.c.outcome, intents.c.outcome_body).where(
        intents.c.intent.in_(_KEYS), intents.c.outcome.is_not(None)
    )
)
ATTEMPTS_OF = Prepared(select(attempts).where(attempts.c.intent.in_(_KEYS)).order_by(attempts.c.id))
LIVE_ATTEMPTS = Prepared(
    select(attempts)
    .join(intents, intents.c.intent == attempts.c.intent)
    .where(attempts.c.account == bindparam("owner"), intents.c.outcome.is_(None))
    .order_by(attempts.c.id)
)
CASES = Prepared(select(cases).order_by(cases.c.id))
OPEN_CASES = Prepared(select(cases).where(cases.c.closure.is_(None)).order_by(cases.c.id))
VANISHED_EXITS = Prepared(select(tracked_exits).where(tracked_exits.c.gone.is_(True)))
STARTS_OF = Prepared(
    select(tracked_exits)
    .where(tracked_exits.c.gone.is_(False), tracked_exits.c.position == bindparam("position"))
    .order_by(
        tracked_exits.c.started_block.desc(), tracked_exits.c.exit_id.desc(), tracked_exits.c.start.desc()
    )
)
IN_FLIGHT_STARTS_OF = Prepared(
    select(root_events)
    .where(
        root_events.c.plasma_tx_hash == bindparam("plasma_tx_hash"),
        root_events.c.kind == "in_flight_exit_started",
    )
    .order_by(root_events.c.block_number.desc(), root_events.c.log_index.desc())
)
KNOWN_OBSERVATIONS = Prepared(select(observations.c.key).where(observations.c.key.in_(_KEYS)))
SEEN_AGAIN = Prepared(
    update(observations)
    .where(observations.c.key.in_(_KEYS), observations.c.last_at < bindparam("at"))
    .values(last_at=bindparam("at"))
)
NEW_OBSERVATION = Prepared(
    insert(observations), sets=("key", "kind", "source", "body", "first_at", "last_at")
)
MARK_ATTEMPT = Prepared(
    update(attempts).where(attempts.c.hash == bindparam("which")), sets=("status", "marked_at")
)


def replay(connection: Connection, kept: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Keep rows of both tables, in order; those that are there already change nothing."""
    for table, row in kept:
        KEEP[table].run(connection, row)
