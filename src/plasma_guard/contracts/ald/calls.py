"""Calldata of PlasmaFramework, its vaults and PaymentExitGame; transactions are unsigned RLP."""

from eth_utils.crypto import keccak

from plasma_guard.contracts.abis import ald as abi
from plasma_guard.contracts.ald.revisions import Revision
from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32

CHALLENGE_STANDARD_EXIT_GAS = 364_000
"""1.3 times the largest gas use measured for challengeStandardExit (0.28M)."""
ETH_VAULT = 1
ERC20_VAULT = 2


def sender_data(account: Address) -> Hash32:
    """Return keccak256 of the 20 bytes of the sender, which binds calldata to one account."""
    return Hash32(keccak(account))


def vault_id(token: Address) -> int:
    """Return which vault holds a token: 1 for ETH, 2 for every ERC-20."""
    return ETH_VAULT if token == ETH else ERC20_VAULT


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
