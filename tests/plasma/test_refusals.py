"""What no contract takes is neither read nor written."""

import pytest

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId, Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, ZERO_ADDRESS, Address, Timestamp, Wei
from plasma_guard.plasma import rlp
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.signature import recover, sign
from plasma_guard.plasma.transaction import Output
from plasma_strategies import ALL_RULES

EVERY_GENERATION = pytest.mark.parametrize("rules", ALL_RULES, ids=lambda rules: str(rules.generation))
ALD_ONLY = pytest.mark.parametrize("rules", ALL_RULES[1:], ids=lambda rules: str(rules.generation))
ROOTCHAIN, V1, V2 = map(rules_for, Generation)
OWNER = Address(b"\x0a" * 20)
PAID = Output(OWNER, ETH, Wei(5))
AT = UtxoPosition(1000, 0, 0)
MAX_BLKNUM = {Generation.ALD_V1: 180_143_985_094, Generation.ALD_V2: 720_575_940_378}
"""Measured on the contracts: the next block number is refused."""
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


# written


@EVERY_GENERATION
def test_more_inputs_or_outputs_than_the_contract_has_are_not_written(rules: PlasmaRules) -> None:
    """Four of each, five on ald v2."""
    many = [UtxoPosition(1000, i, 0) for i in range(rules.max_inputs + 1)]
    rules.encode(many[1:], [PAID] * rules.max_outputs)
    with pytest.raises(MalformedError, match=f"^inputs: at most {rules.max_inputs}, got"):
        rules.encode(many, [PAID])
    with pytest.raises(MalformedError, match=f"^outputs: at most {rules.max_outputs}, got"):
        rules.encode([AT], [PAID] * (rules.max_outputs + 1))


@EVERY_GENERATION
def test_metadata_is_32_bytes(rules: PlasmaRules) -> None:
    """Nothing is padded silently."""
    for metadata in (b"", b"\1" * 31, b"\1" * 33):
        with pytest.raises(MalformedError, match=r"^metadata: expected 32 bytes"):
            rules.encode([AT], [PAID], metadata)


def test_outputs_that_rootchain_cannot_tell_are_not_written() -> None:
    """An all-zero output would be read as padding, and there are no output types."""
    for output in (Output(ZERO_ADDRESS, ETH, Wei(0)), Output(OWNER, ETH, Wei(5), output_type=2)):
        with pytest.raises(MalformedError, match=r"^outputs: not all of them can be written"):
            ROOTCHAIN.encode([AT], [PAID, output])


@EVERY_GENERATION
def test_only_whole_signatures_go_in_front_of_only_transactions(rules: PlasmaRules) -> None:
    """The signed form is made from a transaction that decodes and signatures of 65 bytes."""
    raw = rules.encode([AT], [PAID])
    with pytest.raises(MalformedError, match=r"^signature: expected 65 bytes, got 64"):
        rules.encode_signed(raw, [bytes(65), bytes(64)])
    with pytest.raises(MalformedError, match=r"^signatures: at most"):
        rules.encode_signed(raw, [bytes(65)] * (rules.max_inputs + 1))
    with pytest.raises(MalformedError, match=r"^transaction: expected"):
        rules.encode_signed(rlp.encode_list([b"\x80"]), [])


# read


@EVERY_GENERATION
def test_a_signed_form_without_signatures_or_with_too_many_is_refused(rules: PlasmaRules) -> None:
    """The first item must be a list of at most as many signatures as there can be inputs."""
    raw = rules.encode([AT], [PAID])
    slots = rlp.encode_list([rlp.encode_string(bytes(65))] * (rules.max_inputs + 1))
    items = raw[rlp.whole(raw, "it").payload :]
    with pytest.raises(MalformedError, match=r"^signatures: at most"):
        rules.decode_signed(rlp.encode_list([slots, items]))
    with pytest.raises(MalformedError, match=r"^signature: expected 65 bytes, got 3"):
        rules.decode_signed(rlp.encode_list([rlp.encode_list([b"\x83abc"]), items]))
    with pytest.raises(MalformedError, match="empty list"):
        rules.decode_signed(b"\xc0")


def ald(
    tx_type: bytes = b"\x01",
    inputs: list[bytes] | None = None,
    outputs: list[bytes] | None = None,
    data: bytes = b"\x80",
) -> bytes:
    """Return an ald transaction from encoded parts; one good output unless told otherwise."""
    metadata = rlp.encode_string(bytes(32))
    outputs = [output()] if outputs is None else outputs
    return rlp.encode_list([tx_type, rlp.encode_list(inputs or []), rlp.encode_list(outputs), data, metadata])


def output(owner: bytes = OWNER, amount: bytes = b"\x05", output_type: bytes = b"\x01") -> bytes:
    fields = rlp.encode_list([rlp.encode_string(owner), rlp.encode_string(ETH), amount])
    return rlp.encode_list([output_type, fields])


