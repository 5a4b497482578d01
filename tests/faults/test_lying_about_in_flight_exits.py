"""Lies about in-flight exits, generated field by field: none costs gas, hides a real one or goes untold."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from plasma_guard.daemon.freshness import Freshness, FreshnessLimits
from plasma_guard.daemon.react import React, Turn
from plasma_guard.daemon.scope import Interest
from plasma_guard.daemon.troubles import Troubles
from plasma_guard.daemon.watch import Watch
from plasma_guard.devnet.in_flight import StartedInFlightExit
from plasma_guard.devnet.people import Payment
from plasma_guard.devnet.stage import Stage
from plasma_guard.domain.blocks import PlasmaBlock
from plasma_guard.domain.decisions import Act, Hold, LeaveChain
from plasma_guard.domain.errors import WatcherMisbehaved
from plasma_guard.domain.exits import (
    NOT_INCLUDED,
    Bonds,
    ContractSet,
    Generation,
    InFlightExit,
    InFlightExitStarted,
    Side,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import ETH, Hash32, Seconds, Timestamp, Wei
from plasma_guard.domain.stakes import Scope
from plasma_guard.domain.transactions import FeeFacts
from plasma_guard.journal import SqlJournal, open_journal
from plasma_guard.plasma.transaction import Output
from plasma_guard.reactions import by_name
from plasma_guard.reactions.base import Policy
from plasma_guard.watcher.client import HttpWatcher
from support.arena import Arena, Guard, arena, running
from support.builders import ALICE, BOB, CONTRACT, PERIOD, START, stamp
from support.clock import FakeClock
from support.in_flight import IN_FLIGHT_BLOCK, Battle, battle
from support.recorders import RecordedAlerts, RecordedHealth, RecordedMetrics
from support.until import until
from support.watcher_proxy import WatcherProxy

Data = dict[str, Any]
EVERY = pytest.mark.parametrize("generation", list(Generation))
AT = stamp(timestamp=START + 10)
ABSENT: Any = object()
"""Stands for a key that is left out."""
ASK = "/in_flight_exit."


def hexed(content: bytes | None) -> str | None:
    return None if content is None else "0x" + content.hex()


def flipped(text: str, at: int) -> str:
    """Return hex with one digit changed."""
    at %= len(text)
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


@dataclass
class Ground:
    """The root chain of one battle, and our scan of it; every `start` is another exit of the same bytes."""

    fight: Battle
    entry: InFlightExit
    start: int = 1

    @property
    def rules(self) -> Any:
        return self.fight.rules

    @property
    def contracts(self) -> ContractSet:
        return ContractSet(self.rules.generation, CONTRACT, CONTRACT, Seconds(PERIOD))

    async def in_flight_exits(self, *_: object) -> list[InFlightExit]:
        return [self.entry]

    async def plasma_block(self, blknum: int, _: object) -> PlasmaBlock | None:
        root = self.fight.roots.get(blknum)
        return None if root is None else PlasmaBlock(blknum, root, Timestamp(START - 10))

    async def next_plasma_blocks(self, _: object) -> tuple[int, int]:
        return 4000, 1

    async def bonds(self, _: object) -> Bonds:
        return Bonds(Wei(10**16), Wei(10**16), Wei(10**16))

    async def fee_facts(self) -> FeeFacts:
        return FeeFacts(Wei(10**9), Wei(10**9), AT.timestamp)

    async def in_flight_start(self, plasma_tx_hash: Hash32) -> InFlightExitStarted | None:
        started = replace(self.fight.found().started, tx_hash=Hash32(self.start.to_bytes(32)))
        return started if plasma_tx_hash == self.fight.tx.hash else None

    async def scanned_to(self) -> int:
        return AT.number


@dataclass
class Teller:
    """A Watcher over HTTP that answers what it is given, and refuses what it is not."""

    answers: dict[str, Any] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        known = request.path in self.answers
        data = self.answers.get(request.path, {"code": "nothing:known", "description": None})
        return web.json_response({"version": "1.0", "success": known, "data": data})

    def report(self, *events: Data) -> None:
        self.answers["/status.get"] = {
            "byzantine_events": list(events),
            "last_validated_child_block_number": 3000,
            "last_mined_child_block_number": 3000,
            "eth_syncing": False,
        }


@dataclass
class Case:
    """One true story: an event, the answers that prove it and the contract's entry that it is about."""

    name: str
    details: Data
    answers: Mapping[str, Data] = field(default_factory=dict)
    entry: Mapping[str, Any] = field(default_factory=dict)

    def event(self, **changes: Any) -> Data:
        details = {"name": self.name, **self.details, **changes}
        told = {key: value for key, value in details.items() if value is not ABSENT}
        return {"event": self.name, "details": told}


