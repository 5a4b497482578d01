"""Everything that is kept, or that a bundle offers, proven again from the beginning; pure."""

from collections.abc import Iterable, Iterator, Mapping

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.errors import EvidenceError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.evidence import find_signature
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.vault.proving import decode_payment, prove_creation, prove_signatures
from plasma_guard.vault.records import OwnOutput, Record


def problems(
    rules: PlasmaRules,
    contract: Address,
    records: Iterable[Record],
    outputs: Iterable[OwnOutput],
    blocks: Mapping[int, PlasmaBlock],
    known: Iterable[Record] = (),
) -> Iterator[str]:
    """Yield a sentence for each thing that does not prove itself against the roots in `blocks`.

    `known` are proven transactions beside those examined: they say whose the inputs are.
    """
    everything = list(records)
    placed = {each.kept.position: each for each in (*known, *everything) if each.kept.position}
    for record in everything:
        yield from _problems_of(rules, contract, record, placed, blocks)
    found = {record.key: record for record in everything}
    for own in outputs:
        output = own.output
        creating = found.get((output.tx_hash, output.position and output.position.tx_position))
        if creating is None:
            yield f"output {output.index} of {output.tx_hash}: its transaction is not kept"
            continue
        made = rules.decode(creating.kept.raw).outputs
        if output.index >= len(made) or (output.owner, output.token, output.amount) != (
            made[output.index].owner,
            made[output.index].token,
            made[output.index].amount,
        ):
            yield f"output {output.index} of {output.tx_hash}: the transaction says something else"


def _problems_of(
    rules: PlasmaRules,
    contract: Address,
    record: Record,
    placed: Mapping[UtxoPosition, Record],
    blocks: Mapping[int, PlasmaBlock],
) -> Iterator[str]:
    kept = record.kept
    try:
        tx = decode_payment(rules, kept.raw)
    except EvidenceError as error:
        yield f"transaction {kept.hash}: {error}"
        return
    if tx.hash != kept.hash:
        yield f"transaction {kept.hash}: its bytes have the hash {tx.hash}"
    if kept.position is not None:
        block = blocks.get(kept.position.blknum)
        if block is None:
            yield f"transaction {kept.hash}: no root of block {kept.position.blknum} is known"
            return
        try:
            prove_creation(rules, kept.raw, kept.position, kept.proof, block)
        except EvidenceError as error:
            yield f"transaction {kept.hash}: {error}"
    owners = [_owner(rules, placed.get(source.tx_position), source) for source in tx.inputs]
    if kept.signatures and prove_signatures(rules, contract, tx, kept.signatures, owners) != kept.signatures:
        yield f"transaction {kept.hash}: its signatures are not by the owners of its inputs"
    if kept.position is None and not kept.signatures:
        # What is said to be in flight says that its inputs are spent: their owners must have signed that.
        for index, owner in enumerate(owners):
            if owner and find_signature(rules, tx, record.claimed, owner, contract) is None:
                yield f"transaction {kept.hash}: the owner of input {index} has not signed it"


def _owner(rules: PlasmaRules, creating: Record | None, source: UtxoPosition) -> Address | None:
    if creating is None:
        return None
    outputs = rules.decode(creating.kept.raw).outputs
    return outputs[source.oindex].owner if source.oindex < len(outputs) else None
