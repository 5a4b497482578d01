"""The journal as a record for people: one case with all that happened in it, or everything there is."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Table, select

from plasma_guard.domain.cases import Case, DecisionRecord, Kind, Observation, TrackedExit
from plasma_guard.domain.decisions import Window
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.transactions import Attempt, Confirmed, Outcome, Reverted, TxCandidate
from plasma_guard.journal import rows
from plasma_guard.journal.schema import (
    Uint256,
    attempts,
    binding,
    cases,
    checkpoint,
    decisions,
    intents,
    observations,
    root_events,
    tracked_exits,
)

ABOUT: Final = ("utxo_pos", "txbytes")
"""What reports name the thing by that they are about: an output's position, or an in-flight transaction."""
EXPORTED: Final[Mapping[str, Table]] = {
    "binding": binding,
    "checkpoint": checkpoint,
    "observation": observations,
    "root_event": root_events,
    "tracked_exit": tracked_exits,
    "case": cases,
    "decision": decisions,
    "intent": intents,
    "attempt": attempts,
}
"""Every table by what one of its rows is called, in the order in which a reader needs them."""
SIGNED_BYTES: Final = "raw"
_JSON: Final = frozenset({"body", "details", "outcome_body"})


@dataclass(frozen=True, slots=True)
class ObservationRecord:
    """One observation with the times of its first and newest report."""

    observation: Observation
    first_at: Timestamp
    last_at: Timestamp


@dataclass(frozen=True, slots=True)
class DecisionSpan:
    """One decision, made first at `first_at` and repeated until the record's own time."""

    record: DecisionRecord
    first_at: Timestamp


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One signed transaction, when it was signed and when its status last changed."""

    attempt: Attempt
    at: Timestamp
    marked_at: Timestamp | None


@dataclass(frozen=True, slots=True)
class IntentRecord:
    """One intent with all that became of it, as `plasma-guard journal` shows it."""

    candidate: TxCandidate
    window: Window
    at: Timestamp
    signed: tuple[AttemptRecord, ...]
    outcome: Outcome | None
    outcome_at: Timestamp | None

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The signed transactions, oldest first."""
        return tuple(each.attempt for each in self.signed)

    @property
    def cost(self) -> Wei:
        """What its gas cost, in wei; 0 while nothing of it is mined."""
        return self.outcome.receipt.cost if isinstance(self.outcome, Confirmed | Reverted) else Wei(0)


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """Everything the journal knows of one case, each list oldest first.

    `observations` are the reports about its output or its in-flight transaction, `events` the root chain's
    own logs about its exit as plain JSON.
    """

    case: Case
    observations: tuple[ObservationRecord, ...]
    decisions: tuple[DecisionSpan, ...]
    intents: tuple[IntentRecord, ...]
    tracked: TrackedExit | None
    events: tuple[dict[str, Any], ...]

    @property
    def cost(self) -> Wei:
        """What the gas of its transactions cost so far, in wei."""
        return Wei(sum(intent.cost for intent in self.intents))

    @property
    def last_decision(self) -> DecisionRecord | None:
        """The newest decision, None for a case that has none."""
        return self.decisions[-1].record if self.decisions else None


def read_intents(connection: Connection, case_id: int | None = None) -> list[IntentRecord]:
    """Return intents with their attempts and outcomes, oldest first."""
    query = select(intents).order_by(intents.c.id)
    signed = select(attempts).order_by(attempts.c.id)
    if case_id is not None:
        query = query.where(intents.c.case_id == case_id)
        signed = signed.join(intents, intents.c.intent == attempts.c.intent).where(
            intents.c.case_id == case_id
        )
    of_intent: dict[str, list[AttemptRecord]] = {}
    for row in connection.execute(signed).mappings():
        record = AttemptRecord(rows.attempt(row), Timestamp(row["at"]), _time(row["marked_at"]))
        of_intent.setdefault(row["intent"], []).append(record)
    records = []
    for row in connection.execute(query).mappings():
        candidate, window = rows.intent(row)
        records.append(
            IntentRecord(
                candidate,
                window,
                Timestamp(row["at"]),
                tuple(of_intent.get(candidate.intent, ())),
                None if row["outcome"] is None else rows.outcome(row["outcome"], row["outcome_body"]),
                _time(row["outcome_at"]),
            )
        )
    return records


