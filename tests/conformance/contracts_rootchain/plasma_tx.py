"""Builds and signs v0.2 payment transactions for tests, from the format's description alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import rlp
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

SALT: Final = bytes.fromhex("fad5c7f626d80f9256ef01929f3beb96e058b8b4b0e3fe52d84f054c0e2a7a83")
NOBODY: Final = "0x" + "00" * 20
SLOTS: Final = 4
DEPTH: Final = 16


@dataclass(frozen=True, slots=True)
class Payment:
    """Inputs (blknum, txindex, oindex), outputs (owner, token, amount), unpadded; 32 bytes or no metadata."""

    inputs: Sequence[tuple[int, int, int]] = ()
    outputs: Sequence[tuple[str, str, int]] = ()
    metadata: bytes | None = None

    def encoded(self) -> bytes:
        inputs = [*self.inputs, *[(0, 0, 0)] * (SLOTS - len(self.inputs))]
        outputs = [*self.outputs, *[(NOBODY, NOBODY, 0)] * (SLOTS - len(self.outputs))]
        raw = [
            [bytes.fromhex(owner[2:]), bytes.fromhex(token[2:]), amount] for owner, token, amount in outputs
        ]
        metadata = [] if self.metadata is None else [self.metadata]
        return bytes(rlp.encode([[list(item) for item in inputs], raw, *metadata]))

    def signed_by(self, key: str, root_chain: str) -> bytes:
        inputs = [*self.inputs, *[(0, 0, 0)] * (SLOTS - len(self.inputs))]
        outputs = [*self.outputs, *[(NOBODY, NOBODY, 0)] * (SLOTS - len(self.outputs))]
        message: dict[str, Any] = {"metadata": self.metadata or bytes(32)}
        for index, (blknum, txindex, oindex) in enumerate(inputs):
            message[f"input{index}"] = {"blknum": blknum, "txindex": txindex, "oindex": oindex}
        for index, (owner, token, amount) in enumerate(outputs):
            message[f"output{index}"] = {"owner": owner, "currency": token, "amount": amount}
        signable = encode_typed_data(full_message=_typed_message(root_chain, message))
        return bytes(Account.sign_message(signable, key).signature)


def decoded(encoded: bytes) -> Payment:
    """Read a transaction back from its unsigned encoding."""
    inputs, outputs, *metadata = rlp.decode(encoded)
    spent = [tuple(int.from_bytes(number, "big") for number in item) for item in inputs]
    paid = [
        ("0x" + owner.hex(), "0x" + token.hex(), int.from_bytes(amount, "big"))
        for owner, token, amount in outputs
    ]
    return Payment(
        inputs=[(blknum, txindex, oindex) for blknum, txindex, oindex in spent if blknum],
        outputs=[output for output in paid if output[0] != NOBODY],
        metadata=metadata[0] if metadata else None,
    )


def nested(encoded: Sequence[bytes]) -> bytes:
    """Return the list whose items are the transactions' own lists, as an in-flight exit starts with it."""
    return bytes(rlp.encode([rlp.decode(transaction) for transaction in encoded]))


def root_of(transaction: bytes, index: int, proof: bytes) -> bytes:
    """Return the root that an inclusion proof leads to."""
    node = keccak(transaction)
    for depth in range(DEPTH):
        sibling = proof[32 * depth : 32 * depth + 32]
        node = keccak(sibling + node) if index >> depth & 1 else keccak(node + sibling)
    return node


def block_of(transactions: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """Return the root of a block and the inclusion proof of each of its transactions."""
    level = [keccak(transaction) for transaction in transactions]
    paths: list[list[bytes]] = [[] for _ in transactions]
    empty = keccak(bytes(32))
    for depth in range(DEPTH):
        level = [*level, empty] if len(level) % 2 else level
        for index, path in enumerate(paths):
            path.append(level[(index >> depth) ^ 1])
        level = [keccak(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
        empty = keccak(empty + empty)
    return level[0], [b"".join(path) for path in paths]


def _typed_message(root_chain: str, message: dict[str, Any]) -> dict[str, Any]:
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "verifyingContract", "type": "address"},
                {"name": "salt", "type": "bytes32"},
            ],
            "Transaction": [
                *[{"name": f"input{index}", "type": "Input"} for index in range(SLOTS)],
                *[{"name": f"output{index}", "type": "Output"} for index in range(SLOTS)],
                {"name": "metadata", "type": "bytes32"},
            ],
            "Input": [{"name": name, "type": "uint256"} for name in ("blknum", "txindex", "oindex")],
            "Output": [
                {"name": "owner", "type": "address"},
                {"name": "currency", "type": "address"},
                {"name": "amount", "type": "uint256"},
            ],
        },
        "primaryType": "Transaction",
        "domain": {"name": "OMG Network", "version": "1", "verifyingContract": root_chain, "salt": SALT},
        "message": message,
    }