def answered(fight: Battle) -> dict[str, Data]:
    """Return the honest answers as the documents write them, by path."""
    rival, place, spend, output = fight.competitor, fight.inclusion, fight.input_spend, fight.output_spend
    creating: Data = {}
    if fight.rules.generation.is_ald:
        assert rival.input_position is not None
        creating = {"input_tx": hexed(rival.input_tx), "input_utxo_pos": rival.input_position.encode()}
    assert rival.position is not None
    return {
        "get_competitor": {
            "in_flight_txbytes": hexed(rival.in_flight_tx),
            "in_flight_input_index": rival.in_flight_input_index,
            "competing_txbytes": hexed(rival.competing_tx),
            "competing_input_index": rival.competing_input_index,
            "competing_sig": hexed(rival.signature),
            "competing_tx_pos": rival.position.encode(),
            "competing_proof": hexed(rival.proof),
            **creating,
        },
        "prove_canonical": {
            "in_flight_txbytes": hexed(place.in_flight_tx),
            "in_flight_tx_pos": place.position.encode(),
            "in_flight_proof": hexed(place.proof),
        },
        "get_input_challenge_data": {
            "in_flight_txbytes": hexed(spend.in_flight_tx),
            "in_flight_input_index": spend.in_flight_input_index,
            "spending_txbytes": hexed(spend.spending_tx),
            "spending_input_index": spend.spending_input_index,
            "spending_sig": hexed(spend.signature),
            **creating,
        },
        "get_output_challenge_data": {
            "in_flight_txbytes": hexed(output.in_flight_tx),
            "in_flight_output_pos": output.output_position.encode(),
            "in_flight_proof": hexed(output.proof),
            "spending_txbytes": hexed(output.spending_tx),
            "spending_input_index": output.spending_input_index,
            "spending_sig": hexed(output.signature),
        },
    }


def stories(fight: Battle) -> dict[str, Case]:
    """Return a true story for every event there is; the first four each use another answer."""
    answers = answered(fight)
    tx: Data = {"txbytes": hexed(fight.tx.raw)}
    inputs, outputs = tx | {"inputs": [0], "outputs": []}, tx | {"inputs": [], "outputs": [0]}
    block: Data = {"blknum": IN_FLIGHT_BLOCK, "hash": str(fight.roots[IN_FLIGHT_BLOCK])}
    offered: Data = {
        "available_inputs": [],
        "available_outputs": [{"index": 0, "address": str(BOB.address)}],
    }

    def proven(path: str) -> Mapping[str, Data]:
        return {ASK + path: answers[path]}

    spent_input = {"slots": fight.piggybacked(Side.INPUT, 0)}
    spent_output = {"slots": fight.piggybacked(Side.OUTPUT, 0)}
    by_input, by_output = proven("get_input_challenge_data"), proven("get_output_challenge_data")
    challenged = {"canonical": False, "oldest_competitor": NOT_INCLUDED}
    return {
        "competitor": Case("non_canonical_ife", tx, proven("get_competitor")),
        "inclusion": Case("invalid_ife_challenge", tx, proven("prove_canonical"), challenged),
        "input": Case("invalid_piggyback", inputs, by_input, spent_input),
        "output": Case("invalid_piggyback", outputs, by_output, spent_output),
        "late competitor": Case("unchallenged_non_canonical_ife", tx, proven("get_competitor")),
        "late input": Case("unchallenged_piggyback", inputs, by_input, spent_input),
        "late output": Case("unchallenged_piggyback", outputs, by_output, spent_output),
        "available": Case("piggyback_available", tx | offered),
        "invalid block": Case("invalid_block", block | {"error_type": "incorrect_hash"}),
        "withheld block": Case("block_withholding", block),
    }


