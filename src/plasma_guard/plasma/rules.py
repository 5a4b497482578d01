"""What differs between the generations' protocols, behind one interface."""

from collections.abc import Collection, Sequence
from typing import Protocol

from plasma_guard.domain.exits import ExitId, Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp, Wei
from plasma_guard.plasma.ald import AldV1Rules, AldV2Rules
from plasma_guard.plasma.rootchain import RootChainRules
from plasma_guard.plasma.transaction import Output, PlasmaTransaction, SignedTransaction


class PlasmaRules(Protocol):
    """The protocol arithmetic of one generation: pure, exact, and as strict as its contracts.

    Every method that reads bytes raises `MalformedError`, naming the part that is wrong, for exactly what the
    contracts refuse.
    """

    @property
    def generation(self) -> Generation:
        """The generation these rules belong to."""
        ...

    @property
    def max_inputs(self) -> int:
        """How many inputs a transaction can have."""
        ...

    @property
    def max_outputs(self) -> int:
        """How many outputs a transaction can have."""
        ...

    def encode(
        self, inputs: Sequence[UtxoPosition], outputs: Sequence[Output], metadata: bytes | None = None
    ) -> bytes:
        """Return the unsigned RLP of a payment; without `metadata`, ald gets 32 zero bytes."""
        ...

    def deposit(self, owner: Address, token: Address, amount: Wei) -> bytes:
        """Return the unsigned RLP of a deposit: no inputs, one output."""
        ...

    def decode(self, unsigned: bytes) -> PlasmaTransaction:
        """Read an unsigned transaction; the signed form is refused, as the contracts refuse it."""
        ...

    def decode_signed(self, signed: bytes) -> SignedTransaction:
        """Read the child chain's form: the list of signatures first, then the unsigned items."""
        ...

    def encode_signed(self, unsigned: bytes, signatures: Sequence[bytes]) -> bytes:
        """Put `signatures` (65 bytes each, in input order) in front of the items of `unsigned`."""
        ...

    def signing_hash(self, tx: PlasmaTransaction, verifying_contract: Address) -> Hash32:
        """Return the EIP-712 hash that owners sign; the contract is RootChain or PlasmaFramework."""
        ...

    def sign(self, tx: PlasmaTransaction, verifying_contract: Address, private_key: bytes) -> bytes:
        """Return a signature of 65 bytes: r, s (low), v (27 or 28)."""
        ...

    def recover(self, tx: PlasmaTransaction, signature: bytes, verifying_contract: Address) -> Address:
        """Return whose signature it is; `MalformedError` where the contract recovers nobody."""
        ...

    def leaf(self, unsigned: bytes) -> Hash32:
        """Return the Merkle leaf of a transaction."""
        ...

    def merkle_root(self, txs: Sequence[bytes]) -> Hash32:
        """Return the root of the block that holds these unsigned transactions, at most 65,536, in order."""
        ...

    def merkle_proof(self, txs: Sequence[bytes], index: int) -> bytes:
        """Return 512 bytes: the 16 siblings of transaction `index`, lowest level first."""
        ...

    def merkle_proofs(self, txs: Sequence[bytes], indexes: Collection[int]) -> dict[int, bytes]:
        """Return the same for several transactions, by index; hashes the tree once."""
        ...

    def verify_inclusion(self, unsigned: bytes, txindex: int, proof: bytes, root: Hash32) -> bool:
        """Tell whether `proof` shows that `unsigned` is transaction `txindex` of the block with this root."""
        ...

    def standard_exit_id(self, creating_tx: bytes, position: UtxoPosition) -> ExitId:
        """Return the id of the standard exit of the output at `position`, created by `creating_tx`."""
        ...

    def in_flight_exit_id(self, tx: bytes) -> ExitId:
        """Return the id of the in-flight exit of this unsigned transaction."""
        ...

    def output_id(self, creating_tx: bytes, position: UtxoPosition) -> Hash32 | None:
        """Return the contract's output id; None on rootchain v0.2, which has none."""
        ...

    def priority(self, exit_id: ExitId, position: UtxoPosition, exitable_at: Timestamp) -> int:
        """Return the exit's key in the priority queue; the smallest is processed first."""
        ...

    def unpack_priority(self, priority: int) -> tuple[Timestamp, UtxoPosition, ExitId]:
        """Split a queue key into when the exit is exitable, its transaction position and its exit id."""
        ...


_RULES: dict[Generation, PlasmaRules] = {
    rules.generation: rules for rules in (RootChainRules(), AldV1Rules(), AldV2Rules())
}


def rules_for(generation: Generation) -> PlasmaRules:
    """Return the rules of a generation; always the same object, they have no state."""
    return _RULES[generation]
