"""Calldata of PlasmaFramework, its vaults and PaymentExitGame; transactions are unsigned RLP."""

from collections.abc import Mapping, Sequence

from eth_utils.crypto import keccak

from plasma_guard.contracts.abis import ald as abi
from plasma_guard.contracts.ald.revisions import Revision
from plasma_guard.contracts.candidates import tx_position
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
from plasma_guard.domain.exits import ExitId, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32

GAS_LIMITS: Mapping[type[Action], int] = {
    ChallengeStandardExit: 364_000,
    ChallengeNotCanonical: 522_000,
    RespondToNonCanonicalChallenge: 126_000,
    ChallengeInputSpent: 523_000,
    ChallengeOutputSpent: 561_000,
    Piggyback: 531_000,
    StartStandardExit: 566_000,
    AddExitQueue: 757_000,
    DeleteNonPiggybacked: 290_000,
}
"""1.3 times the largest gas use measured for each call on either revision, in gas units."""
START_IN_FLIGHT_GAS = (455_000, 549_000)
"""The same for the start of an in-flight exit: once, and for each input."""
PROCESSING_GAS = (60_000, 751_000)
"""The same for processing: once, and for each exit, which may be an in-flight one."""
FRAMEWORK_CALLS = (AddExitQueue, ProcessExits)
"""Sent to the framework; all else goes to the exit game."""
ETH_VAULT = 1
ERC20_VAULT = 2


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


def sender_data(account: Address) -> Hash32:
    """Return keccak256 of the 20 bytes of the sender, which binds calldata to one account."""
    return Hash32(keccak(account))


def vault_id(token: Address) -> int:
    """Return which vault holds a token: 1 for ETH, 2 for every ERC-20."""
    return ETH_VAULT if token == ETH else ERC20_VAULT


def encode(revision: Revision, action: Action, account: Address) -> bytes:
    """Return the calldata of an action for `account`; raises `MalformedError` for fields it cannot have."""
    match action:
        case ChallengeStandardExit():
            return challenge_standard_exit(revision, action, account)
        case ChallengeNotCanonical():
            return challenge_not_canonical(action)
        case RespondToNonCanonicalChallenge():
            return respond_to_non_canonical_challenge(action)
        case ChallengeInputSpent():
            return challenge_input_spent(action, account)
        case ChallengeOutputSpent():
            return challenge_output_spent(action, account)
        case Piggyback():
            return piggyback(action)
        case _:
            return _departure(revision, action, account)


def _departure(revision: Revision, action: Departure, account: Address) -> bytes:
    match action:
        case StartStandardExit():
            return start_standard_exit(action.position, action.output_tx, action.proof)
        case StartInFlightExit():
            return start_in_flight_exit(
                action.in_flight_tx,
                action.input_txs,
                action.input_positions,
                action.proofs,
                action.signatures,
            )
        case AddExitQueue():
            return add_exit_queue(action.token)
        case ProcessExits():
            return process_exits(revision, action.token, action.top_exit_id, action.count, account)
        case DeleteNonPiggybacked():
            return delete_non_piggybacked(revision, action.exit_id)


def challenge_standard_exit(revision: Revision, action: ChallengeStandardExit, account: Address) -> bytes:
    """Encode the challenge for `account` alone; raises `MalformedError` without the exiting transaction."""
    if action.exiting_tx is None:
        raise MalformedError("challengeStandardExit: exiting_tx is missing, and this generation demands it")
    return revision.challenge_standard_exit.encode(
        (
            action.exit_id,
            action.exiting_tx,
            action.challenge_tx,
            action.input_index,
            action.signature,
            sender_data(account),
        )
    )


def challenge_not_canonical(action: ChallengeNotCanonical) -> bytes:
    """Encode the challenge, which anyone may copy; a competitor without a position goes with 0 and no proof.

    Raises `MalformedError` without the transaction that created the shared input.
    """
    input_tx, input_position = _input(action)
    position = action.position
    return abi.CHALLENGE_NOT_CANONICAL.encode(
        (
            input_tx,
            input_position.encode(),
            action.in_flight_tx,
            action.in_flight_input_index,
            action.competing_tx,
            action.competing_input_index,
            0 if position is None else tx_position(position, "competitor"),
            b"" if position is None else action.proof,
            action.signature,
        )
    )


