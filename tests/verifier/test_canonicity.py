"""The canonicity rows of the scenario catalogue, each under the rules of every generation."""

from itertools import product

import pytest

from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32
from verifier.in_flight_world import IN, OUT, InFlightWorld, no_competitor, no_inclusion
from verifier.world import ALICE, BOB, CAROL, MALLORY, SLA

NC, UNC, IC = "non_canonical_ife", "unchallenged_non_canonical_ife", "invalid_ife_challenge"
NONE = "get_competitor:competitor_not_found"
NOT_VIABLE = "get_competitor:no_viable_competitor_found"


def assert_provable(game: InFlightWorld, tx: bytes) -> None:
    """The competitor shares the named input, is signed by its owner, and its proof leads to the root."""
    claim = game.verifier.canonicity.competitor(tx)
    competing, in_flight = game.rules.decode(claim.competing_tx), game.rules.decode(tx)
    shared = competing.inputs[claim.competing_input_index]
    assert shared == in_flight.inputs[claim.in_flight_input_index] == claim.input_position
    output = game.verifier.ledger.output(shared)
    assert output is not None
    assert claim.input_tx == game.verifier.ledger.creating_tx(shared)
    assert claim.signature is not None
    assert game.rules.recover(competing, claim.signature, game.contracts.entry) == output.owner
    if claim.position is None:
        assert claim.proof == b""
    else:
        assert proven(game, claim.competing_tx, claim.position, claim.proof)


def proven(game: InFlightWorld, tx: bytes, position: UtxoPosition, proof: bytes) -> bool:
    root: Hash32 = game.blocks[position.blknum].hash
    assert position.oindex == 0
    return game.rules.verify_inclusion(tx, position.txindex, proof, root)


def test_d1_no_competitor(game: InFlightWorld) -> None:
    """D1: neither an unspent input, nor another output's spend, nor the same transaction accuses an exit."""
    deposit, other = game.deposit(ALICE, 10), game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    tx = game.start(signed)
    assert game.told(NC) == []
    assert no_competitor(game, tx) == NONE
    game.block(game.spend(other, ALICE, CAROL), signed)
    assert game.told(NC) == []
    assert no_competitor(game, tx) == NONE


def test_d2_two_exits_of_one_input_accuse_each_other(game: InFlightWorld) -> None:
    """D2: of two in-flight exits, none included, each is the other's competitor, without a position."""
    deposit = game.deposit(ALICE, 10)
    one, two = (game.start(game.spend(deposit, ALICE, to)) for to in (BOB, CAROL))
    assert game.told(NC) == [(NC, one), (NC, two)]
    for tx, competing in ((one, two), (two, one)):
        claim = game.verifier.canonicity.competitor(tx)
        assert (claim.competing_tx, claim.position, claim.proof) == (competing, None, b"")
        assert_provable(game, tx)


def test_d3_a_competitor_known_only_from_a_challenge(game: InFlightWorld) -> None:
    """D3: a transaction that somebody used against one exit accuses every other exit it conflicts with."""
    first, second = game.deposit(ALICE, 10), game.deposit(ALICE, 10)
    one = game.start(game.spend(first, ALICE, BOB))
    two = game.start(game.spend(second, ALICE, BOB))
    both = game.pay([(first, ALICE), (second, ALICE)], [(CAROL, 20)])
    game.accuse(one, both)
    assert game.told(NC) == [(NC, two)]
    assert game.verifier.canonicity.competitor(two).competing_tx == game.raw(both)
    assert_provable(game, two)


def test_d3_only_the_signed_input_of_a_competitor_is_evidence(game: InFlightWorld) -> None:
    """A competitor must be signed for the shared input only: against others' inputs it proves nothing."""
    mine, bobs = game.deposit(MALLORY, 10), game.deposit(BOB, 10)
    one = game.start(game.spend(mine, MALLORY, ALICE))
    honest = game.start(game.spend(bobs, BOB, CAROL))
    forged = game.pay([(mine, MALLORY), (bobs, MALLORY)], [(MALLORY, 20)])
    game.accuse(one, forged)
    game.start_exit(bobs, CAROL)
    assert game.told(NC) == []
    assert no_competitor(game, honest) == NONE


