"""What holds for every transaction, signature, tree and queue key, not only the recorded ones."""

from contextlib import suppress

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Timestamp
from plasma_guard.plasma.evidence import find_signature
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.rules import PlasmaRules
from plasma_strategies import ALL_RULES, addresses, contents, outputs, payments, positions, private_keys

EVERY_GENERATION = pytest.mark.parametrize("rules", ALL_RULES, ids=lambda rules: str(rules.generation))
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@given(position=positions)
def test_a_position_survives_encoding(position: UtxoPosition) -> None:
    """Decoding an encoded position gives it back."""
    assert UtxoPosition.decode(position.encode()) == position


@EVERY_GENERATION
@given(data=st.data())
def test_a_transaction_survives_encoding(rules: PlasmaRules, data: st.DataObject) -> None:
    """Decoding an encoded transaction gives back its inputs, outputs and metadata."""
    spent = data.draw(st.lists(positions, max_size=rules.max_inputs))
    paid = data.draw(st.lists(outputs, min_size=1, max_size=rules.max_outputs))
    metadata = data.draw(contents)
    tx = rules.decode(rules.encode(spent, paid, metadata))
    assert tx.inputs == tuple(spent)
    assert tx.outputs == tuple(paid)
    assert tx.metadata == (bytes(32) if metadata is None and rules.generation.is_ald else metadata)


@EVERY_GENERATION
@given(data=st.data())
def test_no_bytes_make_the_decoders_fail_otherwise_than_malformed(
    rules: PlasmaRules, data: st.DataObject
) -> None:
    """Random damage to a transaction decodes, or is called malformed; nothing else is raised."""
    raw = bytearray(data.draw(payments(rules)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(raw)[: data.draw(st.integers(0, len(raw)))]
    for candidate in (bytes(raw), damaged):
        for decode in (rules.decode, rules.decode_signed):
            with suppress(MalformedError):
                decode(candidate)


@EVERY_GENERATION
@given(data=st.data(), contract=addresses, key=private_keys)
def test_a_signature_recovers_to_its_signer(
    rules: PlasmaRules, data: st.DataObject, contract: Address, key: bytes
) -> None:
    """The signer is recovered under the contract it was signed for, and under no other."""
    tx = rules.decode(data.draw(payments(rules)))
    signer = Address(keccak(PrivateKey(key).public_key.format(compressed=False)[1:])[12:])
    signature = rules.sign(tx, contract, key)
    assert rules.recover(tx, signature, contract) == signer
    other = Address(bytes([contract[0] ^ 1]) + contract[1:])
    assert find_signature(rules, tx, [signature], signer, other) is None


@EVERY_GENERATION
@given(data=st.data(), contract=addresses, key=private_keys)
def test_a_high_s_and_a_bare_parity_count_on_rootchain_only(
    rules: PlasmaRules, data: st.DataObject, contract: Address, key: bytes
) -> None:
    """ECRecovery of v0.2 takes v 0/1 and any s; ECDSA of ald recovers nobody from either."""
    tx = rules.decode(data.draw(payments(rules)))
    signature = rules.sign(tx, contract, key)
    high_s = (ORDER - int.from_bytes(signature[32:64])).to_bytes(32)
    twins = [
        signature[:64] + bytes([signature[64] - 27]),
        signature[:32] + high_s + bytes([55 - signature[64]]),
    ]
    for twin in twins:
        if rules.generation.is_ald:
            with pytest.raises(MalformedError):
                rules.recover(tx, twin, contract)
        else:
            assert rules.recover(tx, twin, contract) == rules.recover(tx, signature, contract)


@EVERY_GENERATION
@given(data=st.data())
def test_the_signed_form_carries_the_transaction_unchanged(rules: PlasmaRules, data: st.DataObject) -> None:
    """Putting signatures in front and reading them again changes neither; unsigned it is refused."""
    raw = data.draw(payments(rules))
    signatures = data.draw(st.lists(st.binary(min_size=65, max_size=65), max_size=rules.max_inputs))
    signed = rules.decode_signed(rules.encode_signed(raw, signatures))
    assert signed.tx.raw == raw
    assert signed.signatures[: len(signatures)] == tuple(signatures)
    assert not any(map(any, signed.signatures[len(signatures) :]))
    with pytest.raises(MalformedError):
        rules.decode(signed.raw)


@EVERY_GENERATION
@given(data=st.data(), count=st.integers(1, 40), bit=st.integers(0, 512 * 8 - 1))
def test_a_merkle_proof_proves_its_transaction_only(
    rules: PlasmaRules, data: st.DataObject, count: int, bit: int
) -> None:
    """Every place of a block has a proof; flip one bit of it, or move it, and it proves nothing."""
    txs = [b"transaction %d" % i for i in range(count)]
    index = data.draw(st.integers(0, count - 1))
    root, proof = rules.merkle_root(txs), rules.merkle_proof(txs, index)
    assert rules.verify_inclusion(txs[index], index, proof, root)
    flipped = bytearray(proof)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not rules.verify_inclusion(txs[index], index, bytes(flipped), root)
    assert not rules.verify_inclusion(txs[index], index ^ 1, proof, root)
    assert not rules.verify_inclusion(txs[index] + b"!", index, proof, root)
    assert not rules.verify_inclusion(txs[index], index + 2**16, proof, root)
    assert not rules.verify_inclusion(txs[index], index, proof[:-32], root)
    assert not rules.verify_inclusion(txs[index], index, proof, Hash32(bytes(32)))


@EVERY_GENERATION
@given(data=st.data(), position=positions)
def test_a_priority_unpacks_to_what_it_was_packed_from(
    rules: PlasmaRules, data: st.DataObject, position: UtxoPosition
) -> None:
    """Exitable time, transaction position and exit id come back; an older time always comes first."""
    exit_id = ExitId(data.draw(st.integers(0, 2**160 - 1)))
    exitable_at = Timestamp(data.draw(st.integers(0, 2**32 - 2)))
    priority = rules.priority(exit_id, position, exitable_at)
    assert rules.unpack_priority(priority) == (exitable_at, position.tx_position, exit_id)
    assert priority < rules.priority(ExitId(0), UtxoPosition(1, 0, 0), Timestamp(exitable_at + 1))


@EVERY_GENERATION
def test_a_block_of_65536_transactions_is_the_largest(rules: PlasmaRules) -> None:
    """A full tree has a root; one transaction more is refused."""
    leaves = [b""] * 2**16
    assert rules.verify_inclusion(
        b"", 2**16 - 1, rules.merkle_proof(leaves, 2**16 - 1), rules.merkle_root(leaves)
    )
    with pytest.raises(MalformedError, match="at most 65536"):
        rules.merkle_root([*leaves, b""])
    with pytest.raises(MalformedError, match="index must be"):
        rules.merkle_proof(leaves, 2**16)
