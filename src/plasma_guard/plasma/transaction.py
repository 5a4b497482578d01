"""Payment transactions of the plasma chain, decoded."""

from dataclasses import dataclass, field

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Wei
from plasma_guard.plasma.keccak import keccak

PAYMENT = 1
"""Transaction type of a MoreVP payment, and output type of a payment output."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output: `amount` in wei, or in the token's smallest unit; `token` is the zero address for ETH."""

    owner: Address
    token: Address
    amount: Wei
    output_type: int = PAYMENT


@dataclass(frozen=True, slots=True)
class PlasmaTransaction:
    """A decoded transaction together with the very bytes it was decoded from.

    `raw` is the unsigned RLP as given, never encoded anew: another encoding has another hash.
    `inputs[i]` is the contract's input index i; the empty padding of rootchain v0.2 is only ever trailing and
    is left out. `metadata` is 32 bytes, or None where rootchain v0.2 leaves it out. `written_inputs` is None
    unless an input of rootchain v0.2 is written with parts out of range, such as output index 10,000: the
    contract adds the parts up to a position, which is in `inputs`, but the owner signs them as written.
    """

    raw: bytes = field(repr=False)
    inputs: tuple[UtxoPosition, ...]
    outputs: tuple[Output, ...]
    metadata: bytes | None
    tx_type: int = PAYMENT
    written_inputs: tuple[tuple[int, int, int], ...] | None = field(default=None, repr=False)

    @property
    def hash(self) -> Hash32:
        """The transaction hash: keccak256 of the unsigned RLP, as in every in-flight exit event."""
        return keccak(self.raw)


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction as the child chain carries it; `signatures[i]` is said to be by the owner of input i.

    `raw` is the signed RLP as given. rootchain v0.2 always carries four signatures, zeros where unused.
    """

    tx: PlasmaTransaction
    signatures: tuple[bytes, ...]
    raw: bytes = field(repr=False)
