"""One frozen value per thing the guard can do on the root chain; `contracts` turns them into calldata."""

from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.exits import ExitId, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Wei


@dataclass(frozen=True, slots=True)
class ChallengeStandardExit:
    """Show the transaction that spends the exiting output; pays its bond to the caller at once.

    `exiting_tx` may be None only on rootchain v0.2, whose call does not take it.
    """

    name: ClassVar[str] = "challengeStandardExit"

    exit_id: ExitId
    position: UtxoPosition
    challenge_tx: bytes
    input_index: int
    signature: bytes
    exiting_tx: bytes | None = None


@dataclass(frozen=True, slots=True)
class ChallengeNotCanonical:
    """Show a competitor of an in-flight transaction; the caller becomes bond owner, paid at the end.

    `position` is None for a competitor in no block, `proof` then empty. `input_tx` and `input_position` are
    None only on rootchain v0.2. Only in the first half of the exit period.
    """

    name: ClassVar[str] = "challengeInFlightExitNotCanonical"

    exit_id: ExitId
    in_flight_tx: bytes
    in_flight_input_index: int
    competing_tx: bytes
    competing_input_index: int
    position: UtxoPosition | None
    proof: bytes
    signature: bytes
    input_tx: bytes | None = None
    input_position: UtxoPosition | None = None


@dataclass(frozen=True, slots=True)
class RespondToNonCanonicalChallenge:
    """Prove that the in-flight transaction is in a block, older than the competitor that was shown."""

    name: ClassVar[str] = "respondToNonCanonicalChallenge"

    exit_id: ExitId
    in_flight_tx: bytes
    position: UtxoPosition
    proof: bytes


@dataclass(frozen=True, slots=True)
class ChallengeInputSpent:
    """Show what else spends a piggybacked input; pays the piggyback bond to the caller at once."""

    name: ClassVar[str] = "challengeInFlightExitInputSpent"

    exit_id: ExitId
    in_flight_tx: bytes
    in_flight_input_index: int
    spending_tx: bytes
    spending_input_index: int
    signature: bytes
    input_tx: bytes | None = None
    input_position: UtxoPosition | None = None


@dataclass(frozen=True, slots=True)
class ChallengeOutputSpent:
    """Show what spends a piggybacked output of an included transaction; pays the piggyback bond at once."""

    name: ClassVar[str] = "challengeInFlightExitOutputSpent"

    exit_id: ExitId
    in_flight_tx: bytes
    output_position: UtxoPosition
    proof: bytes
    spending_tx: bytes
    spending_input_index: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Piggyback:
    """Join an in-flight exit with one of our own inputs or outputs, for the exact bond."""

    name: ClassVar[str] = "piggybackInFlightExit"

    exit_id: ExitId
    in_flight_tx: bytes
    side: Side
    index: int
    bond: Wei


@dataclass(frozen=True, slots=True)
class StartStandardExit:
    """Start the exit of one of our own settled outputs, for the exact bond; only its owner can.

    `output_tx` is the unsigned transaction that created it, `proof` its 512 bytes of inclusion.
    """

    name: ClassVar[str] = "startStandardExit"

    exit_id: ExitId
    position: UtxoPosition
    output_tx: bytes
    proof: bytes
    bond: Wei


@dataclass(frozen=True, slots=True)
class StartInFlightExit:
    """Start the exit of a transaction, included or not, for the exact bond; anyone can, and all can join.

    Item i of each tuple is about input i: the unsigned transaction that created it, its position, that
    transaction's proof (512 bytes) and the input owner's signature (65 bytes).
    """

    name: ClassVar[str] = "startInFlightExit"

    exit_id: ExitId
    in_flight_tx: bytes
    input_txs: tuple[bytes, ...]
    input_positions: tuple[UtxoPosition, ...]
    proofs: tuple[bytes, ...]
    signatures: tuple[bytes, ...]
    bond: Wei


@dataclass(frozen=True, slots=True)
class AddExitQueue:
    """Open a token's exit queue, which every exit of that token needs; anyone can, once."""

    name: ClassVar[str] = "addExitQueue"

    token: Address


@dataclass(frozen=True, slots=True)
class ProcessExits:
    """Pay out up to `count` ripe exits from the head of a token's queue; anyone can.

    `top_exit_id` 0 accepts any head; another one makes the call fail when the head is not that exit.
    """

    name: ClassVar[str] = "processExits"

    token: Address
    count: int
    top_exit_id: ExitId


@dataclass(frozen=True, slots=True)
class DeleteNonPiggybacked:
    """ald: delete an in-flight exit that nobody joined, in its second phase; the bond goes to its owner."""

    name: ClassVar[str] = "deleteNonPiggybackedInFlightExit"

    exit_id: ExitId


Answer = (
    ChallengeStandardExit
    | ChallengeNotCanonical
    | RespondToNonCanonicalChallenge
    | ChallengeInputSpent
    | ChallengeOutputSpent
    | Piggyback
)
"""What others' exits can make us do."""
Departure = StartStandardExit | StartInFlightExit | AddExitQueue | ProcessExits | DeleteNonPiggybacked
"""What our own exits take besides."""
Action = Answer | Departure
