"""The rules agree with every value recorded from the real contracts of all three revisions."""

from typing import Any

import pytest

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId, Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Timestamp, Wei, parse_hex
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.transaction import Output, PlasmaTransaction
from vectors_loader import load

ROOTCHAIN = rules_for(Generation.ROOTCHAIN_V02)
ALD = {"1.0.5": rules_for(Generation.ALD_V1), "2.0.0": rules_for(Generation.ALD_V2)}


def of_kind(name: str, *kinds: str | None) -> list[Any]:
    """Return the ald cases of these kinds as parameters."""
    return [
        pytest.param(case, id=f"{case['version']}-{case['index']}")
        for case in load("ald", name)["cases"]
        if case.get("kind") in kinds
    ]


def in_list(name: str, key: str) -> list[Any]:
    """Return the entries of a rootchain list as parameters."""
    return [pytest.param(case, id=str(case["index"])) for case in load("rootchain", name)[key]]


def contract(version: str) -> Address:
    return Address.parse(
        load("ald", "codec")["meta"]["contracts"][version]["eip712_domain"]["verifyingContract"]
    )


def hexed(text: str) -> bytes:
    return parse_hex(text, "vector")


def position(encoded: str) -> UtxoPosition:
    return UtxoPosition.decode(int(encoded))


def assert_codec(
    rules: PlasmaRules, case: dict[str, Any], raw: bytes, outputs: tuple[Output, ...], at: Address
) -> PlasmaTransaction:
    """Check everything both generations' codec cases have: hashes, the signed form, signatures."""
    tx = rules.decode(raw)
    assert tx.raw == raw
    assert tx.outputs == outputs
    assert tx.hash == Hash32.parse(case["tx_hash"])
    assert rules.signing_hash(tx, at) == Hash32.parse(case["signing_hash"])
    assert rules.encode(tx.inputs, tx.outputs, tx.metadata) == raw
    if "signed_rlp" in case:
        signed = rules.decode_signed(hexed(case["signed_rlp"]))
        assert signed.tx == tx
        assert rules.encode_signed(raw, signed.signatures) == signed.raw
    return tx


# codec


@pytest.mark.parametrize("case", in_list("codec", "cases"))
def test_rootchain_transactions_decode_hash_and_sign_as_on_chain(case: dict[str, Any]) -> None:
    """A v0.2 transaction has the recorded content, hashes, signatures and signed form."""
    raw, at = hexed(case["unsigned_rlp"]), Address.parse(case["verifying_contract"])
    outputs = tuple(
        Output(Address.parse(o["owner"]), Address.parse(o["currency"]), Wei(int(o["amount"])))
        for o in case["outputs"]
    )
    tx = assert_codec(ROOTCHAIN, case, raw, outputs, at)
    assert tx.inputs == tuple(UtxoPosition(i["blknum"], i["txindex"], i["oindex"]) for i in case["inputs"])
    assert tx.metadata == (None if case["metadata"] is None else hexed(case["metadata"]))
    for signer in case.get("signers", ()):
        signature = hexed(signer["signature"])
        assert ROOTCHAIN.recover(tx, signature, at) == Address.parse(signer["address"])
        assert ROOTCHAIN.sign(tx, at, hexed(signer["private_key"])) == signature
        signed = ROOTCHAIN.decode_signed(hexed(case["signed_rlp"]))
        assert signed.signatures[signer["input_index"]] == signature


@pytest.mark.parametrize("case", of_kind("codec", "deposit", "payment"))
def test_ald_transactions_decode_hash_and_sign_as_on_chain(case: dict[str, Any]) -> None:
    """An ald transaction has the recorded content, hashes, signatures, signed form and in-flight exit id."""
    rules, at, expected = ALD[case["version"]], contract(case["version"]), case["tx"]
    raw = hexed(case["raw_rlp"])
    outputs = tuple(
        Output(
            Address.parse(o["outputGuard"]),
            Address.parse(o["currency"]),
            Wei(int(o["amount"])),
            o["outputType"],
        )
        for o in expected["outputs"]
    )
    tx = assert_codec(rules, case, raw, outputs, at)
    assert [p.encode() for p in tx.inputs] == [int(i["utxo_pos"]) for i in expected["inputs"]]
    assert tx.metadata == hexed(expected["metadata"])
    assert tx.tx_type == expected["txType"]
    assert rules.in_flight_exit_id(raw) == int(case["in_flight_exit_id"])
    signatures = [hexed(s) for s in case["signatures"]]
    assert list(rules.decode_signed(hexed(case["signed_rlp"])).signatures) == signatures
    for signer, signature in zip(case["signers"], signatures, strict=True):
        assert rules.recover(tx, signature, at) == Address.parse(signer["address"])
        assert rules.sign(tx, at, hexed(signer["private_key"])) == signature