def test_d4_a_single_competitor_in_a_block(game: InFlightWorld) -> None:
    """D4: a conflicting transaction in a block comes with its position and a proof that verifies."""
    deposit, other = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    competing = game.spend(deposit, ALICE, CAROL)
    blknum = game.block(game.spend(other, BOB, CAROL), competing)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    assert game.told(NC) == [(NC, tx)]
    claim = game.verifier.canonicity.competitor(tx)
    assert claim.competing_tx == game.raw(competing)
    assert claim.position == UtxoPosition(blknum, 1, 0)
    assert_provable(game, tx)


def two_competitors(game: InFlightWorld) -> tuple[bytes, list[bytes], list[UtxoPosition]]:
    """Return an exit whose two inputs are spent in two blocks, the second input's first."""
    first, second = game.deposit(ALICE, 10), game.deposit(ALICE, 10)
    older, younger = game.spend(second, ALICE, CAROL), game.spend(first, ALICE, CAROL)
    positions = [UtxoPosition(game.block(each), 0, 0) for each in (older, younger)]
    tx = game.start(game.pay([(first, ALICE), (second, ALICE)], [(BOB, 20)]))
    return tx, [older, younger], positions


def test_d5_the_older_competitor_remains_after_the_younger_was_used(game: InFlightWorld) -> None:
    """D5: a challenge with the younger competitor leaves the event until the older one is used."""
    tx, (older, younger), (first, second) = two_competitors(game)
    game.accuse(tx, younger, second)
    assert game.told(NC) == [(NC, tx)]
    assert game.verifier.canonicity.competitor(tx).competing_tx == game.raw(older)
    game.accuse(tx, older, first)
    assert game.told(NC) == []
    assert no_competitor(game, tx) == NOT_VIABLE


def test_d6_one_of_two_competitors_without_position_is_used(game: InFlightWorld) -> None:
    """D6: three exits of one input accuse each other; one that was challenged is not accused again."""
    deposit = game.deposit(ALICE, 10)
    signed = [game.spend(deposit, ALICE, to) for to in (BOB, CAROL, MALLORY)]
    txs = [game.start(each) for each in signed]
    assert game.told(NC) == [(NC, tx) for tx in txs]
    game.accuse(txs[0], signed[1])
    assert game.told(NC) == [(NC, tx) for tx in txs[1:]]
    assert no_competitor(game, txs[0]) == NOT_VIABLE


def test_d6_a_competitor_that_gets_included_accuses_again(game: InFlightWorld) -> None:
    """After a challenge without position, the competitor's inclusion makes a second challenge possible."""
    deposit = game.deposit(ALICE, 10)
    competing = game.spend(deposit, ALICE, CAROL)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.accuse(tx, competing)
    assert game.told(NC) == []
    blknum = game.block(competing)
    assert game.told(NC) == [(NC, tx)]
    assert game.verifier.canonicity.competitor(tx).position == UtxoPosition(blknum, 0, 0)
    game.accuse(tx, competing, UtxoPosition(blknum, 0, 0))
    assert game.told(NC) == []


def test_d7_an_included_transaction_without_an_older_spend(game: InFlightWorld) -> None:
    """D7: an included transaction is not accused by one in flight: that is no viable competitor."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    game.block(signed)
    tx = game.start(signed)
    rival = game.start(game.spend(deposit, ALICE, CAROL))
    assert game.told(NC) == [(NC, rival)]
    assert no_competitor(game, tx) == NOT_VIABLE


def test_d8_an_included_and_oldest_transaction(game: InFlightWorld) -> None:
    """D8: the exit of an included transaction, which the ledger makes the oldest, is canonical."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    tx = game.start(signed)
    game.block(signed)
    assert game.names() == []
    assert no_competitor(game, tx) == NONE


@pytest.mark.parametrize("same_block", [True, False], ids=["same block", "distinct blocks"])
def test_d9_a_partly_older_competitor(game: InFlightWorld, *, same_block: bool) -> None:
    """D9: the spend that lies lower, in the same block or an earlier one, is the competitor.

    Two conflicting transactions cannot both be in valid blocks, so the in-flight one is in none.
    """
    first, second = game.deposit(ALICE, 10), game.deposit(ALICE, 10)
    low, high = game.spend(second, ALICE, CAROL), game.spend(first, ALICE, CAROL)
    blknum = game.block(low, high) if same_block else game.block(low)
    if not same_block:
        game.block(high)
    tx = game.start(game.pay([(first, ALICE), (second, ALICE)], [(BOB, 20)]))
    assert game.told(NC) == [(NC, tx)]
    assert game.verifier.canonicity.competitor(tx).position == UtxoPosition(blknum, 0, 0)
    assert_provable(game, tx)


