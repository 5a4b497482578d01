"""What can be read from a journal, by the guard that writes it and by commands that only look."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, select

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case, CaseKey, DecisionRecord, TrackedExit
from plasma_guard.domain.decisions import Window
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.exits import ExitId, InFlightExitStarted, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.transactions import (
    Attempt,
    Confirmed,
    Outcome,
    Reverted,
    SettledIntent,
    Standing,
    TxCandidate,
)
from plasma_guard.journal import history, rows
from plasma_guard.journal.concluding import read_case
from plasma_guard.journal.database import Reader, reading_engine
from plasma_guard.journal.history import CaseHistory, IntentRecord, ObservationRecord
from plasma_guard.journal.migrate import MIGRATIONS, head, inspect_file
from plasma_guard.journal.schema import (
    attempts,
    binding,
    checkpoint,
    decisions,
    intents,
    root_events,
    tracked_exits,
)
from plasma_guard.journal.statements import (
    ATTEMPTS_OF,
    CASES,
    IN_FLIGHT_STARTS_OF,
    LIVE_ATTEMPTS,
    OPEN_CASES,
    OUTCOMES_OF,
    STARTS_OF,
    VANISHED_EXITS,
)

T = TypeVar("T")


class JournalReads:
    """The reading half of the Journal port, and the history behind it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def _read(self, read: Callable[[Connection], T]) -> T:
        return await self._reader.run(read)

    async def binding(self) -> tuple[int, Address]:
        """Return the chain id and the contract the journal belongs to."""

        def read(connection: Connection) -> tuple[int, Address]:
            row = connection.execute(select(binding)).mappings().one()
            return row["chain_id"], row["contract"]

        return await self._read(read)

    async def now(self) -> Timestamp:
        """Return the time in root-chain seconds: the machine's, or the newest scanned block's if later."""
        checkpoint = await self.checkpoint()
        return Timestamp(max(int(time.time()), checkpoint.timestamp if checkpoint else 0))

    async def checkpoint(self) -> BlockStamp | None:
        """Return the last block scanned."""

        def read(connection: Connection) -> BlockStamp | None:
            row = connection.execute(select(checkpoint)).mappings().one_or_none()
            return None if row is None else rows.stamp(row)

        return await self._read(read)

    async def tracked_exits(
        self, *, position: UtxoPosition | None = None, running: bool | None = None
    ) -> list[TrackedExit]:
        """Return the standard exits our own scan found, newest start first; never those a reorg removed."""
        if position is not None and running is None:
            asked = {"position": position.encode()}
            return self._reader.look(lambda c: [rows.tracked_exit(row) for row in STARTS_OF.rows(c, asked)])
        query = (
            select(tracked_exits)
            .where(tracked_exits.c.gone.is_(False))
            .order_by(
                tracked_exits.c.started_block.desc(),
                tracked_exits.c.exit_id.desc(),
                tracked_exits.c.start.desc(),
            )
        )
        if position is not None:
            query = query.where(tracked_exits.c.position == position.encode())
        if running is not None:
            query = query.where(tracked_exits.c.running == running)
        return await self._read(lambda c: [rows.tracked_exit(row) for row in c.execute(query).mappings()])

    async def in_flight_starts(self, plasma_tx_hash: Hash32) -> list[InFlightExitStarted]:
        """Return the scanned starts of a transaction's in-flight exit, newest first."""
        asked = {"plasma_tx_hash": plasma_tx_hash}
        return self._reader.look(
            lambda c: [rows.in_flight_started(row) for row in IN_FLIGHT_STARTS_OF.rows(c, asked)]
        )

    async def vanished_exits(self) -> list[TrackedExit]:
        """Return the exits whose start a reorg removed, kept as history."""
        return await self._read(lambda c: [rows.tracked_exit(row) for row in VANISHED_EXITS.rows(c, {})])

    async def was_paid(self, exit_: TrackedExit) -> bool:
        """Return whether a finalization of this exit id was scanned at or after this start."""
        query = select(root_events.c.log_index).where(
            root_events.c.kind == "exit_finalized",
            root_events.c.exit_id == exit_.exit_id,
            root_events.c.block_number >= exit_.started_block,
        )
        return await self._read(lambda c: c.execute(query.limit(1)).first() is not None)

    async def withdrawn_slots(self, exit_id: ExitId, since: int) -> frozenset[tuple[Side, int]]:
        """Return the slots of an in-flight exit whose payment was scanned in block `since` or later."""
        query = select(root_events.c.body).where(
            root_events.c.kind == "in_flight_exit_withdrawn",
            root_events.c.exit_id == exit_id,
            root_events.c.block_number >= since,
        )
        bodies = await self._read(lambda c: [json.loads(row.body) for row in c.execute(query)])
        return frozenset((Side(body["side"]), int(body["index"])) for body in bodies)

    async def was_challenged(self, position: UtxoPosition, since: int) -> bool:
        """Return whether a challenge of an exit of this position was scanned in block `since` or later."""
        query = select(root_events.c.log_index).where(
            root_events.c.kind == "exit_challenged",
            root_events.c.position == position.encode(),
            root_events.c.block_number >= since,
        )
        return await self._read(lambda c: c.execute(query.limit(1)).first() is not None)

    async def case(self, key: CaseKey) -> tuple[Case | None, list[Outcome]]:
        """Return the case with this key, if there is one, and what became of its intents, oldest first."""
        return self._reader.look(lambda c: read_case(c, key))

    async def cases(self, *, open_only: bool = False) -> list[Case]:
        """Return cases, oldest first."""
        wanted = OPEN_CASES if open_only else CASES
        return await self._read(lambda c: [rows.case(row) for row in wanted.rows(c, {})])

    async def decisions(self, case_id: int) -> list[DecisionRecord]:
        """Return a case's decisions, oldest first."""
        query = select(decisions).where(decisions.c.case_id == case_id).order_by(decisions.c.id)
        return await self._read(lambda c: [rows.decision(row) for row in c.execute(query).mappings()])

    async def open_intents(self) -> list[tuple[TxCandidate, Window]]:
        """Return the intents without an outcome, oldest first."""
        query = select(intents).where(intents.c.outcome.is_(None)).order_by(intents.c.id)
        return await self._read(lambda c: [rows.intent(row) for row in c.execute(query).mappings()])

    async def attempts(
        self, *, intent: str | None = None, account: Address | None = None, live_only: bool = False
    ) -> list[Attempt]:
        """Return signed attempts, oldest first; live are those of intents without an outcome."""
        query = select(attempts).order_by(attempts.c.id)
        if intent is not None:
            query = query.where(attempts.c.intent == intent)
        if account is not None:
            query = query.where(attempts.c.account == account)
        if live_only:
            query = query.join(intents, intents.c.intent == attempts.c.intent).where(
                intents.c.outcome.is_(None)
            )
        return await self._read(lambda c: [rows.attempt(row) for row in c.execute(query).mappings()])

    async def standing(self, intents: Sequence[str], account: Address) -> Standing:
        """Return what is known about intents and what is live of their account, all of one moment."""
        asked = {"keys": json.dumps(list(intents))}

        def read(connection: Connection) -> Standing:
            ended = OUTCOMES_OF.rows(connection, asked)
            signed = ATTEMPTS_OF.rows(connection, asked)
            live = LIVE_ATTEMPTS.rows(connection, {"owner": account})
            return Standing(
                {row["intent"]: rows.outcome(row["outcome"], row["outcome_body"]) for row in ended},
                [rows.attempt(row) for row in signed],
                [rows.attempt(row) for row in live],
            )

        return self._reader.look(read)

    async def settled(self, account: Address, first_nonce: int) -> list[SettledIntent]:
        """Return the mined intents of an account with signed bytes of this nonce or a later one."""
        late = select(attempts.c.intent).where(attempts.c.account == account, attempts.c.nonce >= first_nonce)
        query = (
            select(intents)
            .where(intents.c.intent.in_(late), intents.c.outcome.in_(("confirmed", "reverted")))
            .order_by(intents.c.id)
        )
        signed = select(attempts).where(attempts.c.intent.in_(late)).order_by(attempts.c.id)

        def read(connection: Connection) -> list[SettledIntent]:
            of_intent: dict[str, list[Attempt]] = {}
            for row in connection.execute(signed).mappings():
                of_intent.setdefault(row["intent"], []).append(rows.attempt(row))
            found = []
            for row in connection.execute(query).mappings():
                outcome = rows.outcome(row["outcome"], row["outcome_body"])
                if isinstance(outcome, Confirmed | Reverted):
                    found.append(SettledIntent(*rows.intent(row), of_intent[row["intent"]], outcome))
            return found

        return await self._read(read)

    async def outcome(self, intent: str) -> Outcome | None:
        """Return what became of an intent, or None while it is open or unknown."""
        query = select(intents.c.outcome, intents.c.outcome_body).where(intents.c.intent == intent)

        def read(connection: Connection) -> Outcome | None:
            row = connection.execute(query).one_or_none()
            return None if row is None or row[0] is None else rows.outcome(row[0], row[1])

        return await self._read(read)

    async def costs(self, since: Timestamp) -> dict[str, tuple[Timestamp, Wei]]:
        """Return when each intent settled after `since` was settled, and what its gas did cost."""
        query = select(
            intents.c.intent, intents.c.outcome, intents.c.outcome_body, intents.c.outcome_at
        ).where(intents.c.outcome.in_(("confirmed", "reverted")), intents.c.outcome_at > since)

        def read(connection: Connection) -> dict[str, tuple[Timestamp, Wei]]:
            found = {}
            for intent, kind, body, at in connection.execute(query):
                outcome = rows.outcome(kind, body)
                if isinstance(outcome, Confirmed | Reverted):
                    found[intent] = (Timestamp(at), outcome.receipt.cost)
            return found

        return await self._read(read)

    async def outcomes(self, case_id: int) -> list[Outcome]:
        """Return what became of a case's intents, oldest first; open ones are left out."""
        query = (
            select(intents.c.outcome, intents.c.outcome_body)
            .where(
                intents.c.case_id == case_id,
                intents.c.outcome.is_not(None),
                intents.c.to != intents.c.account,
            )
            .order_by(intents.c.id)
        )
        return await self._read(lambda c: [rows.outcome(row[0], row[1]) for row in c.execute(query)])

    async def intents(self, *, case_id: int | None = None) -> list[IntentRecord]:
        """Return intents with their attempts and outcomes, oldest first."""
        return await self._read(lambda c: history.read_intents(c, case_id))

    async def observations(self) -> list[ObservationRecord]:
        """Return what was reported, by the time of its first report."""
        return await self._read(history.read_observations)

    async def histories(self) -> list[CaseHistory]:
        """Return every case with all that happened in it, oldest first, as of one moment."""
        return await self._read(history.read_histories)

    async def history(self, case_id: int) -> CaseHistory | None:
        """Return one case with all that happened in it, None when there is no such case."""
        return await self._read(lambda c: next(iter(history.read_histories(c, case_id)), None))

    async def dump(self, *, raw: bool = False) -> list[tuple[str, dict[str, Any]]]:
        """Return every row of every table as plain JSON, with what it is; signed bytes only with `raw`."""
        return await self._read(lambda c: list(history.dump(c, raw=raw)))

    async def events(self, *, first: int = 0, last: int | None = None) -> list[dict[str, Any]]:
        """Return the scanned events of blocks first..last inclusive, in chain order, as plain JSON."""
        query = (
            select(root_events)
            .where(root_events.c.block_number >= first)
            .order_by(root_events.c.block_number, root_events.c.log_index)
        )
        if last is not None:
            query = query.where(root_events.c.block_number <= last)

        def read(connection: Connection) -> list[dict[str, Any]]:
            return [history.plain_event(row) for row in connection.execute(query).mappings()]

        return await self._read(read)


class JournalReader(JournalReads):
    """A journal opened only to look at it: no lock, no change, also while a guard writes it."""

    async def close(self) -> None:
        """Close the file."""
        self._reader.close()

    async def __aenter__(self) -> Self:
        """Return the open journal."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()


def read_journal(
    path: Path, *, chain_id: int | None = None, contract: Address | None = None
) -> JournalReader:
    """Open a journal for reading, one of this chain and contract where they are given.

    Raises `JournalError` when there is none or it cannot be read as it is.
    """
    try:
        there = path.exists()
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be read: {error.strerror}") from error
    if not there:
        raise JournalError(f"there is no journal at {path}: it appears when `plasma-guard run` first starts")
    revision = inspect_file(path, chain_id=chain_id, contract=contract, migrations=MIGRATIONS)
    if revision is None:
        raise JournalError(f"the journal {path} is empty: it is filled when `plasma-guard run` first starts")
    if revision != head():
        raise JournalError(
            f"the journal {path} has version {revision}, this program reads {head()}: "
            "start `plasma-guard run` once, which upgrades it after a backup"
        )
    return JournalReader(Reader(reading_engine(path), path))
