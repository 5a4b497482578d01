"""The logs of the in-flight exit game become what the real contracts meant by them."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.golden import ald_game, ald_logs, rootchain_game, rootchain_logs
from contracts.recorded import RecordedChain, recorded_log
from plasma_guard.contracts.abis import ald, rootchain
from plasma_guard.contracts.ald.revisions import V1
from plasma_guard.domain.errors import ContractError
from plasma_guard.domain.exits import (
    NOT_INCLUDED,
    InFlightExitBlocked,
    InFlightExitChallenged,
    InFlightExitEnded,
    InFlightExitPiggybacked,
    InFlightExitResponded,
    InFlightExitStarted,
    InFlightExitWithdrawn,
    RootChainEvent,
    Side,
)
from plasma_guard.domain.primitives import Address, Hash32
from plasma_guard.ports import ExitGame

Meaning = tuple[type, dict[str, Any]]


def tx_hash(fields: dict[str, str]) -> Hash32:
    return Hash32.parse(fields["txHash"])


def at_position(kind: type) -> Callable[[dict[str, str]], Meaning]:
    return lambda fields: (
        kind,
        {
            "challenger": Address.parse(fields["challenger"]),
            "plasma_tx_hash": tx_hash(fields),
            "position": int(fields["challengeTxPosition"]),
        },
    )


def started(fields: dict[str, str]) -> Meaning:
    initiator = Address.parse(fields["initiator"])
    return InFlightExitStarted, {"initiator": initiator, "plasma_tx_hash": tx_hash(fields)}


def piggybacked(fields: dict[str, str], owner: str, side: Side, index: int) -> Meaning:
    who = Address.parse(fields[owner])
    return InFlightExitPiggybacked, {
        "owner": who,
        "plasma_tx_hash": tx_hash(fields),
        "side": side,
        "index": index,
    }


def blocked(fields: dict[str, str], side: Side | None, index: int) -> Meaning:
    who = Address.parse(fields["challenger"])
    return InFlightExitBlocked, {
        "challenger": who,
        "plasma_tx_hash": tx_hash(fields),
        "side": side,
        "index": index,
    }


def withdrawn(exit_id: str, side: Side, index: int) -> Meaning:
    return InFlightExitWithdrawn, {"exit_id": int(exit_id), "side": side, "index": index}


def ended(fields: dict[str, str], *, deleted: bool) -> Meaning:
    return InFlightExitEnded, {"exit_id": int(fields["exitId"]), "deleted": deleted}


ALD: dict[str, Callable[[dict[str, str]], Meaning]] = {
    "InFlightExitStarted": started,
    "InFlightExitInputPiggybacked": lambda f: piggybacked(f, "exitTarget", Side.INPUT, int(f["inputIndex"])),
    "InFlightExitOutputPiggybacked": lambda f: piggybacked(
        f, "exitTarget", Side.OUTPUT, int(f["outputIndex"])
    ),
    "InFlightExitChallenged": at_position(InFlightExitChallenged),
    "InFlightExitChallengeResponded": at_position(InFlightExitResponded),
    "InFlightExitInputBlocked": lambda f: blocked(f, Side.INPUT, int(f["inputIndex"])),
    "InFlightExitOutputBlocked": lambda f: blocked(f, Side.OUTPUT, int(f["outputIndex"])),
    "InFlightExitInputWithdrawn": lambda f: withdrawn(f["exitId"], Side.INPUT, int(f["inputIndex"])),
    "InFlightExitOutputWithdrawn": lambda f: withdrawn(f["exitId"], Side.OUTPUT, int(f["outputIndex"])),
    "InFlightExitOmitted": lambda f: ended(f, deleted=False),
    "InFlightExitDeleted": lambda f: ended(f, deleted=True),
    "InFlightExitFinalized": lambda f: ended(f, deleted=False),
}


def v02_slot(fields: dict[str, str]) -> tuple[Side, int]:
    slot = int(fields["outputIndex"])
    return (Side.OUTPUT, slot - 4) if slot >= 4 else (Side.INPUT, slot)


V02: dict[str, Callable[[dict[str, str]], Meaning]] = {
    "InFlightExitStarted": started,
    "InFlightExitPiggybacked": lambda f: piggybacked(f, "owner", *v02_slot(f)),
    "InFlightExitChallenged": at_position(InFlightExitChallenged),
    "InFlightExitChallengeResponded": at_position(InFlightExitResponded),
    "InFlightExitOutputBlocked": lambda f: blocked(f, None, int(f["outputIndex"])),
    "InFlightExitFinalized": lambda f: withdrawn(f["inFlightExitId"], *v02_slot(f)),
}

LOGS = [
    pytest.param(ald_game, version, log, ALD, id=f"{version}-{log['event']}")
    for version, log in ald_logs()
    if log["event"].startswith("InFlight")
] + [
    pytest.param(lambda _, chain: rootchain_game(chain), "0.2", log, V02, id=f"0.2-{log['event']}")
    for log in rootchain_logs()
    if log["event"].startswith("InFlight")
]


@pytest.mark.parametrize(("game_of", "version", "log", "meanings"), LOGS)
async def test_recorded_logs_mean_what_they_meant(
    game_of: Callable[[str, RecordedChain], ExitGame],
    version: str,
    log: dict[str, Any],
    meanings: dict[str, Callable[[dict[str, str]], Meaning]],
) -> None:
    """Kind, parties, transaction, side, index and position are those recorded."""
    game = game_of(version, RecordedChain(logs=[recorded_log(log, index=5)]))
    (event,) = await game.root_chain_events(100, 100)
    kind, fields = meanings[log["event"].partition("(")[0]](log["decoded"])
    assert type(event) is kind
    assert {name: getattr(event, name) for name in fields} == fields
    assert (event.block_number, event.log_index) == (100, 5)


@pytest.mark.parametrize(
    ("version", "names", "missing"),
    [
        ("1.0.5", ALD, {"InFlightExitOutputWithdrawn", "InFlightExitFinalized"}),
        ("2.0.0", ALD, {"InFlightExitOutputWithdrawn"}),
        ("0.2", V02, set()),
    ],
)
def test_every_event_of_the_game_is_among_the_recorded_logs(
    version: str, names: dict[str, object], missing: set[str]
) -> None:
    """But for two: revision 1 never says that an exit was processed, and paid outputs are proven below."""
    logs = rootchain_logs() if version == "0.2" else [log for each, log in ald_logs() if each == version]
    recorded = {log["event"].partition("(")[0] for log in logs}
    assert {name for name in recorded if name.startswith("InFlight")} == set(names) - missing


@pytest.mark.parametrize(
    ("version", "topic"),
    [
        ("1.0.5", "0xa241c6deaf193e53a1b002d779e4f247bf5d57ba0be5a753e628dfcee645a4f7"),
        ("2.0.0", "0x3dcc2251cfab3eb0f6c76eec13346767d46ed18e7277f4826d3ef0c033fe6959"),
    ],
)
async def test_a_paid_output_is_told(version: str, topic: str) -> None:
    """The topics are the real contracts'; the fields are those of a paid input."""
    inputs = (log for each, log in ald_logs() if each == version)
    paid = next(log for log in inputs if log["event"].startswith("InFlightExitInputWithdrawn"))
    log = {**paid, "topics": [topic, paid["topics"][1]]}
    (event,) = await ald_game(version, RecordedChain(logs=[recorded_log(log)])).root_chain_events(100, 100)
    assert isinstance(event, InFlightExitWithdrawn)
    assert (event.exit_id, event.side) == (int(paid["decoded"]["exitId"]), Side.OUTPUT)


