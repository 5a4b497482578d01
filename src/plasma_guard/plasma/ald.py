"""The rules of PlasmaFramework and PaymentExitGame, versions 1 and 2."""

from collections.abc import Sequence
from typing import ClassVar

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId, Generation
from plasma_guard.domain.position import MAX_TXINDEX, UtxoPosition
from plasma_guard.domain.primitives import ZERO_ADDRESS, Address, Hash32, Wei
from plasma_guard.plasma import eip712, rlp
from plasma_guard.plasma.base import BaseRules, deposit_or_payment_digest, leading_bits
from plasma_guard.plasma.keccak import digest
from plasma_guard.plasma.merkle import MerkleTree
from plasma_guard.plasma.transaction import PAYMENT, Output, PlasmaTransaction

_ITEMS = 5
_OUTPUT_ITEMS = 2
_OUTPUT_FIELDS = 3
_MAX_V1_OINDEX = 0xFF
_NO_METADATA = bytes(32)
_OUTPUT_STRUCT = b"Output(uint256 outputType,bytes20 outputGuard,address currency,uint256 amount)"
_OUTPUT_TYPE = digest(_OUTPUT_STRUCT)
_EMPTY_OUTPUT = digest(_OUTPUT_TYPE + bytes(4 * 32))
_STRUCTS = eip712.INPUT_STRUCT + _OUTPUT_STRUCT
_TX_TYPE_SLOTS = digest(
    b"Transaction(uint256 txType,"
    + b"".join(b"Input input%d," % i for i in range(4))
    + b"".join(b"Output output%d," % i for i in range(4))
    + b"uint256 txData,bytes32 metadata)"
    + _STRUCTS
)
_TX_TYPE_ARRAYS = digest(
    b"Transaction(uint256 txType,Input[] inputs,Output[] outputs,uint256 txData,bytes32 metadata)" + _STRUCTS
)
_TX_DATA = bytes(32)


def _largest_blknum(position_bits: int) -> int:
    # PosLib: MAX_BLOCK_NUM leaves room for the transaction index inside the queue key's position field.
    return ((1 << position_bits) - 1 - MAX_TXINDEX) // 10**5


class AldRules(BaseRules):
    """What versions 1 and 2 share: encoding, signatures, Merkle tree, output ids."""

    tree: ClassVar[MerkleTree] = MerkleTree(leaf_salt=b"\0", node_salt=b"\1")
    strict_signatures: ClassVar[bool] = True
    zero_amounts: ClassVar[bool]

    def _decode(self, data: bytes) -> PlasmaTransaction:
        """Read [type, inputs, outputs, 0, metadata] (PaymentTransactionModel.decode).

        Inputs that PosLib.decode refuses when the signing hash is made are refused here at once.
        """
        items = rlp.children(data, rlp.whole(data, "transaction"), "transaction")
        if len(items) != _ITEMS:
            raise MalformedError(f"transaction: expected {_ITEMS} items, got {len(items)}")
        tx_type = rlp.integer(data, items[0], "transaction type")
        if tx_type == 0:
            raise MalformedError("transaction type: must not be 0")
        inputs = rlp.children(data, items[1], "inputs")
        if len(inputs) > self.max_inputs:
            raise MalformedError(f"inputs: at most {self.max_inputs}, got {len(inputs)}")
        outputs = rlp.children(data, items[2], "outputs")
        if not 0 < len(outputs) <= self.max_outputs:
            raise MalformedError(f"outputs: must be 1..{self.max_outputs}, got {len(outputs)}")
        if rlp.integer(data, items[3], "transaction data") != 0:
            raise MalformedError("transaction data: must be 0")
        return PlasmaTransaction(
            raw=data,
            inputs=tuple([self._decode_input(data, item) for item in inputs]),
            outputs=tuple([self._decode_output(data, item) for item in outputs]),
            metadata=rlp.fixed(data, items[4], 32, "metadata"),
            tx_type=tx_type,
        )

    def output_id(self, creating_tx: bytes, position: UtxoPosition) -> Hash32:
        """Return keccak256(tx, oindex) or, of a deposit, keccak256(tx, oindex, utxo position) (OutputId)."""
        self._check_position(position)
        return Hash32(deposit_or_payment_digest(creating_tx, position, eip712.word(position.oindex)))

    def _decode_input(self, data: bytes, item: rlp.Item) -> UtxoPosition:
        position = UtxoPosition.decode(int.from_bytes(rlp.fixed(data, item, 32, "input")))
        self._check_position(position)
        return position

    def _decode_output(self, data: bytes, item: rlp.Item) -> Output:
        parts = rlp.children(data, item, "output")
        if len(parts) != _OUTPUT_ITEMS:
            raise MalformedError(f"output: expected {_OUTPUT_ITEMS} items, got {len(parts)}")
        output_type = rlp.integer(data, parts[0], "output type")
        if output_type == 0:
            raise MalformedError("output type: must not be 0")
        fields = rlp.children(data, parts[1], "output data")
        if len(fields) != _OUTPUT_FIELDS:
            raise MalformedError(f"output data: expected {_OUTPUT_FIELDS} items, got {len(fields)}")
        owner = Address(rlp.fixed(data, fields[0], 20, "output owner"))
        token = Address(rlp.fixed(data, fields[1], 20, "output token"))
        amount = rlp.integer(data, fields[2], "output amount")
        if amount == 0 and not self.zero_amounts:
            raise MalformedError("output amount: must not be 0")
        if owner == ZERO_ADDRESS:
            raise MalformedError("output owner: must not be the zero address")
        return Output(owner, token, Wei(amount), output_type)

    def _encode(
        self, inputs: Sequence[UtxoPosition], outputs: Sequence[Output], metadata: bytes | None
    ) -> bytes:
        return rlp.encode_list(
            (
                rlp.encode_integer(PAYMENT),
                rlp.encode_list(rlp.encode_string(eip712.word(position.encode())) for position in inputs),
                rlp.encode_list(_encode_output(output) for output in outputs),
                rlp.encode_integer(0),
                rlp.encode_string(_NO_METADATA if metadata is None else metadata),
            )
        )

    def _signature_slots(self, signatures: Sequence[bytes]) -> Sequence[bytes]:
        return signatures


