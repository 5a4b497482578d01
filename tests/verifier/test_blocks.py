"""What makes a block invalid, under every generation's rules, and that an invalid one changes nothing."""

import dataclasses

import pytest

from plasma_guard.domain.blocks import ChildBlock
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import DepositCreated, Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei
from plasma_guard.plasma import rlp
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.transaction import Output
from plasma_guard.verifier.blocks import recover
from plasma_guard.verifier.core import HaltedError
from plasma_guard.verifier.fees import decode_fee_claim, encode_fee_claim
from plasma_guard.verifier.ledger import TransactionRefusedError
from verifier.world import ALICE, BOB, CONTRACT, MALLORY, World


def of_generations(*generations: Generation) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("generation", generations, ids=str, indirect=True)


TOKEN = Address(b"\x70" * 20)


def assert_invalid(world: World, block: ChildBlock, error_type: str, root: Hash32 | None = None) -> None:
    """The block is refused by name, halts the verifier, and leaves the ledger as it was."""
    before = dict(world.verifier.ledger._unspent)
    blknum = world.verifier.ledger.next_blknum
    assert not world.submit(block, root)
    [event] = world.verifier.byzantine_events()
    assert event.name == "invalid_block"
    assert event.details == {"blknum": blknum, "hash": str(root or block.hash), "error_type": error_type}
    assert world.verifier.ledger._unspent == before
    assert world.verifier.ledger.next_blknum == blknum
    assert world.verifier.halted
    with pytest.raises(HaltedError):
        world.verifier.apply_block(blknum, block.hash, world.at(), block)


def test_an_empty_block_is_valid(world: World) -> None:
    """F10: a block without transactions is applied like any other."""
    assert world.block() == 1000
    assert world.verifier.status().last_validated_blknum == 1000


def test_outputs_of_the_same_block_can_be_spent(world: World) -> None:
    """A chain of payments inside one block is valid, and each spend is found again."""
    deposit = world.deposit(ALICE, 10)
    chained = UtxoPosition(1000, 0, 0)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]), world.pay([(chained, BOB)], [(ALICE, 10)]))
    assert world.verifier.ledger.unspent(chained) is None
    found = world.verifier.ledger.spend(chained)
    assert found is not None
    assert (found[0].blknum, found[0].txindex, found[0].input_index) == (1000, 1, 0)


def test_an_output_of_a_later_transaction_cannot_be_spent(world: World) -> None:
    """Order inside the block counts."""
    deposit = world.deposit(ALICE, 10)
    late = UtxoPosition(1000, 1, 0)
    spend, create = world.pay([(late, BOB)], [(ALICE, 10)]), world.pay([(deposit, ALICE)], [(BOB, 10)])
    assert_invalid(world, world.block_of(spend, create), "tx_execution")


