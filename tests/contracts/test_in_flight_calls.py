"""The calls of the in-flight exit game, byte for byte what the real contracts took."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from contracts.golden import (
    ALD,
    GENERATIONS,
    ROOTCHAIN,
    ald_calls,
    ald_contracts,
    ald_game,
    hexed,
    rootchain_game,
)
from plasma_guard.contracts.ald import calls as ald
from plasma_guard.contracts.ald.revisions import REVISIONS
from plasma_guard.contracts.rootchain import calls as rootchain
from plasma_guard.domain.actions import (
    Action,
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    Piggyback,
    RespondToNonCanonicalChallenge,
)
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import Bonds, ExitId, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.domain.transactions import TxCandidate
from plasma_guard.ports import ExitGame

ID = ExitId(7)
ME = Address(b"\x11" * 20)
BONDS = Bonds(standard_exit=Wei(1), in_flight_exit=Wei(2), piggyback=Wei(3))


def position(text: str) -> UtxoPosition | None:
    return UtxoPosition.decode(int(text)) if int(text) else None


def known_position(text: str) -> UtxoPosition:
    return UtxoPosition.decode(int(text))


def rootchain_action(function: str, args: dict[str, str], value: int) -> Action:
    tx = hexed(args["_inFlightTx"])
    match function:
        case "challengeInFlightExitNotCanonical":
            return ChallengeNotCanonical(
                exit_id=ID,
                in_flight_tx=tx,
                in_flight_input_index=int(args["_inFlightTxInputIndex"]),
                competing_tx=hexed(args["_competingTx"]),
                competing_input_index=int(args["_competingTxInputIndex"]),
                position=position(args["_competingTxPos"]),
                proof=hexed(args["_competingTxInclusionProof"]),
                signature=hexed(args["_competingTxSig"]),
            )
        case "respondToNonCanonicalChallenge":
            return RespondToNonCanonicalChallenge(
                ID, tx, known_position(args["_inFlightTxPos"]), hexed(args["_inFlightTxInclusionProof"])
            )
        case "challengeInFlightExitInputSpent":
            return ChallengeInputSpent(
                exit_id=ID,
                in_flight_tx=tx,
                in_flight_input_index=int(args["_inFlightTxInputIndex"]),
                spending_tx=hexed(args["_spendingTx"]),
                spending_input_index=int(args["_spendingTxInputIndex"]),
                signature=hexed(args["_spendingTxSig"]),
            )
        case "challengeInFlightExitOutputSpent":
            return ChallengeOutputSpent(
                exit_id=ID,
                in_flight_tx=tx,
                output_position=known_position(args["_inFlightTxOutputPos"]),
                proof=hexed(args["_inFlightTxInclusionProof"]),
                spending_tx=hexed(args["_spendingTx"]),
                spending_input_index=int(args["_spendingTxInputIndex"]),
                signature=hexed(args["_spendingTxSig"]),
            )
        case _:
            slot = int(args["_outputIndex"])
            side = Side.OUTPUT if slot >= 4 else Side.INPUT
            return Piggyback(ID, tx, side, slot % 4, Wei(value))


def ald_action(function: str, args: dict[str, Any], value: int) -> Action:
    if function == "respondToNonCanonicalChallenge":
        return RespondToNonCanonicalChallenge(
            ID,
            hexed(args["inFlightTx"]),
            known_position(args["inFlightTxPos"]),
            hexed(args["inFlightTxInclusionProof"]),
        )
    args = args["args"]
    tx = hexed(args["inFlightTx"])
    match function:
        case "challengeInFlightExitNotCanonical":
            return ChallengeNotCanonical(
                exit_id=ID,
                in_flight_tx=tx,
                in_flight_input_index=int(args["inFlightTxInputIndex"]),
                competing_tx=hexed(args["competingTx"]),
                competing_input_index=int(args["competingTxInputIndex"]),
                position=position(args["competingTxPos"]),
                proof=hexed(args["competingTxInclusionProof"]),
                signature=hexed(args["competingTxWitness"]),
                input_tx=hexed(args["inputTx"]),
                input_position=known_position(args["inputUtxoPos"]),
            )
        case "challengeInFlightExitInputSpent":
            return ChallengeInputSpent(
                exit_id=ID,
                in_flight_tx=tx,
                in_flight_input_index=int(args["inFlightTxInputIndex"]),
                spending_tx=hexed(args["challengingTx"]),
                spending_input_index=int(args["challengingTxInputIndex"]),
                signature=hexed(args["challengingTxWitness"]),
                input_tx=hexed(args["inputTx"]),
                input_position=known_position(args["inputUtxoPos"]),
            )
        case "challengeInFlightExitOutputSpent":
            return ChallengeOutputSpent(
                exit_id=ID,
                in_flight_tx=tx,
                output_position=known_position(args["outputUtxoPos"]),
                proof=hexed(args["inFlightTxInclusionProof"]),
                spending_tx=hexed(args["challengingTx"]),
                spending_input_index=int(args["challengingTxInputIndex"]),
                signature=hexed(args["challengingTxWitness"]),
            )
        case "piggybackInFlightExitOnInput":
            return Piggyback(ID, tx, Side.INPUT, int(args["inputIndex"]), Wei(value))
        case _:
            return Piggyback(ID, tx, Side.OUTPUT, int(args["outputIndex"]), Wei(value))


GUARD_CALLS = (
    "challengeInFlightExitNotCanonical",
    "respondToNonCanonicalChallenge",
    "challengeInFlightExitInputSpent",
    "challengeInFlightExitOutputSpent",
    "piggybackInFlightExit",
    "piggybackInFlightExitOnInput",
    "piggybackInFlightExitOnOutput",
)
CASES: list[Any] = [
    pytest.param(
        rootchain_game(),
        rootchain_action(function, case["args"], int(case["msg_value"])),
        case,
        int(case["msg_value"]),
        id=f"v0.2-{function}-{case['index']}",
    )
    for function in GUARD_CALLS
    for case in ROOTCHAIN["functions"].get(function, [])
] + [
    pytest.param(
        ald_game(case["version"]),
        ald_action(function, case["args"], int(case["value"])),
        case,
        int(case["value"]),
        id=f"{case['version']}-{function}-{case['index']}",
    )
    for function, case in ald_calls(*GUARD_CALLS)
]


def candidate(game: ExitGame, action: Action, account: Address = ME) -> TxCandidate:
    return game.candidate(action, intent="i", case_id=1, account=account)


@pytest.mark.parametrize(("game", "action", "case", "value"), CASES)
def test_calldata_is_what_the_contract_took(
    game: ExitGame, action: Action, case: dict[str, Any], value: int
) -> None:
    """Byte for byte, with the exact bond, and allowed to the signers with that very value and no other."""
    account = Address.parse(case["from"])
    made = candidate(game, action, account)
    assert made.data.hex() == case["calldata"][2:]
    assert (made.to, made.value, made.account) == (game.contracts.exit_game, value, account)
    assert made.gas_limit is not None
    assert 1.25 * case["gas_used"] < made.gas_limit < 600_000
    bonds = replace(BONDS, piggyback=Wei(value or 3))
    assert game.sendable(bonds)[made.to][made.data[:4]] == (value,)


def test_every_call_and_revision_is_among_the_cases() -> None:
    """No call is left unproven because its vectors were not found."""
    kinds = {(game.values[0].contracts.generation, type(game.values[1])) for game in CASES}
    assert len(kinds) == 3 * 5


@pytest.mark.parametrize("game", [rootchain_game(), ald_game("1.0.5"), ald_game("2.0.0")])
def test_nothing_but_the_guards_calls_is_sendable(game: ExitGame) -> None:
    """Only what has a bond carries value, and exactly that bond."""
    contracts, allowed = game.contracts, dict(game.sendable(BONDS))
    values = sorted(value for calls in allowed.values() for (value,) in calls.values())
    if contracts.generation.is_ald:
        assert len(allowed[contracts.entry]) == 2  # a queue is opened and processed at the framework
        assert allowed.keys() == {contracts.entry, contracts.exit_game}
        assert values == [0] * 8 + [1, 2, 3, 3]
    else:
        assert allowed.keys() == {contracts.entry}
        assert values == [0] * 7 + [1, 2, 3]


COMPETITOR = ChallengeNotCanonical(
    exit_id=ID,
    in_flight_tx=b"tx",
    in_flight_input_index=0,
    competing_tx=b"other",
    competing_input_index=0,
    position=UtxoPosition(1000, 3, 1),
    proof=b"proof",
    signature=b"signature",
    input_tx=b"input",
    input_position=UtxoPosition(1, 0, 0),
)
RESPONSE = RespondToNonCanonicalChallenge(ID, b"tx", UtxoPosition(1000, 3, 1), b"proof")


@pytest.mark.parametrize("action", [COMPETITOR, RESPONSE])
@pytest.mark.parametrize("game", [rootchain_game(), ald_game("1.0.5"), ald_game("2.0.0")])
def test_positions_with_an_output_index_are_never_sent(game: ExitGame, action: Action) -> None:
    """Ald refuses them, and v0.2 gives the bond to whoever repeats the call with a smaller one."""
    with pytest.raises(MalformedError, match="must have output index 0, got 1000000030001"):
        candidate(game, action)


@pytest.mark.parametrize("game", [rootchain_game(), ald_game("1.0.5")])
def test_a_competitor_in_no_block_goes_with_position_zero_and_without_a_proof(game: ExitGame) -> None:
    """Whatever proof came with it."""
    bare = replace(COMPETITOR, position=None, proof=b"")
    assert candidate(game, replace(bare, proof=b"stray")).data == candidate(game, bare).data


@pytest.mark.parametrize("field", ["input_tx", "input_position"])
def test_ald_demands_the_transaction_that_made_the_input(field: str) -> None:
    """v0.2 does not take it, so only there it may be missing."""
    spent = ChallengeInputSpent(ID, b"tx", 0, b"spend", 0, b"sig", b"input", UtxoPosition(1, 0, 0))
    for action in (replace(COMPETITOR, position=None), spent):
        without = replace(action, **{field: None})  # type: ignore[arg-type] # mypy takes the name for any field
        candidate(rootchain_game(), without)
        with pytest.raises(MalformedError, match=f"{action.name}: input_tx or input_position is missing"):
            candidate(ald_game("1.0.5"), without)


def test_v02_has_four_slots_on_each_side() -> None:
    """Input 4 would be output 0 in its numbering."""
    with pytest.raises(MalformedError, match=r"input: index must be 0\.\.3, got 4"):
        candidate(rootchain_game(), Piggyback(ID, b"tx", Side.INPUT, 4, Wei(1)))


def test_bond_paying_challenges_belong_to_one_account_on_ald() -> None:
    """The same challenge by another account has another senderData, and nothing else differs."""
    spent = ChallengeOutputSpent(ID, b"tx", UtxoPosition(1, 0, 0), b"p", b"spend", 0, b"sig")
    other = Address(b"\x12" * 20)
    one, two = (candidate(ald_game("2.0.0"), spent, account).data for account in (ME, other))
    assert one.replace(ald.sender_data(ME), ald.sender_data(other)) == two != one


def test_the_purpose_tells_exit_and_slot() -> None:
    """It is what people read in logs and alerts."""
    piggyback = Piggyback(ID, b"tx", Side.OUTPUT, 2, Wei(1))
    assert candidate(ald_game("1.0.5"), piggyback).purpose == (
        "piggybackInFlightExit of output 2 of in-flight exit 7"
    )
    bare = replace(COMPETITOR, position=None)
    assert candidate(rootchain_game(), bare).purpose == (
        "challengeInFlightExitNotCanonical of in-flight exit 7"
    )


@pytest.mark.parametrize("case", ROOTCHAIN["functions"]["startInFlightExit"])
def test_v02_start_calldata_is_what_the_contract_took(case: dict[str, Any]) -> None:
    """Byte for byte, from one list of input transactions; they are lists themselves, not strings."""
    args = {name: hexed(value) for name, value in case["args"].items()}
    tx, listed = args["_inFlightTx"], args["_inputTxs"]
    data = rootchain.start_in_flight_exit(
        tx, listed, args["_inputTxsInclusionProofs"], args["_inFlightTxSigs"]
    )
    assert data.hex() == case["calldata"][2:]
    assert rootchain.input_tx_list(listed_items(listed)) == listed


def listed_items(listed: bytes) -> Sequence[bytes]:
    """Split an RLP list with a header of two or three bytes into its items, which have such headers too."""
    found, at = [], listed[0] - 0xF7 + 1
    while at < len(listed):
        size = listed[at] - 0xF7
        end = at + 1 + size + int.from_bytes(listed[at + 1 : at + 1 + size])
        found.append(listed[at:end])
        at = end
    return found


@pytest.mark.parametrize(("name", "case"), ald_calls("startInFlightExit", "deleteNonPiggybackedInFlightExit"))
def test_ald_start_and_deletion_calldata_is_what_the_contract_took(name: str, case: dict[str, Any]) -> None:
    """Byte for byte, in the arrays that in_flight_exit.get_data answers; the deletion by the exit's id."""
    if name == "deleteNonPiggybackedInFlightExit":
        exit_id = ExitId(int(case["args"]["exitId"]))
        data = ald.delete_non_piggybacked(REVISIONS[GENERATIONS[case["version"]]], exit_id)
    else:
        args = case["args"]["args"]
        data = ald.start_in_flight_exit(
            hexed(args["inFlightTx"]),
            [hexed(tx) for tx in args["inputTxs"]],
            [known_position(text) for text in args["inputUtxosPos"]],
            [hexed(proof) for proof in args["inputTxsInclusionProofs"]],
            [hexed(signature) for signature in args["inFlightTxWitnesses"]],
        )
    assert data.hex() == case["calldata"][2:]
    assert Address.parse(case["to"]) == ald_contracts(case["version"]).exit_game


def test_ald_vectors_are_of_both_revisions() -> None:
    """So that both deletions are among the cases above."""
    assert {case["version"] for _, case in ald_calls("deleteNonPiggybackedInFlightExit")} == set(
        ALD["meta"]["contracts"]
    )
