"""The statements on the way to a challenge, built once: putting one together costs as much as running it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Text, bindparam, column, func, select, update
from sqlalchemy.dialects.sqlite import insert

from plasma_guard.domain.transactions import AttemptStatus
from plasma_guard.journal.schema import attempts, intents, observations

_UNSENT = ("would_revert", "unaffordable")

_NEW_INTENT = insert(intents)
KEEP = {
    "intents": _NEW_INTENT.on_conflict_do_update(
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
        where=intents.c.outcome.in_(_UNSENT)
        & ~select(attempts.c.id)
        .where(attempts.c.intent == intents.c.intent, attempts.c.status != AttemptStatus.DROPPED.value)
        .correlate(intents)
        .exists(),
    ),
    "attempts": insert(attempts).on_conflict_do_nothing(index_elements=["hash"]),
}
_KEYS = select(column("value", Text)).select_from(func.json_each(bindparam("keys", type_=Text)))
OUTCOMES_OF = select(intents.c.intent, intents.c.outcome, intents.c.outcome_body).where(
    intents.c.intent.in_(_KEYS), intents.c.outcome.is_not(None)
)
ATTEMPTS_OF = select(attempts).where(attempts.c.intent.in_(_KEYS)).order_by(attempts.c.id)
LIVE_ATTEMPTS = (
    select(attempts)
    .join(intents, intents.c.intent == attempts.c.intent)
    .where(attempts.c.account == bindparam("owner"), intents.c.outcome.is_(None))
    .order_by(attempts.c.id)
)
KNOWN_OBSERVATIONS = select(observations.c.key).where(observations.c.key.in_(_KEYS))
SEEN_AGAIN = (
    update(observations)
    .where(observations.c.key.in_(_KEYS), observations.c.last_at < bindparam("at"))
    .values(last_at=bindparam("at"))
)
NEW_OBSERVATION = insert(observations)
MARK_ATTEMPT = update(attempts).where(attempts.c.hash == bindparam("which"))


def replay(connection: Connection, kept: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Keep rows of both tables, in order; those that are there already change nothing."""
    for table, row in kept:
        connection.execute(KEEP[table], row)