def test_other_contents_than_submitted(world: World) -> None:
    """B5: transactions that do not make the submitted root are refused."""
    deposit = world.deposit(ALICE, 10)
    block = world.block_of(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    root = Hash32(keccak(b"another"))
    assert_invalid(world, dataclasses.replace(block, hash=root), "incorrect_hash", root)


def test_another_hash_or_number_than_asked_for(world: World) -> None:
    """F10: the answer must be about the block that was asked for."""
    block = world.block_of()
    other = World(world.contracts.generation)
    assert_invalid(world, block, "bad_returned_hash", Hash32(keccak(b"another")))
    assert_invalid(other, dataclasses.replace(block, blknum=2000), "bad_returned_number")


@pytest.mark.parametrize(
    "position", [UtxoPosition(7, 0, 0), UtxoPosition(1000, 5, 0), UtxoPosition(1001, 0, 0)], ids=str
)
def test_b6_an_unknown_output_is_spent(world: World, position: UtxoPosition) -> None:
    """B6: a sound transaction that spends what does not exist, or does not exist yet, is refused."""
    assert_invalid(world, world.block_of(world.pay([(position, ALICE)], [(BOB, 1)])), "tx_execution")


def test_an_output_is_spent_twice(world: World) -> None:
    """A double spend inside one block, or across two, is refused."""
    deposit = world.deposit(ALICE, 10)
    one, two = world.pay([(deposit, ALICE)], [(BOB, 10)]), world.pay([(deposit, ALICE)], [(ALICE, 10)])
    other = World(world.contracts.generation)
    other.deposit(ALICE, 10)
    other.block(one)
    assert_invalid(world, world.block_of(one, two), "tx_execution")
    assert_invalid(other, other.block_of(two), "tx_execution")


def test_an_input_is_not_signed_by_its_owner(world: World) -> None:
    """A signature by anyone but the input's owner is refused, also when it is swapped between two owners."""
    deposit, second = world.deposit(ALICE, 10), world.deposit(BOB, 10)
    other = World(world.contracts.generation)
    other.deposit(ALICE, 10)
    other.deposit(BOB, 10)
    stolen = world.pay([(deposit, MALLORY)], [(MALLORY, 10)])
    swapped = world.pay([(deposit, BOB), (second, ALICE)], [(MALLORY, 20)])
    assert_invalid(world, world.block_of(stolen), "tx_execution")
    assert_invalid(other, other.block_of(swapped), "tx_execution")


def test_more_is_paid_than_spent(world: World) -> None:
    """Outputs above the inputs make money, and so does paying a token out of ETH."""
    deposit = world.deposit(ALICE, 10)
    other = World(world.contracts.generation)
    other.deposit(ALICE, 10)
    assert_invalid(
        world, world.block_of(world.pay([(deposit, ALICE)], [(BOB, 6), (ALICE, 5)])), "tx_execution"
    )
    assert_invalid(other, other.block_of(other.pay([(deposit, ALICE)], [(BOB, 1)], TOKEN)), "tx_execution")


def test_money_out_of_nothing(world: World) -> None:
    """A deposit transaction inside an operator's block creates nothing."""
    minted = world.rules.encode_signed(world.rules.deposit(MALLORY.address, ETH, Wei(1)), [])
    assert_invalid(world, world.block_of(minted), "tx_execution")


def test_tokens_are_counted_apart(world: World) -> None:
    """One transaction may move several tokens when each adds up."""
    ether, token = world.deposit(ALICE, 10), world.deposit(ALICE, 5, TOKEN)
    unsigned = world.rules.encode(
        [ether, token], [Output(BOB.address, TOKEN, Wei(5)), Output(BOB.address, ETH, Wei(10))]
    )
    signature = world.rules.sign(world.rules.decode(unsigned), CONTRACT, ALICE.key)
    world.block(world.rules.encode_signed(unsigned, [signature, signature]))
    assert [output.token for _, output in world.verifier.ways_out.exitable_utxos(BOB.address)] == [TOKEN, ETH]


def test_duplicate_inputs(world: World) -> None:
    """The same input twice in one transaction is refused before any ledger is asked."""
    deposit = world.deposit(ALICE, 10)
    twice = world.pay([(deposit, ALICE), (deposit, ALICE)], [(BOB, 20)])
    assert_invalid(world, world.block_of(twice), "duplicate_inputs")


def test_signatures_missing_superfluous_or_corrupt(world: World) -> None:
    """There is one sound signature for each input, no more and no less."""
    deposit = world.deposit(ALICE, 10)
    unsigned = world.raw(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    good = world.rules.sign(world.rules.decode(unsigned), CONTRACT, ALICE.key)
    for error_type, signatures in (
        ("missing_signature", []),
        ("superfluous_signature", [good, good]),
        ("signature_corrupt", [good[:64] + b"\x55"]),
    ):
        other = World(world.contracts.generation)
        other.deposit(ALICE, 10)
        signed = world.rules.encode_signed(unsigned, signatures)
        assert_invalid(other, other.block_of(signed), error_type)


@pytest.mark.parametrize("garbage", [b"", b"\xc0", b"\x80", b"not RLP", b"\xc1\xc0", b"\xf8\xff"])
def test_malformed_transactions(world: World, garbage: bytes) -> None:
    """Bytes that are no signed transaction make the block invalid, whatever they are."""
    assert_invalid(world, world.block_of(garbage, raws=[b"any"]), "malformed_transaction")


def test_an_invalid_block_after_valid_transactions_applies_none(world: World) -> None:
    """A block counts as a whole: its sound transactions are not kept when another one is not."""
    deposit = world.deposit(ALICE, 10)
    sound = world.pay([(deposit, ALICE)], [(BOB, 10)])
    minted = world.rules.encode_signed(world.rules.deposit(MALLORY.address, ETH, Wei(1)), [])
    assert_invalid(world, world.block_of(sound, minted), "tx_execution")
    assert world.verifier.ledger.spend(deposit) is None


def test_blocks_come_in_order(world: World) -> None:
    """A block out of order is the caller's mistake, not the operator's."""
    block = world.block_of()
    with pytest.raises(ValueError, match="expected 1000, got 2000"):
        world.verifier.apply_block(2000, block.hash, world.at(), block)
    assert world.events() == []


def test_a_withheld_block_halts(world: World) -> None:
    """A block nobody can get is an event of its own, and block events are listed after those about exits."""
    deposit = world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    world.verifier.withhold(2000, Hash32(bytes(32)))
    assert world.verifier.halted
    world.start_exit(deposit, ALICE)
    assert world.events() == [("invalid_exit", deposit.encode()), ("block_withholding", 2000)]


def claim(world: World, amount: int, token: Address = ETH) -> tuple[bytes, bytes]:
    signed = encode_fee_claim(MALLORY.address, token, Wei(amount), keccak(b"nonce"))
    decoded = decode_fee_claim(signed)
    assert decoded is not None
    return signed, decoded.tx.raw


def block_with_claims(world: World, payments: list[bytes], claims: list[tuple[bytes, bytes]]) -> ChildBlock:
    raws = [world.raw(each) for each in payments] + [raw for _, raw in claims]
    return world.block_of(*payments, *[signed for signed, _ in claims], raws=raws)


def test_fees_may_be_left_unclaimed(world: World) -> None:
    """What outputs leave over is the operator's fee; nobody has to claim it."""
    deposit = world.deposit(ALICE, 10)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 9)]))
    assert [output.amount for _, output in world.verifier.ways_out.exitable_utxos(BOB.address)] == [9]


