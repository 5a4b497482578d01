"""What bytes and numbers of the plasma chain mean, for people: the pure part of `plasma-guard inspect`.

Findings hold nothing but strings, integers, booleans, None and tuples, so they are JSON as they stand;
positions, amounts and ids are decimal strings, since readers of JSON round integers above 2^53.
"""

from dataclasses import dataclass
from enum import StrEnum

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.signature import EMPTY
from plasma_guard.plasma.transaction import Output, PlasmaTransaction


class Form(StrEnum):
    """Which of its two forms a transaction was given in."""

    UNSIGNED = "unsigned"
    """What the contracts take and blocks hold as leaves."""
    SIGNED = "signed"
    """What the child chain takes: the list of signatures first."""


@dataclass(frozen=True, slots=True)
class PositionFinding:
    """The parts of a position; `position` and `tx_position` are decimal strings."""

    position: str
    blknum: int
    txindex: int
    oindex: int
    is_deposit: bool
    tx_position: str


@dataclass(frozen=True, slots=True)
class OutputFinding:
    """One output; ids need the position of the transaction and are None without it.

    `amount` (wei or token units) and `standard_exit_id` are decimal strings, `output_id` is 0x hex.
    """

    index: int
    owner: str
    token: str
    amount: str
    output_type: int
    position: str | None = None
    output_id: str | None = None
    standard_exit_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignatureFinding:
    """One signature slot: who signed, or why that cannot be told."""

    signature: str
    signer: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionFinding:
    """How one generation reads the bytes; when it refuses them `problem` says why and the rest is empty.

    `unsigned` is what the contracts would take, as 0x hex; `in_flight_exit_id` is a decimal string.
    """

    generation: str
    problem: str | None = None
    form: str | None = None
    tx_type: int | None = None
    inputs: tuple[PositionFinding, ...] = ()
    outputs: tuple[OutputFinding, ...] = ()
    metadata: str | None = None
    unsigned: str | None = None
    tx_hash: str | None = None
    in_flight_exit_id: str | None = None
    signing_hash: str | None = None
    signatures: tuple[SignatureFinding, ...] = ()


def inspect_position(encoded: int) -> PositionFinding:
    """Split an encoded position; raises `MalformedError` for one that no output can have."""
    return _position(UtxoPosition.decode(encoded))


def inspect_transaction(
    raw: bytes, verifying_contract: Address | None = None, position: UtxoPosition | None = None
) -> list[TransactionFinding]:
    """Return how each generation reads `raw`, in either form.

    Signing hashes and signers are told when `verifying_contract` (RootChain or PlasmaFramework) is given;
    exit ids and output ids when `position`, of any output of the transaction, is.
    """
    return [_inspect(rules_for(g), raw, verifying_contract, position) for g in Generation]


def _inspect(
    rules: PlasmaRules, raw: bytes, verifying_contract: Address | None, position: UtxoPosition | None
) -> TransactionFinding:
    try:
        return _read(rules, raw, verifying_contract, position)
    except MalformedError as error:
        return TransactionFinding(str(rules.generation), problem=str(error))


def _read(
    rules: PlasmaRules, raw: bytes, verifying_contract: Address | None, position: UtxoPosition | None
) -> TransactionFinding:
    form, tx, signatures = _decode(rules, raw)
    signing_hash = None if verifying_contract is None else str(rules.signing_hash(tx, verifying_contract))
    return TransactionFinding(
        str(rules.generation),
        form=str(form),
        tx_type=tx.tx_type,
        inputs=tuple(_position(spent) for spent in tx.inputs),
        outputs=tuple(_output(rules, tx, i, output, position) for i, output in enumerate(tx.outputs)),
        metadata=None if tx.metadata is None else "0x" + tx.metadata.hex(),
        unsigned="0x" + tx.raw.hex(),
        tx_hash=str(tx.hash),
        in_flight_exit_id=str(rules.in_flight_exit_id(tx.raw)),
        signing_hash=signing_hash,
        signatures=tuple(_signature(rules, tx, s, verifying_contract) for s in signatures),
    )


def _decode(rules: PlasmaRules, raw: bytes) -> tuple[Form, PlasmaTransaction, tuple[bytes, ...]]:
    try:
        return Form.UNSIGNED, rules.decode(raw), ()
    except MalformedError as unsigned_error:
        try:
            signed = rules.decode_signed(raw)
        except MalformedError as signed_error:
            message = f"not unsigned ({unsigned_error}) and not signed ({signed_error})"
            raise MalformedError(message) from signed_error
        return Form.SIGNED, signed.tx, signed.signatures


def _position(position: UtxoPosition) -> PositionFinding:
    return PositionFinding(
        position=str(position),
        blknum=position.blknum,
        txindex=position.txindex,
        oindex=position.oindex,
        is_deposit=position.is_deposit,
        tx_position=str(position.tx_position),
    )


def _output(
    rules: PlasmaRules, tx: PlasmaTransaction, index: int, output: Output, position: UtxoPosition | None
) -> OutputFinding:
    at = output_id = exit_id = None
    if position is not None:
        here = UtxoPosition(position.blknum, position.txindex, index)
        at, exit_id = str(here), str(rules.standard_exit_id(tx.raw, here))
        output_id = rules.output_id(tx.raw, here)
    return OutputFinding(
        index=index,
        owner=str(output.owner),
        token=str(output.token),
        amount=str(output.amount),
        output_type=output.output_type,
        position=at,
        output_id=None if output_id is None else str(output_id),
        standard_exit_id=exit_id,
    )


def _signature(
    rules: PlasmaRules, tx: PlasmaTransaction, signature: bytes, verifying_contract: Address | None
) -> SignatureFinding:
    shown = "0x" + signature.hex()
    if signature == EMPTY:
        return SignatureFinding(shown, problem="empty slot")
    if verifying_contract is None:
        return SignatureFinding(shown, problem="the signer cannot be told without the verifying contract")
    try:
        return SignatureFinding(shown, signer=str(rules.recover(tx, signature, verifying_contract)))
    except MalformedError as error:
        return SignatureFinding(shown, problem=str(error))
