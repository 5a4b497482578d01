"""Calldata of RootChain v0.2; amounts are in wei or token units, transactions are unsigned RLP."""

from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32

CHALLENGE_STANDARD_EXIT_GAS = 325_000
"""1.3 times the largest gas use measured for challengeStandardExit (0.25M)."""


def challenge_standard_exit(action: ChallengeStandardExit) -> bytes:
    """Encode the challenge; nothing in it is bound to the sender, so anyone may copy it."""
    return abi.CHALLENGE_STANDARD_EXIT.encode(
        action.exit_id, action.challenge_tx, action.input_index, action.signature
    )


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
