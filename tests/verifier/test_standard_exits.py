"""The standard-exit rows of the scenario catalogue, each under the rules of every generation."""

from dataclasses import replace

import pytest

from plasma_guard.domain.errors import WatcherRefused
from plasma_guard.domain.exits import ExitStatus
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Wei
from plasma_guard.plasma.evidence import prove_spend
from verifier.world import ALICE, BOB, CAROL, CONTRACT, PERIOD, SLA, World, ie, ue


def assert_provable(world: World, position: UtxoPosition) -> None:
    """The challenge the verifier gives passes the guard's own local proof against the contract's entry."""
    claim = world.verifier.challenge_data(position)
    known = world.verifier._standard_exits._exits[position]
    assert known.entry is not None
    output = world.verifier.ledger.output(position)
    creating_tx = world.verifier.ledger.creating_tx(position)
    assert output is not None
    assert creating_tx is not None
    entry = replace(
        known.entry,
        exit_id=known.exit_id,
        amount=output.amount,
        output_id=world.rules.output_id(creating_tx, position),
    )
    prove_spend(world.rules, CONTRACT, entry, claim)


def refusal(world: World, position: UtxoPosition) -> str:
    with pytest.raises(WatcherRefused) as caught:
        world.verifier.challenge_data(position)
    return caught.value.code


def test_c1_an_unspent_deposit_or_output_gives_no_event(world: World) -> None:
    """C1: the exit of an unspent output is valid, and there is nothing to challenge it with."""
    deposit, other = world.deposit(ALICE, 10), world.deposit(BOB, 5)
    blknum = world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    output = UtxoPosition(blknum, 0, 0)
    world.start_exit(other, BOB)
    world.start_exit(output, BOB)
    assert world.events() == []
    assert refusal(world, other) == "challenge:utxo_not_spent"
    assert refusal(world, output) == "challenge:utxo_not_spent"


def test_c2_an_unknown_exit_cannot_be_challenged(world: World) -> None:
    """C2: without a start there is no challenge, whether the output exists, is spent, or never was."""
    deposit, other = world.deposit(ALICE, 10), world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    for position in (deposit, other, UtxoPosition(1000, 0, 3), UtxoPosition(9000, 0, 0)):
        assert refusal(world, position) == "challenge:exit_not_found"


def test_c4_a_deposit_spent_in_a_block(world: World) -> None:
    """C4: the exit of a deposit that a block spends is invalid, and the block's transaction proves it."""
    deposit = world.deposit(ALICE, 10)
    signed = world.pay([(deposit, ALICE)], [(BOB, 7), (ALICE, 3)])
    world.block(signed)
    world.start_exit(deposit, ALICE)
    assert world.events() == [ie(deposit)]
    claim = world.verifier.challenge_data(deposit)
    assert (claim.challenge_tx, claim.input_index) == (world.raw(signed), 0)
    assert_provable(world, deposit)


def test_the_details_of_an_invalid_exit(world: World) -> None:
    """An invalid exit names output, owner, start, spend, and when it would be paid."""
    deposit = world.deposit(ALICE, 10)
    signed = world.pay([(deposit, ALICE)], [(ALICE, 10)])
    submitted = world.at()
    blknum = world.block(signed)
    spend = world.pay([(UtxoPosition(blknum, 0, 0), ALICE)], [(BOB, 10)])
    world.wait(5)
    world.block(spend)
    started = world.at()
    start = world.start_exit(UtxoPosition(blknum, 0, 0), ALICE)
    [event] = world.verifier.byzantine_events()
    assert event.details == {
        "amount": 10,
        "currency": "0x" + "00" * 20,
        "eth_height": start.block_number,
        "owner": str(ALICE.address),
        "root_chain_txhash": str(start.tx_hash),
        "scheduled_finalization_time": max(submitted + 2 * PERIOD, started + PERIOD),
        "spending_txhash": str(world.rules.decode(world.raw(spend)).hash),
        "utxo_pos": UtxoPosition(blknum, 0, 0).encode(),
    }
    world.start_exit(deposit, ALICE)
    of_deposit = world.verifier.byzantine_events()[0]
    assert of_deposit.details["scheduled_finalization_time"] == started + 1 + PERIOD


def test_c7_spend_at_every_input_index(world: World) -> None:
    """C7: the challenge names the input, of four or five, that spends the exiting output."""
    deposits = [world.deposit(ALICE, 10) for _ in range(world.rules.max_inputs)]
    world.block(world.pay([(position, ALICE) for position in deposits], [(BOB, 10)]))
    for index, position in enumerate(deposits):
        world.start_exit(position, ALICE)
        assert world.events() == [ie(position)]
        assert world.verifier.challenge_data(position).input_index == index
        assert_provable(world, position)
        world.challenge(position)


