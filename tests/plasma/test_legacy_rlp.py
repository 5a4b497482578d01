"""v0.2 reads more than canonical RLP, and so must the guard: evidence is what the contract accepts."""

import pytest

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Wei, parse_hex
from plasma_guard.plasma import rlp
from plasma_guard.plasma.rules import rules_for
from plasma_guard.plasma.transaction import Output
from vectors_loader import load

RULES = rules_for(Generation.ROOTCHAIN_V02)
OWNER = Address(b"\x0a" * 20)
SPENT = UtxoPosition(1, 0, 0)
EMPTY_INPUT = b"\xc3\x80\x80\x80"
EMPTY_OUTPUT = b"\xeb" + (b"\x94" + bytes(20)) * 2 + b"\x80"
INPUT = b"\xc3\x01\x80\x80"
OUTPUT = b"\xeb\x94" + OWNER + b"\x94" + ETH + b"\x05"


def tx(
    inputs: bytes = INPUT + EMPTY_INPUT * 3, outputs: bytes = OUTPUT + EMPTY_OUTPUT * 3, tail: bytes = b""
) -> bytes:
    return rlp.encode_list((rlp.encode_list((inputs,)), rlp.encode_list((outputs,)), tail))


ACCEPTED = {
    "canonical": tx(),
    "integer with leading zeros": tx(b"\xc5\x82\x00\x01\x80\x80" + EMPTY_INPUT * 3),
    "zero as a zero byte": tx(b"\xc3\x01\x00\x00" + EMPTY_INPUT * 3),
    "small byte behind a header": tx(b"\xc4\x81\x01\x80\x80" + EMPTY_INPUT * 3),
    "length written long": tx(b"\xc5\xb8\x01\x01\x80\x80" + EMPTY_INPUT * 3),
    "list length written long": tx(b"\xf8\x03\x01\x80\x80" + EMPTY_INPUT * 3),
    "length of length with leading zeros": tx(b"\xc6\xb9\x00\x01\x01\x80\x80" + EMPTY_INPUT * 3),
    "a fifth input": tx(INPUT + EMPTY_INPUT * 3 + INPUT),
    "a fifth output": tx(outputs=OUTPUT + EMPTY_OUTPUT * 3 + b"\x80"),
    "a fourth field": tx(b"\xc4\x01\x80\x80\x07" + EMPTY_INPUT * 3),
    "wrong length of the whole": b"\xf8\x00" + tx()[2:],
    "a fifth output with a cut off header": tx(outputs=OUTPUT + EMPTY_OUTPUT * 3 + b"\xbf"),
}


