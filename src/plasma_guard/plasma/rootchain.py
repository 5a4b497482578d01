"""The rules of the monolithic RootChain contract, v0.2."""

from collections.abc import Sequence
from typing import ClassVar

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId, Generation
from plasma_guard.domain.position import BLOCK_OFFSET, TX_OFFSET, UtxoPosition
from plasma_guard.domain.primitives import ZERO_ADDRESS, Address, Hash32, Wei
from plasma_guard.plasma import eip712, legacy_rlp, rlp, signature
from plasma_guard.plasma.base import BaseRules, deposit_or_payment_digest, leading_bits
from plasma_guard.plasma.keccak import digest
from plasma_guard.plasma.merkle import MerkleTree
from plasma_guard.plasma.transaction import Output, PlasmaTransaction

_SLOTS = 4
_FIELDS = 3
_METADATA = 2
"""Its place in the transaction's list."""
_OUTPUT_STRUCT = b"Output(address owner,address currency,uint256 amount)"
_OUTPUT_TYPE = digest(_OUTPUT_STRUCT)
_EMPTY_OUTPUT = digest(_OUTPUT_TYPE + bytes(3 * 32))
_TX_TYPE = digest(
    b"Transaction("
    + b"".join(b"Input input%d," % i for i in range(_SLOTS))
    + b"".join(b"Output output%d," % i for i in range(_SLOTS))
    + b"bytes32 metadata)"
    + eip712.INPUT_STRUCT
    + _OUTPUT_STRUCT
)
_NO_METADATA = bytes(32)
_NO_INPUT = (0, 0, 0)
_NO_OUTPUT = Output(ZERO_ADDRESS, ZERO_ADDRESS, Wei(0))


class RootChainRules(BaseRules):
    """v0.2: four padded inputs and outputs, no types, ids of 192 bits, no output ids."""

    generation: ClassVar[Generation] = Generation.ROOTCHAIN_V02
    max_inputs: ClassVar[int] = _SLOTS
    max_outputs: ClassVar[int] = _SLOTS
    tree: ClassVar[MerkleTree] = MerkleTree(leaf_salt=b"", node_salt=b"")
    domain_version: ClassVar[str] = "1"
    strict_signatures: ClassVar[bool] = False
    exit_id_bits: ClassVar[int] = 160
    """The exit id is a uint192, but the queue's key has room for what ids really use."""
    position_bits: ClassVar[int] = 54
    timestamp_bits: ClassVar[int] = 42
    max_blknum: ClassVar[int] = ((1 << 256) - 1) // BLOCK_OFFSET - 1
    """Nothing but the word size limits it."""

    def _decode(self, data: bytes) -> PlasmaTransaction:
        """Read [inputs, outputs] or [inputs, outputs, metadata] (PlasmaCore.decode).

        Metadata counts as a number, so fewer than 32 bytes are padded on the left. The parts of an input are
        added up as the contract does (PlasmaCore.getInputUtxoPosition), whatever their size; only a sum that
        is no output's position is refused.
        """
        items = legacy_rlp.children(data, legacy_rlp.whole(data), "transaction")
        if len(items) not in (2, 3):
            raise MalformedError(f"transaction: expected 2 or 3 items, got {len(items)}")
        metadata = None
        if len(items) > _METADATA:
            metadata = legacy_rlp.integer(data, items[_METADATA], "metadata").to_bytes(32)
        written = _decode_inputs(data, items[0])
        inputs = tuple([_position(*parts) for parts in written])
        return PlasmaTransaction(
            raw=data,
            inputs=inputs,
            outputs=_decode_outputs(data, items[1]),
            metadata=metadata,
            written_inputs=None if written == [_parts(i) for i in inputs] else tuple(written),
        )

    def standard_exit_id(self, creating_tx: bytes, position: UtxoPosition) -> ExitId:
        """Return (keccak256(tx[, utxo position]) >> 105) | (oindex << 152) (RootChain.getStandardExitId)."""
        self._check_position(position)
        hashed = deposit_or_payment_digest(creating_tx, position)
        # PlasmaCore.getOindex returns a uint8 without a check.
        return ExitId((position.oindex & 0xFF) << 152 | leading_bits(hashed, 151))

    def in_flight_exit_id(self, tx: bytes) -> ExitId:
        """Return (keccak256(tx) >> 151) | (1 << 152) (RootChain.getInFlightExitId)."""
        return ExitId(1 << 152 | leading_bits(digest(tx), 105))

    def output_id(self, creating_tx: bytes, position: UtxoPosition) -> Hash32 | None:  # noqa: ARG002 : none exists
        """Return None: this contract knows outputs by position only."""
        return None

    def _struct_hash(self, tx: PlasmaTransaction) -> bytes:
        written = tx.written_inputs or [_parts(position) for position in tx.inputs]
        inputs = [eip712.input_hash(*parts) for parts in written]
        outputs = [_output_hash(output) for output in tx.outputs]
        return digest(
            _TX_TYPE
            + b"".join(inputs)
            + eip712.EMPTY_INPUT * (_SLOTS - len(inputs))
            + b"".join(outputs)
            + _EMPTY_OUTPUT * (_SLOTS - len(outputs))
            + (tx.metadata or _NO_METADATA)
        )

    def _encode(
        self, inputs: Sequence[UtxoPosition], outputs: Sequence[Output], metadata: bytes | None
    ) -> bytes:
        slots = [_parts(position) for position in inputs]
        slots += [_NO_INPUT] * (_SLOTS - len(slots))
        payees = [*outputs, *[_NO_OUTPUT] * (_SLOTS - len(outputs))]
        items = [
            rlp.encode_list(rlp.encode_list(map(rlp.encode_integer, slot)) for slot in slots),
            rlp.encode_list(map(_encode_output, payees)),
        ]
        if metadata is not None:
            if len(metadata) != len(_NO_METADATA):
                raise MalformedError(f"metadata: expected 32 bytes, got {len(metadata)}")
            items.append(rlp.encode_string(metadata))
        return rlp.encode_list(items)

    def _signature_slots(self, signatures: Sequence[bytes]) -> Sequence[bytes]:
        return [*signatures, *[signature.EMPTY] * (_SLOTS - len(signatures))]


