"""Local proofs of the in-flight game: what the contract will check, checked before anything is spent.

Each function raises `EvidenceError`, one sentence, for the first check that fails. `tx` is always the
in-flight transaction itself, `exit_` the contract's own entry of its exit; owners are those the contract
recorded, or follow from transactions whose place was checked.
"""

from plasma_guard.domain.errors import EvidenceError, MalformedError
from plasma_guard.domain.evidence import Competitor, Inclusion, InputSpend, OutputSpend
from plasma_guard.domain.exits import InFlightExit, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, shorten
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PAYMENT, PlasmaTransaction

Roots = dict[int, Hash32]
"""Merkle roots of plasma blocks as the root chain stores them, by block number."""


def prove_competitor(
    rules: PlasmaRules,
    verifying_contract: Address,
    tx: PlasmaTransaction,
    exit_: InFlightExit,
    claim: Competitor,
    roots: Roots,
) -> PlasmaTransaction:
    """Return the competitor if it spends one of the exit's inputs, signed by its owner, and is old enough.

    The contract accepts it only if strictly older than the one it has recorded; without a position it counts
    as infinitely young. `roots` must hold the root of the block of `claim.position`.
    """
    _same(tx, claim.in_flight_tx)
    competing = _payment(rules, claim.competing_tx, "competitor")
    if competing.raw == tx.raw:
        raise EvidenceError("competitor: is the in-flight transaction itself")
    shared = _shared_input(
        tx, claim.in_flight_input_index, competing, claim.competing_input_index, "competitor"
    )
    _check_input_tx(rules, exit_, claim.in_flight_input_index, shared, claim.input_tx, claim.input_position)
    owner = _input_owner(exit_, claim.in_flight_input_index)
    _signed(rules, verifying_contract, competing, claim.signature, owner, "competitor")
    known = exit_.oldest_competitor
    if claim.position is None:
        if claim.proof:
            raise EvidenceError("competitor: has a proof, but no position")
        if known is not None:
            raise EvidenceError("competitor: is in no block, and one is recorded already")
        return competing
    _check_place(rules, competing, claim.position, claim.proof, roots, "competitor")
    if known is not None and claim.position.encode() >= known:
        raise EvidenceError(f"competitor: at {claim.position} is not older than the recorded one at {known}")
    return competing


def prove_inclusion(
    rules: PlasmaRules, tx: PlasmaTransaction, exit_: InFlightExit, claim: Inclusion, roots: Roots
) -> UtxoPosition:
    """Return the proven position of the in-flight transaction, older than the recorded competitor."""
    _same(tx, claim.in_flight_tx)
    _check_place(rules, tx, claim.position, claim.proof, roots, "in-flight transaction")
    known = exit_.oldest_competitor
    if known is None:
        raise EvidenceError("response: nobody has challenged this exit")
    if claim.position.encode() >= known:
        raise EvidenceError(
            f"response: the transaction at {claim.position} is not older than the competitor at {known}"
        )
    return claim.position


def prove_input_spend(
    rules: PlasmaRules,
    verifying_contract: Address,
    tx: PlasmaTransaction,
    exit_: InFlightExit,
    claim: InputSpend,
) -> PlasmaTransaction:
    """Return the transaction, other than the in-flight one, that spends the piggybacked input."""
    _same(tx, claim.in_flight_tx)
    spending = _payment(rules, claim.spending_tx, "spending transaction")
    if spending.raw == tx.raw:
        raise EvidenceError("spending transaction: is the in-flight transaction itself")
    spent = _shared_input(
        tx, claim.in_flight_input_index, spending, claim.spending_input_index, "spending transaction"
    )
    _check_input_tx(rules, exit_, claim.in_flight_input_index, spent, claim.input_tx, claim.input_position)
    owner = _input_owner(exit_, claim.in_flight_input_index)
    _signed(rules, verifying_contract, spending, claim.signature, owner, "spending transaction")
    return spending


