"""The steps of each recorded scenario that the golden data leaves out: it keeps every other recorded call.

A step is when (seconds after `START`) and what. A recorded transaction of the same second takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode

from conformance.contracts_ald.world import CASES, ETH, REVERTS, Call, World
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Wei

_ALL: Final = 10


@dataclass(frozen=True, slots=True)
class Step:
    """A call to mine ``at`` seconds after the start; ``None`` only lets the time pass."""

    at: int
    call: Call | None


Story = Callable[[World], Sequence[Step]]


def base(world: World) -> list[Step]:
    """Ten deposits, five blocks, the queues of ether and of the first token."""
    deposits = {
        41: "d1",
        42: "d2",
        45: "d3",
        46: "d4",
        49: "d5",
        50: "d6",
        51: "d7",
        52: "d8",
        53: "d9",
        55: "d10",
    }
    blocks = {54: "p", 56: "q", 57: "r", 58: "s", 59: "t"}
    steps = [
        Step(40, None),
        *_allow(world, "alice", "token", 1000, 43),
        *_allow(world, "bob", "token", 300, 47),
        *(Step(at, _deposit_output(world, world.outputs[name])) for at, name in deposits.items()),
        *(Step(at, _submit(world, name)) for at, name in blocks.items()),
        Step(60, world.call("guard", "plasma_framework", "addExitQueue", 1, ETH)),
        Step(61, world.call("guard", "plasma_framework", "addExitQueue", 2, world.addresses["token"])),
    ]
    return sorted(steps, key=lambda step: step.at)


def unspent_deposit(world: World) -> list[Step]:
    return [
        Step(62, start(world, "d4")),
        Step(63, world.process(1, ETH, 1)),
        Step(64, world.process(1, ETH, 0)),
        Step(662, world.process(1, ETH, 1)),
        Step(663, world.process(1, ETH, 1)),
    ]


def spent_deposit(world: World) -> list[Step]:
    caught = challenge(world, "d1", "p0:0")
    return [
        Step(62, start(world, "d1")),
        Step(63, caught),
        Step(674, world.process(1, ETH, 5)),
        Step(675, start(world, "d1")),
        Step(676, caught),
    ]


def spent_payment(world: World) -> list[Step]:
    return [
        Step(62, start(world, "p1:0")),
        Step(64, start(world, "q3:1")),
        Step(1865, start(world, "q0:0")),
        Step(1866, world.process(1, ETH, _ALL)),
    ]


def erc20(world: World) -> list[Step]:
    token = world.addresses["token"]
    return [
        *_allow(world, "alice", "token2", 50, 62),
        Step(64, _deposit_tokens(world, "alice", "token2", 50)),
        Step(65, start(world, "p2:1")),
        Step(66, start(world, "p2:0")),
        Step(67, challenge(world, "p2:0", "q2:0")),
        Step(1273, world.process(2, token, 1)),
        Step(1274, world.process(2, token, 5)),
    ]


def same_deposits(world: World) -> list[Step]:
    return [
        Step(62, start(world, "d6")),
        Step(63, start(world, "d7")),
        Step(64, _challenge_twin(world)),
        Step(670, world.process(1, ETH, 2)),
    ]


def contract_owner(world: World) -> list[Step]:
    arguments = refused_start(world.version, "S06_contract_owner")
    greedy = world.addresses["greedy"]
    deposit = world.call("guard", "eth_vault", "deposit", arguments[1])
    exit_ = world.call("guard", "payment_exit_game", "startStandardExit", arguments)
    return [
        Step(62, Call(greedy, deposit.to, deposit.data, 10**18)),
        Step(63, None),
        Step(64, Call(greedy, exit_.to, exit_.data, world.bond)),
        Step(670, world.process(1, ETH, 1)),
    ]


def bonds(world: World) -> list[Step]:
    new = 56 * 10**15 if world.is_v1 else 618 * 10**14
    arguments = (new,) if world.is_v1 else (new, 0)
    return [Step(63, world.call("maintainer", "payment_exit_game", "updatePiggybackBondSize", *arguments))]


def order(world: World) -> list[Step]:
    return [Step(62, start(world, "d10")), Step(63, start(world, "d4")), Step(64, start(world, "d9"))]


def fee_output(world: World) -> list[Step]:
    _, transaction, _ = refused_start(world.version, "S21_fee_input")
    root = world.rules.merkle_root([transaction])
    return [Step(63, world.call("authority", "plasma_framework", "submitBlock", bytes(root)))]


def zero_amount(world: World) -> list[Step]:
    if world.is_v1:  # where such a deposit is refused
        return []
    arguments = _start_arguments(recorded(world.version, "S24_zero_amount", "startStandardExit")["calldata"])
    again = world.call("alice", "payment_exit_game", "startStandardExit", arguments, value=world.bond)
    return [Step(62, world.call("alice", "eth_vault", "deposit", arguments[1])), Step(64, again)]


def bad_token(world: World) -> list[Step]:
    token = world.addresses["token2"]
    deposit = _deposit_tokens(world, "alice", "token2", 40)
    transaction = decode(["bytes"], _bytes(deposit.data)[4:])[0]
    arguments = (5001 * 10**9, transaction, world.rules.merkle_proof([transaction], 0))
    exit_ = world.call("alice", "payment_exit_game", "startStandardExit", arguments, value=world.bond)
    fail = world.call("alice", "token2", "setTransfersFail", True)  # noqa: FBT003 : the contract's argument
    return [
        *_allow(world, "alice", "token2", 40, 62),
        Step(64, deposit),
        *_allow(world, "bob", "token2", 60, 65),
        Step(68, world.call("guard", "plasma_framework", "addExitQueue", 2, token)),
        Step(69, exit_),
        Step(70, fail),
    ]


STORIES: Final[dict[str, Story]] = {
    "S00_base": base,
    "S01_se_deposit_unspent": unspent_deposit,
    "S02_se_spent_deposit": spent_deposit,
    "S03_se_spent_payment": spent_payment,
    "S04_se_erc20": erc20,
    "S05_same_deposits": same_deposits,
    "S06_contract_owner": contract_owner,
    "S19_bonds": bonds,
    "S21_fee_input": fee_output,
    "S22_order": order,
    "S24_zero_amount": zero_amount,
    "S25_bad_token": bad_token,
}


def start(world: World, name: str) -> Call:
    """Return the start of a standard exit of an output of the base world, by its owner."""
    output = world.outputs[name]
    arguments = (int(output["utxo_pos"]), _bytes(output["raw_rlp"]), _bytes(output["proof"]))
    call = world.call("guard", "payment_exit_game", "startStandardExit", arguments)
    return Call(output["owner"], call.to, call.data, world.bond)


def challenge(world: World, name: str, spender: str) -> Call:
    """Return the guard's challenge of the exit of one base-world output with the transaction of another."""
    exited, spending = world.outputs[name], world.outputs[spender]
    index = spending["inputs"].index(exited["utxo_pos"])
    return challenge_with(
        world, exited, _bytes(spending["raw_rlp"]), index, _bytes(spending["signatures"][index])
    )


