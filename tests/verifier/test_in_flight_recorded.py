"""The recorded answers about in-flight exits, asked of a verifier of the same chain."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from aiohttp.test_utils import TestServer

from plasma_guard.domain.exits import (
    NOT_INCLUDED,
    Generation,
    InFlightExitChallenged,
    InFlightExitPiggybacked,
    InFlightExitStarted,
    InFlightStartData,
    Side,
)
from plasma_guard.domain.primitives import ETH
from plasma_guard.plasma.keccak import keccak
from plasma_guard.verifier import Verifier
from plasma_guard.verifier.api import application
from plasma_guard.verifier.game import Facts
from verifier.golden import NOWHERE, load, replayed, told

V1, V02 = Generation.ALD_V1, Generation.ROOTCHAIN_V02
Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(verifier: Verifier, **options: object) -> str:
            served = application(verifier, **options)  # type: ignore[arg-type] # options are the function's own
            server = await stack.enter_async_context(TestServer(served))
            return str(server.make_url("/")).rstrip("/")

        yield start


async def ask(url: str, request: Mapping[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(
            request["method"],
            url + request["path"],
            content=json.dumps(request["body"]) if "body" in request else None,
            headers=request["headers"],
        )


def generation_of(name: str) -> Generation:
    return V02 if name.startswith("v02") else V1


def keys(generation: Generation) -> dict[str, bytes]:
    """Return the keys of the recorded world's people, by address."""
    world = load("world_v1" if generation is V1 else "world_v02")
    return {each["address"]: raw_of(each["private_key"]) for each in world["accounts"].values()}


class Recorded:
    """The recorded world, in which exits can be started and moved."""

    def __init__(self, generation: Generation) -> None:
        self.verifier = replayed(generation)
        self._keys = keys(generation)
        self._logs = 0

    def start(self, raw: bytes, height: int = 11900900) -> None:
        """Start the exit of a transaction of the world."""
        rules, ledger = self.verifier.rules, self.verifier.ledger
        tx = rules.decode(raw)
        inputs = tx.inputs
        owners = [output.owner for position in inputs if (output := ledger.output(position))]
        signatures = (
            rules.sign(tx, self.verifier.contracts.entry, self._keys[str(owner)]) for owner in owners
        )
        data = InFlightStartData(
            tx=raw,
            input_txs=tuple(ledger.creating_tx(position) or b"" for position in inputs),
            input_positions=inputs,
            signatures=tuple(signatures),
            input_owners=tuple(owners),
        )
        event = InFlightExitStarted(ETH, keccak(raw), *self._where(height))
        self.verifier.apply_event(event, Facts(start=data))

    def join(self, raw: bytes, inputs: Sequence[int] = (), outputs: Sequence[int] = ()) -> None:
        """Piggyback."""
        for side, indexes in ((Side.INPUT, inputs), (Side.OUTPUT, outputs)):
            for index in indexes:
                event = InFlightExitPiggybacked(ETH, keccak(raw), side, index, *self._where(11900901))
                self.verifier.apply_event(event)

    def accuse(self, raw: bytes) -> None:
        """Challenge canonicity with something in no block."""
        event = InFlightExitChallenged(ETH, keccak(raw), NOT_INCLUDED, *self._where(11900902))
        self.verifier.apply_event(event, Facts(calldata=b""))

    def _where(self, height: int) -> tuple[Any, ...]:
        self._logs += 1
        return (height, NOWHERE, NOWHERE, self._logs)


def raw_of(text: object) -> bytes:
    return bytes.fromhex(str(text)[2:])