def test_no_codec_case_is_left_out() -> None:
    """Every kind of ald codec case has a test here."""
    kinds = {case["kind"] for case in load("ald", "codec")["cases"]}
    assert kinds == {"deposit", "payment", "malformed", "signature_check"}


@pytest.mark.parametrize("case", of_kind("codec", "malformed"))
def test_ald_refuses_what_the_contract_refuses(case: dict[str, Any]) -> None:
    """An encoding is refused exactly if the contract's decoder refused it."""
    rules, raw = ALD[case["version"]], hexed(case["raw_rlp"])
    if case["accepted"]:
        rules.decode(raw)
    else:
        with pytest.raises(MalformedError):
            rules.decode(raw)


@pytest.mark.parametrize("case", of_kind("codec", "signature_check"))
def test_ald_recovers_from_no_other_signatures_than_the_contract(case: dict[str, Any]) -> None:
    """A signature of the wrong form is refused where the contract cannot recover a signer."""
    rules, at = ALD[case["version"]], contract(case["version"])
    tx = rules.decode(hexed(case["raw_rlp"]))
    assert rules.signing_hash(tx, at) == Hash32.parse(case["signing_hash"])
    if case["accepted"]:
        assert rules.recover(tx, hexed(case["signature"]), at) == Address.parse(case["owner"])
    else:
        with pytest.raises(MalformedError, match=r"^signature: "):
            rules.recover(tx, hexed(case["signature"]), at)


# positions


@pytest.mark.parametrize("case", [*in_list("positions", "utxo_pos"), *of_kind("positions", "position")])
def test_positions_encode_and_decode(case: dict[str, Any]) -> None:
    """A position and its number are the same thing."""
    expected = UtxoPosition(int(case["blknum"]), case["txindex"], case["oindex"])
    assert position(case["utxo_pos"]) == expected
    assert expected.encode() == int(case["utxo_pos"])
    assert expected.is_deposit == case["is_deposit_block"]
    if "tx_pos" in case:
        assert expected.tx_position.encode() == int(case["tx_pos"])


@pytest.mark.parametrize("case", of_kind("positions", "invalid_position"))
def test_ald_refuses_positions_that_the_contract_refuses(case: dict[str, Any]) -> None:
    """A position with too large a transaction index or block number has no exit id and is no input."""
    rules = ALD[case["version"]]
    tx = hexed(load("ald", "codec")["cases"][0]["raw_rlp"])
    with pytest.raises(MalformedError, match=r"^utxo position: (blknum|txindex) must be"):
        rules.standard_exit_id(tx, position(case["utxo_pos"]))


@pytest.mark.parametrize("case", in_list("positions", "standard_exit_id"))
def test_rootchain_standard_exit_ids(case: dict[str, Any]) -> None:
    """The id of a standard exit is the contract's, and there are no output ids."""
    raw, at = hexed(case["unsigned_rlp"]), position(case["utxo_pos"])
    assert ROOTCHAIN.standard_exit_id(raw, at) == int(case["exit_id"])
    assert at.is_deposit == case["deposit_rule"]
    assert ROOTCHAIN.output_id(raw, at) is None


@pytest.mark.parametrize("case", of_kind("positions", "standard_exit_id"))
def test_ald_standard_exit_ids_and_output_ids(case: dict[str, Any]) -> None:
    """The ids of a standard exit and of its output are the contract's."""
    rules, raw, at = ALD[case["version"]], hexed(case["raw_rlp"]), position(case["utxo_pos"])
    assert rules.standard_exit_id(raw, at) == int(case["exit_id"])
    assert rules.output_id(raw, at) == Hash32.parse(case["output_id"])
    output = rules.decode(raw).outputs[at.oindex]
    assert (output.owner, output.token) == (Address.parse(case["owner"]), Address.parse(case["token"]))
    assert output.amount == int(case["amount"])


