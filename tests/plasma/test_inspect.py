"""`inspect` tells what bytes mean to each generation, and never fails on them."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Wei, parse_hex
from plasma_guard.plasma.inspect import TransactionFinding, inspect_position, inspect_transaction
from plasma_guard.plasma.rules import PlasmaRules
from plasma_guard.plasma.transaction import Output
from plasma_strategies import ALL_RULES
from vectors_loader import load

EVERY_GENERATION = pytest.mark.parametrize("rules", ALL_RULES, ids=lambda rules: str(rules.generation))
CONTRACT = Address(b"\x0c" * 20)
KEY = b"\x0a" * 32
SPENT = UtxoPosition(4000, 2, 1)
AT = UtxoPosition(5000, 3, 0)


def finding(rules: PlasmaRules, findings: list[TransactionFinding]) -> TransactionFinding:
    assert [f.generation for f in findings] == [str(g) for g in Generation]
    return next(f for f in findings if f.generation == rules.generation)


def payment(rules: PlasmaRules) -> bytes:
    return rules.encode((SPENT,), (Output(CONTRACT, ETH, Wei(2**200)), Output(CONTRACT, CONTRACT, Wei(1))))


@EVERY_GENERATION
def test_an_unsigned_transaction_is_told_in_full(rules: PlasmaRules) -> None:
    """Content, hashes and ids are those of the rules."""
    raw = payment(rules)
    found = finding(rules, inspect_transaction(raw, CONTRACT, AT))
    tx = rules.decode(raw)
    assert (found.problem, found.form, found.tx_type) == (None, "unsigned", 1)
    assert [i.position for i in found.inputs] == ["4000000020001"]
    assert [(o.index, o.owner, o.token, o.amount) for o in found.outputs] == [
        (0, str(CONTRACT), str(ETH), str(2**200)),
        (1, str(CONTRACT), str(CONTRACT), "1"),
    ]
    second = UtxoPosition(5000, 3, 1)
    assert found.outputs[1].position == str(second)
    assert found.outputs[1].standard_exit_id == str(rules.standard_exit_id(raw, second))
    output_id = rules.output_id(raw, second)
    assert found.outputs[1].output_id == (None if output_id is None else str(output_id))
    assert found.unsigned == "0x" + raw.hex()
    assert found.tx_hash == str(tx.hash)
    assert found.in_flight_exit_id == str(rules.in_flight_exit_id(raw))
    assert found.signing_hash == str(rules.signing_hash(tx, CONTRACT))
    assert found.signatures == ()


@EVERY_GENERATION
def test_signers_of_a_signed_transaction_are_told_for_a_known_contract(rules: PlasmaRules) -> None:
    """Each slot says who signed or why that cannot be told."""
    raw = payment(rules)
    tx = rules.decode(raw)
    signature = rules.sign(tx, CONTRACT, KEY)
    signed = rules.encode_signed(raw, [signature, bytes([9] * 65)])
    found = finding(rules, inspect_transaction(signed, CONTRACT))
    assert found.form == "signed"
    assert found.unsigned == "0x" + raw.hex()
    assert found.signatures[0].signer == str(rules.recover(tx, signature, CONTRACT))
    assert found.signatures[1].signer is None
    assert "v must be" in str(found.signatures[1].problem)
    assert [s.problem for s in found.signatures[2:]] == ["empty slot"] * len(found.signatures[2:])
    unknown = finding(rules, inspect_transaction(signed))
    assert unknown.signing_hash is None
    assert "without the verifying contract" in str(unknown.signatures[0].problem)


def test_what_one_generation_reads_the_others_explain_refusing() -> None:
    """A v0.2 transaction is none of ald's, and each ald finding says why in both forms."""
    raw = payment(ALL_RULES[0])
    _, *ald = inspect_transaction(raw, CONTRACT)
    for found in ald:
        assert found.form is None
        assert str(found.problem).startswith("not unsigned (transaction: expected 5 items, got 2)")


def test_a_position_out_of_reach_is_a_problem_of_that_generation_only() -> None:
    """A block number too large for v1 does not keep v2 from telling."""
    raw = payment(ALL_RULES[2])
    _, v1, v2 = inspect_transaction(raw, position=UtxoPosition(180_143_985_095, 0, 0))
    assert "blknum must be at most 180143985094" in str(v1.problem)
    assert v2.problem is None


def test_a_position_is_told_by_its_parts() -> None:
    """A deposit's position is told apart from a payment's."""
    found = inspect_position(1_001_000_020_003)
    assert (found.blknum, found.txindex, found.oindex, found.is_deposit) == (1001, 2, 3, True)
    assert (found.position, found.tx_position) == ("1001000020003", "1001000020000")
    with pytest.raises(MalformedError, match="txindex"):
        inspect_position(1_000_655_360_000)


@given(raw=st.binary(max_size=400))
def test_no_bytes_break_inspect(raw: bytes) -> None:
    """Whatever the bytes, every generation has a finding, and all of it is JSON."""
    findings = inspect_transaction(raw, CONTRACT, AT)
    assert len(json.loads(json.dumps([asdict(f) for f in findings]))) == len(Generation)


def test_recorded_signed_transactions_are_recognised() -> None:
    """Every recorded ald transaction in its signed form names its signers."""
    for case in load("ald", "codec")["cases"]:
        if "signed_rlp" not in case:
            continue
        contracts = load("ald", "codec")["meta"]["contracts"]
        at = Address.parse(contracts[case["version"]]["eip712_domain"]["verifyingContract"])
        _, v1, v2 = inspect_transaction(parse_hex(case["signed_rlp"], "signed_rlp"), at)
        found = v1 if case["version"] == "1.0.5" else v2
        assert found.tx_hash == case["tx_hash"]
        assert [s.signer for s in found.signatures] == [s["address"].lower() for s in case["signers"]]
