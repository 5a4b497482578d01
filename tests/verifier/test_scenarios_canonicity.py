"""The canonicity rows of the scenario catalogue, each under the rules of every generation."""

import pytest

from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Wei
from verifier.in_flight_world import IN, OUT, InFlightWorld
from verifier.world import ALICE, BOB, CAROL, CONTRACT, SLA

NC, UNC = "non_canonical_ife", "unchallenged_non_canonical_ife"
IC = "invalid_ife_challenge"
PA = "piggyback_available"


@pytest.fixture
def world(generation: Generation) -> InFlightWorld:
    return InFlightWorld(generation)


def no_competitor(world: InFlightWorld, signed: bytes) -> str:
    with pytest.raises(WatcherRefused) as caught:
        world.verifier.canonicity.competitor(world.raw(signed))
    return caught.value.code.removeprefix("get_competitor:")


def no_response(world: InFlightWorld, signed: bytes) -> str:
    with pytest.raises(WatcherRefused) as caught:
        world.verifier.canonicity.inclusion(world.raw(signed))
    return caught.value.code.removeprefix("prove_canonical:")


def test_d1_no_competitor(world: InFlightWorld) -> None:
    """D1: neither another input's spend nor the same transaction in a block is a competitor."""
    deposit, other = world.deposit(ALICE, 10), world.deposit(BOB, 5)
    signed = world.pay([(deposit, ALICE)], [(BOB, 10)])
    world.start(signed)
    assert world.listed(NC) == []
    assert no_competitor(world, signed) == "competitor_not_found"
    world.block(world.pay([(other, BOB)], [(ALICE, 5)]))
    assert no_competitor(world, signed) == "competitor_not_found"
    world.block(signed)
    assert world.listed(NC) == []
    assert no_competitor(world, signed) == "competitor_not_found"


def test_d2_two_exits_of_one_input_accuse_each_other(world: InFlightWorld) -> None:
    """D2: of two in-flight exits on one input, in no block, each is the other's competitor."""
    deposit = world.deposit(ALICE, 10)
    one, two = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    world.start(one)
    world.start(two)
    assert world.listed(NC) == [(NC, world.raw(one)), (NC, world.raw(two))]
    assert world.prove_competitor(one) == (world.raw(two), None)
    assert world.prove_competitor(two) == (world.raw(one), None)
    assert world.verifier.canonicity.competitor(world.raw(one)).proof == b""


def test_d3_a_competitor_known_from_a_challenge_of_another_exit(world: InFlightWorld) -> None:
    """D3: what somebody challenged one exit with competes with every other exit of its inputs."""
    shared, other = world.deposit(ALICE, 10), world.deposit(ALICE, 5)
    challenged = world.pay([(shared, ALICE)], [(BOB, 10)])
    second = world.pay([(other, ALICE)], [(BOB, 5)])
    both = world.pay([(shared, ALICE), (other, ALICE)], [(CAROL, 15)])
    world.start(challenged)
    world.start(second)
    assert world.listed(NC) == []
    world.accuse(challenged, both)
    assert world.listed(NC) == [(NC, world.raw(second))]
    assert world.prove_competitor(second) == (world.raw(both), None)


def test_d4_a_single_competitor_in_a_block(world: InFlightWorld) -> None:
    """D4: a competitor in a block comes with its place and a proof that verifies."""
    deposit = world.deposit(ALICE, 10)
    other = world.deposit(BOB, 1)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    blknum = world.block(world.pay([(other, BOB)], [(BOB, 1)]), rival)
    world.start(signed)
    assert world.listed(NC) == [(NC, world.raw(signed))]
    assert world.prove_competitor(signed) == (world.raw(rival), UtxoPosition(blknum, 1, 0))


def test_d5_the_younger_of_two_competitors_was_used(world: InFlightWorld) -> None:
    """D5: the event stays until the oldest competitor was used, and only that one is ever offered."""
    first, second = world.deposit(ALICE, 10), world.deposit(ALICE, 5)
    signed = world.pay([(first, ALICE), (second, ALICE)], [(BOB, 15)])
    old, young = world.pay([(second, ALICE)], [(CAROL, 5)]), world.pay([(first, ALICE)], [(CAROL, 10)])
    older, younger = UtxoPosition(world.block(old), 0, 0), UtxoPosition(world.block(young), 0, 0)
    world.start(signed)
    world.accuse(signed, young, younger)
    assert world.listed(NC) == [(NC, world.raw(signed))]
    assert world.prove_competitor(signed) == (world.raw(old), older)
    world.accuse(signed, old, older)
    assert world.listed(NC) == []
    assert no_competitor(world, signed) == "no_viable_competitor_found"


