"""One frozen value per thing the guard can do on the root chain; `contracts` turns them into calldata."""

from dataclasses import dataclass
from typing import ClassVar

from plasma_guard.domain.exits import ExitId, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Wei


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


Action = (
    ChallengeStandardExit
    | ChallengeNotCanonical
    | RespondToNonCanonicalChallenge
    | ChallengeInputSpent
    | ChallengeOutputSpent
    | Piggyback
)
