"""What an in-flight exit was started with is found in its log or in calldata, also where half hidden."""

from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import encode

from contracts.golden import (
    ROOTCHAIN,
    ald_calls,
    ald_game,
    hexed,
    rootchain_game,
)
from contracts.recorded import HEAD, RecordedChain, recorded_log
from plasma_guard.contracts.calldata import MAX_ITEMS, MAX_PLACES, Arguments
from plasma_guard.domain.errors import MalformedError
from plasma_guard.domain.exits import InFlightExitStarted, InFlightStartData
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Hash32
from plasma_guard.plasma.keccak import keccak
from plasma_guard.ports import ExitGame

TX_HASH = Hash32(b"\x01".rjust(32, b"\x00"))


@dataclass(frozen=True)
class Start:
    """A recorded start: its event, its calldata, and what the contract was given."""

    version: str
    calldata: bytes
    tx: bytes
    input_txs: tuple[bytes, ...]
    positions: tuple[UtxoPosition, ...] | None
    signatures: tuple[bytes, ...]
    log: dict[str, Any]

    def game(self, calldata: bytes | None) -> ExitGame:
        """Return a game whose chain knows the starting transaction's calldata."""
        known = {} if calldata is None else {TX_HASH: calldata}
        chain = RecordedChain(logs=[recorded_log(self.log)], inputs=known)
        return rootchain_game(chain) if self.version == "0.2" else ald_game(self.version, chain)

    async def event(self) -> InFlightExitStarted:
        """Return what the follower of logs sees of it."""
        (event,) = await self.game(None).root_chain_events(100, 100)
        assert isinstance(event, InFlightExitStarted)
        return event

    async def data(self, calldata: bytes | None) -> InFlightStartData | None:
        """Return what is found when the transaction had this calldata."""
        return await self.game(calldata).in_flight_start_data(await self.event(), HEAD)