def test_d6_two_competitors_in_no_block_one_of_them_used(world: InFlightWorld) -> None:
    """D6: of three exits on one input, the one challenged without a position is accused no more."""
    deposit = world.deposit(ALICE, 10)
    exits = [world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL, ALICE)]
    for signed in exits:
        world.start(signed)
    assert world.listed(NC) == [(NC, world.raw(signed)) for signed in exits]
    world.accuse(exits[0], exits[1])
    assert world.listed(NC) == [(NC, world.raw(signed)) for signed in exits[1:]]
    assert no_competitor(world, exits[0]) == "no_viable_competitor_found"


def test_d6_a_competitor_included_later_makes_a_second_challenge_possible(world: InFlightWorld) -> None:
    """D6: after a challenge without a position, the event comes back once a competitor is in a block."""
    deposit = world.deposit(ALICE, 10)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    world.start(signed)
    world.accuse(signed, rival)
    assert world.listed(NC) == []
    at = UtxoPosition(world.block(rival), 0, 0)
    assert world.listed(NC) == [(NC, world.raw(signed))]
    assert world.prove_competitor(signed) == (world.raw(rival), at)


def test_d7_an_included_transaction_without_an_older_spend(world: InFlightWorld) -> None:
    """D7: a competitor in no block is younger than an included transaction."""
    deposit = world.deposit(ALICE, 10)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    world.block(signed)
    world.start(signed)
    world.start(rival)
    assert world.listed(NC) == [(NC, world.raw(rival))]
    assert no_competitor(world, signed) == "no_viable_competitor_found"
    assert world.prove_competitor(rival) == (world.raw(signed), UtxoPosition(1000, 0, 0))


def test_d10_a_late_event_is_listed_twice_and_halts(world: InFlightWorld) -> None:
    """D10: past the margin, counted from the exit's start, the late form is listed first and halts."""
    deposit = world.deposit(ALICE, 10)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    world.block(rival)
    world.start(signed)
    world.wait(SLA - 2)
    assert world.listed(NC, UNC) == [(NC, world.raw(signed))]
    assert not world.verifier.halt_if_late()
    world.wait()
    assert world.listed(NC, UNC) == [(UNC, world.raw(signed)), (NC, world.raw(signed))]
    assert world.verifier.halt_if_late()


def test_d11_challenged_enough(world: InFlightWorld) -> None:
    """D11: once the contract has the oldest competitor, there is nothing left to say."""
    deposit = world.deposit(ALICE, 10)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    at = UtxoPosition(world.block(rival), 0, 0)
    world.start(signed)
    world.accuse(signed, rival, at)
    assert world.listed(NC, IC) == []
    assert no_competitor(world, signed) == "no_viable_competitor_found"


@pytest.mark.parametrize("ours", range(4))
@pytest.mark.parametrize("theirs", range(4))
def test_d12_a_double_spend_at_every_pair_of_inputs(world: InFlightWorld, ours: int, theirs: int) -> None:
    """D12: both indexes name the same output, wherever it stands on either side."""
    shared = world.deposit(ALICE, 10)
    mine = [(world.deposit(BOB, 1), BOB) for _ in range(3)]
    rest = [(world.deposit(CAROL, 1), CAROL) for _ in range(3)]
    mine.insert(ours, (shared, ALICE))
    rest.insert(theirs, (shared, ALICE))
    signed, rival = world.pay(mine, [(BOB, 13)]), world.pay(rest, [(CAROL, 13)])
    world.block(rival)
    world.start(signed)
    claim = world.verifier.canonicity.competitor(world.raw(signed))
    assert (claim.in_flight_input_index, claim.competing_input_index) == (ours, theirs)
    world.prove_competitor(signed)