def prove_output_spend(
    rules: PlasmaRules,
    verifying_contract: Address,
    tx: PlasmaTransaction,
    claim: OutputSpend,
    roots: Roots,
) -> PlasmaTransaction:
    """Return what spends the piggybacked output of the in-flight transaction, which must be included."""
    _same(tx, claim.in_flight_tx)
    position = claim.output_position
    if position.oindex >= len(tx.outputs):
        raise EvidenceError(f"output: the transaction has {len(tx.outputs)}, got index {position.oindex}")
    _check_place(rules, tx, position.tx_position, claim.proof, roots, "in-flight transaction")
    spending = _payment(rules, claim.spending_tx, "spending transaction")
    _index(spending, claim.spending_input_index, "spending transaction")
    spent = spending.inputs[claim.spending_input_index]
    if spent != position:
        raise EvidenceError(f"spending transaction: spends {spent}, not {position}")
    owner = tx.outputs[position.oindex].owner
    _signed(rules, verifying_contract, spending, claim.signature, owner, "spending transaction")
    return spending


def _same(tx: PlasmaTransaction, claimed: bytes) -> None:
    if claimed != tx.raw:
        raise EvidenceError("in-flight transaction: the answer is about other bytes than were asked about")


def _payment(rules: PlasmaRules, unsigned: bytes, name: str) -> PlasmaTransaction:
    try:
        tx = rules.decode(unsigned)
    except MalformedError as error:
        raise EvidenceError(f"{name}: does not decode on {rules.generation}: {error}") from error
    if tx.tx_type != PAYMENT:
        raise EvidenceError(f"{name}: type must be {PAYMENT}, got {shorten(tx.tx_type)}")
    return tx


def _index(tx: PlasmaTransaction, index: int, name: str) -> None:
    """An index out of range hits an invalid opcode and burns the whole gas limit."""
    if not 0 <= index < len(tx.inputs):
        raise EvidenceError(f"{name}: has {len(tx.inputs)} inputs, got index {shorten(index)}")


def _shared_input(
    tx: PlasmaTransaction, index: int, other: PlasmaTransaction, other_index: int, name: str
) -> UtxoPosition:
    _index(tx, index, "in-flight transaction")
    _index(other, other_index, name)
    ours, theirs = tx.inputs[index], other.inputs[other_index]
    if ours != theirs:
        raise EvidenceError(f"{name}: its input {other_index} spends {theirs}, input {index} spends {ours}")
    return ours


def _input_owner(exit_: InFlightExit, index: int) -> Address:
    slot = exit_.slot(Side.INPUT, index)
    if slot is None or slot.owner is None:
        raise EvidenceError(f"input {index}: the contract's entry does not say whose it is")
    return slot.owner


def _check_input_tx(
    rules: PlasmaRules,
    exit_: InFlightExit,
    index: int,
    spent: UtxoPosition,
    input_tx: bytes | None,
    input_position: UtxoPosition | None,
) -> None:
    """Check on ald that the creating transaction of the input makes the output id the contract recorded."""
    if not rules.generation.is_ald:
        return
    if input_tx is None or input_position is None:
        raise EvidenceError("input transaction: missing, and the call needs it")
    if input_position != spent:
        raise EvidenceError(f"input transaction: is said to be at {input_position}, the input is {spent}")
    slot = exit_.slot(Side.INPUT, index)
    try:
        output_id = rules.output_id(input_tx, spent)
    except MalformedError as error:
        raise EvidenceError(f"input transaction: {error}") from error
    if slot is None or output_id != slot.output_id:
        raise EvidenceError("input transaction: does not make the output the contract recorded as input")


def _check_place(
    rules: PlasmaRules,
    tx: PlasmaTransaction,
    position: UtxoPosition,
    proof: bytes,
    roots: Roots,
    name: str,
) -> None:
    """Check that a transaction is in a block; the contract wants its position with output index 0."""
    if position.oindex != 0:
        raise EvidenceError(f"{name}: its position must have output index 0, got {position}")
    root = roots.get(position.blknum)
    if root is None:
        raise EvidenceError(f"{name}: the root chain has no plasma block {position.blknum}")
    try:
        included = rules.verify_inclusion(tx.raw, position.txindex, proof, root)
    except MalformedError as error:
        raise EvidenceError(f"{name}: {error}") from error
    if not included:
        raise EvidenceError(f"{name}: the proof does not place it at {position}")


def _signed(
    rules: PlasmaRules,
    verifying_contract: Address,
    tx: PlasmaTransaction,
    signature: bytes | None,
    owner: Address,
    name: str,
) -> None:
    if signature is None:
        raise EvidenceError(f"{name}: comes without a signature")
    try:
        signer = rules.recover(tx, signature, verifying_contract)
    except MalformedError as error:
        raise EvidenceError(f"{name}: {error}") from error
    if signer != owner:
        raise EvidenceError(f"{name}: is signed by {signer}, the owner is {owner}")
