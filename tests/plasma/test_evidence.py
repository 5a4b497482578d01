"""A spend is believed exactly when the contract would believe it."""

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode

from plasma_guard.domain.errors import EvidenceError
from plasma_guard.domain.evidence import StandardExitChallenge
from plasma_guard.domain.exits import ExitId, ExitStatus, Generation, StandardExit
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei, parse_hex
from plasma_guard.plasma.evidence import find_signature, prove_spend
from plasma_guard.plasma.rules import PlasmaRules, rules_for
from plasma_guard.plasma.signature import EMPTY
from plasma_guard.plasma.transaction import Output
from plasma_strategies import ALL_RULES
from vectors_loader import load

EVERY_GENERATION = pytest.mark.parametrize("rules", ALL_RULES, ids=lambda rules: str(rules.generation))
ALD_ONLY = pytest.mark.parametrize("rules", ALL_RULES[1:], ids=lambda rules: str(rules.generation))
ROOTCHAIN = rules_for(Generation.ROOTCHAIN_V02)
ALD = {"1.0.5": rules_for(Generation.ALD_V1), "2.0.0": rules_for(Generation.ALD_V2)}
CONTRACT = Address(b"\x0c" * 20)
ALICE_KEY, BOB_KEY = b"\x0a" * 32, b"\x0b" * 32
POSITION = UtxoPosition(5000, 3, 1)
OTHER = UtxoPosition(4000, 0, 0)
ETHER = Wei(10**18)


def owner_of(key: bytes) -> Address:
    rules = ALL_RULES[0]
    tx = rules.decode(rules.deposit(CONTRACT, ETH, ETHER))
    return rules.recover(tx, rules.sign(tx, CONTRACT, key), CONTRACT)


ALICE, BOB = owner_of(ALICE_KEY), owner_of(BOB_KEY)


def case_of(rules: PlasmaRules) -> tuple[StandardExit, StandardExitChallenge]:
    """Return Alice's running exit of an output that she has spent, and the proof that she has."""
    creating = rules.encode((OTHER,), (Output(BOB, ETH, Wei(7)), Output(ALICE, ETH, ETHER)))
    spend = rules.encode((OTHER, POSITION), (Output(BOB, ETH, ETHER),))
    exit_id = rules.standard_exit_id(creating, POSITION)
    exit_ = StandardExit(
        exit_id,
        ExitStatus.RUNNING,
        POSITION,
        ALICE,
        amount=ETHER,
        output_id=rules.output_id(creating, POSITION),
    )
    claim = StandardExitChallenge(
        POSITION,
        exit_id,
        spend,
        1,
        rules.sign(rules.decode(spend), CONTRACT, ALICE_KEY),
        creating if rules.generation.is_ald else None,
    )
    return exit_, claim


def refused(rules: PlasmaRules, exit_: StandardExit, claim: StandardExitChallenge) -> str:
    """Return why the claim is refused; fails if it is not."""
    with pytest.raises(EvidenceError) as caught:
        prove_spend(rules, CONTRACT, exit_, claim)
    return str(caught.value)


# what the real contracts accepted


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case['version']}-{case['index']}")
        for case in load("ald", "calldata")["cases"]
        if case["function"].startswith("challengeStandardExit(") and case["kind"] == "transaction"
    ],
)
def test_every_recorded_ald_challenge_is_a_proof(case: dict[str, Any]) -> None:
    """What an ald contract paid a challenger for is proven locally too."""
    rules, args = ALD[case["version"]], case["args"]["args"]
    contracts = load("ald", "calldata")["meta"]["contracts"]
    at = Address.parse(contracts[case["version"]]["addresses"]["plasma_framework"])
    position = UtxoPosition.decode(int(case["logs"][0]["decoded"]["utxoPos"]))
    exiting = parse_hex(args["exitingTx"], "exitingTx")
    output = rules.decode(exiting).outputs[position.oindex]
    exit_ = StandardExit(
        ExitId(int(args["exitId"])),
        ExitStatus.RUNNING,
        position,
        output.owner,
        amount=output.amount,
        output_id=rules.output_id(exiting, position),
    )
    claim = StandardExitChallenge(
        position,
        exit_.exit_id,
        parse_hex(args["challengeTx"], "challengeTx"),
        int(args["inputIndex"]),
        parse_hex(args["witness"], "witness"),
        exiting,
    )
    tx = prove_spend(rules, at, exit_, claim)
    assert tx.inputs[claim.input_index] == position


