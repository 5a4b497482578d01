"""The client against recorded answers of every Watcher release, over a real HTTP server."""

import copy
from typing import Any

import pytest
from aiohttp import web

from plasma_guard.domain.errors import (
    ConfigurationError,
    WatcherMisbehaved,
    WatcherNotReady,
    WatcherRefused,
    WatcherUnreachable,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address
from plasma_guard.ports import Watcher
from plasma_guard.watcher import HttpWatcher, WatcherConfiguration
from watcher.replay import Serve, fixture, names, replay

STATUSES = [name for name in names("v", "doc_only") if "status" in name and "unavailable" not in name]
REFUSALS = [
    name
    for name in names("v1_error", "v1_challenge_data", "v02_challenge_data", "v1_exit_data_not_found")
    if not fixture(name)["response"]["body"]["success"]
]
POSITION = UtxoPosition.decode(1000000000001)


async def test_it_is_a_watcher() -> None:
    """The client satisfies the port."""
    watcher: Watcher = HttpWatcher("http://127.0.0.1:1")
    assert isinstance(watcher, HttpWatcher)
    await watcher.close()


@pytest.mark.parametrize("name", STATUSES)
async def test_status_of_every_release_is_read(name: str, serve: Serve) -> None:
    """Events, heights, services and addresses survive in every dialect from v0.1 to v1."""
    recorded = fixture(name)
    data = recorded["response"]["body"]["data"]
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        status = await watcher.status()
    assert [event.name for event in status.events] == [entry["event"] for entry in data["byzantine_events"]]
    for event, entry in zip(status.events, data["byzantine_events"], strict=True):
        assert event.details == {key: value for key, value in entry["details"].items() if key != "name"}
    assert status.last_mined_blknum == data["last_mined_child_block_number"]
    assert status.last_validated_blknum == data["last_validated_child_block_number"]
    assert status.last_seen_eth_block == data.get("last_seen_eth_block_number")
    assert status.last_seen_eth_time == data.get("last_seen_eth_block_timestamp")
    assert status.eth_syncing == data["eth_syncing"]
    assert status.services == {
        each["service"]: each["height"] for each in data.get("services_synced_heights", [])
    }
    assert status.version == recorded["response"]["body"]["version"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("v01_status", {}),
        ("v02_status_healthy", {"root_chain": "0x44de0ec539b8c4a4b530c78620fe8320167f2f74"}),
        (
            "v1_status_healthy",
            {
                "erc20_vault": "0xf90bf6442c3c42f9e674cbbc17dcfd03e3d443ed",
                "eth_vault": "0x71e1c08911c24b44851c2f3fe0e03045096f70d8",
                "payment_exit_game": "0x85e8ded1709821bab53151b073b177a9b24cf0ae",
                "plasma_framework": "0x44de0ec539b8c4a4b530c78620fe8320167f2f74",
            },
        ),
    ],
)
async def test_contract_addresses_of_every_form(name: str, expected: dict[str, str], serve: Serve) -> None:
    """No address, one string, or a map all become one map by name."""
    async with HttpWatcher(await serve(replay(fixture(name)))) as watcher:
        status = await watcher.status()
    assert status.contract_addresses == {key: Address.parse(text) for key, text in expected.items()}


@pytest.mark.parametrize(
    "name",
    [
        "v02_challenge_data",
        "v04_challenge_data",
        "v1_challenge_data_block_spend",
        "v1_challenge_data_deposit",
        "v1_challenge_data_ife_spend",
    ],
)
async def test_challenge_data_of_every_release_is_read(name: str, serve: Serve) -> None:
    """Bytes and integers beyond 2^53 arrive unchanged; only v0.2 lacks the exiting transaction."""
    recorded = fixture(name)
    data = recorded["response"]["body"]["data"]
    position = UtxoPosition.decode(recorded["request"]["body"]["utxo_pos"])
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        claim = await watcher.challenge_data(position)
    assert claim.position == position
    assert claim.exit_id == data["exit_id"] > 2**128
    assert claim.input_index == data["input_index"]
    assert "0x" + claim.challenge_tx.hex() == data["txbytes"]
    assert "0x" + claim.signature.hex() == data["sig"]
    exiting_tx = None if claim.exiting_tx is None else "0x" + claim.exiting_tx.hex()
    assert exiting_tx == data.get("exiting_tx")
    assert (exiting_tx is None) == name.startswith("v02")


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals_keep_their_code(name: str, serve: Serve) -> None:
    """Every error envelope becomes `WatcherRefused` with its code, whatever HTTP status carries it."""
    recorded = fixture(name)
    body = recorded["response"]["body"]
    recorded["request"] = {
        "method": "POST",
        "path": "/utxo.get_challenge_data",
        "body": {"utxo_pos": POSITION.encode()},
    }
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        with pytest.raises(WatcherRefused) as caught:
            await watcher.challenge_data(POSITION)
    assert caught.value.code == body["data"]["code"]
    assert (caught.value.description is None) == (body["data"]["description"] is None)
    assert (caught.value.messages is None) == ("messages" not in body["data"])


