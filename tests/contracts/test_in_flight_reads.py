"""In-flight exits as the real contracts answered them."""

from typing import Any

import pytest
from eth_abi.abi import encode

from contracts.golden import (
    ALD,
    GENERATIONS,
    ROOT_CHAIN,
    ROOTCHAIN,
    ald_contracts,
    ald_game,
    hexed,
    rootchain_game,
)
from contracts.recorded import HEAD, RecordedChain
from plasma_guard.contracts.abis import rootchain as abi
from plasma_guard.contracts.ald.in_flight import in_flight_exit
from plasma_guard.contracts.ald.revisions import REVISIONS, V1
from plasma_guard.domain.exits import ExitId, ExitStatus, Generation, InFlightExit, InFlightSlot, Side
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Address, Hash32
from plasma_guard.plasma.rules import rules_for

RULES = rules_for(Generation.ROOTCHAIN_V02)
ALD_READS: list[dict[str, Any]] = [
    case for case in ALD["cases"] if case["kind"] == "read" and case["function"].startswith("inFlightExits")
]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{case['version']}-{case['scenario']}-{case['index']}") for case in ALD_READS],
)
def test_recorded_ald_entries_are_read_field_by_field(case: dict[str, Any]) -> None:
    """Asked byte-equal; real slots only; bits of outputs after those of all four or five inputs."""
    function = REVISIONS[GENERATIONS[case["version"]]].in_flight_exits
    ids = [int(exit_id) for exit_id in case["args"]["exitIds"]]
    assert function.encode(ids).hex() == case["calldata"][2:]
    (entries,) = function.decode(hexed(case["returned"]))
    for exit_id, entry, recorded in zip(ids, entries, case["decoded"]["ret0"], strict=True):
        found = in_flight_exit(ExitId(exit_id), entry)
        assert found.exit_id == exit_id
        if recorded["exitStartTimestamp"] == "0":
            assert found == InFlightExit(ExitId(exit_id), ExitStatus.ABSENT)
            continue
        assert found.status is ExitStatus.RUNNING
        assert found.started_at == int(recorded["exitStartTimestamp"])
        assert found.canonical == recorded["isCanonical"]
        assert found.oldest_competitor == (int(recorded["oldestCompetitorPosition"]) or None)
        assert found.position == UtxoPosition.decode(int(recorded["position"]))
        assert found.bond_owner == Address.parse(recorded["bondOwner"])
        assert found.bond == int(recorded["bondSize"])
        assert (found.exitable_at, found.input_finalized) == (None, False)
        assert list(found.slots) == [
            InFlightSlot(
                side=side,
                index=index,
                piggybacked=(joined := bool(int(recorded["exitMap"]) & 1 << (shift + index))),
                blocked=not joined and int(slot["piggybackBondSize"]) > 0,
                owner=Address.parse(slot["exitTarget"]),
                token=Address.parse(slot["token"]),
                amount=int(slot["amount"]),  # type: ignore[arg-type] # a plain number
                output_id=Hash32.parse(slot["outputId"]),
            )
            for side, shift, slots in (
                (Side.INPUT, 0, recorded["inputs"]),
                (Side.OUTPUT, len(recorded["inputs"]), recorded["outputs"]),
            )
            for index, slot in enumerate(slots)
            if int(slot["amount"])
        ]


def starts(version: str) -> list[bytes]:
    """Return the transactions whose in-flight exits were started in the recording."""
    return [
        hexed(case["args"]["args"]["inFlightTx"])
        for case in ALD["cases"]
        if case["version"] == version and case["function"].startswith("startInFlightExit(")
    ]


