"""How in-flight exits begin and end, and what they do to standard exits: rows C and F of the catalogue."""

from dataclasses import replace

import pytest

from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.exits import (
    InFlightExitChallenged,
    InFlightExitEnded,
    InFlightExitStarted,
    InFlightExitWithdrawn,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.plasma.evidence import find_signature
from plasma_guard.verifier.game import Facts
from verifier.in_flight_world import IN, OUT, InFlightWorld
from verifier.world import ALICE, BOB, CAROL, MALLORY, PERIOD, SLA, ie, ue

PA, IP, UP = "piggyback_available", "invalid_piggyback", "unchallenged_piggyback"


def assert_challengeable(game: InFlightWorld, position: UtxoPosition, spender: bytes) -> None:
    """The verifier's challenge is this transaction, signed by the exiting owner."""
    claim = game.verifier.challenge_data(position)
    assert claim.challenge_tx == spender
    tx = game.rules.decode(spender)
    assert tx.inputs[claim.input_index] == position
    output = game.verifier.ledger.output(position)
    assert output is not None
    entry = game.contracts.entry
    assert find_signature(game.rules, tx, [claim.signature], output.owner, entry) == claim.signature


def spending_txhash(game: InFlightWorld) -> list[object]:
    events = game.verifier.byzantine_events()
    return [event.details["spending_txhash"] for event in events if event.name == "invalid_exit"]


def test_c3_a_deposit_spent_in_flight_only(game: InFlightWorld) -> None:
    """C3: an in-flight transaction makes the exit of its input invalid, and proves it."""
    deposit = game.deposit(ALICE, 10)
    game.start_exit(deposit, ALICE)
    assert game.events() == []
    tx = game.start(game.spend(deposit, ALICE, BOB))
    assert ie(deposit) in game.events()
    assert_challengeable(game, deposit, tx)


def test_c5_an_output_spent_in_flight_only(game: InFlightWorld) -> None:
    """C5: the same for an output of a block; the event names the in-flight transaction."""
    blknum = game.block(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    output = UtxoPosition(blknum, 0, 0)
    tx = game.start(game.spend(output, BOB, CAROL))
    game.start_exit(output, BOB)
    assert ie(output) in game.events()
    assert spending_txhash(game) == [str(game.rules.decode(tx).hash)]
    assert_challengeable(game, output, tx)


def test_c6_an_unrelated_exit_in_flight_is_no_challenge(game: InFlightWorld) -> None:
    """C6: the challenge is the block's transaction, not one in flight that spends something else."""
    deposit, other = game.deposit(ALICE, 10), game.deposit(ALICE, 10)
    spending = game.spend(deposit, ALICE, BOB)
    game.block(spending)
    game.start(game.spend(other, ALICE, BOB))
    game.start_exit(deposit, ALICE)
    assert_challengeable(game, deposit, game.raw(spending))


def test_c10_spent_in_a_block_and_in_flight(game: InFlightWorld) -> None:
    """C10: the in-flight transaction is the challenge served, and the one the event names."""
    deposit = game.deposit(ALICE, 10)
    game.block(game.spend(deposit, ALICE, BOB))
    tx = game.start(game.spend(deposit, ALICE, CAROL))
    game.start_exit(deposit, ALICE)
    assert spending_txhash(game) == [str(game.rules.decode(tx).hash)]
    assert_challengeable(game, deposit, tx)


def test_c16_a_valid_exit_beside_a_valid_one_in_flight(game: InFlightWorld) -> None:
    """C16: exits of different outputs raise nothing against each other."""
    deposit, other = game.deposit(ALICE, 10), game.deposit(ALICE, 10)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.start_exit(other, ALICE)
    assert game.names() == [PA]
    assert game.told() == [(PA, tx)]


def test_c17_a_challenged_exit_is_not_invalid_again(game: InFlightWorld) -> None:
    """C17: after its challenge, a conflicting in-flight exit makes no event of it."""
    deposit = game.deposit(ALICE, 10)
    game.start(game.spend(deposit, ALICE, BOB))
    game.start_exit(deposit, ALICE)
    assert ie(deposit) in game.events()
    game.challenge(deposit)
    assert game.names() == [PA]


def test_c21_deletion_leaves_the_ledger_alone(game: InFlightWorld) -> None:
    """C21, otherwise than the real one: a deleted exit's inputs stay spendable, and blocks stay valid."""
    deposit = game.deposit(ALICE, 10)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.end(tx, deleted=True)
    assert game.verifier.ledger.unspent(deposit) is not None
    game.block(game.spend(deposit, ALICE, CAROL))
    assert game.names() == []
    assert not game.verifier.halted


def test_h3_the_exit_of_an_input_after_deletion_has_a_real_challenge(game: InFlightWorld) -> None:
    """H3: whoever signed the input away and exits it can still be challenged, so that is what is told.

    The real Watcher tells of an invalid exit too, but without the spend that would prove it.
    """
    deposit = game.deposit(ALICE, 10)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.end(tx, deleted=True)
    game.start_exit(deposit, ALICE)
    assert game.events() == [ie(deposit)]
    assert_challengeable(game, deposit, tx)


def test_h3_the_exit_of_an_input_that_nobody_signed_away(game: InFlightWorld) -> None:
    """An input that somebody else put into a deleted in-flight exit's competitor exits in peace."""
    mine, bobs = game.deposit(MALLORY, 10), game.deposit(BOB, 10)
    tx = game.start(game.spend(mine, MALLORY, ALICE))
    game.accuse(tx, game.pay([(mine, MALLORY), (bobs, MALLORY)], [(MALLORY, 20)]))
    game.end(tx, deleted=True)
    game.start_exit(bobs, BOB)
    assert game.events() == []


def test_a8_an_input_in_flight_cannot_exit(game: InFlightWorld) -> None:
    """A8: an output that a known transaction spends is not listed as exitable."""
    deposit, other = game.deposit(ALICE, 10), game.deposit(ALICE, 5)
    ways_out = game.verifier.ways_out
    game.start(game.spend(deposit, ALICE, BOB))
    assert [position for position, _ in ways_out.exitable_utxos(ALICE.address)] == [other]


def test_f1_exactly_what_was_paid_leaves_the_ledger(game: InFlightWorld) -> None:
    """F1: a paid input and a paid output of two exits are gone, and nothing else is."""
    first, second = game.deposit(ALICE, 10), game.deposit(ALICE, 10)
    signed = game.pay([(first, ALICE)], [(ALICE, 4), (BOB, 6)])
    blknum = game.block(signed)
    included = game.start(signed)
    rival = game.start(game.pay([(second, ALICE)], [(BOB, 10)]))
    game.piggyback(included, (OUT, 1))
    game.piggyback(rival, (IN, 0))
    game.withdraw(included, (OUT, 1))
    game.withdraw(rival, (IN, 0))
    ledger = game.verifier.ledger
    assert ledger.unspent(UtxoPosition(blknum, 0, 1)) is None
    assert ledger.unspent(second) is None
    assert ledger.unspent(UtxoPosition(blknum, 0, 0)) is not None
    assert game.listed() == []


def test_f2_a_paid_output_that_was_in_no_block(game: InFlightWorld) -> None:
    """F2: the output never was on the plasma chain; its inputs are gone, so no block can spend them again."""
    deposit, other = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    tx = game.start(game.pay([(deposit, ALICE), (other, BOB)], [(CAROL, 12), (BOB, 8)]))
    game.piggyback(tx, (OUT, 0), (OUT, 1))
    game.withdraw(tx, (OUT, 0), (OUT, 1))
    assert game.names() == []
    assert game.listed() == []
    assert not game.submit(game.block_of(game.spend(deposit, ALICE, MALLORY)))


def test_f3_the_order_of_logs_is_tolerated(game: InFlightWorld) -> None:
    """F3: ends of exits nobody started, and payments of slots nobody joined, break nothing."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    tx = game.raw(signed)
    game.withdraw(tx, (OUT, 0))
    game.end(tx, deleted=True)
    game.piggyback(tx, (OUT, 0))
    game.block_piggyback(tx, OUT, 0)
    game.respond(tx, UtxoPosition(1000, 0, 0))
    assert game.names() == []
    game.start(signed)
    game.withdraw(tx, (IN, 0))
    assert game.names() == []
    assert game.verifier.ledger.unspent(deposit) is None


def test_f4_an_exit_ends_with_its_last_piggyback(game: InFlightWorld) -> None:
    """F4: the list shrinks only when everything that joined was paid."""
    deposit = game.deposit(ALICE, 10)
    signed = game.pay([(deposit, ALICE)], [(ALICE, 4), (BOB, 6)])
    game.block(signed)
    tx = game.start(signed)
    game.piggyback(tx, (OUT, 0), (OUT, 1))
    game.withdraw(tx, (OUT, 0))
    assert [each.piggybacked_outputs for each in game.verifier.status().in_flight_exits] == [(1,)]
    game.withdraw(tx, (OUT, 1))
    assert game.listed() == []


def test_f5_everything_is_told_again_after_a_restart(game: InFlightWorld) -> None:
    """F5: a second verifier that reads the same chains says the same; nothing has to be kept between."""
    told = []
    for _ in range(2):
        again = InFlightWorld(game.contracts.generation)
        deposit = again.deposit(ALICE, 10)
        again.block(again.spend(deposit, ALICE, CAROL))
        tx = again.start(again.spend(deposit, ALICE, BOB))
        again.piggyback(tx, (IN, 0))
        again.start_exit(deposit, ALICE)
        told.append((again.verifier.byzantine_events(), again.verifier.status().in_flight_exits))
    assert told[0] == told[1]
    assert told[0][0]


def test_b9_an_honest_exit_of_an_included_transaction(game: InFlightWorld) -> None:
    """B9: nothing is told from the start to the payment, and then the list is empty."""
    signed = game.spend(game.deposit(ALICE, 10), ALICE, BOB)
    game.block(signed)
    tx = game.start(signed)
    game.piggyback(tx, (OUT, 0))
    assert (game.names(), game.listed()) == ([], [tx])
    game.withdraw(tx, (OUT, 0))
    assert (game.names(), game.listed()) == ([], [])


def test_b11_a_wrong_payment_is_never_forgotten(game: InFlightWorld) -> None:
    """B11: a spent output that was paid keeps its events, its evidence and its place in the list."""
    signed = game.spend(game.deposit(ALICE, 10), ALICE, BOB)
    position = UtxoPosition(game.block(signed), 0, 0)
    game.block(game.spend(position, BOB, CAROL))
    tx = game.start(signed)
    game.piggyback(tx, (OUT, 0))
    game.withdraw(tx, (OUT, 0))
    game.end(tx, deleted=False)
    game.wait(SLA)
    assert game.told() == [(UP, tx), (IP, tx)]
    assert game.listed() == [tx]
    assert game.verifier.piggybacks.output_spend(tx, 0).output_position == position
    assert game.verifier.in_flight_exits.overdue(Timestamp(2**40)) == []


def test_a9_a_deleted_exit_is_gone(game: InFlightWorld) -> None:
    """A9: what nobody joined is offered until it is deleted, and then nothing is told or listed."""
    tx = game.start(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    assert game.names() == [PA]
    game.end(tx, deleted=True)
    assert (game.names(), game.listed()) == ([], [])


def test_an_exit_processed_without_payment_ends(game: InFlightWorld) -> None:
    """An exit that was processed and paid nobody is not listed any more, nor offered, whatever had joined."""
    tx = game.start(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    game.piggyback(tx, (IN, 0))
    exits = game.verifier.in_flight_exits
    started_at = game.at(100)
    assert exits.overdue(started_at) == []
    [overdue] = exits.overdue(Timestamp(started_at + PERIOD))
    exits.end(overdue)
    assert (game.names(), game.listed()) == ([], [])


def test_the_rest_of_a_paid_exit_ends_with_it(game: InFlightWorld) -> None:
    """A canonical exit pays outputs only: the inputs that joined get their bond, and nothing stays open."""
    deposit = game.deposit(ALICE, 10)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.piggyback(tx, (IN, 0), (OUT, 0))
    game.withdraw(tx, (OUT, 0))
    assert game.listed() == [tx]
    game.end(tx, deleted=False)
    assert (game.names(), game.listed()) == ([], [])
    game.start(game.spend(deposit, ALICE, MALLORY))
    assert game.told(IP) == []


def test_an_end_that_comes_after_a_new_start_ends_nothing(game: InFlightWorld) -> None:
    """Ends wait for blocks and can come after the next start of the same transaction: they are older."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    tx = game.start(signed)
    before = game.where
    game.start(signed)
    exit_id = game.rules.in_flight_exit_id(tx)
    game.verifier.apply_event(InFlightExitWithdrawn(exit_id, IN, 0, **before))
    game.verifier.apply_event(InFlightExitEnded(exit_id, deleted=False, **before))
    assert game.listed() == [tx]
    assert game.names() == [PA]
    assert game.verifier.ledger.unspent(deposit) is None


def test_an_unreadable_start_is_read_when_its_block_comes(game: InFlightWorld) -> None:
    """Without bytes an exit is only known by hash; a block that holds the transaction brings it to light."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    tx = game.start(signed, readable=False)
    game.piggyback(tx, (OUT, 0))
    exits = game.verifier.in_flight_exits
    assert list(exits.unread) == [game.rules.decode(tx).hash]
    assert game.names() == []
    position = UtxoPosition(game.block(signed), 0, 0)
    assert list(exits.unread) == []
    assert [each.piggybacked_outputs for each in game.verifier.status().in_flight_exits] == [(0,)]
    game.block(game.spend(position, BOB, CAROL))
    assert game.told() == [(IP, tx)]


@pytest.mark.parametrize("shown", ["in a block", "as a competitor"])
def test_an_unreadable_start_is_read_from_what_is_known(game: InFlightWorld, shown: str) -> None:
    """A transaction that was in a block before, or shown by a challenge, needs no starter to tell it."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    if shown == "in a block":
        game.block(signed)
    else:
        game.accuse(game.start(game.spend(deposit, ALICE, CAROL)), signed)
    tx = game.start(signed, readable=False)
    assert tx in game.listed()
    assert game.verifier.in_flight_exits.unread == ()


def test_the_starter_tells_inputs_that_the_ledger_has_not(game: InFlightWorld) -> None:
    """Of inputs in blocks not validated yet, owner and transaction are what the contract was given."""
    ahead, other = UtxoPosition(9000, 0, 0), UtxoPosition(9000, 1, 0)
    one, two = (game.pay([(ahead, ALICE), (other, BOB)], [(to, 20)]) for to in (CAROL, MALLORY))
    for signed in (one, two):
        data = game._start_data(signed)
        told = replace(data, input_txs=(b"first", b"second"), input_owners=(ALICE.address, None))
        tx_hash = game.rules.decode(data.tx).hash
        assert game.verifier.in_flight_exits.tx(tx_hash) is None
        event = InFlightExitStarted(ALICE.address, tx_hash, **game.where)
        game.verifier.apply_event(event, Facts(start=told))
        assert game.verifier.in_flight_exits.tx(tx_hash) == data.tx
    claim = game.verifier.canonicity.competitor(game.raw(one))
    assert (claim.competing_tx, claim.input_tx) == (game.raw(two), b"first")
    assert (claim.input_position, claim.in_flight_input_index) == (ahead, 0)


def test_less_than_all_facts_breaks_nothing(game: InFlightWorld) -> None:
    """Fewer input transactions than inputs, a challenge without its call, a payment of no slot: tolerated."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    tx = game.raw(signed)
    bare = replace(game._start_data(signed), input_txs=(), input_owners=())
    event = InFlightExitStarted(ALICE.address, game.rules.decode(tx).hash, **game.where)
    game.verifier.apply_event(event, Facts(start=bare))
    challenged = InFlightExitChallenged(BOB.address, event.plasma_tx_hash, 5, **game.where)
    game.verifier.apply_event(challenged)
    game.withdraw(tx, (IN, 1))
    assert game.names() == [PA]
    assert game.verifier.ledger.unspent(deposit) is not None
    game.start(game.spend(deposit, ALICE, CAROL))
    with pytest.raises(WatcherRefused, match="no_viable"):
        game.verifier.canonicity.competitor(tx)


def test_what_a_starter_gave_must_be_what_was_started(game: InFlightWorld) -> None:
    """Bytes with another hash, or that do not decode, leave the exit unread."""
    one, two = (game.spend(game.deposit(ALICE, 10), ALICE, to) for to in (BOB, CAROL))
    data = game._start_data(two)
    tx_hash = game.rules.decode(game.raw(one)).hash
    for given in (data, replace(data, tx=b"\x00")):
        event = InFlightExitStarted(ALICE.address, tx_hash, **game.where)
        game.verifier.apply_event(event, Facts(start=given))
        assert game.verifier.in_flight_exits.unread == (tx_hash,)
        assert game.names() == []


def test_ways_out_of_a_transaction_in_flight(game: InFlightWorld) -> None:
    """The data to start an in-flight exit proves every input, deposits and outputs of blocks alike."""
    first = game.deposit(ALICE, 10)
    blknum = game.block(game.spend(first, ALICE, BOB))
    deposit, output = game.deposit(ALICE, 10), UtxoPosition(blknum, 0, 0)
    signed = game.rules.decode_signed(game.pay([(deposit, ALICE), (output, BOB)], [(CAROL, 20)]))
    data = game.verifier.ways_out.in_flight_data(signed)
    assert data.tx == signed.tx.raw
    assert data.positions == (deposit, output)
    ledger = game.verifier.ledger
    assert data.input_txs == tuple(ledger.creating_tx(each) for each in (deposit, output))
    roots = game.rules.merkle_root([data.input_txs[0]]), game.blocks[blknum].hash
    for input_tx, proof, root in zip(data.input_txs, data.proofs, roots, strict=True):
        assert game.rules.verify_inclusion(input_tx, 0, proof, root)


def test_no_way_out_of_what_never_was(game: InFlightWorld) -> None:
    """An input that does not exist is refused with a Watcher's own code."""
    signed = game.rules.decode_signed(game.spend(UtxoPosition(9000, 0, 0), ALICE, BOB))
    with pytest.raises(WatcherRefused) as caught:
        game.verifier.ways_out.in_flight_data(signed)
    assert caught.value.code == "in_flight_exit:tx_for_input_not_found"


def test_late_events_come_in_a_watchers_order(game: InFlightWorld) -> None:
    """Kinds are listed as a real Watcher lists them, late ones first, blocks last."""
    deposit = game.deposit(ALICE, 10)
    game.block(game.spend(deposit, ALICE, CAROL))
    included = game.spend(game.deposit(BOB, 10), BOB, CAROL)
    game.block(included)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.piggyback(tx, (IN, 0))
    game.start_exit(deposit, ALICE)
    accused = game.start(included)
    game.accuse(accused, game.pay([(game.rules.decode(accused).inputs[0], BOB)], [(MALLORY, 10)]))
    assert not game.submit(game.block_of(included))
    game.wait(SLA)
    assert game.names() == [
        "unchallenged_non_canonical_ife",
        "unchallenged_exit",
        "unchallenged_piggyback",
        "invalid_exit",
        "invalid_piggyback",
        "non_canonical_ife",
        "invalid_ife_challenge",
        "piggyback_available",
        "invalid_block",
    ]
    assert game.events()[1] == ue(deposit)