class AldV1Rules(AldRules):
    """ald v1: four inputs and outputs, ids of 160 bits, signing over four fixed slots."""

    generation: ClassVar[Generation] = Generation.ALD_V1
    max_inputs: ClassVar[int] = 4
    max_outputs: ClassVar[int] = 4
    zero_amounts: ClassVar[bool] = False
    domain_version: ClassVar[str] = "1"
    exit_id_bits: ClassVar[int] = 160
    position_bits: ClassVar[int] = 54
    timestamp_bits: ClassVar[int] = 42
    max_blknum: ClassVar[int] = _largest_blknum(54)

    def standard_exit_id(self, creating_tx: bytes, position: UtxoPosition) -> ExitId:
        """Return oindex in bits 152..159 over the top 151 bits of keccak256(tx[, utxo position]) (ExitId)."""
        self._check_position(position)
        if position.oindex > _MAX_V1_OINDEX:
            raise MalformedError(
                f"exit id: output index must be 0..{_MAX_V1_OINDEX} to fit, got {position.oindex}"
            )
        hashed = deposit_or_payment_digest(creating_tx, position)
        return ExitId(position.oindex << 152 | leading_bits(hashed, 151))

    def in_flight_exit_id(self, tx: bytes) -> ExitId:
        """Return bit 151 over the top 151 bits of keccak256(tx) (ExitId)."""
        return ExitId(1 << 151 | leading_bits(digest(tx), 151))

    def _struct_hash(self, tx: PlasmaTransaction) -> bytes:
        inputs = [eip712.input_hash(i.blknum, i.txindex, i.oindex) for i in tx.inputs]
        outputs = [_output_hash(output) for output in tx.outputs]
        return digest(
            _TX_TYPE_SLOTS
            + eip712.word(tx.tx_type)
            + b"".join(inputs)
            + eip712.EMPTY_INPUT * (self.max_inputs - len(inputs))
            + b"".join(outputs)
            + _EMPTY_OUTPUT * (self.max_outputs - len(outputs))
            + _TX_DATA
            + (tx.metadata or _NO_METADATA)
        )


class AldV2Rules(AldRules):
    """ald v2: five inputs and outputs, ids of 168 bits made from output ids, signing over arrays."""

    generation: ClassVar[Generation] = Generation.ALD_V2
    max_inputs: ClassVar[int] = 5
    max_outputs: ClassVar[int] = 5
    zero_amounts: ClassVar[bool] = True
    domain_version: ClassVar[str] = "2"
    exit_id_bits: ClassVar[int] = 168
    position_bits: ClassVar[int] = 56
    timestamp_bits: ClassVar[int] = 32
    max_blknum: ClassVar[int] = _largest_blknum(56)

    def standard_exit_id(self, creating_tx: bytes, position: UtxoPosition) -> ExitId:
        """Return the top 167 bits of the output id (ExitId)."""
        return ExitId(leading_bits(self.output_id(creating_tx, position), 167))

    def in_flight_exit_id(self, tx: bytes) -> ExitId:
        """Return bit 167 over the top 167 bits of keccak256(tx) (ExitId)."""
        return ExitId(1 << 167 | leading_bits(digest(tx), 167))

    def _struct_hash(self, tx: PlasmaTransaction) -> bytes:
        inputs = [eip712.input_hash(i.blknum, i.txindex, i.oindex) for i in tx.inputs]
        outputs = [_output_hash(output) for output in tx.outputs]
        return digest(
            _TX_TYPE_ARRAYS
            + eip712.word(tx.tx_type)
            + digest(b"".join(inputs))
            + digest(b"".join(outputs))
            + _TX_DATA
            + (tx.metadata or _NO_METADATA)
        )


def _output_hash(output: Output) -> bytes:
    # The guard is a bytes20 and so padded on the right, the currency an address and padded on the left.
    return digest(
        _OUTPUT_TYPE
        + eip712.word(output.output_type)
        + output.owner.ljust(32, b"\0")
        + eip712.left_padded(output.token)
        + eip712.word(output.amount)
    )


def _encode_output(output: Output) -> bytes:
    fields = (
        rlp.encode_string(output.owner),
        rlp.encode_string(output.token),
        rlp.encode_integer(output.amount),
    )
    return rlp.encode_list((rlp.encode_integer(output.output_type), rlp.encode_list(fields)))
