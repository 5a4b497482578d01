"""A vault on SQLite: loaded whole, saved in one commit, never made worse by a save."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.errors import VaultError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.domain.vault import HeldOutput, KeptTransaction, Source
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.vault import files
from plasma_guard.vault.records import Binding, Deposit, OutputKey, OwnOutput, Record, State, TxKey
from plasma_guard.vault.schema import (
    VERSION,
    binding,
    deposits,
    metadata,
    outputs,
    plasma_blocks,
    progress,
    transactions,
)

T = TypeVar("T")
_SIGNATURE = 65
_MANY = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """All that a vault holds but other people's deposits."""

    records: Mapping[TxKey, Record]
    outputs: Mapping[OutputKey, OwnOutput]
    blocks: Mapping[int, PlasmaBlock]
    progress: Mapping[str, int]


@dataclass(slots=True)
class Changes:
    """What a save writes, all or nothing; what is deleted goes first."""

    records: list[Record] = field(default_factory=list)
    outputs: list[OwnOutput] = field(default_factory=list)
    blocks: list[PlasmaBlock] = field(default_factory=list)
    progress: dict[str, int] = field(default_factory=dict)
    lost_records: list[TxKey] = field(default_factory=list)
    lost_outputs: list[OutputKey] = field(default_factory=list)
    lost_blocks: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return any((self.records, self.outputs, self.blocks, self.progress)) or any(
            (self.lost_records, self.lost_outputs, self.lost_blocks)
        )


class Store:
    """One vault file; every method blocks, and raises `VaultError` when the file cannot be used."""

    def __init__(self, path: Path, bound: Binding, rules: PlasmaRules, *, writing: bool = True) -> None:
        """Open a vault, made anew where there is none; raises `VaultError` for a foreign or damaged one."""
        self.path = path
        self.bound = bound
        self._rules = rules
        if writing:
            files.create(path)
        elif not path.exists():
            raise VaultError(f"there is no vault at {path} yet: fill it with plasma-guard vault refresh")
        self._engine = files.engine(path, writing=writing)
        self._run(lambda connection: _bind(connection, path, bound, writing=writing))

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def load(self) -> Stored:
        """Return everything, all of one moment."""
        return self._run(self._load)

    def save(self, changes: Changes) -> None:
        """Write changes in one commit; a proof or signature that is there is never replaced by none."""
        if changes:
            self._run(lambda connection: _save(connection, changes))

    def has_in_flight(self) -> bool:
        """Tell whether a transaction is kept that is in no known block."""
        query = select(transactions.c.hash).where(transactions.c.blknum == 0).limit(1)
        return self._run(lambda connection: connection.execute(query).first() is not None)

    def add_deposits(self, first: int, last: int, found: Sequence[Deposit]) -> None:
        """Replace what is known of the deposits in root-chain blocks first..last."""

        def change(connection: Connection) -> None:
            where = deposits.c.root_block.between(first, last)
            connection.execute(delete(deposits).where(where))
            rows = [
                {
                    "blknum": each.blknum,
                    "owner": bytes(each.owner),
                    "token": bytes(each.token),
                    "amount": each.amount.to_bytes(32),
                    "root_block": each.root_block,
                    "root_tx": bytes(each.root_tx),
                }
                for each in found
            ]
            if rows:
                connection.execute(insert(deposits).prefix_with("OR REPLACE"), rows)
            _put_progress(connection, {"logs": last})

        self._run(change)

    def deposits_of(self, owners: Collection[Address]) -> list[Deposit]:
        """Return the deposits of these owners, oldest first."""
        query = select(deposits).where(deposits.c.owner.in_([bytes(each) for each in owners]))
        query = query.order_by(deposits.c.blknum)
        return self._run(lambda connection: [_deposit(row) for row in connection.execute(query)])

    def deposits_at(self, blknums: Iterable[int]) -> dict[int, Deposit]:
        """Return the deposits of these blocks, whoever's they are."""
        wanted = sorted(set(blknums))

        def read(connection: Connection) -> dict[int, Deposit]:
            found: dict[int, Deposit] = {}
            for start in range(0, len(wanted), _MANY):
                query = select(deposits).where(deposits.c.blknum.in_(wanted[start : start + _MANY]))
                found |= {row.blknum: _deposit(row) for row in connection.execute(query)}
            return found

        return self._run(read)

    def _load(self, connection: Connection) -> Stored:
        few = {"yield_per": _MANY}
        records = (
            self._record(row) for row in connection.execute(select(transactions), execution_options=few)
        )
        same: dict[object, Any] = {}
        own = (_own_output(row, same) for row in connection.execute(select(outputs), execution_options=few))
        return Stored(
            records={record.key: record for record in records},
            outputs={each.key: each for each in own},
            blocks={
                row.blknum: PlasmaBlock(row.blknum, Hash32(row.root), Timestamp(row.timestamp))
                for row in connection.execute(select(plasma_blocks))
            },
            progress={row.name: row.value for row in connection.execute(select(progress))},
        )

    def _record(self, row: Any) -> Record:
        # What was stored has been decoded before; decoding it anew is cheaper than a table of inputs.
        kept = KeptTransaction(
            hash=Hash32(row.hash),
            raw=row.raw,
            sources=self._rules.decode(row.raw).inputs,
            signatures=_split(row.signatures),
            position=_position(row.blknum, row.txindex),
            proof=row.proof,
            source=Source(row.source),
        )
        return Record(kept, _split(row.claimed), _position(row.said_blknum, row.said_txindex))

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection, connection.begin():
                return work(connection)
        except (SQLAlchemyError, sqlite3.Error) as error:
            cause = getattr(error, "orig", None) or error
            raise VaultError(
                f"the vault {self.path} cannot be used ({cause}): check free space, permissions and the disk"
            ) from error


