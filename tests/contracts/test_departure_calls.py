"""The calls of the guard's own exits, byte for byte what the real contracts took."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.golden import ROOTCHAIN, ald_calls, ald_game, hexed, rootchain_game
from contracts.test_in_flight_calls import BONDS, ID, ME, candidate, listed_items
from plasma_guard.domain.actions import (
    Action,
    AddExitQueue,
    DeleteNonPiggybacked,
    ProcessExits,
    StartInFlightExit,
    StartStandardExit,
)
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import ExitId
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.ports import ExitGame


def rootchain_action(function: str, args: dict[str, str], value: Wei) -> Action:
    match function:
        case "startStandardExit":
            position = UtxoPosition.decode(int(args["_utxoPos"]))
            proof = hexed(args["_outputTxInclusionProof"])
            return StartStandardExit(ID, position, hexed(args["_outputTx"]), proof, value)
        case "startInFlightExit":
            txs = tuple(listed_items(hexed(args["_inputTxs"])))
            return StartInFlightExit(
                exit_id=ID,
                in_flight_tx=hexed(args["_inFlightTx"]),
                input_txs=txs,
                input_positions=(UtxoPosition(1, 0, 0),) * len(txs),
                proofs=_split(hexed(args["_inputTxsInclusionProofs"]), 512),
                signatures=_split(hexed(args["_inFlightTxSigs"]), 65),
                bond=value,
            )
        case "addToken":
            return AddExitQueue(Address.parse(args["_token"]))
        case _:
            count, head = int(args["_exitsToProcess"]), ExitId(int(args["_topExitId"]))
            return ProcessExits(Address.parse(args["_token"]), count, head)


def ald_action(function: str, args: dict[str, Any], value: Wei) -> Action:
    match function:
        case "startStandardExit":
            inner = args["args"]
            position = UtxoPosition.decode(int(inner["utxoPos"]))
            proof = hexed(inner["outputTxInclusionProof"])
            return StartStandardExit(ID, position, hexed(inner["rlpOutputTx"]), proof, value)
        case "startInFlightExit":
            inner = args["args"]
            return StartInFlightExit(
                exit_id=ID,
                in_flight_tx=hexed(inner["inFlightTx"]),
                input_txs=tuple(hexed(tx) for tx in inner["inputTxs"]),
                input_positions=tuple(UtxoPosition.decode(int(text)) for text in inner["inputUtxosPos"]),
                proofs=tuple(hexed(proof) for proof in inner["inputTxsInclusionProofs"]),
                signatures=tuple(hexed(signature) for signature in inner["inFlightTxWitnesses"]),
                bond=value,
            )
        case "addExitQueue":
            return AddExitQueue(Address.parse(args["token"]))
        case "deleteNonPiggybackedInFlightExit":
            return DeleteNonPiggybacked(ExitId(int(args["exitId"])))
        case _:
            count, head = int(args["maxExitsToProcess"]), ExitId(int(args["topExitId"]))
            return ProcessExits(Address.parse(args["token"]), count, head)


def _split(joined: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(joined[at : at + size] for at in range(0, len(joined), size))


ALD_CALLS = (
    "startStandardExit",
    "startInFlightExit",
    "addExitQueue",
    "deleteNonPiggybackedInFlightExit",
    "processExits",
)
ROOTCHAIN_CALLS = ("startStandardExit", "startInFlightExit", "addToken", "processExits")
CASES = [
    pytest.param(
        rootchain_game(),
        rootchain_action(name, case["args"], Wei(int(case.get("value", 0)))),
        case,
        id=f"v0.2-{name}-{number}",
    )
    for name in ROOTCHAIN_CALLS
    for number, case in enumerate(ROOTCHAIN["functions"][name])
] + [
    pytest.param(
        ald_game(case["version"]),
        ald_action(name, case["args"], Wei(int(case["value"]))),
        case,
        id=f"{case['version']}-{name}-{case['index']}",
    )
    for name, case in ald_calls(*ALD_CALLS)
]


@pytest.mark.parametrize(("game", "action", "case"), CASES)
def test_calldata_is_what_the_contract_took(game: ExitGame, action: Action, case: dict[str, Any]) -> None:
    """Byte for byte, to the right contract, with gas enough, and allowed to the signers at that value."""
    made = candidate(game, action, Address.parse(case.get("from", str(ME))))
    assert made.data.hex() == case["calldata"][2:]
    contracts = game.contracts
    to_framework = isinstance(action, AddExitQueue | ProcessExits)
    assert made.to == (contracts.entry if to_framework else contracts.exit_game)
    assert made.value == int(case.get("value", 0))
    assert made.gas_limit is not None
    assert made.gas_limit > 1.25 * case["gas_used"] or isinstance(action, ProcessExits)
    bonds = replace(BONDS, standard_exit=made.value, in_flight_exit=made.value)
    assert game.sendable(bonds)[made.to][made.data[:4]] == (made.value,)


def test_every_call_and_revision_is_among_the_cases() -> None:
    """No call is left unproven because its vectors were not found."""
    kinds = {(case.values[0].contracts.generation, type(case.values[1])) for case in CASES}  # type: ignore[union-attr] # a param's values
    assert len(kinds) == 4 + 5 + 5


def test_v02_has_nothing_to_delete() -> None:
    """An exit nobody joined is stuck there, with its bond."""
    with pytest.raises(MalformedError, match="no such call"):
        candidate(rootchain_game(), DeleteNonPiggybacked(ID))