def test_a_deposit_counts_once(world: World) -> None:
    """A deposit's log read again does not bring a spent output back."""
    event = DepositCreated(ALICE.address, 1, ETH, Wei(10), **world.where)
    world.verifier.apply_event(event)
    deposit = UtxoPosition(1, 0, 0)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 10)]))
    world.verifier.apply_event(event)
    assert world.verifier.ledger.unspent(deposit) is None


def test_a_deposit_made_after_the_block_cannot_be_spent_in_it(world: World) -> None:
    """A block spends nothing that is younger than itself, even where the deposit is known already."""
    world.verifier.apply_event(DepositCreated(ALICE.address, 1001, ETH, Wei(10), **world.where))
    young = UtxoPosition(1001, 0, 0)
    assert_invalid(world, world.block_of(world.pay([(young, ALICE)], [(BOB, 10)])), "tx_execution")


@of_generations(Generation.ALD_V1, Generation.ALD_V2)
@pytest.mark.parametrize(
    ("written", "instead", "error_type"),
    [
        (b"\x01\xe1\xa0", b"\x02\xe1\xa0", "unrecognized_transaction_type"),
        (b"\x01\xf3\x94", b"\x02\xf3\x94", "tx_cannot_create_output_type"),
    ],
    ids=["transaction", "output"],
)
def test_other_types_are_refused(world: World, written: bytes, instead: bytes, error_type: str) -> None:
    """Only payments that create payment outputs are taken, however well they are signed."""
    deposit = world.deposit(ALICE, 2**60)
    unsigned = world.raw(world.pay([(deposit, ALICE)], [(BOB, 2**60)]))
    assert unsigned.count(written) == 1
    unsigned = unsigned.replace(written, instead)
    signature = world.rules.sign(world.rules.decode(unsigned), CONTRACT, ALICE.key)
    signed = world.rules.encode_signed(unsigned, [signature])
    assert_invalid(world, world.block_of(signed), error_type)


@of_generations(Generation.ALD_V1)
@pytest.mark.parametrize(
    "malformed",
    [
        [[b"s" * 65], b"\x03", [[b"\x02", [b"o" * 20, b"t" * 20, b"\x01"]]], b"n" * 32],
        [[], b"\x03", [], b"n" * 32],
        [[], b"\x03", [[b"\x02", [b"o" * 20, b"t" * 20, b"\x01"]]] * 2, b"n" * 32],
        [[], b"\x03", [[b"\x01", [b"o" * 20, b"t" * 20, b"\x01"]]], b"n" * 32],
        [[], b"\x03", [[b"\x02", [b"o" * 20, b"t" * 20, b""]]], b"n" * 32],
        [[], b"\x03", [[b"\x02", [b"o" * 20, b"t" * 20, b"\x01", b"\x01"]]], b"n" * 32],
        [[], b"\x03", [[b"\x02", [b"o" * 19, b"t" * 20, b"\x01"]]], b"n" * 32],
        [[], b"\x03", [[b"\x02", [b"o" * 20, b"t" * 20, b"\x01"]]], b"n" * 31],
    ],
    ids=["signed", "no output", "two outputs", "payment output", "nothing", "extra", "owner", "nonce"],
)
def test_malformed_fee_claims(world: World, malformed: list[object]) -> None:
    """A claim has no signature, one fee output of something, and a nonce of 32 bytes."""
    sound = [[], b"\x03", [[b"\x02", [b"o" * 20, b"t" * 20, b"\x01"]]], b"n" * 32]
    assert decode_fee_claim(encoded(sound)) is not None
    with pytest.raises(MalformedError, match="fee claim"):
        decode_fee_claim(encoded(malformed))
    assert_invalid(world, world.block_of(encoded(malformed), raws=[b"any"]), "malformed_transaction")