def _bind(connection: Connection, path: Path, bound: Binding, *, writing: bool) -> None:
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    if not tables and writing:
        metadata.create_all(connection)
        connection.execute(
            insert(binding).values(
                id=1,
                version=VERSION,
                chain_id=bound.chain_id,
                contract=bytes(bound.contract),
                generation=bound.generation,
            )
        )
        return
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'binding'").scalar()
    row = connection.execute(select(binding)).one_or_none() if names else None
    if row is None:
        raise VaultError(f"{path} is no vault of plasma-guard: name another file with vault.path")
    if row.version != VERSION:
        raise VaultError(
            f"the vault {path} has version {row.version} and this program reads version {VERSION}: move it"
            " aside and fill a new one with plasma-guard vault refresh"
        )
    if (row.chain_id, row.contract, row.generation) != (
        bound.chain_id,
        bytes(bound.contract),
        bound.generation,
    ):
        raise VaultError(
            f"the vault {path} belongs to {row.generation} at {Address(row.contract)} on chain"
            f" {row.chain_id}, not to {bound.generation} at {bound.contract} on chain {bound.chain_id}:"
            " name another file with vault.path, or correct the contract address"
        )


def _save(connection: Connection, changes: Changes) -> None:
    for hash_, position in changes.lost_records:
        connection.execute(delete(transactions).where(*_tx_is(transactions, hash_, position)))
    for hash_, position, index in changes.lost_outputs:
        where = (*_tx_is(outputs, hash_, position), outputs.c.oindex == index)
        connection.execute(delete(outputs).where(*where))
    for blknum in changes.lost_blocks:
        connection.execute(delete(plasma_blocks).where(plasma_blocks.c.blknum == blknum))
    _put(connection, plasma_blocks, map(_block_row, changes.blocks))
    _put(connection, transactions, map(_record_row, changes.records), keep=("signatures",))
    _put(connection, outputs, map(_output_row, changes.outputs))
    _put_progress(connection, changes.progress)