@pytest.mark.parametrize("version", ["1.0.5", "2.0.0"])
async def test_ald_exits_are_asked_for_by_the_ids_of_their_transactions(version: str) -> None:
    """The recorded answer for a transaction's own id comes back through the port, at the block asked for."""
    txs, rules = starts(version), rules_for(GENERATIONS[version])
    ids = {rules.in_flight_exit_id(tx): tx for tx in txs}
    read = next(
        case
        for case in ALD_READS
        if case["version"] == version
        and ExitId(int(case["args"]["exitIds"][0])) in ids
        and len(case["args"]["exitIds"]) == 1
    )
    chain = RecordedChain(
        {(ald_contracts(version).exit_game, hexed(read["calldata"])): hexed(read["returned"])}
    )
    tx = ids[ExitId(int(read["args"]["exitIds"][0]))]
    (found,) = await ald_game(version, chain).in_flight_exits([tx], HEAD)
    assert found.status is ExitStatus.RUNNING
    decoded = rules.decode(tx)
    assert [(slot.side, slot.index) for slot in found.slots] == [
        *((Side.INPUT, index) for index in range(len(decoded.inputs))),
        *((Side.OUTPUT, index) for index in range(len(decoded.outputs))),
    ]
    assert found.position == max(decoded.inputs)
    assert chain.asked_at == [HEAD]
    assert await ald_game(version, chain).in_flight_exits([], HEAD) == []


async def test_many_ald_exits_are_read_in_several_calls_of_one_request() -> None:
    """45 exits come back in the order asked."""
    rules, where = rules_for(Generation.ALD_V1), ald_contracts("1.0.5").exit_game
    txs = [b"tx %d" % number for number in range(45)]
    slot = (bytes(32), str(ETH), str(ETH), 0, 0)
    struct = "(bytes32,address,address,uint256,uint256)[4]"
    kind = f"(bool,uint64,uint256,uint256,{struct},{struct},address,uint256,uint256)[]"
    chain = RecordedChain()
    for start in range(0, 45, 20):
        part = txs[start : start + 20]
        entries = [
            (True, 1000 + start + place, 0, 10**9, [slot] * 4, [slot] * 4, str(ETH), 5, 0)
            for place in range(len(part))
        ]
        asked = V1.in_flight_exits.encode([rules.in_flight_exit_id(tx) for tx in part])
        chain.answers[where, asked] = encode([kind], [entries])
    found = await ald_game("1.0.5", chain).in_flight_exits(txs, HEAD)
    assert [exit_.started_at for exit_ in found] == list(range(1000, 1045))
    assert [exit_.exit_id for exit_ in found] == [rules.in_flight_exit_id(tx) for tx in txs]
    assert len(chain.asked_at) == 3


V02_CASES = [
    (f"{name}-{case['index']}-{when}", case, case[when])
    for name, function in ROOTCHAIN["functions"].items()
    for case in function
    for when in ("reads_before", "reads_after")
    if when in case
]
V02_TXS = {
    RULES.in_flight_exit_id(tx): tx
    for function in ROOTCHAIN["functions"].values()
    for case in function
    if "_inFlightTx" in case["args"]
    for tx in [hexed(case["args"]["_inFlightTx"])]
}
V02_ENTRIES = [
    (name, reads, read)
    for name, case, reads in V02_CASES
    for read in reads
    if read["call"] == "inFlightExits" and int(read["args"][0]) in V02_TXS
]


def v02_answers(reads: list[dict[str, Any]], tx: bytes) -> dict[tuple[Address, bytes], bytes]:
    """Return the recorded answers about a transaction; slots that were not recorded read zero."""
    answers = {(ROOT_CHAIN, abi.GET_IN_FLIGHT_EXIT_OUTPUT.encode(tx, slot)): bytes(96) for slot in range(8)}
    for read in reads:
        values = list(read["result"].values())
        if read["call"] == "inFlightExits":
            kinds = ["uint256", "uint256", "uint256", "address", "uint256"]
            arguments = [*(int(value) for value in values[:3]), values[3], int(values[4])]
            asked = abi.IN_FLIGHT_EXITS.encode(int(read["args"][0]))
            answers[ROOT_CHAIN, asked] = encode(kinds, arguments)
        elif read["call"] == "getInFlightExitOutput":
            asked = abi.GET_IN_FLIGHT_EXIT_OUTPUT.encode(hexed(read["args"][0]), int(read["args"][1]))
            answers[ROOT_CHAIN, asked] = encode(
                ["address", "address", "uint256"], [values[0], values[1], int(values[2])]
            )
    return answers


