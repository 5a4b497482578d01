"""PlasmaFramework and PaymentExitGame against what the real contracts took, wrote and answered."""

from typing import Any

import pytest
from eth_abi.abi import encode

from contracts.golden import ALD, GENERATIONS, ald_calls, ald_contracts, ald_game, ald_logs, hexed
from contracts.recorded import HEAD, RecordedChain, recorded_log
from plasma_guard.contracts.abis import Function
from plasma_guard.contracts.abis import ald as abi
from plasma_guard.contracts.ald import calls
from plasma_guard.contracts.ald.exit_game import _standard_exit
from plasma_guard.contracts.ald.revisions import REVISIONS, V1, V2
from plasma_guard.domain.actions import ChallengeStandardExit
from plasma_guard.domain.errors import ContractError, MalformedError
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
from plasma_guard.domain.primitives import ETH, Address, Hash32

ME = Address(b"\x11" * 20)


def cases(*functions: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{case['version']}-{name}-{case['index']}")
        for name, case in ald_calls(*functions)
    ]


@pytest.mark.parametrize("case", cases("challengeStandardExit"))
def test_challenge_calldata_is_what_the_contract_took(case: dict[str, Any]) -> None:
    """Byte for byte, with senderData computed for the account that sends it."""
    args = case["args"]["args"]
    action = ChallengeStandardExit(
        exit_id=ExitId(int(args["exitId"])),
        position=UtxoPosition(1, 0, 0),
        challenge_tx=hexed(args["challengeTx"]),
        input_index=int(args["inputIndex"]),
        signature=hexed(args["witness"]),
        exiting_tx=hexed(args["exitingTx"]),
    )
    account = Address.parse(case["from"])
    candidate = ald_game(case["version"]).candidate(action, intent="i", case_id=1, account=account)
    assert candidate.data.hex() == case["calldata"][2:]
    assert (candidate.to, candidate.value) == (Address.parse(case["to"]), 0)
    assert candidate.gas_limit is not None
    assert candidate.gas_limit > 1.25 * case["gas_used"]


def test_challenge_calldata_belongs_to_one_account() -> None:
    """The same challenge by another account differs in its senderData alone."""
    action = ChallengeStandardExit(ExitId(1), UtxoPosition(1, 0, 0), b"c", 0, b"s", b"e")
    one = calls.challenge_standard_exit(V1, action, ME)
    other = calls.challenge_standard_exit(V1, action, Address(b"\x12" * 20))
    mine, theirs = bytes(calls.sender_data(ME)), bytes(calls.sender_data(Address(b"\x12" * 20)))
    assert mine in one
    assert one.replace(mine, theirs) == other


def test_a_challenge_without_the_exiting_transaction_is_refused() -> None:
    """This generation's call takes it, so nothing is sent without it."""
    action = ChallengeStandardExit(ExitId(1), UtxoPosition(1, 0, 0), b"c", 0, b"s")
    with pytest.raises(MalformedError, match="exiting_tx is missing"):
        calls.challenge_standard_exit(V1, action, ME)


@pytest.mark.parametrize(("revision", "bits"), [(V1, 160), (V2, 168)])
def test_an_exit_id_too_wide_for_the_revision_is_refused(revision: Any, bits: int) -> None:
    """Nothing is cut off silently."""
    fits = ChallengeStandardExit(ExitId(2**bits - 1), UtxoPosition(1, 0, 0), b"c", 0, b"s", b"e")
    calls.challenge_standard_exit(revision, fits, ME)
    wide = ChallengeStandardExit(ExitId(2**bits), UtxoPosition(1, 0, 0), b"c", 0, b"s", b"e")
    with pytest.raises(MalformedError, match="challengeStandardExit"):
        calls.challenge_standard_exit(revision, wide, ME)


@pytest.mark.parametrize("case", cases("startStandardExit"))
def test_start_calldata_is_what_the_contract_took(case: dict[str, Any]) -> None:
    """Byte for byte."""
    args = case["args"]["args"]
    data = calls.start_standard_exit(
        UtxoPosition.decode(int(args["utxoPos"])),
        hexed(args["rlpOutputTx"]),
        hexed(args["outputTxInclusionProof"]),
    )
    assert data.hex() == case["calldata"][2:]


@pytest.mark.parametrize("case", cases("processExits"))
def test_process_calldata_is_what_the_contract_took(case: dict[str, Any]) -> None:
    """Byte for byte, with senderData in revision 2 only."""
    args = case["args"]
    data = calls.process_exits(
        REVISIONS[GENERATIONS[case["version"]]],
        Address.parse(args["token"]),
        ExitId(int(args["topExitId"])),
        int(args["maxExitsToProcess"]),
        Address.parse(case["from"]),
    )
    assert data.hex() == case["calldata"][2:]


