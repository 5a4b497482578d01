"""What happens to in-flight exits on the root chain, told to the verifier of a small world."""

import pytest

from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.exits import (
    NOT_INCLUDED,
    Generation,
    InFlightExit,
    InFlightExitBlocked,
    InFlightExitChallenged,
    InFlightExitEnded,
    InFlightExitPiggybacked,
    InFlightExitResponded,
    InFlightExitStarted,
    InFlightExitWithdrawn,
    InFlightStartData,
    Side,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.plasma.keccak import keccak
from plasma_guard.verifier.game import Facts
from verifier.world import ALICE, BOB, CONTRACT, Account, World

IN, OUT = Side.INPUT, Side.OUTPUT


def calldata(*parts: bytes) -> bytes:
    """Return bytes as the ABI encodes them: each with its length in front and padded to whole words."""
    words = (len(part).to_bytes(32) + part + bytes(-len(part) % 32) for part in parts)
    return b"\x5a\x52\x85\x14" + b"".join(words)


class InFlightWorld(World):
    """A world whose people also play the in-flight game; transactions are named by their unsigned bytes."""

    def start(self, signed: bytes, *, readable: bool = True) -> bytes:
        """Start an in-flight exit; unless `readable`, nothing tells its transaction."""
        tx = self.rules.decode_signed(signed).tx
        event = InFlightExitStarted(ALICE.address, tx.hash, **self.where)
        data = self._start_data(signed) if readable else None
        self.verifier.apply_event(event, Facts(at=self.at(), start=data))
        self.wait()
        return tx.raw

    def _start_data(self, signed: bytes) -> InFlightStartData:
        decoded = self.rules.decode_signed(signed)
        ledger = self.verifier.ledger
        owners: list[Address | None] = []
        for position in decoded.tx.inputs:
            output = ledger.output(position)
            owners.append(output.owner if output else None)
        return InFlightStartData(
            tx=decoded.tx.raw,
            input_txs=tuple(ledger.creating_tx(each) or b"" for each in decoded.tx.inputs),
            input_positions=decoded.tx.inputs,
            signatures=decoded.signatures[: len(decoded.tx.inputs)],
            input_owners=tuple(owners),
        )

    def piggyback(self, tx: bytes, *slots: tuple[Side, int]) -> None:
        for side, index in slots:
            event = InFlightExitPiggybacked(ALICE.address, keccak(tx), side, index, **self.where)
            self.verifier.apply_event(event)
        self.wait()

    def accuse(self, tx: bytes, competitor: bytes, position: UtxoPosition | None = None) -> None:
        """Have somebody challenge an exit as non-canonical, with a signed competitor."""
        decoded = self.rules.decode_signed(competitor)
        at = NOT_INCLUDED if position is None else position.encode()
        event = InFlightExitChallenged(BOB.address, keccak(tx), at, **self.where)
        given = calldata(tx, decoded.tx.raw, *decoded.signatures)
        self.verifier.apply_event(event, Facts(calldata=given))
        self.wait()

    def respond(self, tx: bytes, position: UtxoPosition) -> None:
        event = InFlightExitResponded(ALICE.address, keccak(tx), position.encode(), **self.where)
        self.verifier.apply_event(event)
        self.wait()

    def block_piggyback(self, tx: bytes, side: Side, index: int, entry: InFlightExit | None = None) -> None:
        """Have somebody challenge a piggyback as spent, in the log of this generation."""
        told = side if self.rules.generation is not Generation.ROOTCHAIN_V02 else None
        event = InFlightExitBlocked(BOB.address, keccak(tx), told, index, **self.where)
        self.verifier.apply_event(event, Facts(in_flight=entry))
        self.wait()

    def withdraw(self, tx: bytes, *slots: tuple[Side, int]) -> None:
        for side, index in slots:
            exit_id = self.rules.in_flight_exit_id(tx)
            self.verifier.apply_event(InFlightExitWithdrawn(exit_id, side, index, **self.where))
        self.wait()

    def end(self, tx: bytes, *, deleted: bool) -> None:
        exit_id = self.rules.in_flight_exit_id(tx)
        self.verifier.apply_event(InFlightExitEnded(exit_id, deleted, **self.where))
        self.wait()

    def spend(self, position: UtxoPosition, owner: Account, to: Account, amount: int = 10) -> bytes:
        """Return the signed payment of one whole output."""
        return self.pay([(position, owner)], [(to, amount)])

    def told(self, *kinds: str) -> list[tuple[str, bytes]]:
        """Return (name, transaction) of the events of some kinds about in-flight exits, in order."""
        return [
            (event.name, bytes.fromhex(str(event.details["txbytes"])[2:]))
            for event in self.verifier.byzantine_events()
            if "txbytes" in event.details and (not kinds or event.name in kinds)
        ]

    def names(self) -> list[str]:
        return [event.name for event in self.verifier.byzantine_events()]

    def listed(self) -> list[bytes]:
        return [each.tx for each in self.verifier.status().in_flight_exits]

    def signed_by(self, tx: bytes, signature: bytes | None, owner: Account) -> bool:
        assert signature is not None
        return self.rules.recover(self.rules.decode(tx), signature, CONTRACT) == owner.address


def code(error: pytest.ExceptionInfo[WatcherRefused]) -> str:
    return error.value.code


def no_competitor(world: InFlightWorld, tx: bytes) -> str:
    with pytest.raises(WatcherRefused) as caught:
        world.verifier.canonicity.competitor(tx)
    return code(caught)


def no_inclusion(world: InFlightWorld, tx: bytes) -> str:
    with pytest.raises(WatcherRefused) as caught:
        world.verifier.canonicity.inclusion(tx)
    return code(caught)


def no_spend(world: InFlightWorld, tx: bytes, side: Side, index: int) -> str:
    piggybacks = world.verifier.piggybacks
    with pytest.raises(WatcherRefused) as caught:
        (piggybacks.input_spend if side is IN else piggybacks.output_spend)(tx, index)
    return code(caught)
