"""In-flight transactions that their user hands over, before or instead of the operator."""

from collections.abc import Collection
from dataclasses import dataclass

from plasma_guard.domain.errors import EvidenceError, MalformedError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.domain.vault import HeldOutput, KeptTransaction, Source
from plasma_guard.plasma import signature as ecdsa
from plasma_guard.plasma.evidence import find_signature
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PlasmaTransaction, SignedTransaction
from plasma_guard.vault.draft import Draft
from plasma_guard.vault.proving import decode_payment
from plasma_guard.vault.records import OwnOutput, Record, State


class ForeignError(EvidenceError):
    """A transaction that neither spends nor pays anything of ours."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a transaction is measured by: the contract its owners sign for, and whose outputs are ours."""

    rules: PlasmaRules
    contract: Address
    owners: Collection[Address]


def decode_signed(rules: PlasmaRules, content: bytes) -> SignedTransaction:
    """Read the signed form; raises `EvidenceError` that says what else the bytes are."""
    try:
        signed = rules.decode_signed(content)
    except MalformedError as error:
        try:
            rules.decode(content)
        except MalformedError:
            raise EvidenceError(f"not a transaction of {rules.generation}: {error}") from error
        raise EvidenceError(
            "unsigned: the transaction has no signatures, and nobody can exit it without them; hand over the"
            " signed form, whose first item is the list of signatures"
        ) from error
    decode_payment(rules, signed.tx.raw)
    return signed


def track(draft: Draft, measure: Rules, signed: SignedTransaction) -> Record:
    """Keep a transaction in flight with its outputs of ours; return what is kept of it.

    Raises `EvidenceError`, one sentence that says why not: nobody of ours in it (`ForeignError`), signed for
    another contract or by somebody else, an input that is spent, or in a block already.
    """
    tx = signed.tx
    if (placed := draft.placed_at(tx.hash)) is not None:
        raise EvidenceError(
            f"already included: transaction {tx.hash} is at {placed.kept.position}; its outputs are kept by"
            " every refresh, nothing is to be tracked"
        )
    owners = {index: _owner(draft, measure.rules, source) for index, source in enumerate(tx.inputs)}
    pays = [index for index, output in enumerate(tx.outputs) if output.owner in measure.owners]
    spends = [index for index, owner in owners.items() if owner in measure.owners]
    if not pays and not spends:
        ours = ", ".join(map(str, sorted(measure.owners))) or "any account"
        raise ForeignError(
            f"foreign: transaction {tx.hash} neither spends nor pays an output of {ours}, as far as is known;"
            " refresh the vault first if it spends one that is not held yet"
        )
    offered = [each for each in signed.signatures if each != ecdsa.EMPTY]
    if len(offered) < len(tx.inputs):
        raise EvidenceError(
            f"unsigned: {len(offered)} signatures for {len(tx.inputs)} inputs; every input needs its owner's"
        )
    for index, owner in owners.items():
        if owner is not None:
            _check_signature(measure, tx, index, owner, offered)
    for index in spends:
        own = draft.own(tx.inputs[index])
        if own is not None and own.state is not State.HELD:
            raise EvidenceError(f"input {index}: {tx.inputs[index]} is {own.state} already")
    kept = KeptTransaction(tx.hash, tx.raw, tx.inputs, source=Source.USER)
    record = draft.put(Record(kept, claimed=tuple(offered)))
    for index in pays:
        output = tx.outputs[index]
        held = HeldOutput(tx.hash, index, output.owner, output.token, output.amount)
        draft.put_output(OwnOutput(held))
    return record


def _check_signature(
    measure: Rules, tx: PlasmaTransaction, index: int, owner: Address, offered: list[bytes]
) -> None:
    if find_signature(measure.rules, tx, offered, owner, measure.contract) is not None:
        return
    try:
        signer = str(measure.rules.recover(tx, offered[index], measure.contract))
    except MalformedError as error:
        signer = f"nobody ({error})"
    raise EvidenceError(
        f"input {index}: {tx.inputs[index]} belongs to {owner}, who has not signed: read as signed for"
        f" {measure.contract}, the signature is by {signer}; a transaction of another chain or contract looks"
        " like this too"
    )


def _owner(draft: Draft, rules: PlasmaRules, source: UtxoPosition) -> Address | None:
    creating = draft.creator(source)
    if creating is None:
        return None
    outputs = rules.decode(creating.kept.raw).outputs
    return outputs[source.oindex].owner if source.oindex < len(outputs) else None