def spent(encoded: int) -> bytes:
    return rlp.encode_string(encoded.to_bytes(32))


@ALD_ONLY
def test_ald_transactions_with_one_wrong_part_are_refused(rules: PlasmaRules) -> None:
    """Each rule of the payment transaction has an encoding that breaks it alone."""
    rules.decode(ald())
    rules.decode(ald(inputs=[spent(AT.encode())] * rules.max_inputs))
    too_far = (MAX_BLKNUM[rules.generation] + 1) * 10**9
    for raw, why in (
        (ald(tx_type=b"\x80"), "^transaction type: must not be 0"),
        (ald(inputs=[spent(AT.encode())] * (rules.max_inputs + 1)), "^inputs: at most"),
        (ald(inputs=[spent(0)]), "^utxo position: blknum"),
        (ald(inputs=[spent(too_far)]), "^utxo position: blknum must be at most"),
        (ald(outputs=[]), "^outputs: must be 1"),
        (ald(outputs=[output()] * (rules.max_outputs + 1)), "^outputs: must be 1"),
        (ald(outputs=[output(owner=ZERO_ADDRESS)]), "^output owner: must not be the zero address"),
        (ald(outputs=[output(output_type=b"\x80")]), "^output type: must not be 0"),
        (ald(data=b"\x01"), "^transaction data: must be 0"),
    ):
        with pytest.raises(MalformedError, match=why):
            rules.decode(raw)


def test_an_amount_of_zero_is_for_v2_only() -> None:
    """v1 refuses it, v2 allows it."""
    raw = ald(outputs=[output(amount=b"\x80")])
    assert V2.decode(raw).outputs[0].amount == 0
    with pytest.raises(MalformedError, match=r"^output amount: must not be 0"):
        V1.decode(raw)


def test_rootchain_counts_output_indexes_modulo_256_in_exit_ids() -> None:
    """The contract cuts the index to eight bits: index 257 shares its id with index 1 of the same payment."""
    raw = ROOTCHAIN.encode([AT], [PAID, PAID])
    far, near = UtxoPosition(1000, 0, 257), UtxoPosition(1000, 0, 1)
    assert ROOTCHAIN.standard_exit_id(raw, far) == ROOTCHAIN.standard_exit_id(raw, near)


@EVERY_GENERATION
def test_numbers_that_do_not_fit_a_queue_key_are_refused(rules: PlasmaRules) -> None:
    """Nothing spills into the neighbouring field."""
    now = Timestamp(1_700_000_000)
    for exit_id, at, exitable_at, why in (
        (ExitId(1 << 168), AT, now, "^exit id"),
        (ExitId(-1), AT, now, "^exit id"),
        (ExitId(1), UtxoPosition(2**56 // 10**5 + 1, 0, 0), now, "^transaction position"),
        (ExitId(1), AT, Timestamp(1 << 42), "^exitable time"),
        (ExitId(1), AT, Timestamp(-1), "^exitable time"),
    ):
        with pytest.raises(MalformedError, match=why):
            rules.priority(exit_id, at, exitable_at)
    for priority in (-1, 1 << 256):
        with pytest.raises(MalformedError, match=r"^priority"):
            rules.unpack_priority(priority)
    with pytest.raises(MalformedError, match=r"^utxo position"):
        rules.unpack_priority(0)


# signatures


def test_s_may_be_half_the_order_and_not_one_more_on_ald() -> None:
    """The bound of ECDSA.recover is exact."""
    good = sign(b"\1" * 32, b"\2" * 32)

    def with_s(s: int) -> bytes:
        return good[:32] + s.to_bytes(32) + good[64:]

    recover(b"\1" * 32, with_s(HALF_ORDER), strict=True)
    recover(b"\1" * 32, with_s(HALF_ORDER + 1), strict=False)
    with pytest.raises(MalformedError, match="upper half"):
        recover(b"\1" * 32, with_s(HALF_ORDER + 1), strict=True)


@pytest.mark.parametrize("v", [2, 3, 26, 29, 30, 255])
def test_no_other_v_is_taken(v: int) -> None:
    """Recovery ids 2 and 3 exist elsewhere, never on chain."""
    signature = sign(b"\1" * 32, b"\2" * 32)[:64] + bytes([v])
    for strict in (True, False):
        with pytest.raises(MalformedError, match=r"^signature: v must be"):
            recover(b"\1" * 32, signature, strict=strict)


@pytest.mark.parametrize("key", [b"", b"\1" * 31, b"\1" * 33])
def test_a_private_key_has_32_bytes(key: bytes) -> None:
    """The message tells the length and never the key."""
    with pytest.raises(MalformedError, match=f"^private key: expected 32 bytes, got {len(key)}$"):
        sign(b"\1" * 32, key)