def test_d10_a_late_one_halts(game: InFlightWorld) -> None:
    """D10: past the margin, counted from the start, there are two events, and no further block is taken."""
    deposit, other = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    game.block(game.spend(deposit, ALICE, CAROL))
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.wait(SLA - 2)
    assert game.told(NC, UNC) == [(NC, tx)]
    assert not game.verifier.halt_if_late()
    game.wait()
    assert game.told(NC, UNC) == [(UNC, tx), (NC, tx)]
    game.block(game.spend(other, BOB, CAROL))
    assert game.verifier.halted


def test_d11_an_exit_challenged_enough(game: InFlightWorld) -> None:
    """D11: once the oldest competitor is recorded, there is nothing to add."""
    deposit = game.deposit(ALICE, 10)
    competing = game.spend(deposit, ALICE, CAROL)
    blknum = game.block(competing)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.accuse(tx, competing, UtxoPosition(blknum, 0, 0))
    assert game.told(NC, IC) == []
    assert no_competitor(game, tx) == NOT_VIABLE


def test_d12_a_double_spend_at_every_pair_of_input_indices(game: InFlightWorld) -> None:
    """D12: both indices name the input that both transactions spend."""
    count = game.rules.max_inputs
    for ours, theirs in product(range(count), repeat=2):
        shared = game.deposit(ALICE, 10)
        fillers = [[game.deposit(ALICE, 10) for _ in range(count - 1)] for _ in range(2)]
        fillers[0].insert(ours, shared)
        fillers[1].insert(theirs, shared)
        in_flight, competing = (
            game.pay([(each, ALICE) for each in inputs], [(BOB, 10 * count)]) for inputs in fillers
        )
        game.block(competing)
        tx = game.start(in_flight)
        claim = game.verifier.canonicity.competitor(tx)
        assert (claim.in_flight_input_index, claim.competing_input_index) == (ours, theirs)
        assert claim.input_position == shared
        game.end(tx, deleted=True)


def test_d13_a_competitor_signed_at_another_position(game: InFlightWorld) -> None:
    """D13: the signature given is the shared input's owner's, wherever it stands among the competitor's."""
    shared, other = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    competing = game.pay([(other, BOB), (shared, ALICE)], [(CAROL, 20)])
    game.start(competing)
    tx = game.start(game.spend(shared, ALICE, MALLORY))
    claim = game.verifier.canonicity.competitor(tx)
    assert game.signed_by(claim.competing_tx, claim.signature, ALICE)
    assert claim.competing_input_index == 1


def test_d14_the_oldest_competitor_wins_across_inputs(game: InFlightWorld) -> None:
    """D14: the competitor served is the earliest in blocks, not the one of the lowest input."""
    tx, (older, _), (first, _) = two_competitors(game)
    claim = game.verifier.canonicity.competitor(tx)
    assert (claim.competing_tx, claim.position) == (game.raw(older), first)
    assert claim.in_flight_input_index == 1
    assert_provable(game, tx)


def test_d15_the_input_transaction_is_returned(game: InFlightWorld) -> None:
    """D15: the shared input's transaction and position are those the exit was started with."""
    deposit = game.deposit(ALICE, 10)
    blknum = game.block(game.pay([(deposit, ALICE)], [(BOB, 4), (ALICE, 6)]))
    shared = UtxoPosition(blknum, 0, 1)
    game.block(game.spend(shared, ALICE, CAROL, 6))
    tx = game.start(game.spend(shared, ALICE, BOB, 6))
    claim = game.verifier.canonicity.competitor(tx)
    assert claim.input_tx == game.verifier.ledger.creating_tx(shared)
    assert claim.input_position == shared


def test_d16_an_input_that_is_not_created_yet(game: InFlightWorld) -> None:
    """D16: an exit whose input lies in a block not validated yet accuses nobody and breaks nothing."""
    ahead = UtxoPosition(9000, 0, 0)
    tx = game.start(game.spend(ahead, ALICE, BOB))
    assert game.told(NC, IC) == []
    assert no_competitor(game, tx) == NONE


