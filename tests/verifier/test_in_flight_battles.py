"""Whole stories of the in-flight game, each answer of the verifier put through the guard's own proofs.

Features and integration tests of the scenario catalogue, under the rules of every generation.
"""

import pytest

from plasma_guard.domain.exits import NOT_INCLUDED, ExitStatus, Generation, InFlightExit, InFlightSlot, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.plasma.evidence import find_signature
from plasma_guard.plasma.in_flight_evidence import (
    Roots,
    prove_competitor,
    prove_inclusion,
    prove_input_spend,
    prove_output_spend,
)
from plasma_guard.plasma.transaction import PlasmaTransaction
from verifier.in_flight_world import IN, OUT, InFlightWorld
from verifier.world import ALICE, BOB, CAROL, CONTRACT, SLA, ie

NC, UNC, IC = "non_canonical_ife", "unchallenged_non_canonical_ife", "invalid_ife_challenge"
PA, IP, UP = "piggyback_available", "invalid_piggyback", "unchallenged_piggyback"


@pytest.fixture
def world(generation: Generation) -> InFlightWorld:
    return InFlightWorld(generation)


class Contract:
    """What the contract would hold of one exit, and the proofs the guard makes against it."""

    def __init__(self, world: InFlightWorld, raw: bytes, *, oldest_competitor: int | None = None) -> None:
        self._world = world
        self._tx: PlasmaTransaction = world.rules.decode(raw)
        self.entry = InFlightExit(
            exit_id=world.rules.in_flight_exit_id(raw),
            status=ExitStatus.RUNNING,
            canonical=oldest_competitor is None,
            oldest_competitor=oldest_competitor,
            slots=tuple(self._slot(index, at) for index, at in enumerate(self._tx.inputs)),
            position=max(self._tx.inputs),
        )

    def _slot(self, index: int, position: UtxoPosition) -> InFlightSlot:
        output, creating_tx = (
            self._world.verifier.ledger.output(position),
            self._world.verifier.ledger.creating_tx(position),
        )
        assert output is not None
        assert creating_tx is not None
        output_id = self._world.rules.output_id(creating_tx, position)
        return InFlightSlot(Side.INPUT, index, piggybacked=False, owner=output.owner, output_id=output_id)

    @property
    def _roots(self) -> Roots:
        return {blknum: block.hash for blknum, block in self._world.blocks.items()}

    def competitor(self) -> tuple[bytes, UtxoPosition | None]:
        """Return the proven competitor and where it is."""
        claim = self._world.verifier.canonicity.competitor(self._tx.raw)
        proven = prove_competitor(self._world.rules, CONTRACT, self._tx, self.entry, claim, self._roots)
        return proven.raw, claim.position

    def inclusion(self) -> UtxoPosition:
        """Return the proven place of the transaction itself."""
        claim = self._world.verifier.canonicity.inclusion(self._tx.raw)
        return prove_inclusion(self._world.rules, self._tx, self.entry, claim, self._roots)

    def input_spend(self, index: int) -> bytes:
        """Return what provably spends an input besides the transaction."""
        claim = self._world.verifier.piggybacks.input_spend(self._tx.raw, index)
        return prove_input_spend(self._world.rules, CONTRACT, self._tx, self.entry, claim).raw

    def output_spend(self, index: int) -> tuple[bytes, UtxoPosition]:
        """Return what provably spends an output, and where that output is."""
        claim = self._world.verifier.piggybacks.output_spend(self._tx.raw, index)
        spending = prove_output_spend(self._world.rules, CONTRACT, self._tx, claim, self._roots)
        return spending.raw, claim.output_position


