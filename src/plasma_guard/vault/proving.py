"""What makes a claim worth keeping: it is checked the way the contracts will check it, or it is refused."""

from collections.abc import Iterable, Sequence

from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.errors import EvidenceError, MalformedError
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, shorten
from plasma_guard.plasma.evidence import find_signature
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PAYMENT, PlasmaTransaction


def decode_payment(rules: PlasmaRules, unsigned: bytes) -> PlasmaTransaction:
    """Return a decoded payment; raises `EvidenceError` for anything the exit game cannot work with."""
    try:
        tx = rules.decode(unsigned)
    except MalformedError as error:
        raise EvidenceError(f"transaction: does not decode on {rules.generation}: {error}") from error
    if tx.tx_type != PAYMENT:
        raise EvidenceError(f"transaction: type must be {PAYMENT}, a payment, got {shorten(tx.tx_type)}")
    return tx


def prove_creation(
    rules: PlasmaRules, unsigned: bytes, position: UtxoPosition, proof: bytes, block: PlasmaBlock
) -> PlasmaTransaction:
    """Return the decoded transaction if `proof` leads from it, at this position, to the root in the contract.

    `block` is what the root chain stores of the block at `position`. Raises `EvidenceError`.
    """
    if block.blknum != position.blknum:
        raise EvidenceError(f"block: the root is of block {block.blknum}, the position in {position.blknum}")
    tx = decode_payment(rules, unsigned)
    if not rules.verify_inclusion(unsigned, position.txindex, proof, block.root):
        raise EvidenceError(
            f"proof: does not lead from the transaction at {position.tx_position} to the root of block"
            f" {block.blknum} on the root chain"
        )
    if position.oindex >= len(tx.outputs):
        raise EvidenceError(f"output: the transaction has {len(tx.outputs)}, none of index {position.oindex}")
    return tx


def prove_signatures(
    rules: PlasmaRules,
    contract: Address,
    tx: PlasmaTransaction,
    offered: Sequence[bytes],
    owners: Iterable[Address | None],
) -> tuple[bytes, ...] | None:
    """Return one signature for each input, in input order, each by that input's owner; None if one is not.

    `owners[i]` owns input i, None where the transaction that created it is not known.
    """
    found = []
    for owner in owners:
        signature = owner and find_signature(rules, tx, offered, owner, contract)
        if not signature:
            return None
        found.append(signature)
    return tuple(found)


def argument_of(calldata: bytes) -> bytes:
    """Return the only argument of a call `f(bytes)`, which is how a deposit says what it deposits.

    Raises `MalformedError` for other calldata.
    """
    head, length = int.from_bytes(calldata[4:36]), int.from_bytes(calldata[36:68])
    content = calldata[68 : 68 + length]
    if head != 32 or len(content) != length:  # noqa: PLR2004 : the offset of the only argument
        raise MalformedError("calldata: expected one argument of type bytes")
    return content