@pytest.mark.parametrize("case", of_kind("positions", "standard_exit_id_large_oindex"))
def test_ald_exit_ids_of_large_output_indexes(case: dict[str, Any]) -> None:
    """v1 has eight bits for the output index and refuses more; v2 has no such limit."""
    rules, raw, at = ALD[case["version"]], hexed(case["raw_rlp"]), position(case["utxo_pos"])
    if case["accepted"]:
        assert rules.standard_exit_id(raw, at) == int(case["exit_id"])
    else:
        with pytest.raises(MalformedError, match="output index"):
            rules.standard_exit_id(raw, at)


@pytest.mark.parametrize("case", in_list("positions", "in_flight_exit_id"))
def test_rootchain_in_flight_exit_ids(case: dict[str, Any]) -> None:
    """The id of an in-flight exit is the contract's."""
    assert ROOTCHAIN.in_flight_exit_id(hexed(case["unsigned_rlp"])) == int(case["exit_id"])


@pytest.mark.parametrize("case", of_kind("positions", "in_flight_exit_id"))
def test_ald_in_flight_exit_ids(case: dict[str, Any]) -> None:
    """The id of an in-flight exit is the contract's."""
    assert ALD[case["version"]].in_flight_exit_id(hexed(case["raw_rlp"])) == int(case["exit_id"])


@pytest.mark.parametrize("case", in_list("positions", "priority"))
def test_rootchain_priorities(case: dict[str, Any]) -> None:
    """A queue key packs and unpacks as the contract does it."""
    exit_id, exitable_at = ExitId(int(case["exit_id"])), Timestamp(int(case["exitable_timestamp"]))
    priority, at = int(case["priority"]), position(case["utxo_pos"])
    assert ROOTCHAIN.priority(exit_id, at, exitable_at) == priority
    assert ROOTCHAIN.unpack_priority(priority) == (exitable_at, at.tx_position, exit_id)


@pytest.mark.parametrize("case", of_kind("positions", "priority"))
def test_ald_priorities(case: dict[str, Any]) -> None:
    """A queue key packs and unpacks as the contract does it."""
    rules, priority = ALD[case["version"]], int(case["priority"])
    blknum, txindex = divmod(int(case["tx_pos_for_priority"]), 10**5)
    at, exit_id = UtxoPosition(blknum, txindex, 3), ExitId(int(case["exit_id"]))
    assert rules.priority(exit_id, at, Timestamp(case["exitable_at"])) == priority
    assert rules.unpack_priority(priority) == (case["exitable_at"], at.tx_position, exit_id)


# Merkle


def numbered_tx(k: int) -> bytes:
    """Return transaction k of the recorded block whose transactions are given by a rule."""
    owner = Address.parse("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
    return ROOTCHAIN.encode(
        (UtxoPosition(1000 * (k + 1), k, k % 4),), (Output(owner, ETH, Wei(100 * 1000 + k + 1)),)
    )


@pytest.mark.parametrize("case", in_list("merkle", "cases"))
def test_rootchain_merkle_trees(case: dict[str, Any]) -> None:
    """Roots and proofs are the contract's; a proof fails for its neighbour's place."""
    if case["leaves_tx"] is None:
        txs = [numbered_tx(k) for k in range(case["leaf_count"])]
    else:
        txs = [hexed(tx) for tx in case["leaves_tx"]]
    root = Hash32.parse(case["root"])
    assert [ROOTCHAIN.leaf(tx) for tx in txs] == [Hash32.parse(h) for h in case["leaf_hashes"]]
    assert ROOTCHAIN.merkle_root(txs) == root
    for expected in case["proofs"]:
        index, proof = expected["tx_index"], hexed(expected["proof"])
        assert ROOTCHAIN.merkle_proof(txs, index) == proof
        assert ROOTCHAIN.verify_inclusion(txs[index], index, proof, root)
        assert not ROOTCHAIN.verify_inclusion(txs[index], index ^ 1, proof, root)


@pytest.mark.parametrize("case", of_kind("merkle", None))
def test_ald_merkle_trees(case: dict[str, Any]) -> None:
    """Roots are the contract's, and a proof is accepted exactly if the contract accepted it."""
    rules, root, proof = ALD[case["version"]], Hash32.parse(case["root"]), hexed(case["proof"])
    assert rules.verify_inclusion(hexed(case["leaf"]), case["leaf_index"], proof, root) == (
        case["contract_result"] is True
    )
    if leaves := case.get("leaves"):
        txs = [hexed(leaf) for leaf in leaves]
        assert rules.merkle_root(txs) == root
        if case["leaf_index"] < len(txs) and case["contract_result"]:
            assert rules.merkle_proof(txs, case["leaf_index"]) == proof
