"""The endpoints about in-flight exits and ways out, against recorded answers, over a real HTTP server."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from plasma_guard.domain.errors import WatcherMisbehaved, WatcherRefused
from plasma_guard.domain.evidence import (
    Competitor,
    ExitData,
    FoundTransaction,
    Inclusion,
    InFlightData,
    InputSpend,
    OutputSpend,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.domain.watchers import ExitableUtxo, KnownInFlightExit
from plasma_guard.watcher import HttpWatcher
from watcher.replay import Serve, fixture, names, replay

Ask = Callable[[HttpWatcher, dict[str, Any]], Awaitable[object]]


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def parts(text: str, length: int) -> tuple[bytes, ...]:
    content = raw(text)
    return tuple(content[start : start + length] for start in range(0, len(content), length))


def at(encoded: int | None) -> UtxoPosition | None:
    return None if encoded is None else UtxoPosition.decode(encoded)


ASK: dict[str, Ask] = {
    "/in_flight_exit.get_competitor": lambda watcher, body: watcher.competitor(raw(body["txbytes"])),
    "/in_flight_exit.prove_canonical": lambda watcher, body: watcher.inclusion(raw(body["txbytes"])),
    "/in_flight_exit.get_input_challenge_data": lambda watcher, body: watcher.input_spend(
        raw(body["txbytes"]), body["input_index"]
    ),
    "/in_flight_exit.get_output_challenge_data": lambda watcher, body: watcher.output_spend(
        raw(body["txbytes"]), body["output_index"]
    ),
    "/account.get_exitable_utxos": lambda watcher, body: watcher.exitable_utxos(
        Address.parse(body["address"])
    ),
    "/utxo.get_exit_data": lambda watcher, body: watcher.exit_data(UtxoPosition.decode(body["utxo_pos"])),
    "/in_flight_exit.get_data": lambda watcher, body: watcher.in_flight_data(raw(body["txbytes"])),
    "/transaction.get": lambda watcher, body: watcher.transaction(Hash32.parse(body["id"])),
}
V02_WORLD = fixture("v02_ife_get_data")["response"]["body"]["data"]["input_txs"]
V02_INPUTS = [V02_WORLD[8:][start : start + 398] for start in (0, 398)]
"""Behind the header of three bytes are two transactions, of 199 and of 197 bytes."""
RECORDED = [
    name
    for name in names("v1_ife", "v02_ife", "v1_exit", "v02_exit", "v1_info_transaction_get")
    if fixture(name)["request"]["path"] in ASK
]
ANSWERED = [name for name in RECORDED if fixture(name)["response"]["body"]["success"]]
REFUSED = [name for name in RECORDED if name not in ANSWERED]


async def asked(serve: Serve, recorded: dict[str, Any]) -> object:
    request = recorded["request"]
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        return await ASK[request["path"]](watcher, request["body"])


def expected(path: str, data: Any) -> object:
    """Return what the recorded answer means, written once more by hand, endpoint by endpoint."""
    match path.rpartition(".")[2]:
        case "get_competitor":
            return Competitor(
                in_flight_tx=raw(data["in_flight_txbytes"]),
                in_flight_input_index=data["in_flight_input_index"],
                competing_tx=raw(data["competing_txbytes"]),
                competing_input_index=data["competing_input_index"],
                position=at(data["competing_tx_pos"] or None),
                proof=raw(data["competing_proof"]),
                signature=raw(data["competing_sig"]),
                input_tx=raw(data["input_tx"]) if "input_tx" in data else None,
                input_position=at(data.get("input_utxo_pos")),
            )
        case "prove_canonical":
            return Inclusion(
                raw(data["in_flight_txbytes"]),
                UtxoPosition.decode(data["in_flight_tx_pos"]),
                raw(data["in_flight_proof"]),
            )
        case "get_input_challenge_data":
            return InputSpend(
                in_flight_tx=raw(data["in_flight_txbytes"]),
                in_flight_input_index=data["in_flight_input_index"],
                spending_tx=raw(data["spending_txbytes"]),
                spending_input_index=data["spending_input_index"],
                signature=raw(data["spending_sig"]),
                input_tx=raw(data["input_tx"]) if "input_tx" in data else None,
                input_position=at(data.get("input_utxo_pos")),
            )
        case "get_output_challenge_data":
            return OutputSpend(
                in_flight_tx=raw(data["in_flight_txbytes"]),
                output_position=UtxoPosition.decode(data["in_flight_output_pos"]),
                proof=raw(data["in_flight_proof"]),
                spending_tx=raw(data["spending_txbytes"]),
                spending_input_index=data["spending_input_index"],
                signature=raw(data["spending_sig"]),
            )
        case "get_exit_data":
            return ExitData(
                UtxoPosition.decode(data["utxo_pos"]),
                raw(data["txbytes"]),
                raw(data["proof"]),
                parts(data.get("sigs", "0x"), 65),
            )
        case "get_data":
            txs, proofs = data["input_txs"], data["input_txs_inclusion_proofs"]
            return InFlightData(
                raw(data["in_flight_tx"]),
                tuple(map(raw, txs)) if isinstance(txs, list) else tuple(map(bytes.fromhex, V02_INPUTS)),
                tuple(map(raw, proofs)) if isinstance(proofs, list) else parts(proofs, 512),
            )
        case "get":
            at_ = UtxoPosition(data["block"]["blknum"], data["txindex"], 0)
            return FoundTransaction(raw(data["txbytes"]), at_)
    return [
        ExitableUtxo(
            UtxoPosition.decode(each["utxo_pos"]),
            Address.parse(each["owner"]),
            Address.parse(each["currency"]),
            each["amount"],
        )
        for each in data
    ]


@pytest.mark.parametrize("name", ANSWERED)
async def test_answers_of_every_release_are_read(name: str, serve: Serve) -> None:
    """The request goes out as recorded, and every field of the answer arrives in its place."""
    recorded = fixture(name)
    data = recorded["response"]["body"]["data"]
    assert await asked(serve, recorded) == expected(recorded["request"]["path"], data)


@pytest.mark.parametrize("name", REFUSED)
async def test_refusals_keep_their_code(name: str, serve: Serve) -> None:
    """Each endpoint's refusal carries the Watcher's own code."""
    recorded = fixture(name)
    with pytest.raises(WatcherRefused) as caught:
        await asked(serve, recorded)
    assert caught.value.code == recorded["response"]["body"]["data"]["code"]


def test_there_are_recordings_of_every_endpoint() -> None:
    """None of the endpoints goes untested in either dialect; v0.2 has no `transaction.get` that is asked."""
    for release in ("v1", "v02"):
        found = {fixture(name)["request"]["path"] for name in ANSWERED if name.startswith(release)}
        assert found == set(ASK) - ({"/transaction.get"} if release == "v02" else set())


@pytest.mark.parametrize("absent", [("competing_tx_pos", "competing_proof"), ("competing_proof",), ()])
async def test_a_competitor_in_no_block_has_neither_position_nor_proof(
    absent: tuple[str, ...], serve: Serve
) -> None:
    """Position 0 with an empty proof, and the documented form without both keys, mean the same."""
    recorded = fixture("v1_ife_competitor_not_included")
    for key in absent:
        del recorded["response"]["body"]["data"][key]
    claim = await asked(serve, recorded)
    assert isinstance(claim, Competitor)
    assert (claim.position, claim.proof) == (None, b"")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("v1_ife_competitor_included", "competing_sig"),
        ("v1_ife_input_challenge_data", "spending_sig"),
        ("v1_ife_output_challenge_data", "spending_sig"),
    ],
)
async def test_a_null_signature_is_none(name: str, field: str, serve: Serve) -> None:
    """A real Watcher answers null where it has no signature at that index: no evidence, but no breach."""
    recorded = fixture(name)
    recorded["response"]["body"]["data"][field] = None
    claim = await asked(serve, recorded)
    assert isinstance(claim, Competitor | InputSpend | OutputSpend)
    assert claim.signature is None


WRONG: dict[str, list[object]] = {
    "txbytes": [None, "", "0x0", "f87c", 5, ["0x00"], "0x" + "00" * 100_001],
    "proof": ["", "0xzz", 0, []],
    "sig": ["", "0x0", 5, "0x" + "00" * 100_001],
    "index": [None, "0", -1, 256, True, 0.0],
    "pos": ["1000000000", 1e12, -1, 2**256, True, 1000_99999_0000, 5],
    "owner": [None, "0x00", 5],
    "currency": [None, "0x" + "00" * 21],
    "amount": [None, "1", -1, 2**256, 1.0],
    "input_tx": ["0x0", 5],
    "in_flight_tx": [None, "", "0x0", 5, ["0x00"]],
    "input_txs": [None, 5, ["0x0"], ["0x"] * 17],
    "proofs": [None, 5, [7], "0x00"],
    "txindex": [None, "0", -1, True, 2**16],
    "block": [None, 5, {}, {"blknum": "1"}],
}


READ = {
    "/in_flight_exit.get_data": {"in_flight_tx", "input_txs", "input_txs_inclusion_proofs"},
    "/transaction.get": {"txbytes", "txindex", "block"},
}
"""What is read of answers that say much more."""


@pytest.mark.parametrize("name", [name for name in ANSWERED if name.startswith("v1")])
async def test_each_field_is_strict(name: str, serve: Serve) -> None:
    """Any one field of the wrong type, size or range makes the whole answer misbehaviour, naming it."""
    recorded = fixture(name)
    body = recorded["response"]["body"]
    entry = body["data"][0] if isinstance(body["data"], list) and body["data"] else body["data"]
    path = recorded["request"]["path"]
    fields = READ.get(path, set(entry) - {"blknum", "txindex", "oindex", "otype"})
    for field in [] if isinstance(entry, list) else fields:
        right = entry[field]
        [kind] = {kind for kind in WRONG if field.endswith(kind) and (kind != "index" or field != "txindex")}
        for wrong in WRONG[kind]:
            entry[field] = wrong
            with pytest.raises(WatcherMisbehaved, match=field) as caught:
                await asked(serve, recorded)
            assert len(str(caught.value)) < 500
        entry[field] = right


@pytest.mark.parametrize("data", [None, {}, "0x", [5], {"data": []}])
async def test_utxos_are_a_list_of_objects(data: object, serve: Serve) -> None:
    """Anything but a list of whole entries is misbehaviour."""
    recorded = fixture("v1_exitable_utxos")
    recorded["response"]["body"]["data"] = data
    with pytest.raises(WatcherMisbehaved):
        await asked(serve, recorded)


@pytest.mark.parametrize("name", ["v02_status_piggyback_available", "v1_status_everything"])
async def test_the_status_lists_in_flight_exits(name: str, serve: Serve) -> None:
    """Transactions, start heights and piggybacks of every running in-flight exit are read."""
    recorded = fixture(name)
    listed = recorded["response"]["body"]["data"]["in_flight_exits"]
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        status = await watcher.status()
    assert listed
    assert status.in_flight_exits == tuple(
        KnownInFlightExit(
            raw(each["txbytes"]),
            each["eth_height"],
            tuple(each["piggybacked_inputs"]),
            tuple(each["piggybacked_outputs"]),
        )
        for each in listed
    )


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("txbytes", None),
        ("txbytes", "0x0"),
        ("eth_height", "5"),
        ("eth_height", -1),
        ("piggybacked_inputs", None),
        ("piggybacked_inputs", [0] * 17),
        ("piggybacked_outputs", [256]),
        ("piggybacked_outputs", ["0"]),
    ],
)
async def test_a_wrong_in_flight_exit_is_named(field: str, wrong: object, serve: Serve) -> None:
    """A listed in-flight exit of the wrong shape is refused by field."""
    recorded = fixture("v1_status_everything")
    recorded["response"]["body"]["data"]["in_flight_exits"][0][field] = wrong
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        with pytest.raises(WatcherMisbehaved, match=field):
            await watcher.status()


async def test_a_status_without_in_flight_exits_has_none(serve: Serve) -> None:
    """A dialect that leaves the list out is read as listing none."""
    recorded = fixture("v1_status_healthy")
    del recorded["response"]["body"]["data"]["in_flight_exits"]
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        assert (await watcher.status()).in_flight_exits == ()