@pytest.mark.parametrize("name", ["v1_status_service_unavailable", "v02_econnrefused"])
async def test_a_watcher_without_its_node_is_not_ready(name: str, serve: Serve) -> None:
    """The health refusal, which lacks `version`, and v0.2's lost node are a state, not a refusal."""
    async with HttpWatcher(await serve(replay(fixture(name)))) as watcher:
        with pytest.raises(WatcherNotReady, match=r"service_unavailable|econnrefused"):
            await watcher.status()


async def test_configuration_is_read(serve: Serve) -> None:
    """`configuration.get` is a GET without a body."""
    async with HttpWatcher(await serve(replay(fixture("v1_configuration")))) as watcher:
        configuration = await watcher.configuration()
    assert configuration == WatcherConfiguration(
        contract_semver="1.0.5+2b8d9bf", network="MAINNET", deposit_finality_margin=10, sla_margin=5520
    )


async def test_a_watcher_without_configuration_says_none(serve: Serve) -> None:
    """Releases before v0.4 answer `operation:not_found`, which is no error here."""
    recorded = fixture("v1_error_not_found")
    recorded["request"] = {"method": "GET", "path": "/configuration.get"}
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        assert await watcher.configuration() is None


async def test_a_malformed_event_spoils_no_other(serve: Serve) -> None:
    """Entries that are not events are kept as `malformed`, bounded, beside the real one."""
    recorded = fixture("v1_status_invalid_exit")
    events = recorded["response"]["body"]["data"]["byzantine_events"]
    bad: list[Any] = [
        None,
        "invalid_exit",
        [],
        {},
        {"event": 1, "details": {}},
        {"event": "invalid_exit"},
        {"event": "invalid_exit", "details": []},
        {"event": "x" * 10_000, "details": {}},
        {"event": "invalid_exit\n\x1b[2J", "details": {}},
    ]
    events[:0] = bad
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        status = await watcher.status()
    assert [event.name for event in status.events] == ["malformed"] * len(bad) + ["invalid_exit"]
    for event in status.events[: len(bad)]:
        assert len(str(event.details)) < 400
        assert "\x1b" not in str(event.details["entry"])


async def test_unknown_keys_are_ignored(serve: Serve) -> None:
    """A newer Watcher that says more is still understood."""
    recorded = fixture("v1_status_healthy")
    recorded["response"]["body"]["future"] = {"a": [1.5]}
    recorded["response"]["body"]["data"]["future"] = None
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        assert (await watcher.status()).last_mined_blknum == 4000


WRONG_STATUS_FIELDS = [
    ("byzantine_events", {}),
    ("byzantine_events", None),
    ("last_validated_child_block_number", "4000"),
    ("last_validated_child_block_number", True),
    ("last_validated_child_block_number", 4000.0),
    ("last_validated_child_block_number", -1),
    ("last_validated_child_block_number", None),
    ("last_mined_child_block_number", 2**256),
    ("last_seen_eth_block_number", "0x10"),
    ("eth_syncing", "false"),
    ("eth_syncing", 0),
    ("services_synced_heights", {"block_getter": 1}),
    ("services_synced_heights", [{"service": "block_getter"}]),
    ("services_synced_heights", [{"service": "a\nb", "height": 1}]),
    ("contract_addr", "0x44de0ec539b8c4a4b530c78620fe8320167f2f"),
    ("contract_addr", "44de0ec539b8c4a4b530c78620fe8320167f2f74"),
    ("contract_addr", {"plasma_framework": "0x"}),
    ("contract_addr", {"plasma_framework": None}),
    ("contract_addr", []),
]


@pytest.mark.parametrize(("field", "value"), WRONG_STATUS_FIELDS)
async def test_a_wrong_field_is_named(field: str, value: object, serve: Serve) -> None:
    """A field of the wrong type is refused with its name, never coerced."""
    recorded = fixture("v1_status_healthy")
    recorded["response"]["body"]["data"][field] = value
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        with pytest.raises(WatcherMisbehaved, match=field):
            await watcher.status()


WRONG_CHALLENGE_FIELDS = [
    ("exit_id", "1"),
    ("exit_id", 1e30),
    ("exit_id", -1),
    ("exit_id", 2**256),
    ("input_index", -1),
    ("input_index", 256),
    ("sig", None),
    ("sig", "0x0"),
    ("sig", "0xzz"),
    ("sig", "0x00 00"),
    ("txbytes", "f87c"),
    ("txbytes", ["0x00"]),
    ("txbytes", "0x" + "00" * 100_001),
    ("exiting_tx", 5),
]