@pytest.mark.parametrize(
    "name",
    [
        "v02_status_invalid_ife_challenge",
        "v02_status_invalid_piggyback",
        "v02_status_non_canonical_ife",
        "v02_status_piggyback_available",
        "v1_status_ife_included_no_piggyback_event",
        "v1_status_invalid_exit_by_ife",
        "v1_status_invalid_ife_challenge",
        "v1_status_invalid_ife_challenge_alone",
        "v1_status_invalid_piggyback_input",
        "v1_status_invalid_piggyback_output",
        "v1_status_non_canonical_ife",
        "v1_status_non_canonical_ife_pair",
        "v1_status_piggyback_available",
        "v1_status_piggyback_available_partial",
        "v1_status_unchallenged_non_canonical_ife",
        "v1_status_unchallenged_piggyback",
    ],
)
async def test_a_status_with_in_flight_exits_equals_the_recorded_one(name: str, serve: Serve) -> None:
    """The exits that a recorded status lists, started and joined, give its events in its order."""
    recorded = load(name)
    expected = recorded["response"]["body"]
    recording = Recorded(generation_of(name))
    for listed in expected["data"]["in_flight_exits"]:
        raw = raw_of(listed["txbytes"])
        recording.start(raw, listed["eth_height"])
        recording.join(raw, listed["piggybacked_inputs"], listed["piggybacked_outputs"])
    for entry in expected["data"]["byzantine_events"]:
        if entry["event"] == "invalid_ife_challenge":
            recording.accuse(raw_of(entry["details"]["txbytes"]))
    told(recording.verifier, expected["data"])
    answer = await ask(await serve(recording.verifier, version=expected["version"]), recorded["request"])
    assert answer.status_code == 200
    assert answer.json() == expected


@pytest.mark.parametrize(
    "name",
    [
        "v02_ife_competitor_included",
        "v02_ife_get_data",
        "v02_ife_get_data_input_not_found",
        "v02_ife_input_challenge_data",
        "v02_ife_output_challenge_data",
        "v02_ife_prove_canonical",
        "v1_ife_competitor_err_competitor_not_found",
        "v1_ife_competitor_err_ife_unknown",
        "v1_ife_competitor_err_no_viable",
        "v1_ife_competitor_included",
        "v1_ife_competitor_not_included",
        "v1_ife_get_data_deposit_input",
        "v1_ife_get_data_given_raw_tx",
        "v1_ife_get_data_input_not_found",
        "v1_ife_get_data_malformed",
        "v1_ife_get_data_malformed_rlp",
        "v1_ife_get_data_spent_deposit",
        "v1_ife_get_data_two_inputs",
        "v1_ife_input_challenge_data",
        "v1_ife_input_challenge_err_ife_unknown",
        "v1_ife_input_challenge_err_no",
        "v1_ife_input_challenge_err_piggybacked",
        "v1_ife_output_challenge_data",
        "v1_ife_output_challenge_err_ife_unknown",
        "v1_ife_output_challenge_err_no",
        "v1_ife_output_challenge_err_piggybacked",
        "v1_ife_prove_canonical",
        "v1_ife_prove_canonical_err",
        "v1_error_bad_request_txbytes_not_hex",
    ],
)
async def test_answers_about_in_flight_exits_equal_the_recorded_ones(name: str, serve: Serve) -> None:
    """Each question of each dialect has the recorded body, refusals with their codes included."""
    recorded = load(name)
    expected = recorded["response"]["body"]
    recording = Recorded(generation_of(name))
    asked = recorded["request"]["body"]
    if "get_data" not in name and "ife_unknown" not in name and "txbytes_not_hex" not in name:
        raw = raw_of(asked["txbytes"])
        recording.start(raw)
        if expected["success"] and "input_challenge" in name:
            recording.join(raw, inputs=[asked["input_index"]])
        if expected["success"] and "output_challenge" in name:
            recording.join(raw, outputs=[asked["output_index"]])
        if name.endswith("prove_canonical"):
            recording.accuse(raw)
        if "no_viable" in name:
            recording.start(raw_of(load("v1_ife_competitor_included")["request"]["body"]["txbytes"]))
        if "not_included" in name:
            recording.start(raw_of(expected["data"]["competing_txbytes"]))
    answer = await ask(await serve(recording.verifier, version=expected["version"]), recorded["request"])
    assert answer.status_code == recorded["response"]["status"]
    assert answer.json() == expected