def test_a4_the_full_battle(world: InFlightWorld) -> None:
    """A4: two exits share an input and are joined wrongly on both sides; each wrong is answered in turn."""
    first, second = world.deposit(ALICE, 5), world.deposit(BOB, 5)
    paid = world.pay([(first, ALICE), (second, BOB)], [(ALICE, 5), (BOB, 5)])
    spent = UtxoPosition(world.block(paid), 0, 1)
    spend = world.spend(spent, BOB, CAROL, 5)
    world.block(spend)
    tx1 = world.start(paid)
    world.piggyback(tx1, (OUT, 1), (IN, 0))
    tx2 = world.start(world.spend(first, ALICE, BOB, 5))
    assert world.told() == [(IP, tx1), (NC, tx2), (PA, tx2)]
    world.piggyback(tx2, (IN, 0), (OUT, 0))
    world.wait(SLA)
    late = [(UP, tx1), (UP, tx2)]
    wrong = [(IP, tx1), (IP, tx2)]
    assert world.told() == [(UNC, tx2), *late, *wrong, (NC, tx2)]
    competitor, at = Contract(world, tx2).competitor()
    assert (competitor, at) == (tx1, spent.tx_position)
    world.accuse(tx2, paid, at)
    assert world.told() == [*late, *wrong]
    assert Contract(world, tx1).input_spend(0) == tx2
    assert Contract(world, tx2).input_spend(0) == tx1
    assert Contract(world, tx1).output_spend(1) == (world.raw(spend), spent)
    world.block_piggyback(tx1, IN, 0)
    world.block_piggyback(tx2, IN, 0, Contract(world, tx2).entry)
    world.block_piggyback(tx1, OUT, 1)
    assert world.told() == []


def test_a5_a_standard_exit_spent_by_a_transaction_in_flight(world: InFlightWorld) -> None:
    """A5: a transaction never sent, but shown by its exit, makes its input's standard exit invalid."""
    deposit = world.deposit(ALICE, 10)
    received = UtxoPosition(world.block(world.spend(deposit, ALICE, BOB)), 0, 0)
    signed = world.spend(received, BOB, CAROL)
    tx = world.start(signed)
    world.piggyback(tx, (IN, 0), (OUT, 0))
    assert world.events() == []
    world.start_exit(received, BOB)
    assert world.events() == [ie(received)]
    claim = world.verifier.challenge_data(received)
    assert claim.challenge_tx == tx
    decoded = world.rules.decode(tx)
    assert find_signature(world.rules, decoded, [claim.signature], BOB.address, CONTRACT)
    [event] = world.verifier.byzantine_events()
    assert event.details["spending_txhash"] == str(decoded.hash)


def test_a6_a_piggybacked_output_is_not_offered_again(world: InFlightWorld) -> None:
    """A6: once the only output and input of a transaction never sent are joined, nothing is offered."""
    deposit = world.deposit(ALICE, 10)
    tx = world.start(world.spend(deposit, ALICE, BOB))
    world.piggyback(tx, (OUT, 0))
    assert world.told() == [(PA, tx)]
    world.piggyback(tx, (IN, 0))
    assert world.told() == []
    assert world.verifier.ways_out.exitable_utxos(ALICE.address) == []


def test_a8_an_input_in_flight_cannot_exit_besides(world: InFlightWorld) -> None:
    """A8: the start alone offers the piggybacks, and takes the input out of what can exit."""
    deposit, other = world.deposit(ALICE, 10), world.deposit(ALICE, 3)
    tx = world.start(world.spend(deposit, ALICE, BOB))
    assert world.told() == [(PA, tx)]
    assert [position for position, _ in world.verifier.ways_out.exitable_utxos(ALICE.address)] == [other]


def test_a9_a_deleted_exit_is_over(world: InFlightWorld) -> None:
    """A9: nobody joined and somebody deleted it: it is neither offered nor listed."""
    deposit = world.deposit(ALICE, 10)
    tx = world.start(world.spend(deposit, ALICE, BOB))
    world.end(tx, deleted=True)
    assert world.told() == []
    assert world.listed() == []


