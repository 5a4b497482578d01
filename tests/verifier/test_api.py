"""The API of the verifier answers like a real Watcher, and the guard's own client understands it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
from aiohttp.test_utils import TestServer

from plasma_guard.domain.errors import WatcherNotReady, WatcherRefused
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.verifier import LocalWatcher, Margins, Verifier
from plasma_guard.verifier.api import application
from plasma_guard.verifier.dialect import Alarm, Release
from plasma_guard.watcher import HttpWatcher, WatcherConfiguration
from verifier.golden import load, replayed, started, told
from verifier.in_flight_world import IN, OUT, InFlightWorld
from verifier.world import ALICE, BOB, CAROL, MALLORY, SLA, World

V1, V02 = Generation.ALD_V1, Generation.ROOTCHAIN_V02
Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(verifier: Verifier, **options: object) -> str:
            served = application(verifier, **options)  # type: ignore[arg-type]
            server = await stack.enter_async_context(TestServer(served))
            return str(server.make_url("/")).rstrip("/")

        yield start


def generation_of(name: str) -> Generation:
    return V02 if name.startswith("v02") else V1


async def ask(url: str, request: Mapping[str, object]) -> httpx.Response:
    content = request.get("raw_body") or (json.dumps(request["body"]) if "body" in request else None)
    async with httpx.AsyncClient() as client:
        return await client.request(
            str(request["method"]),
            url + str(request["path"]),
            content=content,  # type: ignore[arg-type]
            headers=request["headers"],  # type: ignore[arg-type]
        )


STATUSES = [
    "v02_status_healthy",
    "v02_status_invalid_exit",
    "v1_status_healthy",
    "v1_status_invalid_exit",
    "v1_status_invalid_exit_deposit",
    "v1_status_two_invalid_exits",
    "v1_status_unchallenged_exit",
]


@pytest.mark.parametrize("name", STATUSES)
async def test_status_equals_the_recorded_one(name: str, serve: Serve) -> None:
    """With the same chain behind it, the verifier's status is the recorded one, field by field."""
    recorded = load(name)
    expected = recorded["response"]["body"]
    verifier = replayed(generation_of(name))
    told(verifier, expected["data"])
    answer = await ask(await serve(verifier, version=expected["version"]), recorded["request"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == expected


@pytest.mark.parametrize(
    "name",
    [
        "v02_challenge_data",
        "v02_challenge_data_exit_not_found",
        "v1_challenge_data_block_spend",
        "v1_challenge_data_deposit",
        "v1_challenge_data_exit_not_found",
        "v1_challenge_data_utxo_not_spent",
        "v02_exit_data_block",
        "v02_exit_data_deposit",
        "v1_exit_data_block",
        "v1_exit_data_deposit",
        "v1_exit_data_already_spent_output",
        "v1_exit_data_not_found",
        "v1_exitable_utxos",
        "v1_exitable_utxos_empty",
        "v1_configuration",
        "v1_alarm_none",
        "v02_alarm_post",
        "v1_error_400_bad_json",
        "v1_error_406_not_acceptable",
        "v1_error_415_content_type",
        "v1_error_bad_request_address_length",
        "v1_error_bad_request_utxo_pos_string",
        "v1_error_bad_request_utxo_pos_zero",
        "v1_error_not_found",
    ],
)
async def test_answers_equal_the_recorded_ones(name: str, serve: Serve) -> None:
    """Every endpoint in scope answers the recorded request with the recorded body and HTTP status."""
    recorded = load(name)
    expected = recorded["response"]["body"]
    verifier = replayed(generation_of(name))
    position = recorded["request"].get("body", {}).get("utxo_pos")
    if "challenge_data" in name and "not_found" not in name:
        output = verifier.ledger.output(UtxoPosition.decode(position))
        assert output is not None
        started(verifier, {"utxo_pos": position, "owner": str(output.owner), "eth_height": 11900900})
    url = await serve(verifier, version=expected["version"], network="MAINNET")
    answer = await ask(url, recorded["request"])
    assert answer.status_code == recorded["response"]["status"]
    assert answer.json() == expected


async def test_v02_lists_exitable_outputs_without_their_type(serve: Serve) -> None:
    """The recorded v0.2 entry, which has no `otype`, is among those the verifier lists."""
    recorded = load("v02_exitable_utxos")
    answer = await ask(await serve(replayed(V02)), recorded["request"])
    [expected] = recorded["response"]["body"]["data"]
    assert expected in answer.json()["data"]


async def test_a_request_above_8_megabytes_is_too_large(serve: Serve) -> None:
    """The body limit is a Watcher's: 8,000,000 bytes."""
    recorded = load("v1_error_413_too_large")
    url = await serve(replayed(V1), version=recorded["response"]["body"]["version"])
    recorded["request"]["raw_body"] = " " * 8_000_001
    answer = await ask(url, recorded["request"])
    assert answer.status_code == 413
    assert answer.json() == recorded["response"]["body"]


async def test_raised_alarms_are_listed(serve: Serve) -> None:
    """Alarms are a list of objects with one key each; only some of them make the status unavailable."""
    recorded = load("v1_alarm_some")
    expected = recorded["response"]["body"]
    alarms = [Alarm(name, **where) for entry in expected["data"] for name, where in entry.items()]
    verifier = replayed(V1)
    told(verifier, load("v1_status_healthy")["response"]["body"]["data"])
    url = await serve(verifier, version=expected["version"], alarms=lambda: alarms)
    assert (await ask(url, recorded["request"])).json() == expected
    refused = load("v1_status_service_unavailable")
    assert (await ask(url, refused["request"])).json() == refused["response"]["body"]
    del alarms[0]
    assert (await ask(url, refused["request"])).json()["success"]


async def test_v02_says_econnrefused_where_v1_refuses_service(serve: Serve) -> None:
    """A verifier without its node is not ready, in either dialect's words."""
    recorded = load("v02_econnrefused")
    url = await serve(replayed(V02))
    assert (await ask(url, recorded["request"])).json() == recorded["response"]["body"]


@pytest.mark.parametrize(
    ("method", "path", "release"),
    [
        ("GET", "/status.get", Release.V1),
        ("POST", "/alarm.get", Release.V1),
        ("POST", "/configuration.get", Release.V1),
        ("GET", "/configuration.get", Release.V02),
        ("GET", "/alarm.get", Release.V02),
        ("POST", "/", Release.V1),
        ("POST", "/in_flight_exit.get_anything", Release.V1),
    ],
)
async def test_other_methods_and_paths_are_not_found(
    method: str, path: str, release: Release, serve: Serve
) -> None:
    """What a release does not serve answers `operation:not_found` with HTTP status 200."""
    url = await serve(replayed(V1), release=release)
    answer = await ask(url, {"method": method, "path": path, "headers": {}})
    assert (answer.status_code, answer.json()["data"]["code"]) == (200, "operation:not_found")


@pytest.mark.parametrize(
    ("body", "headers", "validator"),
    [
        ("{}", {"content-type": "application/json"}, ":integer"),
        ("[1]", {"content-type": "application/json"}, ":integer"),
        ('{"utxo_pos": true}', {"content-type": "application/json"}, ":integer"),
        ('{"utxo_pos": 1.0}', {"content-type": "application/json"}, ":integer"),
        ('{"utxo_pos": -1}', {"content-type": "application/json"}, "{:greater, 0}"),
        ('{"utxo_pos": 1000000000}', {}, ":integer"),
    ],
)
async def test_parameters_are_checked(
    body: str, headers: dict[str, str], validator: str, serve: Serve
) -> None:
    """Parameters of the wrong type are named; without a content type the body is not read at all."""
    url = await serve(replayed(V1))
    request = {"method": "POST", "path": "/utxo.get_exit_data", "headers": headers, "raw_body": body}
    data = (await ask(url, request)).json()["data"]
    assert data["code"] == "operation:bad_request"
    assert data["messages"] == {"validation_error": {"parameter": "utxo_pos", "validator": validator}}


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"utxo_pos": NaN}', "\xff", '{"utxo_pos": 1' + "0" * 5000 + "}"]
)
async def test_hostile_requests_are_refused(body: str, serve: Serve) -> None:
    """Deep, non-finite or overlong JSON is a bad request, not a crash."""
    url = await serve(replayed(V1))
    headers = {"content-type": "application/json"}
    request = {"method": "POST", "path": "/utxo.get_exit_data", "headers": headers, "raw_body": body}
    assert (await ask(url, request)).status_code == 400


@pytest.mark.parametrize(
    ("path", "encoded", "code"),
    [
        ("/utxo.get_challenge_data", 5, "get_utxo_challenge:encoded_utxo_position_too_low"),
        ("/utxo.get_exit_data", 999_999_999, "get_utxo_exit:encoded_utxo_position_too_low"),
        ("/utxo.get_challenge_data", 1000_99999_0000, "challenge:exit_not_found"),
        ("/utxo.get_exit_data", 1000_99999_0000, "exit:invalid"),
    ],
)
async def test_positions_no_output_can_have(path: str, encoded: int, code: str, serve: Serve) -> None:
    """A number that is no position is refused by the endpoint's own code."""
    url = await serve(replayed(V1))
    headers = {"content-type": "application/json"}
    request = {"method": "POST", "path": path, "headers": headers, "body": {"utxo_pos": encoded}}
    assert (await ask(url, request)).json()["data"]["code"] == code


@pytest.mark.parametrize("release", list(Release), ids=str)
async def test_our_own_client_understands_it(release: Release, world: World, serve: Serve) -> None:
    """Over HTTP, in both dialects, the client reads what the verifier itself says."""
    deposit, other = world.deposit(ALICE, 2**70), world.deposit(ALICE, 1)
    world.block(world.pay([(deposit, ALICE)], [(BOB, 2**70)]))
    world.start_exit(deposit, ALICE)
    async with HttpWatcher(await serve(world.verifier, release=release)) as watcher:
        status = await watcher.status()
        claim = await watcher.challenge_data(deposit)
        with pytest.raises(WatcherRefused) as caught:
            await watcher.challenge_data(other)
        configuration = await watcher.configuration()
    own = world.verifier.status()
    assert [event.name for event in status.events] == ["invalid_exit"]
    assert status.last_seen_eth_block == own.last_seen_eth_block == world.height
    assert status.last_validated_blknum == status.last_mined_blknum == 1000
    expected = world.verifier.challenge_data(deposit)
    assert claim.challenge_tx == expected.challenge_tx
    assert (claim.exit_id, claim.signature) == (expected.exit_id, expected.signature)
    assert caught.value.code == "challenge:exit_not_found"
    if release is Release.V1:
        assert status.events == own.events
        assert claim == expected
        assert configuration == WatcherConfiguration("", "LOCALCHAIN", 10, world.verifier.margins.sla)
    else:
        assert claim.exiting_tx is None
        assert configuration is None


SIGNED = load("v1_ife_get_data_deposit_input")["request"]["body"]["txbytes"]
RAW = load("v1_ife_get_data_deposit_input")["response"]["body"]["data"]["in_flight_tx"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("get_competitor", {"txbytes": SIGNED}, "get_competitor:unrecognized_transaction_type"),
        ("prove_canonical", {"txbytes": SIGNED}, "prove_canonical:unrecognized_transaction_type"),
        ("prove_canonical", {"txbytes": "0x"}, "prove_canonical:malformed_transaction_rlp"),
        ("prove_canonical", {"txbytes": "0xc101"}, "prove_canonical:malformed_transaction"),
        ("get_data", {"txbytes": RAW}, "get_in_flight_exit:malformed_witnesses"),
        ("get_data", {"txbytes": "0xc0"}, "get_in_flight_exit:malformed_transaction"),
        ("get_data", {"txbytes": "0xc1c0"}, "get_in_flight_exit:malformed_transaction"),
        ("get_data", {"txbytes": "0xc2b8ff"}, "get_in_flight_exit:malformed_transaction_rlp"),
        ("get_data", {"txbytes": RAW + "00"}, "get_in_flight_exit:malformed_transaction_rlp"),
        ("get_input_challenge_data", {"txbytes": RAW}, ("input_index", ":integer")),
        ("get_input_challenge_data", {"txbytes": RAW, "input_index": "0"}, ("input_index", ":integer")),
        ("get_input_challenge_data", {"txbytes": RAW, "input_index": True}, ("input_index", ":integer")),
        (
            "get_output_challenge_data",
            {"txbytes": RAW, "output_index": -1},
            ("output_index", "{:greater, -1}"),
        ),
        ("get_output_challenge_data", {"txbytes": RAW, "input_index": 0}, ("output_index", ":integer")),
        ("get_data", {}, ("txbytes", ":hex")),
        ("get_data", {"txbytes": RAW[2:]}, ("txbytes", ":hex")),
        ("get_competitor", {"txbytes": 5}, ("txbytes", ":hex")),
    ],
)
async def test_questions_about_in_flight_exits_are_checked(
    path: str, body: dict[str, object], code: str | tuple[str, str], serve: Serve
) -> None:
    """Signed for unsigned and the reverse, bytes that are no transaction, and indexes that are none."""
    headers = {"content-type": "application/json"}
    request = {"method": "POST", "path": f"/in_flight_exit.{path}", "headers": headers, "body": body}
    data = (await ask(await serve(replayed(V1)), request)).json()["data"]
    if isinstance(code, str):
        assert (data["code"], data["description"]) == (code, None)
    else:
        parameter, validator = code
        wrong = {"validation_error": {"parameter": parameter, "validator": validator}}
        assert (data["code"], data["messages"]) == ("operation:bad_request", wrong)