@pytest.mark.parametrize("case", cases("deposit", "submitBlock", "addExitQueue"))
def test_operator_and_deposit_calldata_is_what_the_contracts_took(case: dict[str, Any]) -> None:
    """Byte for byte; the vault follows from the token."""
    argument = hexed(list(case["args"].values())[-1])
    encoders = {
        abi.DEPOSIT.selector: lambda: calls.deposit(argument),
        abi.SUBMIT_BLOCK.selector: lambda: calls.submit_block(Hash32(argument)),
        abi.ADD_EXIT_QUEUE.selector: lambda: calls.add_exit_queue(Address(argument)),
    }
    assert encoders[hexed(case["selector"])]().hex() == case["calldata"][2:]


READ_FUNCTIONS = {
    function.signature: function
    for function in [
        *(value for value in vars(abi).values() if isinstance(value, Function)),
        V1.standard_exits,
        V2.standard_exits,
    ]
}
READS = [
    pytest.param(case, id=f"{case['version']}-{case['function']}-{case['index']}")
    for case in ALD["cases"]
    if case["kind"] == "read" and case["function"] in READ_FUNCTIONS
]


@pytest.mark.parametrize("case", READS)
def test_recorded_reads_encode_and_decode(case: dict[str, Any]) -> None:
    """What is asked is byte-equal, and what came back decodes to the recorded values."""
    function = READ_FUNCTIONS[case["function"]]
    arguments = [
        [int(each) for each in value] if isinstance(value, list) else plain(value)
        for value in case["args"].values()
    ]
    assert function.encode(*arguments).hex() == case["calldata"][2:]
    values = function.decode(hexed(case["returned"]))
    for got, recorded in zip(values, case["decoded"].values(), strict=True):
        if isinstance(recorded, list):
            assert [[shown(v) for v in entry] for entry in got] == [
                [v.lower() if isinstance(v, str) else v for v in entry.values()] for entry in recorded
            ]
        else:
            assert shown(got) == (recorded.lower() if isinstance(recorded, str) else recorded)


def plain(value: str) -> bytes | int:
    return hexed(value) if value.startswith("0x") else int(value)


