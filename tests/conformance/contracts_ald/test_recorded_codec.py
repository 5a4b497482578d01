"""The devnet's contracts read transactions, positions and signatures exactly as the recorded ones do.

The Merkle vectors with arbitrary leaves have no door on chain: recorded exits prove inclusion instead.
"""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address

from conformance.contracts_ald.world import ETH, Call, World
from plasma_guard.devnet import artifacts
from plasma_guard.devnet.jsonrpc import EvmRpcError
from plasma_guard.devnet.transactor import encode_call
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, Wei
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.transaction import Output
from vectors_loader import load

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The deployer's fourth contract decides about spends of payment outputs.
_CONDITION_NONCE = 3


def _cases(name: str, world: World, *kinds: str) -> list[dict[str, Any]]:
    cases = load("ald", name)["cases"]
    return [case for case in cases if case["version"] == world.version and case["kind"] in kinds]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


async def _outcome(world: World, call: Call) -> str:
    try:
        return await world.read(call)
    except EvmRpcError as error:
        return error.message


async def test_standard_exit_ids(world: World) -> None:
    """GetStandardExitId answers the recorded ids, and refuses what was refused."""
    cases = _cases("positions", world, "standard_exit_id", "standard_exit_id_large_oindex")
    assert cases
    for case in cases:
        arguments = (case.get("is_deposit", False), _bytes(case["raw_rlp"]), int(case["utxo_pos"]))
        call = world.call("guard", "payment_exit_game", "getStandardExitId", *arguments)
        expected = "execution reverted: " + str(case.get("contract_error"))
        if case["exit_id"] is not None:
            expected = "0x" + encode(["uint256"], [int(case["exit_id"])]).hex()
        assert await _outcome(world, call) == expected, case["index"]


async def test_in_flight_exit_ids(world: World) -> None:
    """GetInFlightExitId answers the recorded ids, and no such exit exists."""
    cases = _cases("positions", world, "in_flight_exit_id")
    assert cases
    for case in cases:
        call = world.call("guard", "payment_exit_game", "getInFlightExitId", _bytes(case["raw_rlp"]))
        exit_id = int(await world.read(call), 16)
        assert exit_id == int(case["exit_id"])
        answer = await world.read(world.call("guard", "payment_exit_game", "inFlightExits", [exit_id]))
        words = 7 + 2 * (4 * 5 if world.is_v1 else 5 * 6)
        assert _bytes(answer) == encode(["uint256", "uint256"], [32, 1]) + bytes(32 * words)


async def test_positions_have_the_recorded_bounds(world: World) -> None:
    """A position is valid up to the recorded block number and transaction index."""
    cases = _cases("positions", world, "position", "invalid_position")
    assert {case["kind"] for case in cases} == {"position", "invalid_position"}
    for case in cases:
        arguments = (True, b"", int(case["utxo_pos"]))
        call = world.call("guard", "payment_exit_game", "getStandardExitId", *arguments)
        outcome = await _outcome(world, call)
        if case["kind"] == "position":
            assert outcome.startswith("0x"), case["index"]
        else:
            assert outcome == f"execution reverted: {case['contract_error']}", case["index"]


async def test_malformed_transactions_are_refused_for_the_recorded_reason(world: World) -> None:
    """A start with malformed bytes fails with the recorded reason, before anything else is checked."""
    cases = _cases("codec", world, "malformed")
    assert cases
    output = world.outputs["d4"]
    for case in cases:
        arguments = (int(output["utxo_pos"]), _bytes(case["raw_rlp"]), _bytes(output["proof"]))
        call = world.call("carol", "payment_exit_game", "startStandardExit", arguments, value=world.bond)
        assert await _outcome(world, call) == f"execution reverted: {case['contract_error']}", case["name"]


async def test_recorded_signatures_are_accepted(world: World) -> None:
    """Each recorded signature of each payment recovers to its signer, so signing hashes are the same."""
    cases = _cases("codec", world, "payment")
    assert cases
    for case in cases:
        for index, (signer, signature) in enumerate(zip(case["signers"], case["signatures"], strict=True)):
            position = int(case["tx"]["inputs"][index]["utxo_pos"])
            call = _verify(world, signer["address"], position, case["raw_rlp"], index, signature)
            assert int(await _outcome(world, call), 16) == 1, (case["name"], index)


async def test_odd_signatures_are_refused(world: World) -> None:
    """A signature in another form is refused with the recorded reason."""
    cases = _cases("codec", world, "signature_check")
    assert cases
    for case in cases:
        position = int(world.rules.decode(_bytes(case["raw_rlp"])).inputs[0].encode())
        call = _verify(world, case["owner"], position, case["raw_rlp"], 0, case["signature"])
        assert await _outcome(world, call) == f"execution reverted: {case['contract_error']}", case["name"]


async def test_blocks_prove_the_recorded_transactions(world: World) -> None:
    """The contracts' roots, those of deposits included, accept the recorded proof of every output."""
    for name, output in world.outputs.items():
        position = int(output["utxo_pos"])
        answer = await world.read(world.call("guard", "plasma_framework", "blocks", position // 10**9))
        root, _ = decode(["bytes32", "uint256"], _bytes(answer))
        index = UtxoPosition.decode(position).txindex
        proof = _bytes(output["proof"])
        assert world.rules.verify_inclusion(_bytes(output["raw_rlp"]), index, proof, Hash32(root)), name


def _verify(world: World, owner: str, position: int, spending: str, index: int, signature: str) -> Call:
    # What is spent need not exist here: any transaction will do whose output belongs to the signer.
    output = Output(Address.parse(owner), Address.parse(ETH), Wei(1))
    spent = world.rules.encode((), [output] * world.rules.max_outputs)
    code = artifacts.load("SpendingConditionV1" if world.is_v1 else "SpendingConditionV2")
    deployer = _bytes(world.address("deployer"))
    address = to_checksum_address(keccak(rlp.encode([deployer, _CONDITION_NONCE]))[12:])
    arguments = (spent, position, _bytes(spending), index, _bytes(signature))
    return Call(world.address("guard"), address, "0x" + encode_call(code.abi, "verify", arguments).hex())
