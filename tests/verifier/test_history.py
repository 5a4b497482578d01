"""History on disk answers exactly as history in memory does, and keeps what is old out of memory."""

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Wei
from plasma_guard.plasma.transaction import Output
from plasma_guard.verifier import Verifier
from plasma_guard.verifier.fees import decode_fee_claim, encode_fee_claim
from plasma_guard.verifier.history import DiskHistory
from verifier.in_flight_world import IN, OUT, InFlightWorld
from verifier.world import ALICE, BOB, CAROL, MALLORY


class DiskWorld(InFlightWorld):
    """A world whose verifier keeps its history on disk."""

    def __init__(self, generation: Generation) -> None:
        super().__init__(generation)
        self.history = DiskHistory(self.rules)
        self.verifier = Verifier(self.contracts, self.verifier.margins, self.history)


@pytest.fixture
def on_disk(generation: Generation) -> Iterator[DiskWorld]:
    world = DiskWorld(generation)
    with world.history:
        yield world


def play(world: InFlightWorld) -> list[UtxoPosition]:
    """Deposit, pay, claim fees, start exits of spent outputs; return every position that there was."""
    first, second, huge = world.deposit(ALICE, 10), world.deposit(BOB, 10), world.deposit(CAROL, 2**100)
    fee = []
    payment = world.pay([(first, ALICE), (second, BOB)], [(BOB, 12), (ALICE, 6)])
    if world.rules.generation.is_ald:
        fee = [encode_fee_claim(MALLORY.address, ETH, Wei(2), bytes(32))]
    raws = [world.raw(payment), *(claim_raw(each) for each in fee)]
    assert world.submit(world.block_of(payment, *fee, raws=raws))
    output = UtxoPosition(1000, 0, 1)
    spending = world.spend(output, ALICE, CAROL, 6)
    world.block(spending)
    world.block()
    world.start_exit(first, ALICE)
    world.start_exit(output, ALICE)
    world.start_exit(huge, CAROL)
    tx = world.start(payment)
    world.piggyback(tx, (IN, 0), (OUT, 1))
    world.start(world.pay([(first, ALICE)], [(MALLORY, 10)]))
    return [first, second, huge, output, *(UtxoPosition(blknum, 0, 0) for blknum in (1000, 2000, 3000))]


def claim_raw(signed: bytes) -> bytes:
    claim = decode_fee_claim(signed)
    assert claim is not None
    return claim.tx.raw


def test_disk_and_memory_say_the_same(game: InFlightWorld, on_disk: DiskWorld) -> None:
    """Events, evidence, ways out and the ledger's own answers do not depend on where history is kept."""
    positions = play(game)
    assert play(on_disk) == positions
    ours, theirs = game.verifier, on_disk.verifier
    assert theirs.byzantine_events() == ours.byzantine_events() != []
    assert theirs.status() == ours.status()
    for position in [*positions, UtxoPosition(9000, 0, 0), UtxoPosition(2**80, 0, 0), UtxoPosition(5, 1, 0)]:
        for ask in ("output", "creating_tx", "spend", "unspent", "transaction"):
            assert getattr(theirs.ledger, ask)(position) == getattr(ours.ledger, ask)(position), ask
        for ask in ("block", "submitted_at"):
            assert getattr(theirs.ledger, ask)(position.blknum) == getattr(ours.ledger, ask)(position.blknum)
    for who in (ALICE, BOB, CAROL, MALLORY):
        found = theirs.ways_out.exitable_utxos(who.address)
        assert found == ours.ways_out.exitable_utxos(who.address)
    for position in (positions[0], positions[3]):
        assert theirs.challenge_data(position) == ours.challenge_data(position)
    assert theirs.ways_out.exit_data(positions[3]) == ours.ways_out.exit_data(positions[3])
    [tx] = {each.tx for each in ours.status().in_flight_exits if each.piggybacked_inputs}
    assert theirs.piggybacks.input_spend(tx, 0) == ours.piggybacks.input_spend(tx, 0)
    assert theirs.piggybacks.output_spend(tx, 1) == ours.piggybacks.output_spend(tx, 1)
    exit_id = ours.rules.standard_exit_id(tx, positions[3])
    assert theirs.ledger.position_of_exit(exit_id, ALICE.address) == positions[3]
    tx_hash = ours.rules.decode(tx).hash
    assert theirs.ledger.find(tx_hash) == ours.ledger.find(tx_hash) is not None


def test_a_deposit_is_taken_once(on_disk: DiskWorld) -> None:
    """The same deposit again neither changes what is kept nor brings a spent one back."""
    output = Output(ALICE.address, ETH, Wei(5))
    assert on_disk.history.add_deposit(7, output)
    assert not on_disk.history.add_deposit(7, Output(BOB.address, ETH, Wei(6)))
    assert on_disk.history.deposit(7) == output


def grown(world: InFlightWorld, payments: list[bytes]) -> int:
    """Return how many bytes of memory it takes to apply blocks of ten payments that leave one output."""
    gc.collect()
    tracemalloc.start()
    for index in range(0, len(payments), 10):
        world.block(*payments[index : index + 10])
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def chained(world: InFlightWorld, count: int) -> list[bytes]:
    """Return payments of one coin that is passed on and on, ten to a block."""
    position, payments = world.deposit(ALICE, 10), []
    for index in range(count):
        payments.append(world.spend(position, ALICE, ALICE))
        position = UtxoPosition(1000 * (index // 10 + 1), index % 10, 0)
    return payments


@pytest.mark.parametrize("generation", [Generation.ALD_V1], indirect=True)
def test_memory_does_not_grow_with_what_was_spent(game: InFlightWorld, on_disk: DiskWorld) -> None:
    """A coin passed on 600 times takes memory once with history on disk, and 600 times without."""
    in_memory = grown(game, chained(game, 600))
    assert grown(on_disk, chained(on_disk, 600)) < in_memory / 5
    assert in_memory > 600 * 500