def test_d13_the_signature_is_the_shared_inputs_owners(world: InFlightWorld) -> None:
    """D13: of a competitor with several signers, the signature given is by the shared input's owner."""
    shared, other = world.deposit(ALICE, 10), world.deposit(BOB, 1)
    signed = world.pay([(shared, ALICE)], [(CAROL, 10)])
    rival = world.pay([(other, BOB), (shared, ALICE)], [(CAROL, 11)])
    world.start(signed)
    world.start(rival)
    claim = world.verifier.canonicity.competitor(world.raw(signed))
    assert claim.signature is not None
    tx = world.rules.decode(claim.competing_tx)
    assert world.rules.recover(tx, claim.signature, CONTRACT) == ALICE.address


def test_d14_the_oldest_competitor_across_inputs(world: InFlightWorld) -> None:
    """D14: not the lowest output decides, but the earliest place of a spend."""
    low, high = world.deposit(ALICE, 10), world.deposit(ALICE, 5)
    early, late = world.pay([(high, ALICE)], [(BOB, 5)]), world.pay([(low, ALICE)], [(BOB, 10)])
    world.block(early, late)
    signed = world.pay([(low, ALICE), (high, ALICE)], [(CAROL, 15)])
    world.start(signed)
    assert world.prove_competitor(signed) == (world.raw(early), UtxoPosition(1000, 0, 0))
    assert world.verifier.canonicity.competitor(world.raw(signed)).in_flight_input_index == 1


def test_d15_the_inputs_own_transaction_comes_along(world: InFlightWorld) -> None:
    """D15: what created the shared input is the very transaction the exit was started with."""
    deposit = world.deposit(ALICE, 10)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    world.start(signed)
    world.start(rival)
    claim = world.verifier.canonicity.competitor(world.raw(signed))
    if world.contracts.generation.is_ald:
        assert claim.input_tx == world.rules.deposit(ALICE.address, ETH, Wei(10))
        assert claim.input_position == deposit


def test_d16_an_input_not_created_yet(world: InFlightWorld) -> None:
    """D16: an exit of an output whose block was not validated yet is no reason to accuse anybody."""
    deposit = world.deposit(ALICE, 10)
    creating = world.pay([(deposit, ALICE)], [(ALICE, 10)])
    future = UtxoPosition(1000, 0, 0)
    signed = world.pay([(future, ALICE)], [(BOB, 10)])
    world.start(signed)
    assert world.listed(NC, IC) == []
    world.block(creating)
    assert world.listed(NC, IC) == []


def test_d17_unknown_transactions(world: InFlightWorld) -> None:
    """D17: of a transaction nobody exits, each question is refused by name."""
    deposit = world.deposit(ALICE, 10)
    signed = world.pay([(deposit, ALICE)], [(BOB, 10)])
    assert no_competitor(world, signed) == "ife_not_known_for_tx"
    assert no_response(world, signed) == "ife_not_known_for_tx"


def test_d18_a_wrong_challenge_is_answered(world: InFlightWorld) -> None:
    """D18: an included transaction that was challenged is reported until the response is seen."""
    deposit = world.deposit(ALICE, 10)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    at = UtxoPosition(world.block(signed), 0, 0)
    world.start(signed)
    world.accuse(signed, rival)
    assert world.listed() == [(IC, world.raw(signed))]
    assert world.prove_inclusion(signed) == at
    world.respond(signed, at)
    assert world.listed() == []
    assert no_response(world, signed) == "no_viable_canonical_proof_found"


def test_b7_the_order_of_the_events(world: InFlightWorld) -> None:
    """B7: two exits, the included one wrongly challenged: competitor, challenge, then what may be joined."""
    deposit = world.deposit(ALICE, 10)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    at = UtxoPosition(world.block(signed), 0, 0)
    world.start(signed)
    world.start(rival)
    world.accuse(signed, rival)
    assert world.listed() == [(NC, world.raw(rival)), (IC, world.raw(signed)), (PA, world.raw(rival))]
    world.respond(signed, at)
    assert world.listed() == [(NC, world.raw(rival)), (PA, world.raw(rival))]


def test_d19_a_fresh_exit_has_nothing_to_answer(world: InFlightWorld) -> None:
    """D19: nobody challenged it, so no inclusion proves anything."""
    deposit = world.deposit(ALICE, 10)
    signed = world.pay([(deposit, ALICE)], [(BOB, 10)])
    world.start(signed)
    assert no_response(world, signed) == "no_viable_canonical_proof_found"
    world.block(signed)
    assert world.listed(IC) == []
    assert no_response(world, signed) == "no_viable_canonical_proof_found"