def test_c8_the_signature_is_the_exit_owners(world: World) -> None:
    """C8: of several signatures on the spend, the one given recovers to the exiting owner."""
    first, second = world.deposit(ALICE, 10), world.deposit(BOB, 10)
    signed = world.pay([(first, ALICE), (second, BOB)], [(CAROL, 20)])
    world.block(signed)
    for position, owner in ((first, ALICE), (second, BOB)):
        world.start_exit(position, owner)
        claim = world.verifier.challenge_data(position)
        tx = world.rules.decode(claim.challenge_tx)
        assert world.rules.recover(tx, claim.signature, CONTRACT) == owner.address
        assert_provable(world, position)


def test_c9_two_outputs_spent_by_different_transactions(world: World) -> None:
    """C9: each exit is challenged with the transaction and input that spend its own output."""
    deposit, extra = world.deposit(ALICE, 10), world.deposit(BOB, 1)
    blknum = world.block(world.pay([(deposit, ALICE)], [(ALICE, 4), (BOB, 6)]))
    first, second = UtxoPosition(blknum, 0, 0), UtxoPosition(blknum, 0, 1)
    one = world.pay([(first, ALICE)], [(CAROL, 4)])
    two = world.pay([(extra, BOB), (second, BOB)], [(CAROL, 7)])
    world.block(one)
    world.block(two)
    world.start_exit(second, BOB)
    world.start_exit(first, ALICE)
    assert world.events() == [ie(first), ie(second)]
    claims = [world.verifier.challenge_data(position) for position in (first, second)]
    assert [claim.challenge_tx for claim in claims] == [world.raw(one), world.raw(two)]
    assert [claim.input_index for claim in claims] == [0, 1]
    assert_provable(world, first)
    assert_provable(world, second)


def test_c11_the_challenge_carries_the_exiting_transaction(world: World) -> None:
    """C11: the creating transaction comes along, of a deposit and of a block's output alike."""
    deposit = world.deposit(ALICE, 10)
    creating = world.pay([(deposit, ALICE)], [(BOB, 10)])
    blknum = world.block(creating)
    output = UtxoPosition(blknum, 0, 0)
    world.block(world.pay([(output, BOB)], [(CAROL, 10)]))
    world.start_exit(deposit, ALICE)
    world.start_exit(output, BOB)
    expected = world.rules.deposit(ALICE.address, ETH, Wei(10))
    assert world.verifier.challenge_data(deposit).exiting_tx == expected
    assert world.verifier.challenge_data(output).exiting_tx == world.raw(creating)


def test_c12_an_output_missing_from_the_ledger(world: World) -> None:
    """C12: the exit of an output that no validated block created is invalid, though nothing can spend it."""
    deposit = world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    missing = [UtxoPosition(1000, 0, 1), UtxoPosition(1000, 1, 0), UtxoPosition(5, 0, 0)]
    for position in missing:
        world.start_exit(position, BOB, amount=77)
    assert world.events() == [ie(position) for position in sorted(missing)]
    details = world.verifier.byzantine_events()[0].details
    assert (details["amount"], details["spending_txhash"]) == (77, None)
    assert refusal(world, missing[0]) == "challenge:utxo_not_spent"


def test_c13_an_old_invalid_exit_is_late_and_halts(world: World) -> None:
    """C13: past the margin the exit is listed twice, late first, and no block after the next is taken."""
    deposit, fresh = world.deposit(ALICE, 10), world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE), (fresh, ALICE)], [(BOB, 20)]))
    start = world.start_exit(deposit, ALICE)
    world.wait(start.block_number + SLA - 1 - world.height)
    assert world.events() == [ie(deposit)]
    assert not world.verifier.halt_if_late()
    world.wait()
    assert world.events() == [ue(deposit), ie(deposit)]
    world.start_exit(fresh, ALICE)
    assert world.events() == [ue(deposit), ie(deposit), ie(fresh)]
    world.block()
    assert world.verifier.halted
    assert world.verifier.challenge_data(deposit).input_index == 0
    world.challenge(deposit)
    assert world.events() == [ie(fresh)]
    assert world.verifier.halt_if_late(), "halted for good, although the event is gone"