def test_b7_a_wrong_challenge_without_a_position(world: InFlightWorld) -> None:
    """B7: three events in a Watcher's order, of which the response ends one."""
    deposit = world.deposit(ALICE, 10)
    paid, rival = (world.spend(deposit, ALICE, to) for to in (BOB, CAROL))
    at = UtxoPosition(world.block(paid), 0, 0)
    tx1, tx2 = world.start(paid), world.start(rival)
    world.accuse(tx1, rival)
    assert world.told() == [(NC, tx2), (IC, tx1), (PA, tx2)]
    assert Contract(world, tx1, oldest_competitor=NOT_INCLUDED).inclusion() == at
    world.respond(tx1, at)
    assert world.told() == [(NC, tx2), (PA, tx2)]


def test_b8_an_included_competitor(world: InFlightWorld) -> None:
    """B8: both exits are listed; the one not included is challenged with the other, place and proof."""
    deposit = world.deposit(ALICE, 10)
    paid, rival = (world.spend(deposit, ALICE, to) for to in (BOB, CAROL))
    at = UtxoPosition(world.block(paid), 0, 0)
    tx1, tx2 = world.start(paid), world.start(rival)
    assert world.told() == [(NC, tx2), (PA, tx2)]
    assert world.listed() == [tx1, tx2]
    assert Contract(world, tx2).competitor() == (tx1, at)
    world.accuse(tx2, paid, at)
    assert world.told() == [(PA, tx2)]


def test_b9_an_honest_exit_of_an_included_transaction(world: InFlightWorld) -> None:
    """B9: joined with an unspent output and paid, it never was an event, and is gone from the list."""
    deposit = world.deposit(ALICE, 10)
    paid = world.pay([(deposit, ALICE)], [(ALICE, 4), (BOB, 6)])
    blknum = world.block(paid)
    tx = world.start(paid)
    world.piggyback(tx, (OUT, 1))
    assert (world.told(), world.listed()) == ([], [tx])
    world.withdraw(tx, (OUT, 1))
    assert (world.told(), world.listed()) == ([], [])
    ledger = world.verifier.ledger
    assert ledger.unspent(UtxoPosition(blknum, 0, 1)) is None
    assert ledger.unspent(UtxoPosition(blknum, 0, 0)) is not None


def test_b10_an_honest_exit_of_a_transaction_never_sent(world: InFlightWorld) -> None:
    """B10: the same of a transaction in no block; its input is gone with it."""
    deposit = world.deposit(ALICE, 10)
    signed = world.spend(deposit, ALICE, BOB)
    tx = world.start(signed)
    world.piggyback(tx, (OUT, 0))
    world.withdraw(tx, (OUT, 0))
    assert (world.told(), world.listed()) == ([], [])
    assert not world.submit(world.block_of(signed)), "what was paid out cannot be spent any more"


def test_b11_an_invalid_payment_is_never_forgotten(world: InFlightWorld) -> None:
    """B11: a spent output that was paid stays an event for ever, and its exit stays listed."""
    deposit = world.deposit(ALICE, 10)
    paid = world.spend(deposit, ALICE, BOB)
    output = UtxoPosition(world.block(paid), 0, 0)
    spend = world.spend(output, BOB, CAROL)
    world.block(spend)
    tx = world.start(paid)
    world.piggyback(tx, (OUT, 0))
    assert Contract(world, tx).output_spend(0) == (world.raw(spend), output)
    world.withdraw(tx, (OUT, 0))
    world.end(tx, deleted=False)
    world.wait(SLA)
    assert world.told() == [(UP, tx), (IP, tx)]
    assert world.listed() == [tx]
    assert world.verifier.halt_if_late()


def test_a_competitor_signed_by_a_stranger_breaks_nothing(world: InFlightWorld) -> None:
    """A transaction shown with somebody else's signature only is no evidence, for nobody."""
    deposit = world.deposit(ALICE, 10)
    one, two = (world.start(world.spend(deposit, ALICE, to)) for to in (BOB, ALICE))
    world.accuse(two, world.spend(deposit, CAROL, CAROL))
    assert Contract(world, one).competitor() == (two, None)
