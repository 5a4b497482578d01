"""Local proofs: before anything is spent, the evidence is checked the way the contract will check it."""

from collections.abc import Iterable

from plasma_guard.domain.errors import EvidenceError, MalformedError
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import StandardExit
from plasma_guard.domain.primitives import Address, shorten
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PAYMENT, Output, PlasmaTransaction


def prove_spend(
    rules: PlasmaRules, verifying_contract: Address, exit_: StandardExit, claim: StandardExitChallenge
) -> PlasmaTransaction:
    """Return the decoded spend if `claim` proves that the output of the running exit `exit_` is spent.

    `exit_` is the contract's own entry; only what it says about exit id, position, owner, amount and output
    id counts: the claim's exit id is not looked at and must not be used. The spend need not be in any block.
    Raises `EvidenceError`, one sentence, for the first check that fails; whether the exit is still running
    is not among them.
    """
    if exit_.position is None or exit_.owner is None:
        raise EvidenceError(f"exit {exit_.exit_id}: the contract's entry has no position or no owner")
    if claim.position != exit_.position:
        raise EvidenceError(f"position: the exit is of {exit_.position}, the claim of {claim.position}")
    if rules.generation.is_ald:
        _check_exiting_tx(rules, exit_, claim)
    return _check_spend(rules, verifying_contract, exit_.owner, claim)


def find_signature(
    rules: PlasmaRules,
    tx: PlasmaTransaction,
    signatures: Iterable[bytes | None],
    owner: Address,
    verifying_contract: Address,
) -> bytes | None:
    """Return the first of `signatures` that is by `owner` over `tx`; None if none is.

    Missing, empty and malformed signatures are passed over: a list padded with anything is searched whole.
    """
    for signature in signatures:
        if signature is None:
            continue
        try:
            signer = rules.recover(tx, signature, verifying_contract)
        except MalformedError:
            continue
        if signer == owner:
            return signature
    return None


def _check_exiting_tx(rules: PlasmaRules, exit_: StandardExit, claim: StandardExitChallenge) -> None:
    """Check on ald that the exiting transaction is the very one the contract's entry was made from."""
    if claim.exiting_tx is None:
        raise EvidenceError("exiting transaction: missing, and the call needs it")
    tx = _decode(rules, claim.exiting_tx, "exiting transaction")
    oindex = claim.position.oindex
    if oindex >= len(tx.outputs):
        raise EvidenceError(f"exiting transaction: has {len(tx.outputs)} outputs, none of index {oindex}")
    try:
        exit_id = rules.standard_exit_id(claim.exiting_tx, claim.position)
        output_id = rules.output_id(claim.exiting_tx, claim.position)
    except MalformedError as error:
        raise EvidenceError(f"exiting transaction: {error}") from error
    if exit_id != exit_.exit_id:
        raise EvidenceError(f"exiting transaction: makes exit id {exit_id}, the exit's is {exit_.exit_id}")
    if output_id != exit_.output_id:
        raise EvidenceError(f"exiting transaction: makes output {output_id}, the exit's is {exit_.output_id}")
    _check_output(tx.outputs[oindex], exit_)


def _check_output(output: Output, exit_: StandardExit) -> None:
    """Check on ald that the exiting output is what the contract's entry says."""
    if output.output_type != PAYMENT:
        raise EvidenceError(f"exiting output: type must be {PAYMENT}, got {shorten(output.output_type)}")
    if output.owner != exit_.owner:
        raise EvidenceError(f"exiting output: belongs to {output.owner}, the exit pays {exit_.owner}")
    if output.amount != exit_.amount:
        raise EvidenceError(f"exiting output: amount is {output.amount}, the exit's is {exit_.amount}")
    if exit_.token is not None and output.token != exit_.token:
        raise EvidenceError(f"exiting output: token is {output.token}, the exit's is {exit_.token}")


def _check_spend(
    rules: PlasmaRules, verifying_contract: Address, owner: Address, claim: StandardExitChallenge
) -> PlasmaTransaction:
    """Check that the challenge transaction spends the position with the owner's signature."""
    tx = _decode(rules, claim.challenge_tx, "challenge transaction")
    if not 0 <= claim.input_index < len(tx.inputs):
        raise EvidenceError(
            f"input index: {shorten(claim.input_index)} is none of the challenge transaction's "
            f"{len(tx.inputs)} inputs"
        )
    spent = tx.inputs[claim.input_index]
    if spent != claim.position:
        raise EvidenceError(
            f"challenge transaction: input {claim.input_index} is {spent}, not {claim.position}"
        )
    try:
        signer = rules.recover(tx, claim.signature, verifying_contract)
    except MalformedError as error:
        raise EvidenceError(f"challenge {error}") from error
    if signer != owner:
        raise EvidenceError(f"challenge signature: is by {signer}, the exit's owner is {owner}")
    return tx


def _decode(rules: PlasmaRules, unsigned: bytes, name: str) -> PlasmaTransaction:
    try:
        tx = rules.decode(unsigned)
    except MalformedError as error:
        raise EvidenceError(f"{name}: does not decode on {rules.generation}: {error}") from error
    if tx.tx_type != PAYMENT:
        raise EvidenceError(f"{name}: type must be {PAYMENT}, a payment, got {shorten(tx.tx_type)}")
    return tx