def test_c13_a_late_exit_halts_at_the_start(world: World) -> None:
    """C13: a verifier that finds an exit already late does not take a single further block."""
    deposit = world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    world.start_exit(deposit, ALICE)
    world.wait(SLA)
    assert world.verifier.halt_if_late()


def test_b1_an_exiting_output_spent_before_the_margin(world: World) -> None:
    """B1: a valid exit becomes invalid when a block spends its output; blocks are still taken."""
    deposit = world.deposit(ALICE, 10)
    world.start_exit(deposit, ALICE)
    assert world.events() == []
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    assert world.events() == [ie(deposit)]
    assert not world.verifier.halted
    assert_provable(world, deposit)


def test_b2_an_exiting_output_spent_after_the_margin(world: World) -> None:
    """B2: the same after the margin is late at once, so that block is the last one taken."""
    deposit = world.deposit(ALICE, 10)
    world.start_exit(deposit, ALICE)
    world.wait(SLA)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    assert world.events() == [ue(deposit), ie(deposit)]
    assert world.verifier.halted
    assert_provable(world, deposit)


def test_c14_an_exit_seen_already_inactive(world: World) -> None:
    """C14: an exit that was challenged before it was recognized is never reported, but can be asked about."""
    deposit = world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    challenged = ExitStatus.CHALLENGED if world.contracts.generation.is_ald else ExitStatus.ABSENT
    world.start_exit(deposit, ALICE, status=challenged)
    assert world.events() == []
    assert world.verifier.challenge_data(deposit).position == deposit


def test_c15_an_output_of_a_block_not_validated_yet(world: World) -> None:
    """C15: nothing is said about outputs of blocks the verifier has not seen, until it has."""
    deposit = world.deposit(ALICE, 10)
    future = UtxoPosition(1000, 0, 0)
    beyond = UtxoPosition(1001, 0, 0)
    world.start_exit(future, BOB)
    world.start_exit(beyond, BOB)
    world.wait(SLA)
    assert world.events() == []
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    assert world.events() == [ue(beyond), ie(beyond)], "the one turned out valid, the other not to exist"


def test_c18_challenged_exits_are_forgotten(world: World) -> None:
    """C18: a challenge ends the event, one by one or all at once."""
    deposits = [world.deposit(ALICE, 10) for _ in range(3)]
    world.block(world.pay([(position, ALICE) for position in deposits], [(BOB, 30)]))
    for position in deposits:
        world.start_exit(position, ALICE)
    assert len(world.events()) == 3
    world.challenge(deposits[1])
    assert world.events() == [ie(deposits[0]), ie(deposits[2])]
    world.challenge(deposits[0])
    world.challenge(deposits[2])
    assert world.events() == []


def test_an_output_exited_again_after_a_challenge_is_reported_again(world: World) -> None:
    """The same output, exited anew, is a new invalid exit with its own start."""
    deposit = world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    world.start_exit(deposit, ALICE)
    world.challenge(deposit)
    again = world.start_exit(deposit, ALICE)
    [event] = world.verifier.byzantine_events()
    assert event.details["eth_height"] == again.block_number


def test_c19_an_invalid_finalization_is_never_forgotten(world: World) -> None:
    """C19: once paid, the invalid exit stays listed, and late, for ever."""
    deposit = world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    world.start_exit(deposit, ALICE)
    world.finalize(deposit)
    world.wait(SLA * 100)
    assert world.events() == [ue(deposit), ie(deposit)]


def test_c19_an_invalid_finalization_is_found_again_after_a_restart(world: World) -> None:
    """C19: a verifier that reads the chain anew, and sees the exit finalized already, still reports it."""
    deposit = world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    paid = ExitStatus.ABSENT if world.contracts.generation.is_ald else ExitStatus.FINALIZED
    world.start_exit(deposit, ALICE, status=paid)
    world.finalize(deposit)
    assert world.events() == [ie(deposit)]


def test_c20_a_valid_exit_finalizes(world: World) -> None:
    """C20: a valid exit gives no event before, long after the margin, or after it was paid."""
    deposit = world.deposit(ALICE, 10)
    world.block()
    world.start_exit(deposit, ALICE)
    assert world.events() == []
    world.wait(SLA * 10)
    assert world.events() == []
    world.finalize(deposit)
    world.wait(SLA * 10)
    assert world.events() == []
    assert world.verifier.ways_out.exitable_utxos(ALICE.address) == []