@pytest.mark.parametrize("raw", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_unusual_encodings_of_a_transaction_are_read(raw: bytes) -> None:
    """All of these are the same transaction to the contract, with different hashes."""
    decoded = RULES.decode(raw)
    assert decoded.inputs == (SPENT,)
    assert decoded.outputs == (Output(OWNER, ETH, Wei(5)),)
    assert decoded.metadata is None
    assert RULES.signing_hash(decoded, OWNER) == RULES.signing_hash(RULES.decode(tx()), OWNER)
    assert (decoded.hash == RULES.decode(tx()).hash) == (raw == tx())


@pytest.mark.parametrize(("tail", "metadata"), [(b"\x05", 5), (b"\x80", 0), (b"\xa0" + b"\x11" * 32, None)])
def test_metadata_counts_as_a_number(tail: bytes, metadata: int | None) -> None:
    """Shorter metadata is padded on the left, as a bytes32 made from a uint256 is."""
    expected = b"\x11" * 32 if metadata is None else metadata.to_bytes(32)
    assert RULES.decode(tx(tail=tail)).metadata == expected


REFUSED = {
    "nothing": b"",
    "a string": b"\x83abc",
    "an empty list": b"\xc0",
    "one item": rlp.encode_list((rlp.encode_list((INPUT, EMPTY_INPUT * 3)),)),
    "four items": tx(tail=b"\x80\x80"),
    "three inputs": tx(INPUT + EMPTY_INPUT * 2),
    "three outputs": tx(outputs=OUTPUT + EMPTY_OUTPUT * 2),
    "two fields": tx(b"\xc2\x01\x80" + EMPTY_INPUT * 3),
    "a gap in the inputs": tx(EMPTY_INPUT + INPUT + EMPTY_INPUT * 2),
    "a gap in the outputs": tx(outputs=EMPTY_OUTPUT + OUTPUT + EMPTY_OUTPUT * 2),
    "an input that is a string": tx(b"\x83\x01\x80\x80" + EMPTY_INPUT * 3),
    "an integer that is a list": tx(b"\xc3\xc0\x80\x80" + EMPTY_INPUT * 3),
    "an integer of 33 bytes": tx(rlp.encode_list((b"\xa1" + b"\1" * 33, b"\x80\x80")) + EMPTY_INPUT * 3),
    "an owner of 19 bytes": tx(outputs=b"\xea\x93" + OWNER[1:] + b"\x94" + ETH + b"\x05" + EMPTY_OUTPUT * 3),
    "metadata that is a list": tx(tail=b"\xc0"),
    "cut off": tx()[:-1],
    "metadata cut off": tx(tail=b"\xa0" + b"\x11" * 31),
    "metadata cut off in the length of its length": tx(tail=b"\xbf\0"),
    "cut off in a header": tx()[:3],
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_what_the_contract_refuses_is_refused(raw: bytes) -> None:
    """Neither the contract nor the guard makes a transaction of these."""
    with pytest.raises(MalformedError):
        RULES.decode(raw)


@pytest.mark.parametrize(
    ("parts", "sum_"),
    [
        ((0, 100_000, 0), UtxoPosition(1, 0, 0)),
        ((0, 0, 10**9), UtxoPosition(1, 0, 0)),
        ((1, 0, 10_000), UtxoPosition(1, 1, 0)),
        ((2**256 - 1, 200_000, 0), UtxoPosition(1, 0, 0)),
        ((2**255 // 10**9 + 1, 100_000, 0), UtxoPosition(2**255 // 10**9 + 2, 0, 0)),
    ],
)
def test_parts_out_of_range_are_added_up_but_signed_as_written(
    parts: tuple[int, int, int], sum_: UtxoPosition
) -> None:
    """One output can be spent under several spellings; each has its own signing hash."""
    spelled = RULES.decode(tx(rlp.encode_list(map(rlp.encode_integer, parts)) + EMPTY_INPUT * 3))
    plain = RULES.decode(RULES.encode((sum_,), (Output(OWNER, ETH, Wei(5)),)))
    assert spelled.inputs == plain.inputs == (sum_,)
    assert (spelled.written_inputs, plain.written_inputs) == ((parts,), None)
    assert RULES.signing_hash(spelled, OWNER) != RULES.signing_hash(plain, OWNER)


@pytest.mark.parametrize("fields", [b"\x80\x01\x80", b"\x80\x80\x01", b"\x01\x83\x01\x00\x00\x80"])
def test_an_input_that_no_output_can_have_is_refused(fields: bytes) -> None:
    """A sum with block number 0, or a transaction index beyond 65,535, is nobody's position."""
    with pytest.raises(MalformedError, match="utxo position"):
        RULES.decode(tx(rlp.encode_list((fields,)) + EMPTY_INPUT * 3))


def test_recorded_refusals_of_encodings_are_refused() -> None:
    """Every transaction that v0.2 refused for its encoding is malformed, every other one decodes."""
    malformed = {
        "gap in outputs",
        "RLP list of 1 item (needs 2 or 3)",
        "SIGNED rlp instead of unsigned",
        "gap in inputs of the challenge tx",
        "33 byte metadata",
        "gap in inputs of the in-flight tx",
    }
    seen = set()
    for case in load("rootchain", "reverts")["cases"]:
        txs = [v for k, v in case["args"].items() if k.endswith("Tx")]
        if case["situation"] in malformed:
            seen.add(case["situation"])
            with pytest.raises(MalformedError):
                RULES.decode(parse_hex(txs[0], "transaction"))
        else:
            for raw in txs:
                RULES.decode(parse_hex(raw, "transaction"))
    assert seen == malformed