def shown(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return "0x" + value.hex() if isinstance(value, bytes) else str(value).lower()


EXIT_READS = [
    pytest.param(case, id=f"{case['version']}-{case['note'][:20]}")
    for case in ALD["cases"]
    if case["kind"] == "read" and case["function"].startswith("standardExits")
]


@pytest.mark.parametrize("case", EXIT_READS)
async def test_recorded_entries_have_the_status_they_had(case: dict[str, Any]) -> None:
    """Running while exitable, challenged while the entry waits, absent once it is deleted."""
    at = Address.parse(case["to"])
    chain = RecordedChain({(at, hexed(case["calldata"])): hexed(case["returned"])})
    ids = [ExitId(int(exit_id)) for exit_id in case["args"]["exitIds"]]
    found = await ald_game(case["version"], chain).standard_exits(ids, HEAD)
    assert [exit_.exit_id for exit_ in found] == ids
    for exit_, recorded in zip(found, case["decoded"]["ret0"], strict=True):
        if recorded["exitable"]:
            assert exit_.status is ExitStatus.RUNNING
        elif recorded["utxoPos"] != "0":
            assert exit_.status is ExitStatus.CHALLENGED
        else:
            assert exit_.status is ExitStatus.ABSENT
            continue
        assert exit_.position == UtxoPosition.decode(int(recorded["utxoPos"]))
        assert exit_.output_id == Hash32.parse(recorded["outputId"])
        assert exit_.owner == Address.parse(recorded["exitTarget"])
        assert exit_.amount == int(recorded["amount"])
        assert exit_.bond == int(recorded["bondSize"])
        assert exit_.token is None
    assert chain.asked_at == [HEAD]


def test_a_challenged_exit_of_amount_zero_is_not_absent() -> None:
    """Revision 2 allows zero amounts, so only the output id tells an entry from none."""
    entry = (False, 1_000_000_000, b"\x01" * 32, "0x" + "22" * 20, 0, 5, 1)
    assert _standard_exit(ExitId(1), entry).status is ExitStatus.CHALLENGED
    nothing = (False, 0, bytes(32), "0x" + "00" * 20, 0, 0, 0)
    assert _standard_exit(ExitId(1), nothing).status is ExitStatus.ABSENT


async def test_many_exits_are_read_in_several_calls_of_one_request() -> None:
    """120 exits come back in the order asked."""
    chain = RecordedChain()
    where = ald_contracts("1.0.5").exit_game
    for start in range(0, 120, 50):
        ids = list(range(start + 1, min(start + 50, 120) + 1))
        entries = [(True, exit_id * 10**9, b"\x01" * 32, "0x" + "22" * 20, exit_id, 5) for exit_id in ids]
        chain.answers[where, V1.standard_exits.encode(ids)] = encode(
            ["(bool,uint256,bytes32,address,uint256,uint256)[]"], [entries]
        )
    found = await ald_game("1.0.5", chain).standard_exits([ExitId(n) for n in range(1, 121)], HEAD)
    assert [exit_.amount for exit_ in found] == list(range(1, 121))
    assert len(chain.asked_at) == 3
    assert await ald_game("1.0.5", chain).standard_exits([], HEAD) == []


async def test_fewer_exits_than_asked_for_are_an_error() -> None:
    """An answer is never assigned to the wrong exit."""
    where = ald_contracts("1.0.5").exit_game
    empty = V1.standard_exits.encode([1])
    chain = RecordedChain({(where, empty): (32).to_bytes(32, "big") + bytes(32)})
    with pytest.raises(ContractError, match="asked for 1 exits, got 0"):
        await ald_game("1.0.5", chain).standard_exits([ExitId(1)], HEAD)


IN_SCOPE = {
    "ExitStarted",
    "ExitChallenged",
    "ExitFinalized",
    "BlockSubmitted",
    "DepositCreated",
}
LOGS = [(version, log) for version, log in ald_logs() if not log["event"].startswith("InFlight")]


def no_entries(version: str, log: dict[str, Any]) -> dict[tuple[Address, bytes], bytes]:
    if not log["event"].startswith("ExitStarted(") or version == "2.0.0":
        return {}
    ask = V1.standard_exits.encode([int(log["decoded"]["exitId"])])
    empty = (32).to_bytes(32, "big") + (1).to_bytes(32, "big") + bytes(6 * 32)
    return {(ald_contracts(version).exit_game, ask): empty}


@pytest.mark.parametrize(
    ("version", "log"), [pytest.param(*each, id=f"{each[0]}-{each[1]['event']}") for each in LOGS]
)
async def test_recorded_logs_decode_to_recorded_fields(version: str, log: dict[str, Any]) -> None:
    """Every log of the three contracts becomes the event it is, or is none of ours."""
    chain = RecordedChain(no_entries(version, log), [recorded_log(log)])
    events = await ald_game(version, chain).root_chain_events(100, 100)
    name, fields = log["event"].partition("(")[0], log["decoded"]
    if name not in IN_SCOPE:
        assert events == []
        return
    (event,) = events
    match event:
        case ExitStarted():
            assert name == "ExitStarted"
            assert (event.owner, event.exit_id) == (Address.parse(fields["owner"]), int(fields["exitId"]))
            if version == "2.0.0":
                assert event.position == UtxoPosition.decode(int(fields["utxoPos"]))
                assert event.exiting_tx == hexed(fields["outputTx"])
        case ExitChallenged():
            assert name == "ExitChallenged"
            assert event.position.encode() == int(fields["utxoPos"])
        case ExitFinalized():
            assert name == "ExitFinalized"
            assert event.exit_id == int(fields["exitId"])
        case BlockSubmitted():
            assert name == "BlockSubmitted"
            assert event.blknum == int(next(iter(fields.values())))
        case DepositCreated():
            assert name == "DepositCreated"
            assert (event.depositor, event.blknum, event.token, event.amount) == (
                Address.parse(fields["depositor"]),
                int(fields["blknum"]),
                Address.parse(fields["token"]),
                int(fields["amount"]),
            )


async def test_a_log_of_our_topic_from_another_of_our_contracts_is_not_ours() -> None:
    """A block submission "by the vault" is none."""
    raw = next(log for _, log in LOGS if log["event"].startswith("BlockSubmitted"))
    strange = {**raw, "address": str(ald_contracts("1.0.5").eth_vault)}
    assert (
        await ald_game("1.0.5", RecordedChain(logs=[recorded_log(strange)])).root_chain_events(1, 100) == []
    )


@pytest.mark.parametrize(("version", "shift"), [("1.0.5", 214), ("2.0.0", 224)])
async def test_the_queue_head_is_unpacked_from_its_priority(version: str, shift: int) -> None:
    """Exit id and time of the head; None without a queue and with an empty one."""
    where = ald_contracts(version).entry
    priority = 1_700_000_500 << shift | (1000 * 10**5) << (160 if shift == 214 else 168) | 77
    has, head = abi.HAS_EXIT_QUEUE.encode(1, ETH), abi.GET_NEXT_EXIT.encode(1, ETH)
    chain = RecordedChain(
        {(where, has): (1).to_bytes(32, "big"), (where, head): priority.to_bytes(32, "big")}
    )
    found = await ald_game(version, chain).queue_head(ETH, HEAD)
    assert found is not None
    assert (found.exit_id, found.exitable_at) == (77, 1_700_000_500)
    del chain.answers[where, head]
    assert await ald_game(version, chain).queue_head(ETH, HEAD) is None
    chain.answers[where, has] = bytes(32)
    assert await ald_game(version, chain).queue_head(ETH, HEAD) is None
    assert set(chain.asked_at) == {HEAD}


async def test_an_unknown_selector_is_a_contract_error() -> None:
    """A read that the contract refuses means that it is not the contract we think."""
    with pytest.raises(ContractError, match="startStandardExitBondSize"):
        await ald_game("1.0.5").bonds(HEAD)
