"""Checks of a plasma block that need no ledger: is it the one submitted, and is each transaction sound."""

from collections.abc import Sequence
from dataclasses import dataclass

from plasma_guard.domain.blocks import ChildBlock
from plasma_guard.domain.errors import GuardError, MalformedError
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import PAYMENT, SignedTransaction
from plasma_guard.verifier.fees import FEE_CLAIM, decode_fee_claim

_EMPTY_SIGNATURE = bytes(65)
_MAX_TRANSACTIONS = 2**16


class InvalidBlockError(GuardError):
    """A block no honest operator makes; `error_type` is a Watcher's name for what is wrong with it."""

    def __init__(self, error_type: str, detail: str) -> None:
        super().__init__(f"{error_type}: {detail}")
        self.error_type = error_type


@dataclass(frozen=True, slots=True)
class RecoveredTransaction:
    """A transaction whose signatures have been turned into signers; `signers[i]` signed for input i."""

    signed: SignedTransaction
    signers: tuple[Address, ...]

    @property
    def claims_fees(self) -> bool:
        """Whether this takes the block's fees instead of spending outputs."""
        return self.signed.tx.tx_type == FEE_CLAIM


def check_block(
    rules: PlasmaRules, verifying_contract: Address, block: ChildBlock, blknum: int, root: Hash32
) -> tuple[RecoveredTransaction, ...]:
    """Return the transactions of the block that was submitted as (blknum, root).

    Raises `InvalidBlockError`: bad_returned_hash, bad_returned_number, whatever `recover` finds wrong, and
    incorrect_hash when the transactions do not make the submitted Merkle root.
    """
    if block.hash != root:
        raise InvalidBlockError("bad_returned_hash", f"asked for {root}, got {block.hash}")
    if block.blknum != blknum:
        raise InvalidBlockError("bad_returned_number", f"asked for {blknum}, got {block.blknum}")
    if len(block.transactions) > _MAX_TRANSACTIONS:
        raise InvalidBlockError("incorrect_hash", f"{len(block.transactions)} transactions fit in no block")
    transactions = tuple(recover(rules, verifying_contract, signed) for signed in block.transactions)
    computed = rules.merkle_root([each.signed.tx.raw for each in transactions])
    if computed != root:
        raise InvalidBlockError("incorrect_hash", f"transactions make root {computed}, submitted was {root}")
    return transactions


def recover(rules: PlasmaRules, verifying_contract: Address, signed: bytes) -> RecoveredTransaction:
    """Decode one transaction in signed form and find its signers.

    Raises `InvalidBlockError`: malformed_transaction, unrecognized_transaction_type,
    tx_cannot_create_output_type, duplicate_inputs, missing_signature, superfluous_signature or
    signature_corrupt.
    """
    try:
        claim = decode_fee_claim(signed) if rules.generation.is_ald else None
        decoded = claim or rules.decode_signed(signed)
    except MalformedError as error:
        raise InvalidBlockError("malformed_transaction", str(error)) from error
    if claim is not None:
        return RecoveredTransaction(claim, ())
    tx = decoded.tx
    if tx.tx_type != PAYMENT:
        raise InvalidBlockError("unrecognized_transaction_type", f"type {tx.tx_type}")
    if any(output.output_type != PAYMENT for output in tx.outputs):
        raise InvalidBlockError("tx_cannot_create_output_type", "a payment creates payment outputs only")
    if len(set(tx.inputs)) != len(tx.inputs):
        raise InvalidBlockError("duplicate_inputs", "an input is there twice")
    signatures = _used_signatures(rules.generation, decoded.signatures)
    if len(signatures) != len(tx.inputs):
        kind = "missing_signature" if len(signatures) < len(tx.inputs) else "superfluous_signature"
        raise InvalidBlockError(kind, f"{len(signatures)} signatures for {len(tx.inputs)} inputs")
    try:
        signers = tuple(rules.recover(tx, each, verifying_contract) for each in signatures)
    except MalformedError as error:
        raise InvalidBlockError("signature_corrupt", str(error)) from error
    return RecoveredTransaction(decoded, signers)


def _used_signatures(generation: Generation, signatures: Sequence[bytes]) -> Sequence[bytes]:
    """Return the signatures without the zeros that pad them to four on rootchain v0.2."""
    if generation.is_ald:
        return signatures
    used = len(signatures)
    while used and signatures[used - 1] == _EMPTY_SIGNATURE:
        used -= 1
    return signatures[:used]
