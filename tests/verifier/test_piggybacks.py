"""The piggyback rows of the scenario catalogue, each under the rules of every generation."""

import pytest

from plasma_guard.domain.evidence import InputSpend, OutputSpend
from plasma_guard.domain.exits import ExitId, ExitStatus, Generation, InFlightExit, InFlightSlot, Side
from plasma_guard.domain.position import UtxoPosition
from verifier.in_flight_world import IN, OUT, InFlightWorld, no_spend
from verifier.world import ALICE, BOB, CAROL, MALLORY, SLA, Account

PA, IP, UP = "piggyback_available", "invalid_piggyback", "unchallenged_piggyback"
NOT_SPENT = "no_double_spend_on_particular_piggyback"


def available(game: InFlightWorld, tx: bytes) -> tuple[list[object], list[object]] | None:
    """Return what is offered of an exit as (inputs, outputs), None without an event."""
    for event in game.verifier.byzantine_events():
        if event.name == PA and event.details["txbytes"] == "0x" + tx.hex():
            inputs, outputs = event.details["available_inputs"], event.details["available_outputs"]
            assert isinstance(inputs, list)
            assert isinstance(outputs, list)
            return inputs, outputs
    return None


def slot(index: int, owner: Account) -> dict[str, object]:
    return {"index": index, "address": str(owner.address)}


def wrong(game: InFlightWorld, name: str = IP) -> list[tuple[object, object]]:
    """Return (inputs, outputs) of every event of a kind."""
    return [
        (event.details["inputs"], event.details["outputs"])
        for event in game.verifier.byzantine_events()
        if event.name == name
    ]


def assert_input_proven(game: InFlightWorld, tx: bytes, index: int) -> InputSpend:
    claim = game.verifier.piggybacks.input_spend(tx, index)
    spending = game.rules.decode(claim.spending_tx)
    spent = game.rules.decode(tx).inputs[index]
    assert spending.inputs[claim.spending_input_index] == spent == claim.input_position
    assert claim.input_tx == game.verifier.ledger.creating_tx(spent)
    output = game.verifier.ledger.output(spent)
    assert output is not None
    assert claim.signature is not None
    assert game.rules.recover(spending, claim.signature, game.contracts.entry) == output.owner
    return claim


def assert_output_proven(game: InFlightWorld, tx: bytes, index: int) -> OutputSpend:
    claim = game.verifier.piggybacks.output_spend(tx, index)
    spending = game.rules.decode(claim.spending_tx)
    position = claim.output_position
    assert position.oindex == index
    assert spending.inputs[claim.spending_input_index] == position
    root = game.blocks[position.blknum].hash
    assert game.rules.verify_inclusion(tx, position.txindex, claim.proof, root)
    owner = game.rules.decode(tx).outputs[index].owner
    assert claim.signature is not None
    assert game.rules.recover(spending, claim.signature, game.contracts.entry) == owner
    return claim


def paid(game: InFlightWorld) -> tuple[bytes, UtxoPosition]:
    """Return an included transaction of two outputs (Alice's, Bob's), signed, and its position."""
    deposit = game.deposit(ALICE, 10)
    signed = game.pay([(deposit, ALICE)], [(ALICE, 4), (BOB, 6)])
    return signed, UtxoPosition(game.block(signed), 0, 0)


def test_e1_every_exit_not_seen_offers_its_slots(game: InFlightWorld) -> None:
    """E1: each in-flight exit of a transaction in no block offers all inputs and outputs, with addresses."""
    first, second = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    one = game.start(game.pay([(first, ALICE), (second, BOB)], [(CAROL, 12), (ALICE, 8)]))
    two = game.start(game.spend(game.deposit(CAROL, 10), CAROL, BOB))
    assert game.told() == [(PA, one), (PA, two)]
    assert available(game, one) == ([slot(0, ALICE), slot(1, BOB)], [slot(0, CAROL), slot(1, ALICE)])
    assert available(game, two) == ([slot(0, CAROL)], [slot(0, BOB)])