@pytest.mark.parametrize(("field", "value"), WRONG_CHALLENGE_FIELDS)
async def test_wrong_challenge_data_is_refused(field: str, value: object, serve: Serve) -> None:
    """Challenge data of the wrong shape is refused by field, in one bounded sentence."""
    recorded = fixture("v1_challenge_data_block_spend")
    recorded["response"]["body"]["data"][field] = value
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        with pytest.raises(WatcherMisbehaved, match=field) as caught:
            await watcher.challenge_data(POSITION)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"data": {}},
        {"success": "true", "data": {}},
        {"success": 1, "data": {}},
        {"success": True},
        {"success": False, "data": {}},
        {"success": False, "data": {"code": 5}},
        {"success": False, "data": {"code": "a\nb"}},
        {"success": False, "data": {"code": ""}},
        {"success": False, "data": None},
        {"success": True, "data": [], "version": {}},
        [],
        None,
        "success",
    ],
)
async def test_a_wrong_envelope_is_misbehaviour(envelope: object, serve: Serve) -> None:
    """An envelope without a boolean `success`, or a refusal without a plain code, is no answer."""
    recorded = fixture("v1_status_healthy")
    recorded["response"]["body"] = envelope
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        with pytest.raises(WatcherMisbehaved):
            await watcher.status()


async def test_success_with_an_error_status_is_misbehaviour(serve: Serve) -> None:
    """HTTP and the envelope must agree that the call worked."""
    recorded = fixture("v1_status_healthy")
    recorded["response"]["status"] = 500
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        with pytest.raises(WatcherMisbehaved, match="HTTP status 500"):
            await watcher.status()


async def test_foreign_text_is_bounded_and_escaped(serve: Serve) -> None:
    """Words of the Watcher cannot flood a log, move a terminal's cursor or forge a line."""
    recorded = fixture("v1_challenge_data_utxo_not_spent")
    recorded["request"]["body"] = {"utxo_pos": POSITION.encode()}
    hostile = "\x1b[2J\nCRITICAL all is well \u202e" + "x" * 100_000
    recorded["response"]["body"]["data"] |= {"description": hostile, "messages": {"a": hostile}}
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        with pytest.raises(WatcherRefused) as caught:
            await watcher.challenge_data(POSITION)
    for text in (str(caught.value), str(caught.value.description), str(caught.value.messages)):
        assert len(text) < 400
        assert text.isprintable()


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_html_is_misbehaviour(status: int, serve: Serve) -> None:
    """A page of HTML is never read as an answer, not even with status 200."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="<html>{}</html>", content_type="text/html", status=status)

    async with HttpWatcher(await serve(handle)) as watcher:
        with pytest.raises(WatcherMisbehaved, match="text/html"):
            await watcher.status()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_gateway_in_front_of_nothing_is_unreachable(status: int, serve: Serve) -> None:
    """A gateway's own page says that the Watcher behind it cannot be reached."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="<html>Bad Gateway</html>", content_type="text/html", status=status)

    async with HttpWatcher(await serve(handle)) as watcher:
        with pytest.raises(WatcherUnreachable, match=str(status)):
            await watcher.status()


@pytest.mark.parametrize("content_type", ["text/plain", "application/jsonp", "application/octet-stream"])
async def test_only_json_is_read(content_type: str, serve: Serve) -> None:
    """The right body under the wrong content type comes from something that is not a Watcher."""
    recorded = copy.deepcopy(fixture("v1_status_healthy"))
    recorded["response"]["headers"] = {"content-type": content_type}
    async with HttpWatcher(await serve(replay(recorded))) as watcher:
        with pytest.raises(WatcherMisbehaved, match=content_type):
            await watcher.status()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int, serve: Serve) -> None:
    """A redirect is reported with its target; nothing is sent there."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"location": "/elsewhere\u00e9"})

    async with HttpWatcher(await serve(handle)) as watcher:
        with pytest.raises(WatcherMisbehaved, match=r"redirects to '/elsewhere"):
            await watcher.status()
    assert asked == ["/status.get"]


async def test_the_base_url_may_have_a_path(serve: Serve) -> None:
    """A Watcher behind a path prefix is asked below that prefix."""
    recorded = fixture("v1_status_healthy")
    recorded["request"]["path"] = "/behind/proxy/status.get"
    async with HttpWatcher(await serve(replay(recorded)) + "behind/proxy") as watcher:
        assert (await watcher.status()).last_mined_blknum == 4000


@pytest.mark.parametrize(
    "url", ["", "watcher:7434", "ftp://watcher", "http://", "http://a:port", "http://[::"]
)
def test_a_url_that_cannot_be_a_watcher_is_refused(url: str) -> None:
    """A wrong URL is found when the guard starts, not when it first polls."""
    with pytest.raises(ConfigurationError, match="watcher URL"):
        HttpWatcher(url)


async def test_credentials_in_the_url_are_never_printed() -> None:
    """A password in the URL is in neither repr nor errors."""
    async with HttpWatcher("http://user:hunter2@127.0.0.1:1") as watcher:
        with pytest.raises(WatcherUnreachable) as caught:
            await watcher.status()
        assert "hunter2" not in repr(watcher) + str(caught.value)
    with pytest.raises(ConfigurationError) as refused:
        HttpWatcher("htp://user:hunter2@watcher")
    assert "hunter2" not in str(refused.value)
