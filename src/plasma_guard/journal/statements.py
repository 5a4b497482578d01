"""The statements of every send, built once: putting one together costs as much as running it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from plasma_guard.domain.transactions import AttemptStatus
from plasma_guard.journal.schema import attempts, intents

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
MARK_ATTEMPT = update(attempts).where(attempts.c.hash == bindparam("which"))


def replay(connection: Connection, kept: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Keep rows of both tables, in order; those that are there already change nothing."""
    for table, row in kept:
        connection.execute(KEEP[table], row)