def test_d19_an_older_competitor_cannot_be_answered(world: InFlightWorld) -> None:
    """D19: a challenge with what the blocks say was first is right."""
    deposit = world.deposit(ALICE, 10)
    signed, rival = (world.pay([(deposit, ALICE)], [(to, 10)]) for to in (BOB, CAROL))
    at = UtxoPosition(world.block(rival), 0, 0)
    world.start(signed)
    world.accuse(signed, rival, at)
    assert world.listed(IC) == []
    assert no_response(world, signed) == "no_viable_canonical_proof_found"


def test_a_competitor_without_the_owners_signature_is_none(world: InFlightWorld) -> None:
    """A transaction shown with somebody else's signature only proves nothing, and nothing breaks."""
    deposit = world.deposit(ALICE, 10)
    signed = world.pay([(deposit, ALICE)], [(BOB, 10)])
    forged = world.pay([(deposit, CAROL)], [(CAROL, 10)])
    third = world.pay([(deposit, ALICE)], [(ALICE, 10)])
    world.start(signed)
    world.start(third)
    world.accuse(third, forged)
    assert world.prove_competitor(signed) == (world.raw(third), None)
    assert no_competitor(world, third) == "no_viable_competitor_found"


def test_a8_an_input_of_an_exit_cannot_exit_besides(world: InFlightWorld) -> None:
    """A8: once an in-flight exit spends it, an output is not offered as a way out."""
    deposit, other = world.deposit(ALICE, 10), world.deposit(ALICE, 3)
    signed = world.pay([(deposit, ALICE)], [(BOB, 10)])
    world.start(signed)
    assert world.listed() == [(PA, world.raw(signed))]
    assert [position for position, _ in world.verifier.ways_out.exitable_utxos(ALICE.address)] == [other]


def test_a9_a_deleted_exit_says_nothing_more(world: InFlightWorld) -> None:
    """A9: nobody joined, somebody deleted it: neither listed nor offered."""
    deposit = world.deposit(ALICE, 10)
    signed = world.pay([(deposit, ALICE)], [(BOB, 10)])
    world.start(signed)
    world.finish(signed, deleted=True)
    assert world.listed() == []
    assert world.verifier.status().in_flight_exits == ()


def test_a4_the_full_battle(world: InFlightWorld) -> None:
    """A4: two exits that share an input, piggybacked wrongly on both sides, answered one by one."""
    first, second = world.deposit(ALICE, 5), world.deposit(BOB, 5)
    tx1 = world.pay([(first, ALICE), (second, BOB)], [(ALICE, 5), (BOB, 5)])
    blknum = world.block(tx1)
    spent = UtxoPosition(blknum, 0, 1)
    spend = world.pay([(spent, BOB)], [(CAROL, 5)])
    world.block(spend)
    tx2 = world.pay([(first, ALICE)], [(BOB, 5)])
    world.start(tx1)
    world.join(tx1, OUT, 1)
    world.join(tx1, IN, 0)
    world.start(tx2)
    raw1, raw2 = world.raw(tx1), world.raw(tx2)
    assert world.listed() == [("invalid_piggyback", raw1), (NC, raw2), (PA, raw2)]
    world.join(tx2, IN, 0)
    world.join(tx2, OUT, 0)
    world.wait(SLA)
    late = [(UNC, raw2), ("unchallenged_piggyback", raw1), ("unchallenged_piggyback", raw2)]
    wrong = [("invalid_piggyback", raw1), ("invalid_piggyback", raw2)]
    assert world.listed() == [*late, *wrong, (NC, raw2)]
    competitor, at = world.prove_competitor(tx2)
    assert competitor == raw1
    assert at is not None
    world.accuse(tx2, tx1, at)
    assert world.listed() == [*late[1:], *wrong]
    assert world.prove_input(tx1, 0) == raw2
    assert world.prove_input(tx2, 0) == raw1
    assert world.prove_output(tx1, 1) == (world.raw(spend), spent)
    world.stop(tx1, IN, 0)
    world.stop(tx2, IN, 0)
    world.stop(tx1, OUT, 1)
    assert world.listed() == []
