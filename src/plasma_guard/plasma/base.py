"""What the rules of every generation share."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import ClassVar

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId, Generation
from plasma_guard.domain.position import BLOCK_OFFSET, TX_OFFSET, UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.plasma import eip712, rlp
from plasma_guard.plasma import signature as ecdsa
from plasma_guard.plasma.keccak import digest
from plasma_guard.plasma.merkle import MerkleTree
from plasma_guard.plasma.transaction import Output, PlasmaTransaction, SignedTransaction

REMEMBERED = 1024
"""Decoded transactions that are kept."""
REMEMBERED_BYTES = 1024
"""Longer ones are decoded each time: no honest one is, and what is kept must stay small."""
_TX_POSITIONS_PER_BLOCK = BLOCK_OFFSET // TX_OFFSET


class BaseRules(ABC):
    """Implements the interface `PlasmaRules` over the few things in which generations differ."""

    generation: ClassVar[Generation]
    max_inputs: ClassVar[int]
    max_outputs: ClassVar[int]
    max_blknum: ClassVar[int]
    """The largest block number the contracts can work with."""

    tree: ClassVar[MerkleTree]
    domain_version: ClassVar[str]
    strict_signatures: ClassVar[bool]
    exit_id_bits: ClassVar[int]
    position_bits: ClassVar[int]
    timestamp_bits: ClassVar[int]

    def __init__(self) -> None:
        # Evidence is looked at again by proof, invariants, and the reactions to a plain and to a late fraud.
        self._remembered = lru_cache(REMEMBERED)(self._decode)

    def decode(self, unsigned: bytes) -> PlasmaTransaction:
        """Read an unsigned transaction."""
        if len(unsigned) > REMEMBERED_BYTES:
            return self._decode(bytes(unsigned))
        return self._remembered(bytes(unsigned))

    @abstractmethod
    def _decode(self, data: bytes) -> PlasmaTransaction:
        """Read an unsigned transaction, without remembering it."""

    @abstractmethod
    def standard_exit_id(self, creating_tx: bytes, position: UtxoPosition) -> ExitId:
        """Return the id of the standard exit of the output at `position`."""

    @abstractmethod
    def in_flight_exit_id(self, tx: bytes) -> ExitId:
        """Return the id of the in-flight exit of `tx`."""

    @abstractmethod
    def output_id(self, creating_tx: bytes, position: UtxoPosition) -> Hash32 | None:
        """Return the contract's output id, if it has such a thing."""

    @abstractmethod
    def _struct_hash(self, tx: PlasmaTransaction) -> bytes:
        """Return the EIP-712 hash of the struct Transaction."""

    @abstractmethod
    def _encode(
        self, inputs: Sequence[UtxoPosition], outputs: Sequence[Output], metadata: bytes | None
    ) -> bytes:
        """Return the unsigned RLP; what it says is checked by the caller."""

    @abstractmethod
    def _signature_slots(self, signatures: Sequence[bytes]) -> Sequence[bytes]:
        """Return the signatures as the signed form lists them."""

    def encode(
        self, inputs: Sequence[UtxoPosition], outputs: Sequence[Output], metadata: bytes | None = None
    ) -> bytes:
        """Return the unsigned RLP of a payment; `MalformedError` for one the contracts would refuse."""
        if len(inputs) > self.max_inputs:
            raise MalformedError(f"inputs: at most {self.max_inputs}, got {len(inputs)}")
        if len(outputs) > self.max_outputs:
            raise MalformedError(f"outputs: at most {self.max_outputs}, got {len(outputs)}")
        unsigned = self._encode(inputs, outputs, metadata)
        if self.decode(unsigned).outputs != tuple(outputs):
            raise MalformedError(f"outputs: not all of them can be written for {self.generation}")
        return unsigned

    def deposit(self, owner: Address, token: Address, amount: Wei) -> bytes:
        """Return the unsigned RLP of a deposit: no inputs, one output, no metadata."""
        return self.encode((), (Output(owner, token, amount),))

    def decode_signed(self, signed: bytes) -> SignedTransaction:
        """Read the child chain's form, which is canonical RLP with the list of signatures as first item."""
        items = rlp.children(signed, rlp.whole(signed, "signed transaction"), "signed transaction")
        if not items:
            raise MalformedError("signed transaction: empty list, expected the list of signatures first")
        slots = rlp.children(signed, items[0], "signatures")
        if len(slots) > self.max_inputs:
            raise MalformedError(f"signatures: at most {self.max_inputs}, got {len(slots)}")
        signatures = tuple(rlp.fixed(signed, slot, ecdsa.LENGTH, "signature") for slot in slots)
        tx = self._decode(rlp.encode_list([signed[items[0].end :]]))
        return SignedTransaction(tx, signatures, signed)

    def encode_signed(self, unsigned: bytes, signatures: Sequence[bytes]) -> bytes:
        """Put the signatures in front of the items of `unsigned`."""
        self.decode(unsigned)
        outer = rlp.whole(unsigned, "transaction")
        slots = self._signature_slots(signatures)
        if len(slots) > self.max_inputs:
            raise MalformedError(f"signatures: at most {self.max_inputs}, got {len(slots)}")
        if wrong := [len(slot) for slot in slots if len(slot) != ecdsa.LENGTH]:
            raise MalformedError(f"signature: expected {ecdsa.LENGTH} bytes, got {wrong[0]}")
        first = rlp.encode_list(rlp.encode_string(slot) for slot in slots)
        return rlp.encode_list((first, unsigned[outer.payload :]))

    def signing_hash(self, tx: PlasmaTransaction, verifying_contract: Address) -> Hash32:
        """Return the EIP-712 hash that owners sign."""
        return Hash32(self._signing_digest(tx, verifying_contract))

    def sign(self, tx: PlasmaTransaction, verifying_contract: Address, private_key: bytes) -> bytes:
        """Return a signature that every generation accepts."""
        return ecdsa.sign(self._signing_digest(tx, verifying_contract), private_key)

    def recover(self, tx: PlasmaTransaction, signature: bytes, verifying_contract: Address) -> Address:
        """Return whose signature it is."""
        hashed = self._signing_digest(tx, verifying_contract)
        return ecdsa.recover(hashed, signature, strict=self.strict_signatures)

    def leaf(self, unsigned: bytes) -> Hash32:
        """Return the Merkle leaf of a transaction."""
        return self.tree.leaf(unsigned)

    def merkle_root(self, txs: Sequence[bytes]) -> Hash32:
        """Return the root of the block that holds these unsigned transactions."""
        return self.tree.root(txs)

    def merkle_proof(self, txs: Sequence[bytes], index: int) -> bytes:
        """Return the 512 bytes that prove transaction `index`."""
        return self.tree.proof(txs, index)

    def merkle_proofs(self, txs: Sequence[bytes], indexes: Collection[int]) -> dict[int, bytes]:
        """Return the 512 bytes of several transactions, by index."""
        return self.tree.proofs(txs, indexes)

    def verify_inclusion(self, unsigned: bytes, txindex: int, proof: bytes, root: Hash32) -> bool:
        """Tell whether `proof` shows `unsigned` to be transaction `txindex` under `root`."""
        return self.tree.verify(unsigned, txindex, proof, root)

    def priority(self, exit_id: ExitId, position: UtxoPosition, exitable_at: Timestamp) -> int:
        """Return exitable time, transaction position and exit id as one number, most significant first."""
        tx_position = position.blknum * _TX_POSITIONS_PER_BLOCK + position.txindex
        for name, value, bits in (
            ("exit id", exit_id, self.exit_id_bits),
            ("transaction position", tx_position, self.position_bits),
            ("exitable time", exitable_at, self.timestamp_bits),
        ):
            if not 0 <= value < 1 << bits:
                raise MalformedError(f"{name}: must be an unsigned integer of {bits} bits, got {value}")
        return ((exitable_at << self.position_bits | tx_position) << self.exit_id_bits) | exit_id

    def unpack_priority(self, priority: int) -> tuple[Timestamp, UtxoPosition, ExitId]:
        """Split a queue key; raises `MalformedError` if its position is one that no transaction has."""
        if not 0 <= priority < 1 << 256:
            raise MalformedError("priority: must be an unsigned integer of 256 bits")
        rest, exit_id = divmod(priority, 1 << self.exit_id_bits)
        exitable_at, tx_position = divmod(rest, 1 << self.position_bits)
        blknum, txindex = divmod(tx_position, _TX_POSITIONS_PER_BLOCK)
        return Timestamp(exitable_at), UtxoPosition(blknum, txindex, 0), ExitId(exit_id)

    def _check_position(self, position: UtxoPosition) -> None:
        if position.blknum > self.max_blknum:
            raise MalformedError(
                f"utxo position: blknum must be at most {self.max_blknum}, got {position.blknum}"
            )

    def _signing_digest(self, tx: PlasmaTransaction, verifying_contract: Address) -> bytes:
        domain = eip712.domain_separator(self.domain_version, verifying_contract)
        return eip712.signing_hash(domain, self._struct_hash(tx))


def leading_bits(hashed: bytes, bits: int) -> int:
    """Return the most significant `bits` of a 32-byte hash."""
    return int.from_bytes(hashed) >> (256 - bits)


def deposit_or_payment_digest(creating_tx: bytes, position: UtxoPosition, middle: bytes = b"") -> bytes:
    """Hash the transaction and `middle`, and for a deposit its position: equal deposits have equal bytes."""
    tail = position.encode().to_bytes(32) if position.is_deposit else b""
    return digest(creating_tx + middle + tail)