def read_observations(connection: Connection) -> list[ObservationRecord]:
    """Return what was reported, by the time of its first report."""
    query = select(observations).order_by(observations.c.first_at, observations.c.key)
    return [
        ObservationRecord(
            Observation(row["key"], row["kind"], row["source"], row["body"]),
            Timestamp(row["first_at"]),
            Timestamp(row["last_at"]),
        )
        for row in connection.execute(query).mappings()
    ]


def read_histories(connection: Connection, case_id: int | None = None) -> list[CaseHistory]:
    """Return the history of every case, or of the one asked for, oldest first."""
    query = select(cases).order_by(cases.c.id)
    said = select(decisions).order_by(decisions.c.id)
    if case_id is not None:
        query, said = query.where(cases.c.id == case_id), said.where(decisions.c.case_id == case_id)
    of_case: dict[int, list[DecisionSpan]] = {}
    for row in connection.execute(said).mappings():
        span = DecisionSpan(rows.decision(row), Timestamp(row["first_at"]))
        of_case.setdefault(row["case_id"], []).append(span)
    sent: dict[int, list[IntentRecord]] = {}
    for intent in read_intents(connection, case_id):
        sent.setdefault(intent.candidate.case_id, []).append(intent)
    reports = _by_subject(read_observations(connection))
    return [
        CaseHistory(
            case,
            tuple(reports.get(_subject(case.details), ())),
            tuple(of_case.get(case.id, ())),
            tuple(sent.get(case.id, ())),
            _tracked(connection, case),
            tuple(_events(connection, case)),
        )
        for case in [rows.case(row) for row in connection.execute(query).mappings()]
    ]


def plain_event(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a scanned event of the root chain as plain JSON."""
    return {
        "kind": row["kind"],
        "block_number": row["block_number"],
        "block_hash": str(row["block_hash"]),
        "tx_hash": str(row["tx_hash"]),
        "log_index": row["log_index"],
        **json.loads(row["body"]),
    }


def dump(connection: Connection, *, raw: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every row of every table as plain JSON, with what it is; signed bytes only with `raw`.

    Amounts and ids are decimal strings, since JSON readers round large numbers; bytes are 0x hex.
    """
    for name, table in EXPORTED.items():
        for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
            yield name, _plain_row(table, row, raw=raw)


def _plain_row(table: Table, row: Row[Any], *, raw: bool) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for column, value in zip(table.columns, row, strict=True):
        if column.name == SIGNED_BYTES and not raw:
            continue
        plain[column.name] = _plain(column, value)
    return plain


def _plain(column: Column[Any], value: object) -> object:
    match value:
        case str() if column.name in _JSON:
            return json.loads(value)
        case int() if isinstance(column.type, Uint256):
            return str(value)
        case Address() | Hash32():
            return str(value)
        case bytes():
            return "0x" + value.hex()
        case _:
            return value


def _tracked(connection: Connection, case: Case) -> TrackedExit | None:
    query = select(tracked_exits).where(
        tracked_exits.c.exit_id == case.key.exit_id, tracked_exits.c.start == case.key.start
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else rows.tracked_exit(row)


def _events(connection: Connection, case: Case) -> Iterator[dict[str, Any]]:
    about = root_events.c.exit_id == case.key.exit_id
    if case.key.kind is Kind.STANDARD_EXIT:
        about |= root_events.c.position == case.position.encode()
    query = select(root_events).where(about).order_by(root_events.c.block_number, root_events.c.log_index)
    for row in connection.execute(query).mappings():
        yield plain_event(row)


def _by_subject(reports: Iterable[ObservationRecord]) -> dict[object, list[ObservationRecord]]:
    found: dict[object, list[ObservationRecord]] = {}
    for report in reports:
        found.setdefault(_subject(report.observation.body), []).append(report)
    return found


def _subject(text: str) -> object:
    """Return what a report is about; whatever names neither output nor transaction is only about itself."""
    body = json.loads(text)
    return next((body[name] for name in ABOUT if name in body), text)


def _time(value: int | None) -> Timestamp | None:
    return None if value is None else Timestamp(value)