def _started(case: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(
        log for log in case["logs"] if log.get("event", "").startswith("InFlightExitStarted")
    )
    return found


def _ald(case: dict[str, Any]) -> Start:
    args = case["args"]["args"]
    return Start(
        version=case["version"],
        calldata=hexed(case["calldata"]),
        tx=hexed(args["inFlightTx"]),
        input_txs=tuple(hexed(tx) for tx in args["inputTxs"]),
        positions=tuple(UtxoPosition.decode(int(position)) for position in args["inputUtxosPos"]),
        signatures=tuple(hexed(signature) for signature in args["inFlightTxWitnesses"]),
        log=_started(case),
    )


def _v02(case: dict[str, Any]) -> Start:
    joined = hexed(case["args"]["_inFlightTxSigs"])
    return Start(
        version="0.2",
        calldata=hexed(case["calldata"]),
        tx=hexed(case["args"]["_inFlightTx"]),
        input_txs=(),
        positions=None,
        signatures=tuple(joined[at : at + 65] for at in range(0, len(joined), 65)),
        log=_started(case),
    )


STARTS = [_ald(case) for _, case in ald_calls("startInFlightExit")] + [
    _v02(case) for case in ROOTCHAIN["functions"]["startInFlightExit"]
]
FROM_CALLDATA = [start for start in STARTS if start.version != "2.0.0"]
SAMPLES = [
    max((start for start in STARTS if start.version == version), key=lambda start: len(start.calldata))
    for version in ("1.0.5", "0.2")
]


@pytest.mark.parametrize(
    "start", [pytest.param(start, id=f"{start.version}-{keccak(start.tx)}") for start in STARTS]
)
async def test_a_recorded_start_is_read_back(start: Start) -> None:
    """Transactions, positions and signatures are those the contract was given; owners follow from them."""
    data = await start.data(start.calldata)
    assert data is not None
    rules = start.game(None).rules
    inputs = rules.decode(start.tx).inputs
    assert data.tx == start.tx
    assert data.input_positions == (start.positions or inputs) == inputs
    assert data.signatures == start.signatures
    if start.input_txs:
        assert data.input_txs == start.input_txs
    contracts = start.game(None).contracts
    signers = tuple(
        rules.recover(rules.decode(start.tx), signature, contracts.entry) for signature in data.signatures
    )
    assert data.input_owners == signers


async def test_revision_2_needs_no_calldata() -> None:
    """Its log tells everything, so that contracts which make up calls themselves hide nothing."""
    (start, *_) = (start for start in STARTS if start.version == "2.0.0")
    data = await start.data(None)
    assert data is not None
    assert data == await start.data(b"anything")


async def test_a_log_that_is_gone_tells_nothing() -> None:
    """A reorg may have taken the start away between two reads."""
    (start, *_) = (start for start in STARTS if start.version == "2.0.0")
    event = await start.event()
    for moved in (recorded_log(start.log, index=3), recorded_log(start.log, tx=b"\x02")):
        game = ald_game("2.0.0", RecordedChain(logs=[moved]))
        assert await game.in_flight_start_data(event, HEAD) is None


@pytest.mark.parametrize("start", SAMPLES)
async def test_a_start_through_another_contract_is_found_in_the_outer_call(start: Start) -> None:
    """At any offset, behind decoys of the same selector and behind starts of other transactions."""
    direct = await start.data(start.calldata)
    other = next(each for each in FROM_CALLDATA if each.version == start.version and each.tx != start.tx)
    forwarded = encode(["address", "bytes", "bytes"], ["0x" + "12" * 20, other.calldata, start.calldata])
    assert await start.data(b"\xca\x11\xab\x1e" + forwarded) == direct
    decoys = start.calldata[:4] * 20 + b"\xff"
    assert await start.data(b"\xca\x11\xab\x1e" + decoys + start.calldata + b"tail") == direct


@pytest.mark.parametrize("start", FROM_CALLDATA)
async def test_sloppy_padding_hides_nothing(start: Start) -> None:
    """The contracts look at no padding, and count bytes that the calldata lacks at its end as zeros."""
    direct = await start.data(start.calldata)
    cut = start.calldata.rstrip(b"\x00")
    assert await start.data(cut) == direct
    assert await start.data(start.calldata + b"\xff" * 7) == direct
    place = start.calldata.index(start.tx) + len(start.tx)
    padding = -len(start.tx) % 32
    dirty = start.calldata[:place] + b"\xff" * padding + start.calldata[place + padding :]
    assert padding > 0
    assert await start.data(dirty) == direct


@pytest.mark.parametrize("start", SAMPLES)
async def test_calldata_without_the_start_tells_nothing(start: Start) -> None:
    """A transaction nobody knows, another call, another exit's start, and the start cut short."""
    other = next(each for each in FROM_CALLDATA if each.version == start.version and each.tx != start.tx)
    assert await start.data(None) is None
    assert await start.data(b"") is None
    assert await start.data(start.calldata[4:]) is None
    assert await start.data(other.calldata) is None
    assert await start.data(start.calldata[:200]) is None
    damaged = start.calldata.replace(start.tx, start.tx[:-1] + bytes([start.tx[-1] ^ 1]))
    assert await start.data(damaged) is None


@pytest.mark.parametrize("start", FROM_CALLDATA)
async def test_a_forged_call_put_in_front_is_passed_over(start: Start) -> None:
    """The same transaction with other signatures, which the contract cannot have taken."""
    direct = await start.data(start.calldata)
    assert direct is not None
    forged = start.calldata
    for signature in direct.signatures:
        forged = forged.replace(signature, b"\x01" * 65)
    assert forged != start.calldata
    assert await start.data(forged + start.calldata) == direct
    assert await start.data(forged) is None


@pytest.mark.parametrize("start", SAMPLES)
async def test_decoys_without_end_are_given_up(start: Start) -> None:
    """Calldata full of selectors costs a bounded number of looks."""
    flood = start.calldata[:4] * (MAX_PLACES + 1)
    assert await start.data(flood + start.calldata) is None
    assert await start.data(flood[: 4 * (MAX_PLACES - 1)] + start.calldata) is not None


@pytest.mark.parametrize("count", [MAX_ITEMS + 1, 2**255])
def test_an_array_of_thousands_is_not_read(count: int) -> None:
    """Many items may all point to the same long bytes; no transaction has so many inputs."""
    calldata = (32).to_bytes(32, "big") + count.to_bytes(32, "big") + bytes(32 * (MAX_ITEMS + 1))
    for read in (Arguments(calldata, 0).contents, Arguments(calldata, 0).numbers):
        with pytest.raises(MalformedError, match=f"an array of {count} items"):
            read(0)


async def test_zeros_cut_off_a_v02_signature_are_put_back() -> None:
    """It may end with v = 0, and the old compiler's reader takes missing bytes for zeros."""
    args = ROOTCHAIN["functions"]["startInFlightExit"][0]["args"]
    given = [hexed(value) for value in args.values()]
    given[3] = given[3][:-1] + b"\x00"
    start = next(each for each in STARTS if each.tx == given[0])
    calldata = start.calldata[:4] + encode(["bytes"] * 4, given)
    data = await start.data(calldata.rstrip(b"\x00"))
    assert data is not None
    assert data.signatures == (given[3],)


async def test_a_start_later_than_the_block_is_not_told() -> None:
    """A follower at block 99 knows nothing of block 100."""
    for start in (STARTS[0], STARTS[-1], next(each for each in STARTS if each.version == "2.0.0")):
        event, game = await start.event(), start.game(start.calldata)
        before = await RecordedChain().block(event.block_number - 1)
        assert before is not None
        assert await game.in_flight_start_data(event, before) is None


async def test_the_padding_of_v02_watchers_is_left_out() -> None:
    """They fill the list up to four with empty strings and zero signatures, which the contract takes."""
    start = min((each for each in STARTS if each.version == "0.2"), key=lambda each: len(each.calldata))
    direct = await start.data(start.calldata)
    args = ROOTCHAIN["functions"]["startInFlightExit"][0]["args"]
    assert hexed(args["_inFlightTx"]) == start.tx
    listed = hexed(args["_inputTxs"])
    content = listed[2:] + b"\x80" * 3
    padded = b"\xf8" + bytes([len(content)]) + content
    calldata = start.calldata[:4] + encode(
        ["bytes"] * 4,
        [
            start.tx,
            padded,
            hexed(args["_inputTxsInclusionProofs"]),
            hexed(args["_inFlightTxSigs"]) + bytes(3 * 65),
        ],
    )
    assert await start.data(calldata) == direct


async def test_an_input_whose_transaction_names_no_owner_has_none() -> None:
    """Such as a fee's, which the guard does not decode: its owner is unknown, the rest is told."""
    start = SAMPLES[0]
    args = next(
        case["args"]["args"]
        for _, case in ald_calls("startInFlightExit")
        if hexed(case["calldata"]) == start.calldata
    )
    nonsense = [b"\xc0"] * len(start.input_txs)
    calldata = start.calldata[:4] + encode(
        ["(bytes,bytes[],uint256[],bytes[],bytes[])"],
        [
            (
                start.tx,
                nonsense,
                [int(position) for position in args["inputUtxosPos"]],
                [hexed(proof) for proof in args["inputTxsInclusionProofs"]],
                list(start.signatures),
            )
        ],
    )
    data = await start.data(calldata)
    assert data is not None
    assert data.input_owners == (None,) * len(nonsense)
    assert data.input_txs == tuple(nonsense)


def test_the_recording_has_starts_of_one_and_of_many_inputs() -> None:
    """On every revision."""
    counts = {(start.version, len(start.signatures)) for start in STARTS}
    assert {("0.2", 1), ("0.2", 4), ("1.0.5", 1), ("1.0.5", 2), ("2.0.0", 1), ("2.0.0", 2)} <= counts
