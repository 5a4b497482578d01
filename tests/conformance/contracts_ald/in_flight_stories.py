"""The steps of the recorded scenarios of in-flight exits that the golden data leaves out.

Base-world names: dN is a deposit; p, q, r, s, t are blocks 1000 to 5000, then transaction index and output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.contracts_ald.stories import Step, Story, challenge_with, recorded, start
from conformance.contracts_ald.world import CASES, ETH, START, Call, World
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.plasma.transaction import Output

_GAME: Final = "payment_exit_game"
_ETHER: Final = 10**18


def not_included(world: World) -> list[Step]:
    transaction = _tx(recorded(world.version, "S07_ife_not_included", "startInFlightExit"))
    return [
        Step(64, piggyback(world, "dave", "Input", transaction, 0)),
        Step(1258, world.process(1, ETH, 1)),
        Step(1260, piggyback(world, "eve", "Output", transaction, 0)),
    ]


def two_inputs(world: World) -> list[Step]:
    begin = _start_of_two(world)
    return [
        Step(62, begin),
        Step(63, piggyback(world, "alice", "Output", _two_inputs(world), 0)),
        Step(1270, world.process(1, ETH, 1)),
        Step(1271, world.process(2, world.addresses["token"], 1)),
    ]


def canonicity(world: World) -> list[Step]:
    included = world.outputs["s0:0"]
    answer = (_bytes(included["raw_rlp"]), int(included["utxo_pos"]), _bytes(included["proof"]))
    return [
        Step(62, start_included(world, "carol", "s0:0")),
        Step(64, piggyback(world, "carol", "Output", answer[0], 0)),
        Step(67, world.call("guard", _GAME, "respondToNonCanonicalChallenge", *answer)),
        Step(68, not_canonical(world, "guard2", "s0:0", "r1:0")),
    ]


def late_response(world: World) -> list[Step]:
    return [
        Step(62, start_included(world, "carol", "s0:0")),
        Step(64, not_canonical(world, "guard", "s0:0", "t0:0")),
    ]


def canonicity_variants(world: World) -> list[Step]:
    of_deposit = _args_at(world, "S11_canonicity_variants", 65)
    in_block = _args_at(world, "S11_canonicity_variants", 68)
    block = [_bytes(in_block["competingTx"]), _bytes(in_block["inFlightTx"])]
    root = bytes(world.rules.merkle_root(block))
    return [
        Step(64, start_signed(world, "eve", _bytes(of_deposit["inFlightTx"]), [world.outputs["d9"]], "eve")),
        Step(66, world.call("authority", "plasma_framework", "submitBlock", root)),
        Step(67, start_signed(world, "carol", block[1], [world.outputs["d10"]], "carol")),
    ]


def input_spent(world: World) -> list[Step]:
    transaction = _two_inputs(world)
    exit_id = world.rules.in_flight_exit_id(transaction)
    return [
        Step(62, _start_of_two(world)),
        Step(64, piggyback(world, "carol", "Input", transaction, 0)),
        Step(367, _input_spent(world, transaction, "p1:0", "carol")),
        Step(1570, world.call("guard", _GAME, "deleteNonPiggybackedInFlightExit", exit_id)),
    ]


def output_spent(world: World) -> list[Step]:
    transaction = _bytes(world.outputs["q3:0"]["raw_rlp"])
    return [
        Step(62, start_included(world, "bob", "q3:0")),
        Step(64, piggyback(world, "carol", "Output", transaction, 1)),
    ]


def deletion(world: World) -> list[Step]:
    begin = recorded(world.version, "S14_delete", "startInFlightExit")["args"]["args"]
    competitor = recorded(world.version, "S07_ife_not_included", "startInFlightExit")["args"]["args"]
    transaction = _bytes(begin["inFlightTx"])
    exit_id = world.rules.in_flight_exit_id(transaction)
    arguments = (
        _bytes(begin["inputTxs"][0]),
        int(begin["inputUtxosPos"][0]),
        transaction,
        0,
        _bytes(competitor["inFlightTx"]),
        0,
        0,
        b"",
        _bytes(competitor["inFlightTxWitnesses"][0]),
    )
    return [
        Step(362, world.call("guard", _GAME, "deleteNonPiggybackedInFlightExit", exit_id)),
        Step(364, world.call("guard", _GAME, "challengeInFlightExitNotCanonical", arguments)),
    ]


def piggyback_after_block_of_young(world: World) -> list[Step]:
    return [
        Step(62, start_included(world, "bob", "q3:0")),
        Step(64, _output_spent(world, "q3:0", "r0:0")),
    ]


def piggyback_after_block_of_old(world: World) -> list[Step]:
    again = piggyback(world, "bob", "Output", _bytes(world.outputs["q3:0"]["raw_rlp"]), 0)
    return [Step(1863, again), Step(1865, again)]


def finalized_input(world: World) -> list[Step]:
    return [
        Step(62, start(world, "p1:0")),
        Step(64, piggyback(world, "carol", "Input", _two_inputs(world), 1)),
        Step(1271, world.process(1, ETH, 1)),
    ]


def standard_and_in_flight(world: World) -> list[Step]:
    spender = recorded(world.version, "S18_se_and_ife", "startInFlightExit")["args"]["args"]
    signature = _bytes(spender["inFlightTxWitnesses"][0])
    exited = world.outputs["q0:0"]
    return [
        Step(62, start(world, "q0:0")),
        Step(64, challenge_with(world, exited, _bytes(spender["inFlightTx"]), 0, signature)),
    ]


def most_inputs(world: World) -> list[Step]:
    count = world.rules.max_inputs
    owner = Address.parse(world.address("alice"))
    deposits: list[dict[str, str]] = []
    steps: list[Step] = []
    for number in range(1, count + 1):
        deposit = world.rules.deposit(owner, Address.parse(ETH), Wei(number * _ETHER))
        call = world.call("alice", "eth_vault", "deposit", deposit, value=number * _ETHER)
        steps.append(Step(61 + number, call))
        deposits.append(
            {
                "raw_rlp": deposit.hex(),
                "utxo_pos": str((5000 + number) * 10**9),
                "proof": world.rules.merkle_proof([deposit], 0).hex(),
            }
        )
    transaction = _tx(recorded(world.version, "S23_max_io", "piggybackInFlightExitOnOutput"))
    return [
        *steps,
        Step(62 + count, start_signed(world, "guard", transaction, deposits, "alice")),
        Step(64 + count, piggyback(world, "alice", "Input", transaction, count - 1)),
    ]


IN_FLIGHT_STORIES: Final[dict[str, Story]] = {
    "S07_ife_not_included": not_included,
    "S08_ife_two_inputs": two_inputs,
    "S09_ife_canonicity": canonicity,
    "S10_respond_second_phase": late_response,
    "S11_canonicity_variants": canonicity_variants,
    "S12_input_spent": input_spent,
    "S13_output_spent": output_spent,
    "S14_delete": deletion,
    "S15_repiggyback_young": piggyback_after_block_of_young,
    "S16_repiggyback_old": piggyback_after_block_of_old,
    "S17_finalized_input": finalized_input,
    "S18_se_and_ife": standard_and_in_flight,
    "S23_max_io": most_inputs,
}


def piggyback(world: World, sender: str, side: str, transaction: bytes, index: int) -> Call:
    """Return a piggyback on the "Input" or "Output" at an index, by the account in ``sender``."""
    name = f"piggybackInFlightExitOn{side}"
    return world.call(sender, _GAME, name, (transaction, index), value=world.piggyback_bond)


def start_signed(
    world: World, sender: str, transaction: bytes, spent: Sequence[Mapping[str, Any]], signer: str
) -> Call:
    """Return the start of an in-flight exit whose inputs all belong to ``signer``."""
    return _start(world, sender, transaction, spent, [world.sign(signer, transaction)] * len(spent))


def start_included(world: World, sender: str, name: str) -> Call:
    """Return the start of an in-flight exit of a transaction of the base world."""
    output = world.outputs[name]
    spent = [world.outputs[_name_at(world, position)] for position in output["inputs"]]
    signatures = [_bytes(signature) for signature in output["signatures"]]
    return _start(world, sender, _bytes(output["raw_rlp"]), spent, signatures)


def not_canonical(world: World, sender: str, name: str, competitor: str) -> Call:
    """Return a challenge of one base-world transaction of one input with an included other of one input."""
    exiting, competing = world.outputs[name], world.outputs[competitor]
    spent = world.outputs[_name_at(world, exiting["inputs"][0])]
    arguments = (
        _bytes(spent["raw_rlp"]),
        int(spent["utxo_pos"]),
        _bytes(exiting["raw_rlp"]),
        0,
        _bytes(competing["raw_rlp"]),
        0,
        int(competing["utxo_pos"]),
        _bytes(competing["proof"]),
        _bytes(competing["signatures"][0]),
    )
    return world.call(sender, _GAME, "challengeInFlightExitNotCanonical", arguments)


def _start(
    world: World,
    sender: str,
    transaction: bytes,
    spent: Sequence[Mapping[str, Any]],
    signatures: Sequence[bytes],
) -> Call:
    arguments = (
        transaction,
        [_bytes(output["raw_rlp"]) for output in spent],
        [int(output["utxo_pos"]) for output in spent],
        [_bytes(output["proof"]) for output in spent],
        signatures,
    )
    return world.call(sender, _GAME, "startInFlightExit", arguments, value=world.start_bond)


def _input_spent(world: World, transaction: bytes, name: str, owner: str) -> Call:
    # The golden data has no spender of this input: any other transaction of its owner will do.
    spent = world.outputs[name]
    position = UtxoPosition.decode(int(spent["utxo_pos"]))
    back = Output(Address.parse(spent["owner"]), Address.parse(spent["token"]), Wei(int(spent["amount"])))
    spender = world.rules.encode([position], [back])
    index = [entry.encode() for entry in world.rules.decode(transaction).inputs].index(position.encode())
    arguments = (
        transaction,
        index,
        spender,
        0,
        world.sign(owner, spender),
        _bytes(spent["raw_rlp"]),
        position.encode(),
        world.sender_data("guard"),
    )
    return world.call("guard", _GAME, "challengeInFlightExitInputSpent", arguments)


def _output_spent(world: World, name: str, spender: str) -> Call:
    exiting, spending = world.outputs[name], world.outputs[spender]
    arguments = (
        _bytes(exiting["raw_rlp"]),
        _bytes(exiting["proof"]),
        int(exiting["utxo_pos"]),
        _bytes(spending["raw_rlp"]),
        0,
        _bytes(spending["signatures"][0]),
        world.sender_data("guard"),
    )
    return world.call("guard", _GAME, "challengeInFlightExitOutputSpent", arguments)


def _start_of_two(world: World) -> Call:
    case = recorded(world.version, "S17_finalized_input", "startInFlightExit")
    return Call(world.address(case["from_role"]), case["to"], case["calldata"], int(case["value"]))


def _two_inputs(world: World) -> bytes:
    return _tx(recorded(world.version, "S17_finalized_input", "startInFlightExit"))


def _args_at(world: World, scenario: str, second: int) -> Mapping[str, str]:
    wanted = (world.version, scenario, START + second)
    case = next(
        case for case in CASES if (case["version"], case["scenario"], case["block_timestamp"]) == wanted
    )
    arguments: Mapping[str, str] = case["args"]["args"]
    return arguments


def _tx(case: Mapping[str, Any]) -> bytes:
    return _bytes(case["args"]["args"]["inFlightTx"])


def _name_at(world: World, position: str) -> str:
    return next(name for name, output in world.outputs.items() if output["utxo_pos"] == position)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
