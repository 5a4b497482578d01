"""A vault as one JSON document that another machine can exit from; whoever reads it checks all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, parse_hex, shorten
from plasma_guard.domain.vault import HeldOutput, KeptTransaction, Source
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.records import Binding, OwnOutput, Record, State

FORMAT = "plasma-guard vault"
VERSION = 1
_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a document says, shape by shape; nothing of it is proven yet."""

    binding: Binding
    blocks: tuple[PlasmaBlock, ...]
    records: tuple[Record, ...]
    outputs: tuple[OwnOutput, ...]


def write(bound: Binding, draft: Draft, at: Timestamp) -> dict[str, Any]:
    """Return the document of everything that is held, as refreshed at a root-chain time."""
    records = sorted(draft.records(), key=lambda each: (str(each.kept.hash), each.kept.position is None))
    used = {record.kept.position.blknum for record in records if record.kept.position}
    blocks = [block for number, block in sorted(draft.blocks.items()) if number in used]
    return {
        "format": FORMAT,
        "version": VERSION,
        "chain_id": bound.chain_id,
        "contract": str(bound.contract),
        "generation": bound.generation,
        "refreshed_at": at,
        "blocks": [
            {"blknum": each.blknum, "root": str(each.root), "timestamp": each.timestamp} for each in blocks
        ],
        "transactions": [_transaction(each) for each in records],
        "outputs": [_output(each) for each in draft.held()],
    }


def _transaction(record: Record) -> dict[str, Any]:
    kept = record.kept
    return {
        "txbytes": "0x" + kept.raw.hex(),
        "position": kept.position.encode() if kept.position else None,
        "proof": "0x" + kept.proof.hex(),
        "signatures": ["0x" + each.hex() for each in kept.signatures],
        "claimed_signatures": ["0x" + each.hex() for each in record.claimed],
    }


def _output(output: HeldOutput) -> dict[str, Any]:
    return {
        "txhash": str(output.tx_hash),
        "index": output.index,
        "position": output.position.encode() if output.position else None,
        "owner": str(output.owner),
        "currency": str(output.token),
        "amount": output.amount,
        "doubt": output.doubt,
    }


def read(document: object, rules: PlasmaRules) -> Bundle:
    """Read a document; raises `MalformedError` naming the first field that has not its shape."""
    top = _object(document, "bundle")
    if top.get("format") != FORMAT:
        raise MalformedError(f'format: expected "{FORMAT}", got {shorten(top.get("format"))}')
    if top.get("version") != VERSION:
        raise MalformedError(
            f"version: this program reads version {VERSION}, got {shorten(top.get('version'))};"
            " use the program that wrote the bundle"
        )
    generation = top.get("generation")
    if generation != rules.generation:
        raise MalformedError(f"generation: expected {rules.generation}, got {shorten(generation)}")
    bound = Binding(_integer(top, "chain_id"), Address.parse(_text(top, "contract")), str(rules.generation))
    blocks = tuple(_read_block(each) for each in _entries(top, "blocks"))
    records = tuple(_read_transaction(each, rules) for each in _entries(top, "transactions"))
    made = {record.key: record for record in records}
    outputs = []
    for entry in _entries(top, "outputs"):
        position = _position(entry)
        creating = made.get((Hash32.parse(_text(entry, "txhash")), position and position.tx_position))
        if creating is None:
            raise MalformedError(f"outputs: no transaction of the bundle created {shorten(dict(entry), 200)}")
        outputs.append(_read_output(entry, position, creating, rules))
    return Bundle(bound, blocks, records, tuple(outputs))


def _read_block(entry: Mapping[str, Any]) -> PlasmaBlock:
    timestamp = Timestamp(_integer(entry, "timestamp"))
    return PlasmaBlock(_integer(entry, "blknum"), Hash32.parse(_text(entry, "root")), timestamp)


def _read_transaction(entry: Mapping[str, Any], rules: PlasmaRules) -> Record:
    tx = rules.decode(parse_hex(entry.get("txbytes"), "transactions.txbytes"))
    kept = KeptTransaction(
        hash=tx.hash,
        raw=tx.raw,
        sources=tx.inputs,
        signatures=_hexes(entry, "signatures"),
        position=_position(entry),
        proof=parse_hex(entry.get("proof"), "transactions.proof"),
        source=Source.BUNDLE,
    )
    if (kept.position is None) != (not kept.proof):
        raise MalformedError(f"transactions: {tx.hash} has only one of position and proof")
    return Record(kept, _hexes(entry, "claimed_signatures"))


def _read_output(
    entry: Mapping[str, Any], position: UtxoPosition | None, creating: Record, rules: PlasmaRules
) -> OwnOutput:
    """Take owner, token and amount from the transaction itself; what the entry says must agree."""
    index = _integer(entry, "index")
    outputs = rules.decode(creating.kept.raw).outputs
    if index >= len(outputs) or (position is not None and position.oindex != index):
        raise MalformedError(f"outputs: {creating.kept.hash} has no output {index} at {position}")
    made = outputs[index]
    said = (entry.get("owner"), entry.get("currency"), entry.get("amount"))
    if said != (str(made.owner), str(made.token), made.amount):
        raise MalformedError(
            f"outputs: output {index} of {creating.kept.hash} is {made.amount} of {made.token} for"
            f" {made.owner}, not what the bundle says"
        )
    doubt = entry.get("doubt")
    held = HeldOutput(
        creating.kept.hash,
        index,
        made.owner,
        made.token,
        made.amount,
        position,
        doubt=None if doubt is None else str(doubt)[:200],
    )
    return OwnOutput(held, State.HELD)


def _object(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError(f"{field}: expected an object, got {shorten(value)}")
    return value


def _entries(top: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    entries = top.get(field)
    if not isinstance(entries, list) or len(entries) > _LIMIT:
        raise MalformedError(f"{field}: expected a list of at most {_LIMIT} objects, got {shorten(entries)}")
    return [_object(each, field) for each in entries]


def _integer(entry: Mapping[str, Any], field: str) -> int:
    value = entry.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**256:
        raise MalformedError(f"{field}: expected an integer, got {shorten(value)}")
    return value


def _text(entry: Mapping[str, Any], field: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str):
        raise MalformedError(f"{field}: expected text, got {shorten(value)}")
    return value


def _position(entry: Mapping[str, Any]) -> UtxoPosition | None:
    return None if entry.get("position") is None else UtxoPosition.decode(_integer(entry, "position"))


def _hexes(entry: Mapping[str, Any], field: str) -> tuple[bytes, ...]:
    value = entry.get(field)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise MalformedError(f"{field}: expected a list of signatures, got {shorten(value)}")
    return tuple(parse_hex(each, field) for each in value)