def rootchain_challenge(args: dict[str, str], owner: Address, at: UtxoPosition) -> None:
    """Prove a recorded v0.2 challenge against the entry the contract had."""
    exit_ = StandardExit(ExitId(int(args["_standardExitId"])), ExitStatus.RUNNING, at, owner)
    claim = StandardExitChallenge(
        at,
        exit_.exit_id,
        parse_hex(args["_challengeTx"], "_challengeTx"),
        int(args["_inputIndex"]),
        parse_hex(args["_challengeTxSig"], "_challengeTxSig"),
    )
    prove_spend(ROOTCHAIN, Address.parse(load("rootchain", "calldata")["root_chain"]), exit_, claim)


RECORDED_OWNERS: dict[str, Address] = {
    entry["result"]["position"]: Address.parse(entry["result"]["owner"])
    for case in load("rootchain", "calldata")["functions"]["startStandardExit"]
    for entry in case["reads_after"]
    if entry["call"] == "exits"
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=str(case["index"]))
        for case in load("rootchain", "calldata")["functions"]["challengeStandardExit"]
        if case["logs"][0]["decoded"]["utxoPos"] in RECORDED_OWNERS
    ],
)
def test_every_recorded_rootchain_challenge_is_a_proof(case: dict[str, Any]) -> None:
    """What the v0.2 contract paid a challenger for is proven locally too, where the start is recorded."""
    position = case["logs"][0]["decoded"]["utxoPos"]
    rootchain_challenge(case["args"], RECORDED_OWNERS[position], UtxoPosition.decode(int(position)))


# what they refused


REFUSED_ON_ROOTCHAIN = {
    "wrong (empty) input index": "input index: ",
    "signed by somebody else": "challenge signature: is by ",
    "64 byte signature": "challenge signature: expected 65 bytes",
    "66 byte signature": "challenge signature: expected 65 bytes",
    "zero signature": "challenge signature: no public key",
    "gap in inputs of the challenge tx": "challenge transaction: does not decode",
    "33 byte metadata": "challenge transaction: does not decode",
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["situation"])
        for case in load("rootchain", "reverts")["cases"]
        if case["function"] == "challengeStandardExit" and case["situation"] in REFUSED_ON_ROOTCHAIN
    ],
)
def test_rootchain_evidence_that_the_contract_refused_is_no_proof(case: dict[str, Any]) -> None:
    """Each recorded refusal about the evidence itself is foreseen, for its own reason."""
    starts = load("rootchain", "calldata")["functions"]["startStandardExit"]
    entry = next(
        read["result"]
        for start in starts
        for read in start["reads_after"]
        if read["args"] == [case["args"]["_standardExitId"]]
    )
    position, owner = UtxoPosition.decode(int(entry["position"])), Address.parse(entry["owner"])
    with pytest.raises(EvidenceError, match="^" + REFUSED_ON_ROOTCHAIN[case["situation"]]):
        rootchain_challenge(case["args"], owner, position)