def _parts(position: UtxoPosition) -> tuple[int, int, int]:
    return position.blknum, position.txindex, position.oindex


def _position(blknum: int, txindex: int, oindex: int) -> UtxoPosition:
    # The contract's arithmetic is on 256 bits and checks no overflow.
    return UtxoPosition.decode((blknum * BLOCK_OFFSET + txindex * TX_OFFSET + oindex) % (1 << 256))


def _decode_inputs(data: bytes, item: legacy_rlp.Item) -> list[tuple[int, int, int]]:
    slots = legacy_rlp.children(data, item, "inputs")
    if len(slots) < _SLOTS:
        raise MalformedError(f"inputs: expected {_SLOTS} (zeros where unused), got {len(slots)}")
    inputs: list[tuple[int, int, int]] = []
    for index, slot in enumerate(slots[:_SLOTS]):
        fields = legacy_rlp.children(data, slot, "input")
        if len(fields) < _FIELDS:
            raise MalformedError(f"input: expected blknum, txindex and oindex, got {len(fields)} items")
        blknum = legacy_rlp.integer(data, fields[0], "input blknum")
        txindex = legacy_rlp.integer(data, fields[1], "input txindex")
        oindex = legacy_rlp.integer(data, fields[2], "input oindex")
        if (blknum, txindex, oindex) == _NO_INPUT:
            continue
        if index != len(inputs):
            raise MalformedError("inputs: an input after an empty one (gaps are not allowed)")
        inputs.append((blknum, txindex, oindex))
    return inputs


def _decode_outputs(data: bytes, item: legacy_rlp.Item) -> tuple[Output, ...]:
    slots = legacy_rlp.children(data, item, "outputs")
    if len(slots) < _SLOTS:
        raise MalformedError(f"outputs: expected {_SLOTS} (zeros where unused), got {len(slots)}")
    outputs: list[Output] = []
    for index, slot in enumerate(slots[:_SLOTS]):
        fields = legacy_rlp.children(data, slot, "output")
        if len(fields) < _FIELDS:
            raise MalformedError(f"output: expected owner, token and amount, got {len(fields)} items")
        owner = legacy_rlp.fixed(data, fields[0], 20, "output owner")
        token = legacy_rlp.fixed(data, fields[1], 20, "output token")
        amount = legacy_rlp.integer(data, fields[2], "output amount")
        if amount == 0 and owner == ZERO_ADDRESS and token == ZERO_ADDRESS:
            continue
        if index != len(outputs):
            raise MalformedError("outputs: an output after an empty one (gaps are not allowed)")
        outputs.append(Output(Address(owner), Address(token), Wei(amount)))
    return tuple(outputs)


def _output_hash(output: Output) -> bytes:
    return digest(
        _OUTPUT_TYPE
        + eip712.left_padded(output.owner)
        + eip712.left_padded(output.token)
        + eip712.word(output.amount)
    )


def _encode_output(output: Output) -> bytes:
    fields = (
        rlp.encode_string(output.owner),
        rlp.encode_string(output.token),
        rlp.encode_integer(output.amount),
    )
    return rlp.encode_list(fields)
