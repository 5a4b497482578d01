"""What a Watcher offers as proof; nothing in it is believed before the local checks."""

from dataclasses import dataclass

from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition


@dataclass(frozen=True, slots=True)
class StandardExitChallenge:
    """The answer of `utxo.get_challenge_data`: a transaction said to spend the exiting output.

    `exiting_tx` (unsigned RLP of the creating transaction) is None on rootchain v0.2, whose dialect lacks it;
    `challenge_tx` is unsigned RLP; `signature` the 65 bytes said to be by the output's owner over it.
    """

    position: UtxoPosition
    exit_id: ExitId
    challenge_tx: bytes
    input_index: int
    signature: bytes
    exiting_tx: bytes | None = None


@dataclass(frozen=True, slots=True)
class ExitData:
    """The answer of `utxo.get_exit_data`: the creating transaction (unsigned) and its proof of 512 bytes.

    It says nothing about whether the output is spent. `signatures` is what v0.2 adds for an output of
    a block: four of 65 bytes, zeros where unused; empty elsewhere.
    """

    position: UtxoPosition
    tx: bytes
    proof: bytes
    signatures: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class InFlightData:
    """The answer of `in_flight_exit.get_data`: what an in-flight exit of a signed transaction takes.

    Item i of `input_txs` (unsigned) and of `proofs` (512 bytes each) is about input i of `tx`.
    """

    tx: bytes
    input_txs: tuple[bytes, ...]
    proofs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FoundTransaction:
    """The answer of `transaction.get`: a transaction in signed form, and where it is said to be."""

    signed: bytes
    position: UtxoPosition


@dataclass(frozen=True, slots=True)
class Competitor:
    """The answer of `in_flight_exit.get_competitor`: another transaction that spends one of its inputs.

    Transactions are unsigned RLP. `position` is None when the competitor is in no block, and `proof` is then
    empty; else 512 bytes. `input_tx` and `input_position` (the output both spend) are None on rootchain v0.2.
    """

    in_flight_tx: bytes
    in_flight_input_index: int
    competing_tx: bytes
    competing_input_index: int
    position: UtxoPosition | None
    proof: bytes
    signature: bytes | None
    input_tx: bytes | None = None
    input_position: UtxoPosition | None = None


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The answer of `in_flight_exit.prove_canonical`: where the in-flight transaction is in a block."""

    in_flight_tx: bytes
    position: UtxoPosition
    proof: bytes


@dataclass(frozen=True, slots=True)
class InputSpend:
    """The answer of `in_flight_exit.get_input_challenge_data`: what else spends a piggybacked input."""

    in_flight_tx: bytes
    in_flight_input_index: int
    spending_tx: bytes
    spending_input_index: int
    signature: bytes | None
    input_tx: bytes | None = None
    input_position: UtxoPosition | None = None


@dataclass(frozen=True, slots=True)
class OutputSpend:
    """The answer of `in_flight_exit.get_output_challenge_data`: what spends a piggybacked output."""

    in_flight_tx: bytes
    output_position: UtxoPosition
    proof: bytes
    spending_tx: bytes
    spending_input_index: int
    signature: bytes | None