REFUSED_ON_ALD = {
    "witness signed by another key": "challenge signature: is by ",
    "witness with v 0/1 instead of 27/28": "challenge signature: v must be 27 or 28",
    "challenge tx spends another output": "challenge transaction: input 0 is ",
    "challenge tx of type 3: no spending condition": "challenge transaction: type must be 1",
    "empty challenge tx": "challenge transaction: does not decode",
    "right challenge tx, wrong inputIndex and witness": "challenge transaction: input 0 is ",
    "spend of the twin deposit used against the other": "challenge transaction: input 0 is ",
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case['version']}-{case['situation']}")
        for case in load("ald", "reverts")["cases"]
        if case["function"] == "challengeStandardExit" and case["situation"] in REFUSED_ON_ALD
    ],
)
def test_ald_evidence_that_the_contract_refused_is_no_proof(case: dict[str, Any]) -> None:
    """Each recorded refusal about the evidence itself is foreseen, for its own reason."""
    rules = ALD[case["version"]]
    calldata = parse_hex(case["calldata"], "calldata")
    id_type = f"uint{160 if rules.generation is Generation.ALD_V1 else 168}"
    ((exit_id, exiting, challenge, index, witness, _),) = abi_decode(
        [f"({id_type},bytes,bytes,uint16,bytes,bytes32)"], calldata[4:]
    )
    position = next(
        at
        for at in recorded_positions(case["version"], exiting)
        if rules.standard_exit_id(exiting, at) == exit_id
    )
    output = rules.decode(exiting).outputs[position.oindex]
    exit_ = StandardExit(
        ExitId(exit_id),
        ExitStatus.RUNNING,
        position,
        output.owner,
        amount=output.amount,
        output_id=rules.output_id(exiting, position),
    )
    claim = StandardExitChallenge(position, exit_.exit_id, challenge, index, witness, exiting)
    contracts = load("ald", "reverts")["meta"]["contracts"]
    at = Address.parse(contracts[case["version"]]["addresses"]["plasma_framework"])
    with pytest.raises(EvidenceError, match="^" + REFUSED_ON_ALD[case["situation"]]):
        prove_spend(rules, at, exit_, claim)


def recorded_positions(version: str, raw: bytes) -> list[UtxoPosition]:
    """Return the positions of the outputs of the recorded world that this transaction created."""
    world = load("ald", "calldata")["meta"]["base_world"][version]
    return [
        UtxoPosition.decode(int(output["utxo_pos"]))
        for output in world.values()
        if output["raw_rlp"] == "0x" + raw.hex()
    ]


# one wrong thing at a time


@EVERY_GENERATION
def test_a_true_claim_gives_the_spend(rules: PlasmaRules) -> None:
    """The decoded spend is returned, its bytes untouched."""
    exit_, claim = case_of(rules)
    assert prove_spend(rules, CONTRACT, exit_, claim).raw == claim.challenge_tx


@EVERY_GENERATION
def test_a_wrong_exit_id_in_the_claim_is_no_veto(rules: PlasmaRules) -> None:
    """The chain's exit id is what counts, so a Watcher cannot stop a challenge by misnaming it."""
    exit_, claim = case_of(rules)
    prove_spend(rules, CONTRACT, exit_, replace(claim, exit_id=ExitId(1)))


@EVERY_GENERATION
def test_an_entry_without_owner_or_position_proves_nothing(rules: PlasmaRules) -> None:
    """An absent exit can not be challenged."""
    exit_, claim = case_of(rules)
    assert "no position or no owner" in refused(rules, replace(exit_, owner=None), claim)
    assert "no position or no owner" in refused(rules, replace(exit_, position=None), claim)


@EVERY_GENERATION
def test_a_claim_about_another_position_is_refused(rules: PlasmaRules) -> None:
    """The contract's position decides what the exit is of."""
    exit_, claim = case_of(rules)
    assert refused(rules, exit_, replace(claim, position=OTHER)).startswith("position: the exit is of ")
    assert refused(rules, replace(exit_, position=OTHER), claim).startswith("position: the exit is of ")


@EVERY_GENERATION
def test_the_owner_on_chain_must_have_signed(rules: PlasmaRules) -> None:
    """A signature by anybody else than the owner in the contract's entry is no proof."""
    exit_, claim = case_of(rules)
    by_bob = rules.sign(rules.decode(claim.challenge_tx), CONTRACT, BOB_KEY)
    assert f"is by {BOB}" in refused(rules, exit_, replace(claim, signature=by_bob))
    assert "exit pays" in refused(rules, replace(exit_, owner=BOB), claim) or not rules.generation.is_ald
    with pytest.raises(EvidenceError, match="signature"):
        prove_spend(rules, Address(b"\x0d" * 20), exit_, claim)


@EVERY_GENERATION
@pytest.mark.parametrize("index", [-1, 0, 2, 3, 4, 2**16])
def test_the_input_index_must_be_that_of_the_spent_output(rules: PlasmaRules, index: int) -> None:
    """Out of range it would burn all gas on chain; in range it must point at the exiting output."""
    exit_, claim = case_of(rules)
    message = refused(rules, exit_, replace(claim, input_index=index))
    assert message.startswith("challenge transaction: input 0 is " if index == 0 else "input index: ")