def respond_to_non_canonical_challenge(action: RespondToNonCanonicalChallenge) -> bytes:
    """Encode the response, which anyone may copy."""
    position = tx_position(action.position, "in-flight transaction")
    return abi.RESPOND_TO_NON_CANONICAL_CHALLENGE.encode(action.in_flight_tx, position, action.proof)


def challenge_input_spent(action: ChallengeInputSpent, account: Address) -> bytes:
    """Encode the challenge for `account` alone; `MalformedError` without the input's creating transaction."""
    input_tx, input_position = _input(action)
    return abi.CHALLENGE_INPUT_SPENT.encode(
        (
            action.in_flight_tx,
            action.in_flight_input_index,
            action.spending_tx,
            action.spending_input_index,
            action.signature,
            input_tx,
            input_position.encode(),
            sender_data(account),
        )
    )


def challenge_output_spent(action: ChallengeOutputSpent, account: Address) -> bytes:
    """Encode the challenge for `account` alone."""
    return abi.CHALLENGE_OUTPUT_SPENT.encode(
        (
            action.in_flight_tx,
            action.proof,
            action.output_position.encode(),
            action.spending_tx,
            action.spending_input_index,
            action.signature,
            sender_data(account),
        )
    )


def piggyback(action: Piggyback) -> bytes:
    """Encode the piggyback, which the slot's owner sends; the value must equal piggybackBondSize()."""
    function = abi.PIGGYBACK_ON_INPUT if action.side is Side.INPUT else abi.PIGGYBACK_ON_OUTPUT
    return function.encode((action.in_flight_tx, action.index))


def start_in_flight_exit(
    in_flight_tx: bytes,
    input_txs: Sequence[bytes],
    input_positions: Sequence[UtxoPosition],
    proofs: Sequence[bytes],
    signatures: Sequence[bytes],
) -> bytes:
    """Encode the start with what in_flight_exit.get_data answers; send startIFEBondSize() with it.

    One item for each input, in the transaction's order: proofs of 512, signatures of 65 bytes.
    """
    positions = [position.encode() for position in input_positions]
    return abi.START_IN_FLIGHT_EXIT.encode((in_flight_tx, input_txs, positions, proofs, signatures))


def delete_non_piggybacked(revision: Revision, exit_id: ExitId) -> bytes:
    """Encode the deletion of an in-flight exit that nobody piggybacked, in its second phase."""
    return revision.delete_non_piggybacked.encode(exit_id)


def start_standard_exit(position: UtxoPosition, output_tx: bytes, proof: bytes) -> bytes:
    """Encode the start; the value sent must equal startStandardExitBondSize(), `proof` is 512 bytes."""
    return abi.START_STANDARD_EXIT.encode((position.encode(), output_tx, proof))


def process_exits(
    revision: Revision, token: Address, top_exit_id: ExitId, count: int, account: Address
) -> bytes:
    """Encode processing of up to `count` exits; `top_exit_id` 0 accepts any head. Sent to the framework."""
    bound = (sender_data(account),) if revision.process_exits_takes_sender else ()
    return revision.process_exits.encode(vault_id(token), token, top_exit_id, count, *bound)


def deposit(deposit_tx: bytes) -> bytes:
    """Encode a deposit, sent to the token's vault; for ETH the value must equal the transaction's amount."""
    return abi.DEPOSIT.encode(deposit_tx)


def add_exit_queue(token: Address) -> bytes:
    """Encode the creation of a token's exit queue, sent to the framework."""
    return abi.ADD_EXIT_QUEUE.encode(vault_id(token), token)


def submit_block(root: Hash32) -> bytes:
    """Encode the submission of a block root to the framework, which only the operator may send."""
    return abi.SUBMIT_BLOCK.encode(root)


def _input(action: ChallengeNotCanonical | ChallengeInputSpent) -> tuple[bytes, UtxoPosition]:
    if action.input_tx is None or action.input_position is None:
        raise MalformedError(
            f"{action.name}: input_tx or input_position is missing, and this generation demands them"
        )
    return action.input_tx, action.input_position
