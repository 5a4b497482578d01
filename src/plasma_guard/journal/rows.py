"""Rows to values of the domain and back."""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Case, CaseKey, DecisionRecord, Judgement, Kind, TrackedExit
from plasma_guard.domain.decisions import Closure, Window
from plasma_guard.domain.errors import JournalError
from plasma_guard.domain.exits import ExitId, InFlightExitStarted, RootChainEvent
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.transactions import (
    Attempt,
    AttemptStatus,
    Confirmed,
    Fees,
    Outcome,
    Receipt,
    Reverted,
    TxCandidate,
    Unaffordable,
    WouldRevert,
)

Row = RowMapping | Mapping[str, Any]
"""Column names to values of Python, as SQLAlchemy or `Prepared` give them."""


def stamp(row: Row) -> BlockStamp:
    """Read a checkpoint row."""
    return BlockStamp(row["number"], row["hash"], Timestamp(row["timestamp"]), row["parent"])


def tracked_exit(row: Row) -> TrackedExit:
    """Read a tracked exit; one that a reorg removed is simply not running."""
    judged_at = row["judged_at"]
    return TrackedExit(
        exit_id=ExitId(row["exit_id"]),
        start=row["start"],
        position=UtxoPosition.decode(row["position"]),
        owner=row["owner"],
        started_block=row["started_block"],
        started_at=Timestamp(row["started_at"]),
        judgement=Judgement(row["judgement"]),
        running=row["running"],
        judged_at=None if judged_at is None else Timestamp(judged_at),
    )


def case(row: Row) -> Case:
    """Read a case."""
    return Case(
        id=row["id"],
        key=CaseKey(
            row["chain_id"], row["contract"], Kind(row["kind"]), ExitId(row["exit_id"]), row["start"]
        ),
        position=UtxoPosition.decode(row["position"]),
        event=row["event"],
        details=row["details"],
        opened_at=Timestamp(row["opened_at"]),
        closure=None if row["closure"] is None else Closure(row["closure"]),
        closed_at=None if row["closed_at"] is None else Timestamp(row["closed_at"]),
        deadline=None if row["deadline"] is None else Timestamp(row["deadline"]),
        bond=None if row["bond"] is None else Wei(row["bond"]),
        ripe_at=None if row["ripe_at"] is None else Timestamp(row["ripe_at"]),
    )


def decision(row: Row) -> DecisionRecord:
    """Read a decision."""
    return DecisionRecord(
        row["case_id"],
        row["block_number"],
        Timestamp(row["at"]),
        row["verdict"],
        row["reason"],
        row["action"],
    )


def intent(row: Row) -> tuple[TxCandidate, Window]:
    """Read an intent."""
    candidate = TxCandidate(
        intent=row["intent"],
        case_id=row["case_id"],
        account=row["account"],
        to=row["to"],
        data=row["data"],
        value=Wei(row["value"]),
        purpose=row["purpose"],
        gas_limit=row["gas_limit"],
    )
    return candidate, Window(Timestamp(row["soft"]), Timestamp(row["hard"]), Wei(row["budget"]))


def attempt(row: Row) -> Attempt:
    """Read an attempt."""
    return Attempt(
        intent=row["intent"],
        account=row["account"],
        nonce=row["nonce"],
        hash=row["hash"],
        raw=row["raw"],
        gas_limit=row["gas_limit"],
        fees=Fees(Wei(row["max_fee"]), Wei(row["max_priority_fee"])),
        status=AttemptStatus(row["status"]),
    )


def outcome_columns(outcome: Outcome) -> tuple[str, str]:
    """Return an outcome's kind and its JSON body."""
    match outcome:
        case Confirmed(receipt):
            return "confirmed", json.dumps(_receipt_body(receipt))
        case Reverted(receipt, reason):
            return "reverted", json.dumps(_receipt_body(receipt) | {"reason": reason})
        case WouldRevert(reason):
            return "would_revert", json.dumps({"reason": reason})
        case Unaffordable(sums):
            return "unaffordable", json.dumps({"sums": sums})


def outcome(kind: str, text: str) -> Outcome:
    """Read an outcome back; raises `JournalError` for a kind this program does not know."""
    body = json.loads(text)
    match kind:
        case "confirmed":
            return Confirmed(_receipt(body))
        case "reverted":
            return Reverted(_receipt(body), body.get("reason", ""))
        case "would_revert":
            return WouldRevert(body["reason"])
        case "unaffordable":
            return Unaffordable(body["sums"])
        case _:
            raise JournalError(f"the journal holds an outcome of unknown kind {kind!r}")


def _receipt_body(receipt: Receipt) -> dict[str, Any]:
    return {
        "tx_hash": str(receipt.tx_hash),
        "block_number": receipt.block_number,
        "block_hash": str(receipt.block_hash),
        "success": receipt.success,
        "gas_used": receipt.gas_used,
        # Wei as text: JSON readers elsewhere lose integers above 2^53.
        "gas_price": str(receipt.gas_price),
    }


def _receipt(body: dict[str, Any]) -> Receipt:
    return Receipt(
        tx_hash=Hash32.parse(body["tx_hash"]),
        block_number=body["block_number"],
        block_hash=Hash32.parse(body["block_hash"]),
        success=body["success"],
        gas_used=body["gas_used"],
        gas_price=Wei(int(body["gas_price"])),
    )


def event_columns(event: RootChainEvent) -> dict[str, Any]:
    """Return the row of a root-chain event; `body` holds every field in JSON, bytes as 0x hex."""
    position = getattr(event, "position", None)
    fields = {
        field.name: _plain(getattr(event, field.name))
        for field in dataclasses.fields(event)
        if field.name not in {"block_number", "log_index", "block_hash", "tx_hash"}
    }
    return {
        "block_number": event.block_number,
        "log_index": event.log_index,
        "block_hash": event.block_hash,
        "tx_hash": event.tx_hash,
        "kind": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower(),
        "exit_id": getattr(event, "exit_id", None),
        "position": position.encode() if isinstance(position, UtxoPosition) else None,
        "plasma_tx_hash": getattr(event, "plasma_tx_hash", None),
        "body": json.dumps(fields),
    }


def in_flight_started(row: Row) -> InFlightExitStarted:
    """Read the start of an in-flight exit."""
    return InFlightExitStarted(
        initiator=Address.parse(json.loads(row["body"])["initiator"]),
        plasma_tx_hash=row["plasma_tx_hash"],
        block_number=row["block_number"],
        block_hash=row["block_hash"],
        tx_hash=row["tx_hash"],
        log_index=row["log_index"],
    )


def start_of(event: Row) -> str:
    """Return the identity of the start that an `exit_started` row tells of."""
    return f"{event['tx_hash']}/{json.loads(event['body'])['ordinal']}"


def _plain(value: object) -> object:
    match value:
        case bytes():
            return "0x" + value.hex()
        case UtxoPosition():
            return str(value.encode())
        case bool() | None:
            return value
        case int():
            return str(value)
        case _:
            return str(value)