@EVERY_GENERATION
def test_a_signed_challenge_transaction_is_refused(rules: PlasmaRules) -> None:
    """The contracts take unsigned transactions only."""
    exit_, claim = case_of(rules)
    signed = rules.encode_signed(claim.challenge_tx, [claim.signature])
    message = refused(rules, exit_, replace(claim, challenge_tx=signed))
    assert message.startswith("challenge transaction: does not decode")


@ALD_ONLY
def test_the_exiting_transaction_must_be_the_one_of_the_entry(rules: PlasmaRules) -> None:
    """Missing, undecodable, other, or too short a transaction is refused."""
    exit_, claim = case_of(rules)
    other = rules.encode((OTHER,), (Output(BOB, ETH, Wei(8)), Output(ALICE, ETH, ETHER)))
    short = rules.encode((OTHER,), (Output(ALICE, ETH, ETHER),))
    for exiting_tx, why in (
        (None, "missing"),
        (b"", "does not decode"),
        (other, "makes exit id"),
        (short, "has 1 outputs"),
    ):
        assert f"exiting transaction: {why}" in refused(rules, exit_, replace(claim, exiting_tx=exiting_tx))
    wrong_id = replace(exit_, output_id=Hash32(bytes(32)))
    assert refused(rules, wrong_id, claim).startswith("exiting transaction: makes output ")


@ALD_ONLY
def test_the_exiting_output_must_be_what_the_entry_says(rules: PlasmaRules) -> None:
    """Owner, amount and, where known, token of the entry are those of the output."""
    exit_, claim = case_of(rules)
    assert "belongs to" in refused(rules, replace(exit_, owner=BOB), claim)
    assert "amount is" in refused(rules, replace(exit_, amount=Wei(1)), claim)
    assert "token is" in refused(rules, replace(exit_, token=BOB), claim)


@ALD_ONLY
def test_only_payments_prove_anything(rules: PlasmaRules) -> None:
    """A transaction or output of another type is not under the payment's spending condition."""
    exit_, claim = case_of(rules)
    assert claim.exiting_tx is not None
    other_type = claim.challenge_tx.replace(b"\x01\xf8\x42", b"\x02\xf8\x42", 1)
    assert rules.decode(other_type).tx_type == 2
    assert "challenge transaction: type must be 1" in refused(
        rules, exit_, replace(claim, challenge_tx=other_type)
    )
    odd_output = claim.exiting_tx.replace(b"\x01\xf3\x94" + ALICE, b"\x02\xf3\x94" + ALICE, 1)
    entry = replace(
        exit_,
        exit_id=rules.standard_exit_id(odd_output, POSITION),
        output_id=rules.output_id(odd_output, POSITION),
    )
    message = refused(rules, entry, replace(claim, exiting_tx=odd_output))
    assert message == "exiting output: type must be 1, got 2"


@EVERY_GENERATION
def test_a_huge_number_in_the_evidence_does_not_flood_the_message(rules: PlasmaRules) -> None:
    """What a Watcher can choose freely is shortened before it reaches a log."""
    exit_, claim = case_of(rules)
    message = refused(rules, exit_, replace(claim, input_index=10**400))
    assert len(message) < 200


@EVERY_GENERATION
def test_the_owners_signature_is_found_among_rubbish(rules: PlasmaRules) -> None:
    """None, empty, short, zero and foreign signatures do not keep the right one from being found."""
    _, claim = case_of(rules)
    tx = rules.decode(claim.challenge_tx)
    by_bob = rules.sign(tx, CONTRACT, BOB_KEY)
    rubbish = [None, b"", b"\1" * 64, EMPTY, b"\xff" * 65, by_bob]
    assert find_signature(rules, tx, [*rubbish, claim.signature], ALICE, CONTRACT) == claim.signature
    assert find_signature(rules, tx, rubbish, ALICE, CONTRACT) is None
    assert find_signature(rules, tx, [], ALICE, CONTRACT) is None