def test_d17_an_unknown_transaction(game: InFlightWorld) -> None:
    """D17: nothing is told about an exit that nobody started."""
    unknown = game.raw(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    assert no_competitor(game, unknown) == "get_competitor:ife_not_known_for_tx"
    assert no_inclusion(game, unknown) == "prove_canonical:ife_not_known_for_tx"
    assert no_competitor(game, b"\x00") == "get_competitor:ife_not_known_for_tx"


def wrongly_accused(game: InFlightWorld) -> tuple[bytes, UtxoPosition]:
    """Return the exit of an included transaction that somebody challenged with one in flight."""
    deposit, other = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    signed = game.spend(deposit, ALICE, BOB)
    blknum = game.block(game.spend(other, BOB, CAROL), signed)
    tx = game.start(signed)
    game.accuse(tx, game.spend(deposit, ALICE, CAROL))
    return tx, UtxoPosition(blknum, 1, 0)


def test_d18_a_wrong_challenge_is_answered(game: InFlightWorld) -> None:
    """D18: the event stands, with a proof of the inclusion, until the response is seen."""
    tx, position = wrongly_accused(game)
    assert game.told() == [(IC, tx)]
    claim = game.verifier.canonicity.inclusion(tx)
    assert (claim.in_flight_tx, claim.position) == (tx, position)
    assert proven(game, tx, position, claim.proof)
    game.respond(tx, position)
    assert game.told() == []


def test_d19_a_fresh_or_answered_exit_has_nothing_to_prove(game: InFlightWorld) -> None:
    """D19: without a challenge that stands and is wrong there is no proof to give."""
    tx, position = wrongly_accused(game)
    game.respond(tx, position)
    assert no_inclusion(game, tx) == "prove_canonical:no_viable_canonical_proof_found"
    fresh = game.start(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    assert no_inclusion(game, fresh) == "prove_canonical:no_viable_canonical_proof_found"
    assert game.told(IC) == []


def test_d19_a_right_challenge_has_no_answer(game: InFlightWorld) -> None:
    """A transaction that is in no block cannot answer its challenge."""
    deposit = game.deposit(ALICE, 10)
    competing = game.spend(deposit, ALICE, CAROL)
    blknum = game.block(competing)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.accuse(tx, competing, UtxoPosition(blknum, 0, 0))
    assert game.told(IC) == []
    assert no_inclusion(game, tx) == "prove_canonical:no_viable_canonical_proof_found"


def test_d20_a_second_inclusion_is_no_block(game: InFlightWorld) -> None:
    """D20: a transaction can be in valid blocks once; proven is the older place, any response ends it."""
    tx, position = wrongly_accused(game)
    signed = game.blocks[position.blknum].transactions[1]
    assert not game.submit(game.block_of(signed))
    assert game.names() == [IC, "invalid_block"]
    assert game.verifier.canonicity.inclusion(tx).position == position
    game.respond(tx, UtxoPosition(position.blknum + 1000, 0, 0))
    assert game.told(IC) == []


def test_a_deleted_exit_is_accused_of_nothing(game: InFlightWorld) -> None:
    """An exit whose entry is gone without payment needs no answer any more, however wrong it was."""
    deposit = game.deposit(ALICE, 10)
    game.block(game.spend(deposit, ALICE, CAROL))
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.end(tx, deleted=True)
    game.wait(SLA)
    assert game.names() == []
    assert not game.verifier.halt_if_late()


def test_a_paid_exit_stays_accused(game: InFlightWorld) -> None:
    """A non-canonical exit that paid its output was a theft: it is told for ever, as by a real Watcher."""
    deposit = game.deposit(ALICE, 10)
    game.block(game.spend(deposit, ALICE, CAROL))
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.piggyback(tx, (OUT, 0))
    game.withdraw(tx, (OUT, 0))
    assert game.told() == [(NC, tx)]
    assert game.listed() == []


def test_a_restarted_exit_is_a_new_one(game: InFlightWorld) -> None:
    """A second start of the same transaction knows neither challenges nor piggybacks of the first."""
    deposit = game.deposit(ALICE, 10)
    competing = game.spend(deposit, ALICE, CAROL)
    blknum = game.block(competing)
    signed = game.spend(deposit, ALICE, BOB)
    tx = game.start(signed)
    game.piggyback(tx, (IN, 0))
    game.accuse(tx, competing, UtxoPosition(blknum, 0, 0))
    game.block_piggyback(tx, IN, 0)
    game.end(tx, deleted=True)
    game.start(signed)
    assert game.told(NC) == [(NC, tx)]
    assert [each.piggybacked_inputs for each in game.verifier.status().in_flight_exits] == [()]
