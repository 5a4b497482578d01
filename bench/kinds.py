"""Cases of every kind of byzantine event, made of real bytes, proofs and signatures: as many as wanted.

Case `number` has two plasma blocks of its own: the deposit that Alice spends in flight, and the block in
which the in-flight transaction is included where its kind calls for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from bench import frauds
from bench.frauds import ALICE, CONTRACTS, HEAD, NOW, RULES
from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.exits import (
    NOT_INCLUDED,
    ExitStatus,
    InFlightExit,
    InFlightExitStarted,
    InFlightSlot,
    Side,
)
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL, UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Timestamp, Wei
from plasma_guard.keys.signer import address_of
from plasma_guard.plasma.transaction import Output, PlasmaTransaction

KINDS: Final = (
    "invalid_exit",
    "non_canonical_ife",
    "invalid_ife_challenge",
    "invalid_piggyback",
    "piggyback_available",
    "unchallenged_exit",
    "unchallenged_non_canonical_ife",
    "unchallenged_piggyback",
    "invalid_block",
    "block_withholding",
    "of_a_later_release",
)
"""All that the guard knows, and one that it does not."""
_BOB_KEY: Final = bytes([6]) * 32
BOB: Final = address_of(_BOB_KEY)
"""Who is paid by every in-flight transaction."""
_ALICE_KEY: Final = bytes([5]) * 32
_AMOUNT: Final = Wei(10**18)
_SUBMITTED: Final = Timestamp(NOW - 86_400)


@dataclass(frozen=True)
class Case:
    """One event, what the contracts hold about it, and what a Watcher answers when asked for evidence."""

    number: int

    @property
    def kind(self) -> str:
        """The event's name: each has its turn."""
        return KINDS[self.number % len(KINDS)]

    @property
    def deposit(self) -> int:
        """The block number of the deposit."""
        return self.number * CHILD_BLOCK_INTERVAL + 1

    @property
    def blknum(self) -> int:
        """The number of the block of the in-flight transaction."""
        return (self.number + 1) * CHILD_BLOCK_INTERVAL

    @cached_property
    def tx(self) -> PlasmaTransaction:
        """The transaction in flight: Alice pays Bob."""
        return RULES.decode(RULES.encode([frauds.position(self.deposit)], [Output(BOB, ETH, _AMOUNT)]))

    @cached_property
    def block(self) -> PlasmaBlock:
        """The plasma block that holds only this transaction."""
        return PlasmaBlock(self.blknum, RULES.merkle_root([self.tx.raw]), _SUBMITTED)

    @cached_property
    def start(self) -> InFlightExitStarted:
        """The log of the exit's start."""
        return InFlightExitStarted(
            initiator=ALICE,
            plasma_tx_hash=self.tx.hash,
            block_number=HEAD.number - 20,
            block_hash=Hash32(bytes([9]) * 32),
            tx_hash=Hash32((self.number + 1).to_bytes(32)),
            log_index=self.number,
        )

    @cached_property
    def entry(self) -> InFlightExit:
        """The contract's entry: challenged or piggybacked as the event says."""
        challenged, joined = self.kind == "invalid_ife_challenge", self.kind.endswith("_piggyback")
        creating = RULES.deposit(ALICE, ETH, _AMOUNT)
        spent = InFlightSlot(
            Side.INPUT,
            0,
            piggybacked=joined,
            owner=ALICE,
            token=ETH,
            amount=_AMOUNT,
            output_id=RULES.output_id(creating, frauds.position(self.deposit)),
        )
        paid = InFlightSlot(Side.OUTPUT, 0, piggybacked=joined, owner=BOB, token=ETH, amount=_AMOUNT)
        return InFlightExit(
            exit_id=RULES.in_flight_exit_id(self.tx.raw),
            status=ExitStatus.RUNNING,
            started_at=Timestamp(NOW - 240),
            canonical=not challenged,
            oldest_competitor=NOT_INCLUDED if challenged else None,
            slots=(spent, paid),
            position=frauds.position(self.deposit),
            bond_owner=ALICE,
            bond=Wei(37 * 10**15),
        )

    def event(self) -> dict[str, Any]:
        """Return the entry of `byzantine_events`."""
        if self.kind.endswith("_exit"):
            details = frauds.event(self.deposit)["details"] | {"name": self.kind}
        elif self.kind in {"invalid_block", "block_withholding"}:
            details = {"name": self.kind, "blknum": self.blknum, "hash": str(self.block.root)}
        else:
            details = {"name": self.kind, "txbytes": _hex(self.tx.raw)}
            if self.kind.endswith("_piggyback"):
                details |= {"inputs": [0], "outputs": [0]}
        return {"event": self.kind, "details": details}

    def answers(self) -> dict[str, dict[str, Any]]:
        """Return what a Watcher answers, by endpoint and what is asked about; the rest it refuses."""
        tx = _hex(self.tx.raw)
        if self.kind.endswith("_exit"):
            asked = f"utxo.get_challenge_data/{frauds.position(self.deposit).encode()}"
            return {asked: frauds.challenge(self.deposit)}
        if self.kind.endswith("non_canonical_ife"):
            return {f"in_flight_exit.get_competitor/{tx}": self._competitor()}
        if self.kind == "invalid_ife_challenge":
            return {f"in_flight_exit.prove_canonical/{tx}": self._inclusion()}
        if self.kind.endswith("_piggyback"):
            return {
                f"in_flight_exit.get_input_challenge_data/{tx}": self._input_spend(),
                f"in_flight_exit.get_output_challenge_data/{tx}": self._output_spend(),
            }
        return {}

    def _competitor(self) -> dict[str, Any]:
        spending, signature = _spend(frauds.position(self.deposit), _ALICE_KEY)
        return {
            "competing_input_index": 0,
            "competing_proof": "0x",
            "competing_sig": signature,
            "competing_tx_pos": 0,
            "competing_txbytes": spending,
            "in_flight_input_index": 0,
            "in_flight_txbytes": _hex(self.tx.raw),
            **self._input(),
        }

    def _inclusion(self) -> dict[str, Any]:
        return {
            "in_flight_proof": _hex(RULES.merkle_proof([self.tx.raw], 0)),
            "in_flight_tx_pos": UtxoPosition(self.blknum, 0, 0).encode(),
            "in_flight_txbytes": _hex(self.tx.raw),
        }

    def _input_spend(self) -> dict[str, Any]:
        spending, signature = _spend(frauds.position(self.deposit), _ALICE_KEY)
        return {
            "in_flight_input_index": 0,
            "in_flight_txbytes": _hex(self.tx.raw),
            "spending_input_index": 0,
            "spending_sig": signature,
            "spending_txbytes": spending,
            **self._input(),
        }

    def _output_spend(self) -> dict[str, Any]:
        position = UtxoPosition(self.blknum, 0, 0)
        spending, signature = _spend(position, _BOB_KEY)
        return {
            "in_flight_output_pos": position.encode(),
            "in_flight_proof": _hex(RULES.merkle_proof([self.tx.raw], 0)),
            "in_flight_txbytes": _hex(self.tx.raw),
            "spending_input_index": 0,
            "spending_sig": signature,
            "spending_txbytes": spending,
        }

    def _input(self) -> dict[str, Any]:
        return {
            "input_tx": _hex(RULES.deposit(ALICE, ETH, _AMOUNT)),
            "input_utxo_pos": frauds.position(self.deposit).encode(),
        }


def _spend(position: UtxoPosition, key: bytes) -> tuple[str, str]:
    """Return a transaction that spends an output to somebody else, and its owner's signature."""
    tx = RULES.encode([position], [Output(Address(bytes([9]) * 20), ETH, _AMOUNT)])
    return _hex(tx), _hex(RULES.sign(RULES.decode(tx), CONTRACTS.entry, key))


def _hex(content: bytes) -> str:
    return "0x" + content.hex()