def shapes(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield, for one JSON value, other values of its kind and values of every other kind."""
    yield from {
        "missing": ABSENT,
        "null": None,
        "true": True,
        "a list": [[]],
        "a map": {},
        "1.5": 1.5,
    }.items()
    match value:
        case int():
            yield from {"text": str(value), "plus 1": value + 1, "minus 1": value - 1, "-1": -1}.items()
            yield from {"255": 255, "256": 256, "2^64": 2**64, "2^256": 2**256}.items()
        case str() if value.startswith("0x"):
            yield from {
                "a number": 5,
                "no hex": "0xzz",
                "empty": "0x",
                "no text": "",
                "odd": value[:-1],
            }.items()
            yield from {
                "cut": value[:-2],
                "longer": value + "00",
                "zeros": "0x" + "0" * (len(value) - 2),
            }.items()
            yield from {f"digit {at}": flipped(value, at) for at in (2, len(value) // 2, -1)}.items()
            yield "huge", "0x" + "00" * 100_001
        case str():
            yield from {"a number": 5, "another": "another", "no text": "", "long": "x" * 5000}.items()
        case list():
            yield from {"text": "0", "a number": 0, "empty": [], "of text": ["0"], "of true": [True]}.items()
            yield from {"negative": [-1], "another": [7], "2^64": [2**64], "many": [*range(9999)]}.items()


def alterations(truth: Data, pool: Sequence[Data]) -> Iterator[tuple[str, str, Any]]:
    """Yield (label, field, lie) for each field: generated shapes, and true values that belong elsewhere."""
    elsewhere = {str(other): other for data in pool for other in data.values()}
    for name, value in truth.items():
        lies = dict(shapes(value))
        strangers = [other for other in elsewhere.values() if type(other) is type(value)]
        lies |= {f"elsewhere {number}": other for number, other in enumerate(strangers)}
        for label, lie in lies.items():
            if type(lie) is not type(value) or lie != value:
                yield f"{name}: {label}", name, lie


@dataclass
class Post:
    """Watch and React as the daemon puts them together, on true contract state and a journal on disk."""

    ground: Ground
    teller: Teller
    watch: Watch
    react: React
    watcher: HttpWatcher
    journal: SqlJournal
    alerts: RecordedAlerts

    async def poll(self) -> list[Turn]:
        """Take one status answer to its decisions."""
        poll = await self.watch.poll(AT)
        assert poll.fresh
        await self.watch.note(poll, AT)
        return [
            turn for event, reaction in poll.sightings for turn in await self.react.turn(event, reaction, AT)
        ]

    def tell(self, case: Case, **changes: Any) -> None:
        """Answer as in a story, with fields of every challenge data changed."""
        self.teller.answers = {
            path: {key: value for key, value in {**data, **changes}.items() if value is not ABSENT}
            for path, data in case.answers.items()
        }


@contextlib.asynccontextmanager
async def post(fight: Battle, case: Case, directory: Path) -> AsyncIterator[Post]:
    """Run them against a Watcher that tells a story."""
    teller = Teller()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", teller.handle)
    ground: Any = Ground(fight, replace(fight.entry, **case.entry))
    alerts, metrics, clock = RecordedAlerts(), RecordedMetrics(), FakeClock()
    own = frozenset({BOB.address} if case.name == "piggyback_available" else ())
    async with contextlib.AsyncExitStack() as stack:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        watcher = await stack.enter_async_context(HttpWatcher(f"http://127.0.0.1:{runner.addresses[0][1]}"))
        journal = await stack.enter_async_context(
            open_journal(directory / "journal.db", 1, CONTRACT, runtime=directory)
        )
        react = React(
            watcher=watcher,
            chain=ground,
            game=ground,
            exits=ground,
            journal=journal,
            policies={name: Policy(Wei(10**17)) for name in by_name()},
            interest=Interest(Scope.ALL, own, watcher, clock),
            alerts=alerts,
            metrics=metrics,
            chain_id=1,
            own=own,
        )
        watch = Watch(
            watcher=watcher,
            game=ground,
            journal=journal,
            reactions=by_name(),
            off=frozenset(),
            own=own,
            freshness=Freshness(ground.contracts, FreshnessLimits(5, 600)),
            troubles=Troubles("watcher", clock, RecordedHealth(), alerts),
            alerts=alerts,
            metrics=metrics,
        )
        made = Post(ground, teller, watch, react, watcher, journal, alerts)
        made.tell(case)
        yield made


def acts(turns: Sequence[Turn]) -> list[Any]:
    return [turn.decision.action for turn in turns if isinstance(turn.decision, Act)]


@EVERY
@pytest.mark.parametrize("name", ["competitor", "inclusion", "input", "output"])
async def test_challenge_data_altered_in_any_field_leads_to_no_transaction(
    tmp_path: Path, generation: Generation, name: str
) -> None:
    """Held with its reason on disk, or no answer at all; the truth about the same exit is then answered."""
    fight = battle(generation)
    case = stories(fight)[name]
    (truth,) = case.answers.values()
    surprises: dict[str, str] = {}
    held = unreadable = 0
    async with post(fight, case, tmp_path) as guard:
        for label, key, lie in alterations(truth, list(answered(fight).values())):
            guard.ground.start += 1
            guard.tell(case, **{key: lie})
            guard.teller.report(case.event())
            try:
                (turn,) = await guard.poll()
            except WatcherMisbehaved:
                unreadable += 1
                continue
            assert turn.case is not None
            last = (await guard.journal.decisions(turn.case.id))[-1]
            if generation is Generation.ROOTCHAIN_V02 and label == "spending_txbytes: longer":
                # The same payment in other bytes, which that contract reads too: as good a spend.
                assert isinstance(turn.decision, Act)
                continue
            if not (
                isinstance(turn.decision, Hold) and turn.decision.suspicious and turn.case.closure is None
            ):
                surprises[label] = f"{turn.decision}"
            elif (last.verdict, last.reason) != ("hold", turn.decision.reason) or not last.reason:
                surprises[label] = f"journal: {last}"
            held += 1
        assert surprises == {}
        assert held > len(truth)
        assert unreadable > len(truth)
        assert guard.alerts.keys == {"watcher/unproven"}
        guard.tell(case)
        guard.teller.report(case.event())
        (turn,) = await guard.poll()
        assert isinstance(turn.decision, Act), "the truth, about the exit that was last lied about"


@EVERY
@pytest.mark.parametrize("name", ["competitor", "input"])
async def test_the_in_flight_transaction_in_other_bytes_is_no_other_transaction(
    tmp_path: Path, generation: Generation, name: str
) -> None:
    """Rootchain v0.2 would take a byte more for a second spend, to the loss of an honest user; we do not."""
    fight = battle(generation)
    case = stories(fight)[name]
    kind = "competing" if name == "competitor" else "spending"
    signature = hexed(fight.sign(fight.tx, ALICE))
    copy: Data = {f"{kind}_txbytes": hexed(fight.tx.raw + b"\x00"), f"{kind}_sig": signature}
    if name == "competitor":
        copy |= {"competing_tx_pos": 0, "competing_proof": "0x"}
    async with post(fight, case, tmp_path) as guard:
        guard.tell(case, **copy)
        guard.teller.report(case.event())
        (turn,) = await guard.poll()
        assert isinstance(turn.decision, Hold)
        assert turn.decision.suspicious


UNREAD = frozenset({"name", "available_inputs", "available_outputs", "error_type"})
"""Nothing is decided by these: which slots are free, and whose, the contract says."""


def is_true_still(case: Case, key: str) -> bool:
    """Return whether the event still names what is wrong: a list that was empty may say anything more."""
    return key in UNREAD or case.details.get(key) == []


@EVERY
@pytest.mark.parametrize("name", list(stories(battle(Generation.ALD_V1))))
async def test_an_event_altered_in_any_field_leads_to_no_transaction(
    tmp_path: Path, generation: Generation, name: str
) -> None:
    """It is told as unproven or unreadable; the only calls ever made are those that the truth leads to."""
    fight = battle(generation)
    case = stories(fight)[name]
    surprises: dict[str, str] = {}
    seen: list[Any] = []  # What was said of an empty list is not said again of a missing one.
    async with post(fight, case, tmp_path) as guard:
        guard.teller.report(case.event())
        true = await guard.poll()
        right = acts(true)
        assert any(isinstance(turn.decision, Act | LeaveChain) for turn in true)
        lies = list(alterations({"name": case.name} | case.details, list(answered(fight).values())))
        for label, key, lie in lies:
            guard.ground.start += 1
            guard.alerts.told.clear()
            guard.teller.report(case.event(**{key: lie}))
            turns = await guard.poll()
            told = guard.alerts.keys & {"watcher/unproven", "watcher/unreadable events"}
            if any(action not in right for action in acts(turns)):
                surprises[label] = f"a call the truth does not lead to: {turns}"
            if is_true_still(case, key):
                continue
            decisions = [turn.decision for turn in turns]
            if not all(isinstance(each, Hold) for each in decisions) or not (told or decisions in seen):
                surprises[label] = f"{told}: {decisions}"
            seen.append(decisions)
        assert surprises == {}
        guard.ground.start += 1
        guard.alerts.told.clear()
        events = [case.event(**{key: lie}) for _, key, lie in lies]
        guard.teller.report(*events[::2], case.event(), *events[1::2])
        together = acts(await guard.poll())
        assert all(action in right for action in together)
        assert all(action in together for action in right), "the true event among all its lies"
        assert "watcher/unreadable events" in guard.alerts.keys


ANSWERS = ("get_competitor", "prove_canonical", "get_input_challenge_data", "get_output_challenge_data")
FAKES = 1000


@dataclass(frozen=True)
class Quarrel:
    """Two exits of one deposit that need every answer there is: four challenges, by the guard alone."""

    included: StartedInFlightExit
    unsent: StartedInFlightExit


async def quarrel(net: Arena) -> Quarrel:
    """Exit a payment that is included, challenged and spent on, and a younger one with a spent input."""
    stage = Stage(net.people, lambda _who, _what: None, await net.people.bounties())
    deposit = await stage.deposits(stage.alice)
    payment: Payment = await stage.pays(stage.alice, deposit, stage.bob)
    younger = stage.signs(stage.alice, deposit, stage.carol)
    await stage.pays(stage.bob, payment.output(), stage.carol)
    included = await stage.exits(stage.bob, payment, bond_to=stage.bob)
    unsent = await stage.exits(stage.carol, younger, bond_to=stage.carol)
    await stage.joins(stage.bob, included, Side.OUTPUT)
    await stage.joins(stage.alice, unsent, Side.INPUT)
    await stage.in_flight.challenge_not_canonical(stage.carol, included, younger)
    return Quarrel(included, unsent)


def lie_about(data: Data, number: int) -> Data:
    """Return challenge data with one field, each time another one, of the right shape and wrong."""
    told = sorted(key for key in data if isinstance(data[key], str | int))
    key = told[number % len(told)]
    value = data[key]
    return {**data, key: flipped(value, -1) if isinstance(value, str) else value + 1}


@pytest.mark.parametrize("revision", ["ald-v1", "rootchain"])
async def test_the_daemon_sends_nothing_on_altered_answers_and_all_on_true_ones(
    tmp_path: Path, revision: str
) -> None:
    """Every answer is a lie, each time in another field: no gas, told once; the true ones are then used."""
    async with arena(tmp_path, revision) as net, WatcherProxy(net.connection.watcher_url) as watcher:

        def rewrite(path: str, _: Any, answer: Any) -> Any:
            if path.removeprefix(ASK) in ANSWERS and answer["success"]:
                return {**answer, "data": lie_about(answer["data"], watcher.asked[path])}
            return answer

        watcher.rewrite = rewrite
        await quarrel(net)
        guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
        async with running(guard, ready=False):

            def all_held() -> bool:
                held = {line["event_key"].split(":")[0] for line in guard.said("held: evidence that proves")}
                cases = {line["case"] for line in guard.said("held: evidence that proves")}
                return len(cases) >= len(ANSWERS) and len(held) >= len(ANSWERS) - 1

            await until(all_held, "every lie is seen through")
            assert (await net.spent()).transactions == 0
            watcher.rewrite = None
            await guard.won(len(ANSWERS))
            assert [line["alert"] for line in guard.alerts()].count("watcher/unproven") == 1
        assert (await net.spent()).transactions == len(ANSWERS)


def fakes(rules: Any, head: int) -> list[Data]:
    """Return events of every kind about exits and blocks that there never were."""
    made: list[Data] = []
    for number in range(FAKES):
        paid = Output(BOB.address, ETH, Wei(number + 1))
        tx = "0x" + rules.encode([UtxoPosition(1000 * (number + 7), 0, 0)], [paid]).hex()
        slots = {"inputs": [number % 4], "outputs": [number % 3]}
        block: Data = {"blknum": 1000 * (number + 100), "hash": "0x" + number.to_bytes(32).hex()}
        name, details = [
            ("non_canonical_ife", {"txbytes": tx}),
            ("invalid_ife_challenge", {"txbytes": tx}),
            ("invalid_piggyback", {"txbytes": tx, **slots}),
            ("piggyback_available", {"txbytes": tx, "available_inputs": [], "available_outputs": []}),
            ("unchallenged_non_canonical_ife", {"txbytes": tx}),
            ("unchallenged_piggyback", {"txbytes": tx, **slots}),
            ("unchallenged_exit", {"utxo_pos": block["blknum"] * 10**9, "eth_height": head}),
            ("invalid_block", {**block, "error_type": "incorrect_hash"}),
            ("block_withholding", block),
            ("invalid_piggyback", {"txbytes": 5}),
        ][number % 10]
        made.append({"event": name, "details": {"name": name, **details}})
    return made


async def test_a_thousand_fake_events_of_every_kind_cost_nothing_and_hide_no_real_one(
    net: Arena, watcher: WatcherProxy, tmp_path: Path
) -> None:
    """Told once as unproven and once as unreadable; what is real between them gets its four calls."""
    lies = fakes(net.people.rules, (await net.people.chain.head()).number)

    def rewrite(path: str, _: Any, answer: Any) -> Any:
        if path == "/status.get":
            real = answer["data"]["byzantine_events"]
            answer["data"]["byzantine_events"] = [*lies[::2], *real, *lies[1::2]]
        return answer

    watcher.rewrite = rewrite
    guard = Guard(net.through(watcher=watcher.url), tmp_path / "guard")
    async with running(guard, ready=False):
        await guard.heard("held: evidence that proves nothing", times=FAKES * 9 // 10)
        assert (await net.spent()).transactions == 0
        await quarrel(net)
        await guard.won(len(ANSWERS))
        assert (await net.spent()).transactions == len(ANSWERS)
        told = [line["alert"] for line in guard.alerts()]
        assert (told.count("watcher/unproven"), told.count("watcher/unreadable events")) == (1, 1)
        assert not [key for key in told if str(key).startswith("leave/")]