@pytest.mark.parametrize("release", list(Release), ids=str)
async def test_our_own_client_understands_what_is_in_flight(
    release: Release, game: InFlightWorld, serve: Serve
) -> None:
    """Over HTTP, in both dialects, the client reads the same evidence that the local Watcher gives."""
    deposit, other = game.deposit(ALICE, 2**70), game.deposit(ALICE, 10)
    signed = game.spend(other, ALICE, BOB)
    position = UtxoPosition(game.block(game.spend(deposit, ALICE, BOB, 2**70), signed), 1, 0)
    game.block(game.spend(position, BOB, CAROL))
    accused = game.start(game.spend(deposit, ALICE, CAROL, 2**70))
    included = game.start(signed)
    game.piggyback(accused, (IN, 0))
    game.piggyback(included, (OUT, 0))
    game.accuse(included, game.spend(other, ALICE, MALLORY))
    local = LocalWatcher(game.verifier)
    async with HttpWatcher(await serve(game.verifier, release=release)) as watcher:
        status = await watcher.status()
        assert status.in_flight_exits == (await local.status()).in_flight_exits
        assert [len(each.piggybacked_inputs) for each in status.in_flight_exits] == [1, 0]
        pairs: list[tuple[Any, Any]] = [
            (await watcher.competitor(accused), await local.competitor(accused)),
            (await watcher.input_spend(accused, 0), await local.input_spend(accused, 0)),
        ]
        assert await watcher.inclusion(included) == await local.inclusion(included)
        assert await watcher.output_spend(included, 0) == await local.output_spend(included, 0)
        known = await local.exit_data(position)
        # Only v0.2's answer has room for the signatures.
        told = known if release is Release.V02 else replace(known, signatures=())
        assert await watcher.exit_data(position) == told
        listed = await watcher.exitable_utxos(BOB.address)
        assert listed == await local.exitable_utxos(BOB.address) != []
        with pytest.raises(WatcherRefused, match=r"competitor_not_found|no_viable"):
            await watcher.competitor(included)
    for theirs, ours in pairs:
        expected = ours if release is Release.V1 else replace(ours, input_tx=None, input_position=None)
        assert theirs == expected