def _put(
    connection: Connection, table: Any, rows: Iterable[dict[str, Any]], keep: Sequence[str] = ()
) -> None:
    """Insert or replace; a column of `keep` that is not empty is never emptied, whoever saves later."""
    statement = insert(table)
    new = statement.excluded
    keys = {column.name for column in table.primary_key}
    names = [column.name for column in table.columns if column.name not in keys]
    values: dict[str, Any] = {name: new[name] for name in names}
    for name in keep:
        values[name] = func.iif(func.length(new[name]) > 0, new[name], table.c[name])
    statement = statement.on_conflict_do_update(index_elements=sorted(keys), set_=values)
    remaining = iter(rows)
    # A row on its way to the database takes several times its memory at rest.
    while part := list(islice(remaining, _MANY)):
        connection.execute(statement, part)


def _put_progress(connection: Connection, values: Mapping[str, int]) -> None:
    _put(connection, progress, [{"name": name, "value": value} for name, value in values.items()])


def _tx_is(table: Any, hash_: Hash32, position: UtxoPosition | None) -> tuple[Any, ...]:
    blknum, txindex = _place(position)
    return table.c.hash == bytes(hash_), table.c.blknum == blknum, table.c.txindex == txindex


def _place(position: UtxoPosition | None) -> tuple[int, int]:
    return (0, 0) if position is None else (position.blknum, position.txindex)


def _position(blknum: int, txindex: int, oindex: int = 0) -> UtxoPosition | None:
    return UtxoPosition(blknum, txindex, oindex) if blknum else None


def _split(content: bytes) -> tuple[bytes, ...]:
    return tuple(content[at : at + _SIGNATURE] for at in range(0, len(content), _SIGNATURE))


def _block_row(block: PlasmaBlock) -> dict[str, Any]:
    return {"blknum": block.blknum, "root": bytes(block.root), "timestamp": block.timestamp}


def _record_row(record: Record) -> dict[str, Any]:
    kept = record.kept
    blknum, txindex = _place(kept.position)
    said_blknum, said_txindex = _place(record.said)
    return {
        "hash": bytes(kept.hash),
        "blknum": blknum,
        "txindex": txindex,
        "raw": kept.raw,
        "proof": kept.proof,
        "signatures": b"".join(kept.signatures),
        "claimed": b"".join(record.claimed),
        "said_blknum": said_blknum,
        "said_txindex": said_txindex,
        "source": kept.source.value,
    }


def _output_row(own: OwnOutput) -> dict[str, Any]:
    output = own.output
    blknum, txindex = _place(output.position)
    return {
        "hash": bytes(output.tx_hash),
        "blknum": blknum,
        "txindex": txindex,
        "oindex": output.index,
        "owner": bytes(output.owner),
        "token": bytes(output.token),
        "amount": output.amount.to_bytes(32),
        "state": own.state.value,
        "doubt": output.doubt,
        "missing": json.dumps(output.missing),
        "missing_since": output.missing_since,
        "stuck": int(output.stuck),
    }


def _own_output(row: Any, same: dict[object, Any]) -> OwnOutput:
    """Read an output; `same` makes equal parts of many outputs one object, which halves their memory."""
    output = HeldOutput(
        tx_hash=same.setdefault(row.hash, Hash32(row.hash)),
        index=row.oindex,
        owner=same.setdefault(row.owner, Address(row.owner)),
        token=same.setdefault(row.token, Address(row.token)),
        amount=Wei(int.from_bytes(row.amount)),
        position=_position(row.blknum, row.txindex, row.oindex),
        missing=same.setdefault(row.missing, tuple(json.loads(row.missing))),
        missing_since=None if row.missing_since is None else Timestamp(row.missing_since),
        stuck=bool(row.stuck),
        doubt=row.doubt,
    )
    return OwnOutput(output, State(row.state))


def _deposit(row: Any) -> Deposit:
    return Deposit(
        blknum=row.blknum,
        owner=Address(row.owner),
        token=Address(row.token),
        amount=Wei(int.from_bytes(row.amount)),
        root_block=row.root_block,
        root_tx=Hash32(row.root_tx),
    )
