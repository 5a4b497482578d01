"""RootChain v0.2 against what the real contract was given, wrote and answered."""

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode

from contracts.golden import ROOT_CHAIN, ROOTCHAIN, hexed, rootchain_game, rootchain_logs
from contracts.recorded import HEAD, RecordedChain, recorded_log
from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.contracts.rootchain import calls
from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.exits import (
    BlockSubmitted,
    DepositCreated,
    ExitChallenged,
    ExitFinalized,
    ExitId,
    ExitStarted,
    ExitStatus,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32, Wei

ME = Address(b"\x11" * 20)


def cases(function: str) -> list[Any]:
    return [pytest.param(case, id=f"{function}-{case['index']}") for case in ROOTCHAIN["functions"][function]]


@pytest.mark.parametrize("case", cases("challengeStandardExit"))
def test_challenge_calldata_is_what_the_contract_took(case: dict[str, Any]) -> None:
    """Byte for byte, through the candidate that the sender gets."""
    args = case["args"]
    action = ChallengeStandardExit(
        exit_id=ExitId(int(args["_standardExitId"])),
        position=UtxoPosition.decode(int(case["logs"][0]["decoded"]["utxoPos"])),
        challenge_tx=hexed(args["_challengeTx"]),
        input_index=int(args["_inputIndex"]),
        signature=hexed(args["_challengeTxSig"]),
    )
    candidate = rootchain_game(RecordedChain()).candidate(action, intent="i", case_id=1, account=ME)
    assert candidate.data.hex() == case["calldata"][2:]
    assert (candidate.to, candidate.value, candidate.account) == (ROOT_CHAIN, 0, ME)
    assert candidate.gas_limit is not None
    assert candidate.gas_limit > 1.25 * case["gas_used"]


@pytest.mark.parametrize("case", cases("startStandardExit"))
def test_start_calldata_is_what_the_contract_took(case: dict[str, Any]) -> None:
    """Byte for byte."""
    args = case["args"]
    data = calls.start_standard_exit(
        UtxoPosition.decode(int(args["_utxoPos"])),
        hexed(args["_outputTx"]),
        hexed(args["_outputTxInclusionProof"]),
    )
    assert data.hex() == case["calldata"][2:]


@pytest.mark.parametrize("case", cases("processExits"))
def test_process_calldata_is_what_the_contract_took(case: dict[str, Any]) -> None:
    """Byte for byte, with and without the expected head."""
    args = case["args"]
    data = calls.process_exits(
        Address.parse(args["_token"]), ExitId(int(args["_topExitId"])), int(args["_exitsToProcess"])
    )
    assert data.hex() == case["calldata"][2:]


@pytest.mark.parametrize(
    "case", [*cases("deposit"), *cases("depositFrom"), *cases("addToken"), *cases("submitBlock")]
)
def test_operator_and_deposit_calldata_is_what_the_contract_took(case: dict[str, Any]) -> None:
    """Byte for byte."""
    (argument,) = (hexed(value) for value in case["args"].values())
    encoders = {
        abi.DEPOSIT.selector: lambda: calls.deposit(argument),
        abi.DEPOSIT_FROM.selector: lambda: calls.deposit_from(argument),
        abi.ADD_TOKEN.selector: lambda: calls.add_token(Address(argument)),
        abi.SUBMIT_BLOCK.selector: lambda: calls.submit_block(Hash32(argument)),
    }
    assert encoders[hexed(case["selector"])]().hex() == case["calldata"][2:]


LOGS = [log for log in rootchain_logs() if not log["event"].startswith("InFlight")]


@pytest.mark.parametrize("log", [pytest.param(log, id=log["event"]) for log in LOGS])
async def test_recorded_logs_decode_to_recorded_fields(log: dict[str, Any]) -> None:
    """Every log of the contract becomes the event it is, or is none of ours."""
    events = await rootchain_game(
        RecordedChain(logs=[recorded_log(log)], answers=no_entries())
    ).root_chain_events(100, 100)
    if log["event"] == "TokenAdded":
        assert events == []
        return
    (event,) = events
    fields = log["decoded"]
    match event:
        case ExitStarted():
            assert log["event"] == "ExitStarted"
            assert (event.owner, event.exit_id) == (Address.parse(fields["owner"]), int(fields["exitId"]))
        case ExitChallenged():
            assert log["event"] == "ExitChallenged"
            assert event.position.encode() == int(fields["utxoPos"])
        case ExitFinalized():
            assert log["event"] == "ExitFinalized"
            assert event.exit_id == int(next(iter(fields.values())))
        case BlockSubmitted():
            assert log["event"] == "BlockSubmitted"
            assert event.blknum == int(fields["blockNumber"])
        case DepositCreated():
            assert log["event"] == "DepositCreated"
            assert (event.depositor, event.blknum, event.token, event.amount) == (
                Address.parse(fields["depositor"]),
                int(fields["blknum"]),
                Address.parse(fields["token"]),
                int(fields["amount"]),
            )


def no_entries() -> dict[tuple[Address, bytes], bytes]:
    ids = {int(log["decoded"]["exitId"]) for log in LOGS if log["event"] == "ExitStarted"}
    return {(ROOT_CHAIN, abi.EXITS.encode(exit_id)): bytes(128) for exit_id in ids}


def entry(result: dict[str, str]) -> bytes:
    return encode(
        ["address", "address", "uint256", "uint192"],
        [result["owner"], result["token"], int(result["amount"]), int(result["position"])],
    )


EXIT_READS = [
    pytest.param(read, id=f"{name}-{case['index']}")
    for name, function in ROOTCHAIN["functions"].items()
    for case in function
    for read in [*case.get("reads_before", []), *case.get("reads_after", [])]
    if read["call"] == "exits"
]


@pytest.mark.parametrize("read", EXIT_READS)
async def test_recorded_entries_have_the_status_they_had(read: dict[str, Any]) -> None:
    """Absent without owner and amount, running with an owner, finalized when only the amount is left."""
    exit_id, result = ExitId(int(read["args"][0])), read["result"]
    chain = RecordedChain({(ROOT_CHAIN, abi.EXITS.encode(exit_id)): entry(result)})
    (found,) = await rootchain_game(chain).standard_exits([exit_id], HEAD)
    owned, paid_out = result["owner"] != str(ETH), result["amount"] != "0"
    assert found.status is (
        ExitStatus.RUNNING if owned else ExitStatus.FINALIZED if paid_out else ExitStatus.ABSENT
    )
    assert found.amount == int(result["amount"])
    assert found.owner == (Address.parse(result["owner"]) if owned else None)
    # A fee exit stores position 1, which is no output's.
    expected = int(result["position"]) if int(result["position"]) > 1 else None
    assert (found.position and found.position.encode()) == expected
    assert (found.token is None) == (found.status is ExitStatus.ABSENT)
    assert found.bond is None
    assert found.output_id is None
    assert chain.asked_at == [HEAD]


async def test_started_exits_get_the_positions_the_contract_still_knows() -> None:
    """The log carries only the id; an entry challenged away meanwhile leaves the position unknown."""
    starts = [log for log in LOGS if log["event"] == "ExitStarted"]
    kept, gone = starts[0], starts[1]
    answers = no_entries()
    kept_id = int(kept["decoded"]["exitId"])
    answers[ROOT_CHAIN, abi.EXITS.encode(kept_id)] = entry(
        {"owner": kept["decoded"]["owner"], "token": str(ETH), "amount": "5", "position": "1000000000"}
    )
    logs = [recorded_log(kept, index=0), recorded_log(gone, index=1), recorded_log(kept, index=2)]
    events = await rootchain_game(RecordedChain(answers, logs)).root_chain_events(90, 100)
    assert [event.position for event in events if isinstance(event, ExitStarted)] == [
        UtxoPosition(1, 0, 0),
        None,
        UtxoPosition(1, 0, 0),
    ]


async def test_the_same_exit_started_twice_in_one_transaction_is_two_starts() -> None:
    """`ordinal` counts them, so that each has an identity of its own; another transaction counts anew."""
    raw = next(log for log in LOGS if log["event"] == "ExitStarted")
    logs = [
        recorded_log(raw, index=0),
        recorded_log(raw, index=1),
        recorded_log(raw, index=2, tx=b"\x02"),
    ]
    events = await rootchain_game(RecordedChain(no_entries(), logs)).root_chain_events(90, 100)
    starts = [event for event in events if isinstance(event, ExitStarted)]
    assert [start.ordinal for start in starts] == [0, 1, 0]
    assert len({start.identity for start in starts}) == 3


async def test_old_starts_are_completed_from_the_head() -> None:
    """Nodes forget the state of old blocks; the position of an exit does not change."""
    raw = next(log for log in LOGS if log["event"] == "ExitStarted")
    old = RecordedChain(no_entries(), [recorded_log(raw, block=10)])
    await rootchain_game(old).root_chain_events(5, 20)
    assert old.asked_at == [HEAD]
    recent = RecordedChain(no_entries(), [recorded_log(raw, block=60)])
    await rootchain_game(recent).root_chain_events(50, 60)
    assert [at and at.number for at in recent.asked_at] == [60]


async def test_an_exit_that_ended_is_looked_for_where_it_started() -> None:
    """Its entry is gone from the newer block, while the block of its start still has it."""
    raw = next(log for log in LOGS if log["event"] == "ExitStarted")
    chain = RecordedChain(no_entries(), [recorded_log(raw, block=55)])
    await rootchain_game(chain).root_chain_events(50, 60)
    assert [at and at.number for at in chain.asked_at] == [60, 55]


async def test_bonds_blocks_and_queue_are_read() -> None:
    """Three bonds, a plasma block or none, the next block numbers, the head of a queue or none."""
    queue = Address(b"\x99" * 20)
    answers = {
        (ROOT_CHAIN, abi.STANDARD_EXIT_BOND.encode()): word(1),
        (ROOT_CHAIN, abi.IN_FLIGHT_EXIT_BOND.encode()): word(2),
        (ROOT_CHAIN, abi.PIGGYBACK_BOND.encode()): word(3),
        (ROOT_CHAIN, abi.BLOCKS.encode(1000)): b"\x07" * 32 + word(1_600_000_000),
        (ROOT_CHAIN, abi.BLOCKS.encode(2000)): bytes(64),
        (ROOT_CHAIN, abi.NEXT_CHILD_BLOCK.encode()): word(2000),
        (ROOT_CHAIN, abi.GET_DEPOSIT_BLOCK_NUMBER.encode()): word(1003),
        (ROOT_CHAIN, abi.EXITS_QUEUES.encode(ETH)): word(int.from_bytes(queue, "big")),
        (queue, abi.QUEUE_SIZE.encode()): word(2),
        (ROOT_CHAIN, abi.GET_NEXT_EXIT.encode(ETH)): word(1_700_000_500) + word(77) + word(0),
    }
    chain = RecordedChain(answers)
    reader = rootchain_game(chain)
    bonds = await reader.bonds(HEAD)
    assert (bonds.standard_exit, bonds.in_flight_exit, bonds.piggyback) == (Wei(1), Wei(2), Wei(3))
    block = await reader.plasma_block(1000, HEAD)
    assert block is not None
    assert (block.root, block.timestamp) == (Hash32(b"\x07" * 32), 1_600_000_000)
    assert await reader.plasma_block(2000, HEAD) is None
    assert await reader.next_plasma_blocks(HEAD) == (2000, 1003)
    head = await reader.queue_head(ETH, HEAD)
    assert head is not None
    assert (head.exit_id, head.exitable_at, head.size) == (77, 1_700_000_500, 2)
    chain.answers[queue, abi.QUEUE_SIZE.encode()] = word(0)
    emptied, removed = replace(HEAD, number=HEAD.number + 1), replace(HEAD, number=HEAD.number + 2)
    assert await reader.queue_head(ETH, emptied) is None
    chain.answers[ROOT_CHAIN, abi.EXITS_QUEUES.encode(ETH)] = word(0)
    assert await reader.queue_head(ETH, removed) is None
    assert set(chain.asked_at) == {HEAD, emptied, removed}


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")
