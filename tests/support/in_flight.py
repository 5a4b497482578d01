"""An in-flight exit with everything around it, as real bytes: competitor, blocks, proofs, signatures."""

from dataclasses import dataclass, replace
from typing import Any

from plasma_guard.domain.evidence import Competitor, Inclusion, InputSpend, OutputSpend
from plasma_guard.domain.exits import (
    ExitStatus,
    Generation,
    InFlightExit,
    InFlightExitStarted,
    InFlightSlot,
    Side,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Hash32, Timestamp, Wei
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.transaction import Output, PlasmaTransaction
from plasma_guard.reactions.in_flight import InFlight
from support.builders import ALICE, BOB, CAROL, CONTRACT, PERIOD, START, Person

AMOUNT = Wei(10**18)
DEPOSIT = UtxoPosition(1, 0, 0)
IN_FLIGHT_BLOCK = 2000
COMPETITOR_BLOCK = 1000
SPEND_BLOCK = 3000


@dataclass(frozen=True, slots=True)
class Battle:
    """Alice's deposit is spent by `tx` (to Bob, in flight) and by `competing` (to Carol).

    `competing` is in block 1000, `tx` in block 2000, and Bob spends the output of `tx` in block 3000.
    """

    rules: PlasmaRules
    tx: PlasmaTransaction
    competing: PlasmaTransaction
    spending: PlasmaTransaction
    deposit_tx: bytes
    entry: InFlightExit

    def sign(self, tx: PlasmaTransaction, person: Person) -> bytes:
        return self.rules.sign(tx, CONTRACT, person.key)

    @property
    def roots(self) -> dict[int, Hash32]:
        """What the root chain stores of the three blocks."""
        return {
            COMPETITOR_BLOCK: self.rules.merkle_root([self.competing.raw]),
            IN_FLIGHT_BLOCK: self.rules.merkle_root([self.tx.raw]),
            SPEND_BLOCK: self.rules.merkle_root([self.spending.raw]),
        }

    def found(self, *, now: int = START + 10, **changes: Any) -> InFlight:
        """Return what `find` would bring, with fields of the contract's entry changed."""
        entry = replace(self.entry, **changes)
        started = InFlightExitStarted(
            initiator=BOB.address,
            plasma_tx_hash=self.tx.hash,
            block_number=90,
            block_hash=Hash32(bytes(32)),
            tx_hash=Hash32(b"\xab" * 32),
            log_index=0,
        )
        return InFlight(
            tx=self.tx,
            exit=entry,
            started=started,
            phase_ends=Timestamp(START + PERIOD // 2),
            exitable_at=Timestamp(START + PERIOD),
            now=Timestamp(now),
            rules=self.rules,
            verifying_contract=CONTRACT,
        )

    def piggybacked(self, side: Side, index: int) -> tuple[InFlightSlot, ...]:
        """Return the entry's slots with one more joined."""
        return tuple(
            replace(slot, piggybacked=True) if (slot.side, slot.index) == (side, index) else slot
            for slot in self.entry.slots
        )

    @property
    def _input(self) -> dict[str, Any]:
        if not self.rules.generation.is_ald:
            return {}
        return {"input_tx": self.deposit_tx, "input_position": DEPOSIT}

    @property
    def competitor(self) -> Competitor:
        """The honest answer of get_competitor."""
        return Competitor(
            in_flight_tx=self.tx.raw,
            in_flight_input_index=0,
            competing_tx=self.competing.raw,
            competing_input_index=0,
            position=UtxoPosition(COMPETITOR_BLOCK, 0, 0),
            proof=self.rules.merkle_proof([self.competing.raw], 0),
            signature=self.sign(self.competing, ALICE),
            **self._input,
        )

    @property
    def inclusion(self) -> Inclusion:
        """The honest answer of prove_canonical."""
        return Inclusion(
            in_flight_tx=self.tx.raw,
            position=UtxoPosition(IN_FLIGHT_BLOCK, 0, 0),
            proof=self.rules.merkle_proof([self.tx.raw], 0),
        )

    @property
    def input_spend(self) -> InputSpend:
        """The honest answer of get_input_challenge_data."""
        return InputSpend(
            in_flight_tx=self.tx.raw,
            in_flight_input_index=0,
            spending_tx=self.competing.raw,
            spending_input_index=0,
            signature=self.sign(self.competing, ALICE),
            **self._input,
        )

    @property
    def output_spend(self) -> OutputSpend:
        """The honest answer of get_output_challenge_data."""
        return OutputSpend(
            in_flight_tx=self.tx.raw,
            output_position=UtxoPosition(IN_FLIGHT_BLOCK, 0, 0),
            proof=self.rules.merkle_proof([self.tx.raw], 0),
            spending_tx=self.spending.raw,
            spending_input_index=0,
            signature=self.sign(self.spending, BOB),
        )


def battle(generation: Generation) -> Battle:
    """Build it with the rules of a generation."""
    rules = rules_for(generation)
    deposit_tx = rules.deposit(ALICE.address, ETH, AMOUNT)
    tx = rules.decode(rules.encode([DEPOSIT], [Output(BOB.address, ETH, AMOUNT)]))
    competing = rules.decode(rules.encode([DEPOSIT], [Output(CAROL.address, ETH, AMOUNT)]))
    spending = rules.decode(
        rules.encode([UtxoPosition(IN_FLIGHT_BLOCK, 0, 0)], [Output(CAROL.address, ETH, AMOUNT)])
    )
    entry = InFlightExit(
        exit_id=rules.in_flight_exit_id(tx.raw),
        status=ExitStatus.RUNNING,
        started_at=START,
        slots=(
            InFlightSlot(
                Side.INPUT,
                0,
                piggybacked=False,
                owner=ALICE.address,
                token=ETH,
                amount=AMOUNT,
                output_id=rules.output_id(deposit_tx, DEPOSIT),
            ),
            InFlightSlot(Side.OUTPUT, 0, piggybacked=False),
        ),
        position=DEPOSIT,
        bond=Wei(37 * 10**15),
    )
    return Battle(rules, tx, competing, spending, deposit_tx, entry)