async def test_v02_leaves_out_what_it_does_not_know(game: InFlightWorld, serve: Serve) -> None:
    """The late events about in-flight exits, and the reader of deletions, came with v1."""
    deposit = game.deposit(ALICE, 10)
    game.block(game.spend(deposit, ALICE, BOB))
    tx = game.start(game.spend(deposit, ALICE, CAROL))
    game.piggyback(tx, (IN, 0))
    game.wait(SLA)
    names = {}
    for release in Release:
        async with HttpWatcher(await serve(game.verifier, release=release)) as watcher:
            names[release] = {event.name for event in (await watcher.status()).events}
    assert names[Release.V1] - names[Release.V02] == {
        "unchallenged_piggyback",
        "unchallenged_non_canonical_ife",
    }
    assert names[Release.V02] == {"invalid_piggyback", "non_canonical_ife", "piggyback_available"}


@pytest.mark.parametrize("release", list(Release), ids=str)
async def test_our_own_client_sees_a_verifier_that_is_starting(release: Release, serve: Serve) -> None:
    """Until the root chain has been read, the verifier says that it is not ready."""
    verifier = Verifier(replayed(V1).contracts, Margins())
    async with HttpWatcher(await serve(verifier, release=release)) as watcher:
        with pytest.raises(WatcherNotReady):
            await watcher.status()