@pytest.mark.parametrize(
    ("reads", "read"), [pytest.param(reads, read, id=name) for name, reads, read in V02_ENTRIES]
)
async def test_recorded_v02_entries_are_unpacked(reads: list[dict[str, Any]], read: dict[str, Any]) -> None:
    """Flags leave the start time, bits become slots, slots get what the contract stores of them."""
    exit_id, recorded = ExitId(int(read["args"][0])), read["result"]
    tx = V02_TXS[exit_id]
    chain = RecordedChain(v02_answers(reads, tx))
    (found,) = await rootchain_game(chain).in_flight_exits([tx], HEAD)
    decoded, exit_map = RULES.decode(tx), int(recorded["exitMap"])
    assert found.exit_id == exit_id
    assert [(slot.side, slot.index) for slot in found.slots] == [
        *((Side.INPUT, index) for index in range(len(decoded.inputs))),
        *((Side.OUTPUT, index) for index in range(len(decoded.outputs))),
    ]
    for slot in found.slots:
        bit = slot.index + (4 if slot.side is Side.OUTPUT else 0)
        assert slot.piggybacked == bool(exit_map & 1 << bit)
        assert slot.handled == bool(exit_map & 1 << (8 + bit))
        assert slot.output_id is None
    if int(recorded["exitStartTimestamp"]) == 0:
        assert found.status is ExitStatus.FINALIZED
        assert found.started_at == 0
        return
    assert found.status is ExitStatus.RUNNING
    flags = int(recorded["exitStartTimestamp"])
    assert found.started_at == flags % 2**64
    assert found.canonical == (flags < 2**255)
    assert found.input_finalized == bool(flags & 2**254)
    assert found.oldest_competitor == (int(recorded["oldestCompetitor"]) or None)
    assert found.exitable_at == int(recorded["exitPriority"]) >> 214
    assert found.position == max(decoded.inputs)
    assert found.bond_owner == Address.parse(recorded["bondOwner"])
    assert found.bond is None
    for each in reads:
        if each["call"] != "getInFlightExitOutput":
            continue
        number = int(each["args"][1])
        slot_ = found.slot(Side.OUTPUT if number >= 4 else Side.INPUT, number % 4)
        assert slot_ is not None
        owner, token, amount = each["result"].values()
        assert (slot_.owner, slot_.token, slot_.amount) == (
            Address.parse(owner),
            Address.parse(token),
            int(amount),
        )
    assert set(chain.asked_at) == {HEAD}


def v02_states() -> set[tuple[bool, bool, bool]]:
    flags = [int(read["result"]["exitStartTimestamp"]) for _, _, read in V02_ENTRIES]
    return {(bool(each % 2**64), bool(each >> 255), bool(each >> 254 & 1)) for each in flags}


def test_the_recorded_entries_show_every_state() -> None:
    """Running canonical, running non-canonical, running with a finalized input, and processed."""
    assert v02_states() == {
        (True, False, False),
        (True, True, False),
        (True, False, True),
        (False, False, False),
    }


async def test_a_v02_exit_never_started_is_absent_after_one_read() -> None:
    """Bytes that are no transaction included: nothing asks for slots of what does not exist."""
    exit_id = RULES.in_flight_exit_id(b"nonsense")
    chain = RecordedChain({(ROOT_CHAIN, abi.IN_FLIGHT_EXITS.encode(exit_id)): bytes(5 * 32)})
    assert await rootchain_game(chain).in_flight_exits([b"nonsense"], HEAD) == [
        InFlightExit(exit_id, ExitStatus.ABSENT)
    ]
    assert len(chain.asked_at) == 1


async def test_outputs_that_nobody_piggybacked_have_no_owner_on_v02() -> None:
    """The contract stores them only then, so that zero is not taken for an owner."""
    case = ROOTCHAIN["functions"]["startInFlightExit"][0]
    tx = hexed(case["args"]["_inFlightTx"])
    chain = RecordedChain(v02_answers(case["reads_after"], tx))
    (found,) = await rootchain_game(chain).in_flight_exits([tx], HEAD)
    kept = {slot.side: (slot.owner, slot.token, slot.amount) for slot in found.slots}
    assert kept[Side.OUTPUT] == (None, None, None)
    assert None not in kept[Side.INPUT]