def recorded(version: str, scenario: str, function: str) -> Any:
    """Return the first recorded transaction of a function in a scenario."""
    return next(
        case
        for case in CASES
        if (case["version"], case["scenario"]) == (version, scenario)
        and case["kind"] == "transaction"
        and case["function"].startswith(f"{function}(")
    )


def refused_start(version: str, scenario: str) -> tuple[int, bytes, bytes]:
    """Return the arguments of the first start that the golden data records as refused in a scenario."""
    case = next(
        case
        for case in REVERTS
        if (case["version"], case["scenario"]) == (version, scenario)
        and case["function"] == "startStandardExit"
    )
    return _start_arguments(case["calldata"])


def _start_arguments(calldata: str) -> tuple[int, bytes, bytes]:
    position, transaction, proof = decode(["(uint256,bytes,bytes)"], _bytes(calldata)[4:])[0]
    return position, transaction, proof


def challenge_with(world: World, exited: Any, spending: bytes, index: int, signature: bytes) -> Call:
    """Return the guard's challenge of a standard exit with any transaction and its signature."""
    position = UtxoPosition.decode(int(exited["utxo_pos"]))
    exit_id = world.rules.standard_exit_id(_bytes(exited["raw_rlp"]), position)
    arguments = (exit_id, _bytes(exited["raw_rlp"]), spending, index, signature, world.sender_data("guard"))
    return world.call("guard", "payment_exit_game", "challengeStandardExit", arguments)


def _challenge_twin(world: World) -> Call:
    # Recorded for revision 2 only; the other revision signs the same transaction differently.
    case = recorded("2.0.0", "S05_same_deposits", "challengeStandardExit")
    spending = _bytes(case["args"]["args"]["challengeTx"])
    signature = world.rules.sign(
        world.rules.decode(spending),
        Address.parse(world.addresses["plasma_framework"]),
        _bytes(world.accounts["alice"]["private_key"]),
    )
    return challenge_with(world, world.outputs["d6"], spending, 0, signature)


def _deposit_output(world: World, output: Any) -> Call:
    ether = output["token"] == ETH
    call = world.call("guard", "eth_vault" if ether else "erc20_vault", "deposit", _bytes(output["raw_rlp"]))
    return Call(output["owner"], call.to, call.data, int(output["amount"]) if ether else 0)


def _deposit_tokens(world: World, owner: str, token: str, amount: int) -> Call:
    transaction = world.rules.deposit(
        Address.parse(world.address(owner)), Address.parse(world.addresses[token]), Wei(amount)
    )
    return world.call(owner, "erc20_vault", "deposit", transaction)


def _allow(world: World, owner: str, token: str, amount: int, at: int) -> list[Step]:
    # Minted in one second and approved in the next.
    return [
        Step(at, world.call("deployer", token, "mint", world.address(owner), amount)),
        Step(at + 1, world.call(owner, token, "approve", world.addresses["erc20_vault"], amount)),
    ]


def _submit(world: World, block: str) -> Call:
    names = sorted(name for name in world.outputs if name.startswith(block) and name.endswith(":0"))
    root = world.rules.merkle_root([_bytes(world.outputs[name]["raw_rlp"]) for name in names])
    return world.call("authority", "plasma_framework", "submitBlock", bytes(root))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