@pytest.mark.parametrize(
    ("v02", "ald_", "event"),
    [
        (rootchain.IN_FLIGHT_EXIT_STARTED, V1.in_flight_exit_started, "InFlightExitStarted(address,bytes32)"),
        (
            rootchain.IN_FLIGHT_EXIT_CHALLENGED,
            V1.in_flight_exit_challenged,
            "InFlightExitChallenged(address,bytes32,uint256)",
        ),
        (
            rootchain.IN_FLIGHT_EXIT_CHALLENGE_RESPONDED,
            ald.IN_FLIGHT_EXIT_CHALLENGE_RESPONDED,
            "InFlightExitChallengeResponded(address,bytes32,uint256)",
        ),
    ],
)
def test_shared_topics_are_read_by_generation(v02: Any, ald_: Any, event: str) -> None:
    """v0.2 and ald have one topic for it, but other fields are indexed."""
    assert v02.topic == ald_.topic
    raw = next(log for _, log in ald_logs() if log["event"] == event)
    ald_.decode(recorded_log(raw))
    with pytest.raises(ContractError, match="other topics"):
        v02.decode(recorded_log(raw))


async def test_a_challenge_without_a_position_is_told_apart() -> None:
    """The contracts log 2^256-1, which no position can be."""
    events: list[RootChainEvent] = []
    for version, log in ald_logs():
        if log["event"].startswith("InFlightExitChallenged"):
            chain = RecordedChain(logs=[recorded_log(log)])
            events += await ald_game(version, chain).root_chain_events(100, 100)
    positions = {event.position for event in events if isinstance(event, InFlightExitChallenged)}
    assert NOT_INCLUDED in positions
    assert len(positions) > 1