def test_e2_competitors_and_challenges_change_nothing(game: InFlightWorld) -> None:
    """E2: an exit offers its slots whether it is canonical, accused or challenged."""
    deposit = game.deposit(ALICE, 10)
    rival = game.spend(deposit, ALICE, CAROL)
    one, two = game.start(game.spend(deposit, ALICE, BOB)), game.start(rival)
    assert game.told(PA) == [(PA, one), (PA, two)]
    game.accuse(one, rival)
    assert game.told(PA) == [(PA, one), (PA, two)]


def test_e3_an_exit_seen_in_a_block_offers_nothing(game: InFlightWorld) -> None:
    """E3: a guard must find its own slots of included transactions in `in_flight_exits`."""
    signed, _ = paid(game)
    included = game.start(signed)
    other = game.start(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    assert game.told() == [(PA, other)]
    assert game.listed() == [included, other]


def test_e4_owners_are_reported_per_index(game: InFlightWorld) -> None:
    """E4: addresses are those of the inputs' and outputs' owners, index by index."""
    inputs = [(game.deposit(who, 10), who) for who in (CAROL, ALICE, BOB)]
    tx = game.start(game.pay(inputs, [(MALLORY, 20), (ALICE, 10)]))
    offered = ([slot(0, CAROL), slot(1, ALICE), slot(2, BOB)], [slot(0, MALLORY), slot(1, ALICE)])
    assert available(game, tx) == offered


def test_e5_extra_signatures(game: InFlightWorld) -> None:
    """E5: more signatures than inputs are no more inputs."""
    deposit = game.deposit(ALICE, 10)
    unsigned = game.raw(game.spend(deposit, ALICE, BOB))
    decoded = game.rules.decode(unsigned)
    signatures = [game.rules.sign(decoded, game.contracts.entry, each.key) for each in (ALICE, BOB, CAROL)]
    tx = game.start(game.rules.encode_signed(unsigned, signatures))
    assert available(game, tx) == ([slot(0, ALICE)], [slot(0, BOB)])


def test_e6_what_is_piggybacked_is_left_out(game: InFlightWorld) -> None:
    """E6: an input or output that joined is not offered, and with the last one the event ends."""
    deposit = game.deposit(ALICE, 10)
    tx = game.start(game.pay([(deposit, ALICE)], [(BOB, 4), (CAROL, 6)]))
    game.piggyback(tx, (OUT, 0))
    assert available(game, tx) == ([slot(0, ALICE)], [slot(1, CAROL)])
    game.piggyback(tx, (IN, 0))
    assert available(game, tx) == ([], [slot(1, CAROL)])
    game.piggyback(tx, (OUT, 1))
    assert game.names() == []


def test_e7_a_challenged_piggyback_is_not_offered_again(game: InFlightWorld) -> None:
    """E7: an input that was challenged away is gone from the offer and from the list."""
    deposit = game.deposit(ALICE, 10)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.piggyback(tx, (IN, 0))
    game.block_piggyback(tx, IN, 0)
    assert available(game, tx) == ([], [slot(0, BOB)])
    assert [each.piggybacked_inputs for each in game.verifier.status().in_flight_exits] == [()]


def test_e8_what_was_paid_is_not_offered(game: InFlightWorld) -> None:
    """E8: a paid slot is not offered, be others of the exit still open or not."""
    deposit = game.deposit(ALICE, 10)
    tx = game.start(game.pay([(deposit, ALICE)], [(BOB, 4), (CAROL, 6)]))
    game.piggyback(tx, (OUT, 0), (OUT, 1))
    game.withdraw(tx, (OUT, 0))
    assert available(game, tx) == ([slot(0, ALICE)], [])
    game.withdraw(tx, (OUT, 1))
    assert game.names() == []


def test_e9_a_double_spend_that_nobody_piggybacked(game: InFlightWorld) -> None:
    """E9: spent inputs and outputs that did not join are no invalid piggybacks."""
    deposit = game.deposit(ALICE, 10)
    game.block(game.spend(deposit, ALICE, CAROL))
    in_flight = game.start(game.spend(deposit, ALICE, BOB))
    signed, position = paid(game)
    game.block(game.spend(position, ALICE, CAROL, 4))
    included = game.start(signed)
    assert wrong(game) == []
    assert no_spend(game, in_flight, IN, 0) == f"get_input_challenge_data:{NOT_SPENT}"
    assert no_spend(game, included, OUT, 0) == f"get_output_challenge_data:{NOT_SPENT}"


def test_e10_an_input_double_spent_by_another_exit(game: InFlightWorld) -> None:
    """E10: another in-flight transaction proves the input spent, though no block holds it."""
    deposit = game.deposit(ALICE, 10)
    rival = game.spend(deposit, ALICE, CAROL)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.start(rival)
    game.piggyback(tx, (IN, 0))
    assert game.told(IP) == [(IP, tx)]
    assert wrong(game) == [([0], [])]
    assert assert_input_proven(game, tx, 0).spending_tx == game.raw(rival)


def test_e11_a_paid_double_spent_input_stays(game: InFlightWorld) -> None:
    """E11: the event survives the payment of the input."""
    deposit = game.deposit(ALICE, 10)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.start(game.spend(deposit, ALICE, CAROL))
    game.piggyback(tx, (IN, 0))
    game.withdraw(tx, (IN, 0))
    assert wrong(game) == [([0], [])]


def test_e12_a_challenged_input_piggyback(game: InFlightWorld) -> None:
    """E12: after its challenge, a double-spent input is no invalid piggyback, until it joins again."""
    deposit = game.deposit(ALICE, 10)
    tx = game.start(game.spend(deposit, ALICE, BOB))
    game.start(game.spend(deposit, ALICE, CAROL))
    game.piggyback(tx, (IN, 0))
    game.block_piggyback(tx, IN, 0)
    assert wrong(game) == []
    assert no_spend(game, tx, IN, 0) == f"get_input_challenge_data:{NOT_SPENT}"
    game.piggyback(tx, (IN, 0))
    assert wrong(game) == [([0], [])]
    assert_input_proven(game, tx, 0)


def test_e13_an_input_double_spent_in_a_block(game: InFlightWorld) -> None:
    """E13: the spending transaction of a block comes with index, signature and the input's transaction."""
    first, second = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    spending = game.pay([(first, ALICE), (second, BOB)], [(CAROL, 20)])
    game.block(spending)
    tx = game.start(game.spend(second, BOB, MALLORY))
    game.piggyback(tx, (IN, 0))
    assert wrong(game) == [([0], [])]
    claim = assert_input_proven(game, tx, 0)
    assert (claim.spending_tx, claim.spending_input_index) == (game.raw(spending), 1)


def test_e13_the_transaction_itself_is_no_double_spend(game: InFlightWorld) -> None:
    """An input that only the in-flight transaction spends, in a block or not, is rightly piggybacked."""
    signed, _ = paid(game)
    tx = game.start(signed)
    game.piggyback(tx, (IN, 0))
    assert wrong(game) == []
    assert no_spend(game, tx, IN, 0) == f"get_input_challenge_data:{NOT_SPENT}"


def test_e14_an_output_spent_in_flight(game: InFlightWorld) -> None:
    """E14: a piggybacked output of an included transaction that an in-flight one spends."""
    signed, position = paid(game)
    tx = game.start(signed)
    spending = game.spend(position, ALICE, CAROL, 4)
    game.start(spending)
    game.piggyback(tx, (OUT, 0))
    assert wrong(game) == [([], [0])]
    claim = assert_output_proven(game, tx, 0)
    assert (claim.spending_tx, claim.output_position) == (game.raw(spending), position)


def test_e15_a_paid_spent_output_stays(game: InFlightWorld) -> None:
    """E15: the event survives the payment of the output."""
    signed, position = paid(game)
    tx = game.start(signed)
    game.start(game.spend(position, ALICE, CAROL, 4))
    game.piggyback(tx, (OUT, 0))
    game.withdraw(tx, (OUT, 0))
    assert wrong(game) == [([], [0])]


def test_e16_a_challenged_output_piggyback(game: InFlightWorld) -> None:
    """E16: after its challenge, a spent output is no invalid piggyback."""
    signed, position = paid(game)
    game.block(game.spend(position, ALICE, CAROL, 4))
    tx = game.start(signed)
    game.piggyback(tx, (OUT, 0))
    game.block_piggyback(tx, OUT, 0)
    assert wrong(game) == []
    assert no_spend(game, tx, OUT, 0) == f"get_output_challenge_data:{NOT_SPENT}"


@pytest.mark.parametrize("txindex", [0, 2])
def test_e17_an_output_spent_in_a_block(game: InFlightWorld, txindex: int) -> None:
    """E17: at any output index, by any input, wherever included, position and proof lead to the output."""
    count = game.rules.max_outputs
    fillers = [game.spend(game.deposit(BOB, 10), BOB, CAROL) for _ in range(txindex)]
    deposit = game.deposit(ALICE, 10 * count)
    signed = game.pay([(deposit, ALICE)], [(ALICE, 10)] * count)
    blknum = game.block(*fillers, signed)
    outputs = [UtxoPosition(blknum, txindex, index) for index in range(count)]
    spends = [
        [*((game.deposit(BOB, 10), BOB) for _ in range(index)), (output, ALICE)]
        for index, output in enumerate(outputs)
    ]
    game.block(*[game.pay(inputs, [(CAROL, 10 * len(inputs))]) for inputs in spends])
    tx = game.start(signed)
    for index in range(count):
        game.piggyback(tx, (OUT, index))
        claim = assert_output_proven(game, tx, index)
        assert claim.output_position == outputs[index]
        assert claim.spending_input_index == len(spends[index]) - 1
    assert wrong(game) == [([], list(range(count)))]


def test_e18_another_input_or_output_is_spent(game: InFlightWorld) -> None:
    """E18: a spend of a slot that did not join says nothing about those that did."""
    first, second = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    game.block(game.spend(first, ALICE, CAROL))
    in_flight = game.start(game.pay([(first, ALICE), (second, BOB)], [(CAROL, 20)]))
    game.piggyback(in_flight, (IN, 1))
    signed, position = paid(game)
    game.block(game.spend(position, ALICE, CAROL, 4))
    included = game.start(signed)
    game.piggyback(included, (OUT, 1))
    assert wrong(game) == []


def test_e19_the_lists_of_one_event_grow(game: InFlightWorld) -> None:
    """E19: piggybacks added one by one lengthen the lists of one event, each with its own evidence."""
    first, second = game.deposit(ALICE, 10), game.deposit(BOB, 10)
    signed = game.pay([(first, ALICE), (second, BOB)], [(ALICE, 8), (BOB, 12)])
    position = UtxoPosition(game.block(signed), 0, 0)
    output = UtxoPosition(position.blknum, 0, 1)
    game.block(game.spend(position, ALICE, CAROL, 8), game.spend(output, BOB, CAROL, 12))
    tx = game.start(signed)
    game.start(game.pay([(first, ALICE), (second, BOB)], [(MALLORY, 20)]))
    seen = []
    for joined in ((IN, 0), (OUT, 1), (IN, 1), (OUT, 0)):
        game.piggyback(tx, joined)
        seen += wrong(game)
    assert seen == [([0], []), ([0], [1]), ([0, 1], [1]), ([0, 1], [0, 1])]
    assert game.told(IP) == [(IP, tx)]
    for index in range(2):
        assert_input_proven(game, tx, index)
        assert_output_proven(game, tx, index)


def test_e20_lateness_counts_from_the_start(game: InFlightWorld) -> None:
    """E20: a fresh piggyback on an old exit is late at once, and halts."""
    signed, position = paid(game)
    game.block(game.spend(position, ALICE, CAROL, 4))
    tx = game.start(signed)
    game.wait(SLA - 3)
    game.piggyback(tx, (OUT, 0))
    assert game.told(IP, UP) == [(IP, tx)]
    assert not game.verifier.halt_if_late()
    game.wait()
    assert game.told(IP, UP) == [(UP, tx), (IP, tx)]
    assert wrong(game, UP) == [([], [0])]
    assert game.verifier.halt_if_late()


def test_e21_wrong_index_or_transaction(game: InFlightWorld) -> None:
    """E21: each mistake of a question has its own code."""
    tx = game.start(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    unknown = game.raw(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    for side, action in ((IN, "get_input_challenge_data"), (OUT, "get_output_challenge_data")):
        assert no_spend(game, tx, side, 1) == f"{action}:{NOT_SPENT}"
        assert no_spend(game, tx, side, game.rules.max_inputs) == f"{action}:piggybacked_index_out_of_range"
        assert no_spend(game, unknown, side, 0) == f"{action}:ife_not_known_for_tx"


def test_e22_an_output_of_a_transaction_in_no_block(game: InFlightWorld) -> None:
    """E22: without an inclusion there is no position of the output, so nothing can spend it."""
    tx = game.start(game.spend(game.deposit(ALICE, 10), ALICE, BOB))
    game.piggyback(tx, (OUT, 0))
    assert wrong(game) == []
    assert no_spend(game, tx, OUT, 0) == f"get_output_challenge_data:{NOT_SPENT}"


def test_a_slot_that_is_none_claims_nothing(game: InFlightWorld) -> None:
    """A log of an input or output that the transaction has not breaks no answer."""
    signed, position = paid(game)
    game.block(game.spend(position, ALICE, CAROL, 4))
    tx = game.start(signed)
    game.piggyback(tx, (IN, 1), (OUT, 2), (OUT, 0))
    assert wrong(game) == [([], [0])]
    assert no_spend(game, tx, IN, 1) == f"get_input_challenge_data:{NOT_SPENT}"
    assert no_spend(game, tx, OUT, 2) == f"get_output_challenge_data:{NOT_SPENT}"


def test_e23_two_piggybacks_opened_and_challenged_at_once(game: InFlightWorld) -> None:
    """E23: both are seen, and both are gone after both challenges."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    position = UtxoPosition(game.block(signed), 0, 0)
    game.block(game.spend(position, BOB, CAROL))
    tx = game.start(signed)
    game.start(game.spend(deposit, ALICE, MALLORY))
    game.piggyback(tx, (IN, 0), (OUT, 0))
    assert wrong(game) == [([0], [0])]
    both_gone = entry(game, tx)
    game.block_piggyback(tx, IN, 0, both_gone)
    game.block_piggyback(tx, OUT, 0, both_gone)
    assert wrong(game) == []


def entry(game: InFlightWorld, tx: bytes, *standing: Side) -> InFlightExit:
    """Return the contract's entry of an exit with one input and output, of which some still stand."""
    slots = tuple(InFlightSlot(side, 0, piggybacked=side in standing) for side in Side)
    return InFlightExit(ExitId(game.rules.in_flight_exit_id(tx)), ExitStatus.RUNNING, slots=slots)


@pytest.mark.parametrize("blocked", [IN, OUT])
@pytest.mark.parametrize("generation", [Generation.ROOTCHAIN_V02], indirect=True)
def test_the_contract_tells_which_side_was_blocked(game: InFlightWorld, blocked: Side) -> None:
    """The log of v0.2 has an index without a side: where both joined, the entry says which is gone."""
    deposit = game.deposit(ALICE, 10)
    signed = game.spend(deposit, ALICE, BOB)
    position = UtxoPosition(game.block(signed), 0, 0)
    game.block(game.spend(position, BOB, CAROL))
    tx = game.start(signed)
    game.start(game.spend(deposit, ALICE, MALLORY))
    game.piggyback(tx, (IN, 0), (OUT, 0))
    [other] = [side for side in Side if side is not blocked]
    game.block_piggyback(tx, blocked, 0, entry(game, tx, other))
    assert wrong(game) == [([], [0]) if blocked is IN else ([0], [])]
    game.piggyback(tx, (blocked, 0))
    game.block_piggyback(tx, blocked, 0, entry(game, tx, IN, OUT))
    assert wrong(game) == [([0], [0])], "both stand again: a later log tells that one joined once more"
    game.block_piggyback(tx, blocked, 0)
    assert wrong(game) == [([], [0])], "without the entry, the input is taken for the one"