def encoded(item: object) -> bytes:
    if isinstance(item, bytes):
        return rlp.encode_string(item)
    assert isinstance(item, list)
    return rlp.encode_list(map(encoded, item))


def test_the_ledger_says_why(world: World) -> None:
    """Each refusal has a Watcher's own name for its reason."""
    deposit = world.deposit(ALICE, 10)
    world.verifier.apply_event(DepositCreated(ALICE.address, 1001, ETH, Wei(10), **world.where))

    def reason(*signed: bytes) -> str:
        opened = world.verifier.ledger.open_block()
        *before, last = [recover(world.rules, CONTRACT, each) for each in signed]
        for each in before:
            opened.apply(each)
        with pytest.raises(TransactionRefusedError) as caught:
            opened.apply(last)
        return caught.value.reason

    payment = world.pay([(deposit, ALICE)], [(BOB, 9)])
    assert reason(payment, payment) == "utxo_not_found"
    assert reason(world.pay([(UtxoPosition(1001, 0, 0), ALICE)], [(BOB, 9)])) == "input_utxo_ahead_of_state"
    assert reason(world.pay([(deposit, BOB)], [(BOB, 9)])) == "unauthorized_spend"
    assert reason(world.pay([(deposit, ALICE)], [(BOB, 11)])) == "amounts_do_not_add_up"
    if world.contracts.generation.is_ald:
        fee = claim(world, 1)[0]
        assert reason(payment, fee, payment) == "payments_rejected_during_fee_claiming"
        assert reason(fee) == reason(payment, fee, fee) == "surplus_in_token_not_collected"
        assert reason(payment, claim(world, 2)[0]) == "claimed_and_collected_amounts_mismatch"


@of_generations(Generation.ROOTCHAIN_V02)
def test_v02_knows_no_fee_claims(world: World) -> None:
    """B4: the operator of rootchain v0.2 takes fees on the root chain, so a claim in a block is malformed."""
    deposit = world.deposit(ALICE, 10)
    payment = world.pay([(deposit, ALICE)], [(BOB, 9)])
    block = block_with_claims(world, [payment], [claim(world, 1)])
    assert_invalid(world, block, "malformed_transaction")


@of_generations(Generation.ALD_V1, Generation.ALD_V2)
def test_b4_fees_are_claimed_exactly(world: World) -> None:
    """B4: on ald a claim takes exactly the fees of one token, once, and ends the block's payments."""
    deposit = world.deposit(ALICE, 10)
    payment = world.pay([(deposit, ALICE)], [(BOB, 9)])
    wrong = [
        [claim(world, 2)],
        [claim(world, 1, TOKEN)],
        [claim(world, 1), claim(world, 1)],
    ]
    for claims in wrong:
        other = World(world.contracts.generation)
        other.deposit(ALICE, 10)
        assert_invalid(other, block_with_claims(other, [payment], claims), "tx_execution")
    assert world.submit(block_with_claims(world, [payment], [claim(world, 1)]))
    [(position, output)] = world.verifier.ways_out.exitable_utxos(MALLORY.address)
    assert (position, output.amount, output.output_type) == (UtxoPosition(1000, 1, 0), 1, 2)


@of_generations(Generation.ALD_V1, Generation.ALD_V2)
def test_payments_after_a_fee_claim_are_refused(world: World) -> None:
    """Claims come last."""
    first, second = world.deposit(ALICE, 10), world.deposit(ALICE, 10)
    payment, late = world.pay([(first, ALICE)], [(BOB, 9)]), world.pay([(second, ALICE)], [(BOB, 10)])
    fee, fee_raw = claim(world, 1)
    block = world.block_of(payment, fee, late, raws=[world.raw(payment), fee_raw, world.raw(late)])
    assert_invalid(world, block, "tx_execution")


def test_the_ledger_keeps_its_sums(world: World) -> None:
    """Over many blocks, what is unspent and what was left as fees adds up to what was deposited."""
    owned = [world.deposit(ALICE, 100) for _ in range(8)]
    for fees in range(4, 44, 4):
        signed = [
            world.pay([(a, ALICE), (b, ALICE)], [(ALICE, _amount(world, a)), (ALICE, _amount(world, b) - 1)])
            for a, b in zip(owned[::2], owned[1::2], strict=True)
        ]
        blknum = world.block(*signed)
        owned = [UtxoPosition(blknum, txindex, oindex) for txindex in range(4) for oindex in range(2)]
        assert [position for position, _ in world.verifier.ways_out.exitable_utxos(ALICE.address)] == owned
        assert sum(_amount(world, position) for position in owned) == 800 - fees


def _amount(world: World, position: UtxoPosition) -> int:
    output = world.verifier.ledger.unspent(position)
    assert output is not None
    return output.amount
