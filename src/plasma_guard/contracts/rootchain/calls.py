"""Calldata of RootChain v0.2; amounts are in wei or token units, transactions are unsigned RLP."""

from collections.abc import Mapping, Sequence

from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.contracts.candidates import tx_position
from plasma_guard.contracts.rootchain.slots import slot_number
from plasma_guard.domain.actions import (
    Action,
    AddExitQueue,
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    ChallengeStandardExit,
    DeleteNonPiggybacked,
    Departure,
    Piggyback,
    ProcessExits,
    RespondToNonCanonicalChallenge,
    StartInFlightExit,
    StartStandardExit,
)
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.plasma import rlp

GAS_LIMITS: Mapping[type[Action], int] = {
    ChallengeStandardExit: 325_000,
    ChallengeNotCanonical: 533_000,
    RespondToNonCanonicalChallenge: 130_000,
    ChallengeInputSpent: 455_000,
    ChallengeOutputSpent: 507_000,
    Piggyback: 312_000,
    StartStandardExit: 403_000,
    AddExitQueue: 401_000,
}
"""1.3 times the largest gas use measured for each call, in gas units."""
START_IN_FLIGHT_GAS = (650_000, 780_000)
"""The same for the start of an in-flight exit: once, and for each input."""
PROCESSING_GAS = (130_000, 224_000)
"""The same for processing: once, and for each exit, which may be an in-flight one."""


def gas_limit(action: Action) -> int:
    """Return the gas units that are enough for an action."""
    match action:
        case StartInFlightExit():
            once, each = START_IN_FLIGHT_GAS
            return once + each * len(action.input_positions)
        case ProcessExits():
            once, each = PROCESSING_GAS
            return once + each * action.count
        case _:
            return GAS_LIMITS[type(action)]


def encode(action: Action) -> bytes:
    """Return the calldata of an action; raises `MalformedError` for fields no such call can have."""
    match action:
        case ChallengeStandardExit():
            return challenge_standard_exit(action)
        case ChallengeNotCanonical():
            return challenge_not_canonical(action)
        case RespondToNonCanonicalChallenge():
            return respond_to_non_canonical_challenge(action)
        case ChallengeInputSpent():
            return challenge_input_spent(action)
        case ChallengeOutputSpent():
            return challenge_output_spent(action)
        case Piggyback():
            return piggyback(action)
        case _:
            return _departure(action)


def _departure(action: Departure) -> bytes:
    match action:
        case StartStandardExit():
            return start_standard_exit(action.position, action.output_tx, action.proof)
        case StartInFlightExit():
            inputs, proofs, signatures = action.input_txs, action.proofs, action.signatures
            return start_in_flight_exit(
                action.in_flight_tx, input_tx_list(inputs), b"".join(proofs), b"".join(signatures)
            )
        case AddExitQueue():
            return add_token(action.token)
        case ProcessExits():
            return process_exits(action.token, action.top_exit_id, action.count)
        case DeleteNonPiggybacked():
            raise MalformedError(f"{action.name}: this generation has no such call")


def challenge_standard_exit(action: ChallengeStandardExit) -> bytes:
    """Encode the challenge; nothing in it is bound to the sender, so anyone may copy it."""
    return abi.CHALLENGE_STANDARD_EXIT.encode(
        action.exit_id, action.challenge_tx, action.input_index, action.signature
    )


def challenge_not_canonical(action: ChallengeNotCanonical) -> bytes:
    """Encode the challenge; a competitor without a position goes with 0 and no proof."""
    position = action.position
    return abi.CHALLENGE_NOT_CANONICAL.encode(
        action.in_flight_tx,
        action.in_flight_input_index,
        action.competing_tx,
        action.competing_input_index,
        0 if position is None else tx_position(position, "competitor"),
        b"" if position is None else action.proof,
        action.signature,
    )


def respond_to_non_canonical_challenge(action: RespondToNonCanonicalChallenge) -> bytes:
    """Encode the response."""
    position = tx_position(action.position, "in-flight transaction")
    return abi.RESPOND_TO_NON_CANONICAL_CHALLENGE.encode(action.in_flight_tx, position, action.proof)


def challenge_input_spent(action: ChallengeInputSpent) -> bytes:
    """Encode the challenge; anyone may copy it."""
    return abi.CHALLENGE_INPUT_SPENT.encode(
        action.in_flight_tx,
        action.in_flight_input_index,
        action.spending_tx,
        action.spending_input_index,
        action.signature,
    )


def challenge_output_spent(action: ChallengeOutputSpent) -> bytes:
    """Encode the challenge; anyone may copy it."""
    return abi.CHALLENGE_OUTPUT_SPENT.encode(
        action.in_flight_tx,
        action.output_position.encode(),
        action.proof,
        action.spending_tx,
        action.spending_input_index,
        action.signature,
    )


def piggyback(action: Piggyback) -> bytes:
    """Encode the piggyback; the value sent must equal piggybackBond()."""
    return abi.PIGGYBACK_IN_FLIGHT_EXIT.encode(action.in_flight_tx, slot_number(action.side, action.index))


def start_in_flight_exit(in_flight_tx: bytes, input_txs: bytes, proofs: bytes, signatures: bytes) -> bytes:
    """Encode the start in the form that in_flight_exit.get_data answers; send inFlightExitBond() with it.

    `input_txs` is the RLP list of the input transactions (see `input_tx_list`), `proofs` are 512 bytes and
    `signatures` 65 bytes for each input, one after the other.
    """
    return abi.START_IN_FLIGHT_EXIT.encode(in_flight_tx, input_txs, proofs, signatures)


def input_tx_list(input_txs: Sequence[bytes]) -> bytes:
    """Return the RLP list of the transactions' own lists; the contract refuses a list of strings."""
    return rlp.encode_list(input_txs)


def start_standard_exit(position: UtxoPosition, output_tx: bytes, proof: bytes) -> bytes:
    """Encode the start; the value sent must equal standardExitBond(), `proof` is 512 bytes."""
    return abi.START_STANDARD_EXIT.encode(position.encode(), output_tx, proof)


def process_exits(token: Address, top_exit_id: ExitId, count: int) -> bytes:
    """Encode processing of up to `count` exits; `top_exit_id` 0 accepts any head."""
    return abi.PROCESS_EXITS.encode(token, top_exit_id, count)


def deposit(deposit_tx: bytes) -> bytes:
    """Encode an ETH deposit; the value sent must equal the transaction's amount."""
    return abi.DEPOSIT.encode(deposit_tx)


def deposit_from(deposit_tx: bytes) -> bytes:
    """Encode a token deposit; the contract must be allowed to take the amount."""
    return abi.DEPOSIT_FROM.encode(deposit_tx)


def add_token(token: Address) -> bytes:
    """Encode the creation of a token's exit queue."""
    return abi.ADD_TOKEN.encode(token)


def submit_block(root: Hash32) -> bytes:
    """Encode the submission of a block root, which only the operator may send."""
    return abi.SUBMIT_BLOCK.encode(root)
