"""Builders that read as the scenario: real bytes and real signatures, no I/O."""

from dataclasses import dataclass, replace
from typing import Any

from coincurve import PrivateKey

from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.cases import Judgement, Kind, TrackedExit
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import ExitStatus, Generation, StandardExit
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Timestamp, Wei
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.transaction import Output
from plasma_guard.reactions.base import Subject
from plasma_guard.reactions.invalid_exit import Facts

CONTRACT = Address(bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
START = Timestamp(1_700_000_000)
PERIOD = 600


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a key."""

    key: bytes

    @property
    def address(self) -> Address:
        public = PrivateKey(self.key).public_key.format(compressed=False)[1:]
        return Address(keccak(public)[12:])


ALICE, BOB, MALLORY, CAROL = (Person(bytes([n]) * 32) for n in (1, 2, 3, 4))


def stamp(number: int = 100, timestamp: int = START + 60) -> BlockStamp:
    """Return a block; its hash follows from its number."""
    return BlockStamp(
        number,
        Hash32(number.to_bytes(32, "big")),
        Timestamp(timestamp),
        Hash32((number - 1).to_bytes(32, "big")),
    )


@dataclass(frozen=True, slots=True)
class SpentDeposit:
    """Alice deposited, spent the deposit to Bob, and exits it all the same."""

    rules: PlasmaRules
    position: UtxoPosition
    deposit_tx: bytes
    entry: StandardExit
    claim: StandardExitChallenge

    @property
    def tracked(self) -> TrackedExit:
        return TrackedExit(
            exit_id=self.entry.exit_id,
            start=f"0x{'ab' * 32}/0",
            position=self.position,
            owner=ALICE.address,
            started_block=90,
            started_at=START,
            judgement=Judgement.UNVERIFIED,
            running=True,
        )

    def facts(self, **changes: Any) -> Facts:
        """Return what gather would bring, with `entry`, `claim`, `refusal` or `scan_covers_it` changed."""
        entry: StandardExit = changes.pop("entry", self.entry)
        subject = Subject(
            kind=Kind.STANDARD_EXIT,
            exit_id=entry.exit_id,
            start=self.tracked.start,
            position=self.position,
            open=entry.status is ExitStatus.RUNNING,
            started_at=START,
            hard=Timestamp(START + PERIOD),
            bond=entry.bond or Wei(0),
            tracked=self.tracked,
        )
        return replace(
            Facts(
                subject=subject,
                entry=entry,
                claim=self.claim,
                refusal=None,
                scan_covers_it=True,
                paid=False,
                rules=self.rules,
                verifying_contract=CONTRACT,
            ),
            **changes,
        )


def spent_deposit(generation: Generation, *, input_index: int = 0, blknum: int = 1) -> SpentDeposit:
    """Build the classic fraud; the spend has the deposit at `input_index`, filled up with Bob's outputs."""
    rules = rules_for(generation)
    position = UtxoPosition(blknum, 0, 0)
    amount = Wei(10**18)
    deposit_tx = rules.deposit(ALICE.address, ETH, amount)
    inputs = [UtxoPosition(1000 * (n + 1), n, 0) for n in range(input_index)] + [position]
    spend = rules.encode(inputs, [Output(BOB.address, ETH, amount)])
    signature = rules.sign(rules.decode(spend), CONTRACT, ALICE.key)
    exit_id = rules.standard_exit_id(deposit_tx, position)
    entry = StandardExit(
        exit_id=exit_id,
        status=ExitStatus.RUNNING,
        position=position,
        owner=ALICE.address,
        amount=amount,
        token=None if generation.is_ald else ETH,
        output_id=rules.output_id(deposit_tx, position),
        bond=Wei(14 * 10**15),
    )
    claim = StandardExitChallenge(
        position=position,
        exit_id=exit_id,
        challenge_tx=spend,
        input_index=input_index,
        signature=signature,
        exiting_tx=deposit_tx if generation.is_ald else None,
    )
    return SpentDeposit(rules, position, deposit_tx, entry, claim)