def test_c20_a_finalized_output_cannot_be_spent(world: World) -> None:
    """C20: what was paid out on the root chain is gone from the ledger: a block that spends it is invalid."""
    deposit = world.deposit(ALICE, 10)
    world.start_exit(deposit, ALICE)
    world.finalize(deposit)
    block = world.block_of(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    assert not world.submit(block)
    assert world.events() == [("invalid_block", 1000)]


def test_an_exit_without_a_position_is_placed_by_its_id(world: World) -> None:
    """When neither log nor contract tells the output any more, the exit id finds it in the ledger."""
    deposit = world.deposit(ALICE, 10)
    output = UtxoPosition(1000, 0, 1)
    signed = world.pay([(deposit, ALICE)], [(BOB, 4), (BOB, 6)])
    start = world.start_exit(deposit, ALICE)
    exit_id = world.rules.standard_exit_id(world.raw(signed), output)
    nameless = replace(start, exit_id=exit_id, owner=BOB.address, position=None)
    world.verifier.apply_event(nameless)
    assert world.verifier._standard_exits.unplaced == 1
    world.block(signed)
    assert world.verifier._standard_exits.unplaced == 0
    world.block(world.pay([(output, BOB)], [(CAROL, 6)]))
    assert ie(output) in world.events()


def test_a_challenge_read_before_the_start_was_placed_counts(world: World) -> None:
    """An exit that finds its output late is not reported when it was challenged meanwhile."""
    deposit = world.deposit(ALICE, 10)
    output = UtxoPosition(1000, 0, 0)
    signed = world.pay([(deposit, ALICE)], [(BOB, 10)])
    start = world.start_exit(deposit, ALICE)
    exit_id = world.rules.standard_exit_id(world.raw(signed), output)
    nameless = replace(start, exit_id=exit_id, owner=BOB.address, position=None)
    world.verifier.apply_event(nameless)
    world.challenge(output)
    world.block(signed)
    world.block(world.pay([(output, BOB)], [(CAROL, 10)]))
    assert world.events() == [ie(deposit)]
    world.start_exit(output, BOB)
    assert world.events() == [ie(deposit), ie(output)]


def test_exit_data_proves_inclusion(world: World) -> None:
    """Exit data of a block's output holds a proof that verifies against the submitted root."""
    deposits = [world.deposit(ALICE, 10) for _ in range(3)]
    signed = [world.pay([(position, ALICE)], [(BOB, 4), (ALICE, 6)]) for position in deposits]
    blknum = world.block(*signed)
    for txindex in range(3):
        data = world.verifier.ways_out.exit_data(UtxoPosition(blknum, txindex, 1))
        assert data.tx == world.raw(signed[txindex])
        root = world.blocks[blknum].hash
        assert world.rules.verify_inclusion(data.tx, txindex, data.proof, root)
        assert not world.rules.verify_inclusion(data.tx, txindex + 1, data.proof, root)


def test_exit_data_is_refused_for_spent_deposits_and_missing_outputs(world: World) -> None:
    """A spent deposit has no exit data; a spent output of a block still has, as with every Watcher."""
    deposit, other = world.deposit(ALICE, 10), world.deposit(ALICE, 5)
    blknum = world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    output = UtxoPosition(blknum, 0, 0)
    world.block(world.pay([(output, BOB)], [(CAROL, 10)]))
    assert len(world.verifier.ways_out.exit_data(other).proof) == 512
    assert world.verifier.ways_out.exit_data(output).position == output
    missing = [UtxoPosition(*at) for at in ((blknum, 0, 1), (blknum, 1, 0), (9, 0, 0), (2, 0, 1), (2, 1, 0))]
    for position in (deposit, *missing):
        with pytest.raises(WatcherRefused, match="exit:invalid"):
            world.verifier.ways_out.exit_data(position)
    assert all(world.verifier.ledger.output(position) is None for position in missing)


def test_exitable_outputs_are_unspent_owned_and_not_exiting(world: World) -> None:
    """What an address can exit with is what it owns, less what it is exiting with already."""
    first, second, third = (world.deposit(ALICE, amount) for amount in (1, 2, 3))
    world.deposit(BOB, 9)
    blknum = world.block(world.pay([(first, ALICE)], [(BOB, 1)]))
    world.start_exit(second, ALICE)
    assert [position for position, _ in world.verifier.ways_out.exitable_utxos(ALICE.address)] == [third]
    bobs = [position for position, _ in world.verifier.ways_out.exitable_utxos(BOB.address)]
    assert bobs == [UtxoPosition(4, 0, 0), UtxoPosition(blknum, 0, 0)]
    world.challenge(second)
    assert [position for position, _ in world.verifier.ways_out.exitable_utxos(ALICE.address)] == [
        second,
        third,
    ]
