"""Every story by name, and how one is played: its verdict is read from the chain, to the wei."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.stage import (
    Alerts,
    Cue,
    Entry,
    Quiet,
    Reports,
    Says,
    Shows,
    Stage,
    Story,
    Tell,
    Wishes,
)
from plasma_guard.devnet.stories import canonicity, leaving, piggybacks, standard, weather
from plasma_guard.domain.errors import WatcherError
from plasma_guard.watcher import HttpWatcher

if TYPE_CHECKING:
    from plasma_guard.devnet.network import Options
    from plasma_guard.devnet.people import People, Person
    from plasma_guard.domain.primitives import Address, Wei

PATIENCE: Final = 90.0
"""Seconds the guard gets; a real one has days. It reads cases that it thinks settled again within 60."""
LOOK_EVERY: Final = 0.1
LATE_AFTER: Final = 6
"""Root-chain blocks after which an invalid exit is late, in the story about that."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story, in one line `title`; `late` is one in which the guard comes only when all seems lost.

    `settings` is the environment of a guard that suits the story.
    """

    title: str
    story: Story
    is_attack: bool = True
    late: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    def options(self, options: Options) -> Options:
        """Return what the devnet must be made of for this story."""
        return replace(options, margins=replace(options.margins, sla=LATE_AFTER)) if self.late else options


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "invalid-exit": Scenario("A spent deposit is exited", standard.invalid_exit),
    "invalid-payment-exit": Scenario("A spent payment is exited", standard.invalid_payment_exit),
    "late-exit": Scenario(
        "A spent deposit is exited, and nobody is there", standard.late_exit, is_attack=False, late=True
    ),
    "competitor": Scenario("A transaction is exited although an older one counts", canonicity.competitor),
    "competitor-not-included": Scenario(
        "Two exits over one deposit, and a block that decides", canonicity.competitor_not_included
    ),
    "wrong-challenge": Scenario("An honest exit is challenged", canonicity.wrong_challenge),
    "spent-input": Scenario("A spent input joins an exit", piggybacks.spent_input),
    "spent-output": Scenario("A spent output joins an exit", piggybacks.spent_output),
    "own-piggyback": Scenario(
        "A payment to the guard is never included", piggybacks.own_piggyback, is_attack=False
    ),
    "full-battle": Scenario("Two exits, four piggybacks, one input", piggybacks.full_battle),
    "invalid-block": Scenario("The operator includes a theft", leaving.invalid_block, is_attack=False),
    "unchallenged-exit": Scenario(
        "Nobody stops a fraud, and the guard leaves",
        leaving.unchallenged_exit,
        is_attack=False,
        late=True,
        settings=leaving.ONLY_LEAVES,
    ),
    "withheld-block": Scenario("The operator hides a block", leaving.withheld_block, is_attack=False),
    "operator-vanishes": Scenario(
        "Operator and Watcher are gone", leaving.operator_vanishes, is_attack=False
    ),
    "rough-weather": Scenario(
        "A forgetful node, a fee storm and a reorg",
        weather.rough_weather,
        is_attack=False,
        settings=weather.SETTINGS,
    ),
}


class Guarding(Protocol):
    """A guard that a story can start and listen to."""

    async def start(self) -> None:
        """Start it."""
        ...

    async def ready(self) -> None:
        """Wait until it can do its work."""
        ...

    async def until_said(self, event: str, times: int = 1) -> object:
        """Wait until it has said a sentence so often."""
        ...

    async def until_alerted(self, key: str) -> object:
        """Wait until it has raised an alert whose key begins so."""
        ...

    async def wish_to_leave(self) -> None:
        """Ask it to take everything out."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What chain state says about how a scenario ended; amounts in wei."""

    ok: bool
    sentences: tuple[str, ...]
    facts: dict[str, str] = field(default_factory=dict)


async def play(scenario: Scenario, people: People, guard: Guarding, tell: Tell) -> Verdict:
    """Play a story with a guard that was not started yet, and judge by the chain.

    Raises `DevnetError` when the guard, or the Watcher, does not do what the story waits for.
    """
    stage = Stage(people, tell, await people.bounties())
    purses = await Purses.open(people)
    started = False
    async with HttpWatcher(people.connection.watcher_url) as watcher:
        if not scenario.late:
            await _start(guard)
            started = True
        async for cue in scenario.story(stage):
            if not started and not isinstance(cue, Reports):
                await _start(guard)
                started = True
            await _in_time(cue, guard, watcher)
    return await judge(stage, purses)


async def commit(scenario: Scenario, people: People, tell: Tell) -> None:
    """Play only the attack of a story, for whatever guard there may be."""
    async for _ in scenario.story(Stage(people, tell, await people.bounties())):
        return


class Purses:
    """What everybody had on the root chain at one moment."""

    def __init__(self, people: People, block: int, balances: Mapping[str, Wei]) -> None:
        self._people = people
        self._block = block
        self._balances = balances

    @classmethod
    async def open(cls, people: People) -> Purses:
        """Count everybody's ether."""
        head = await people.chain.head()
        return cls(people, head.number, {each.name: await people.balance(each) for each in people.everybody})

    async def since(self) -> tuple[dict[str, int], dict[str, Wei]]:
        """Return what each person has gained since, before gas, and the gas that each paid; in wei."""
        head = await self._people.chain.head()
        gas: dict[Address, Wei] = await self._people.gas_paid(self._block + 1, head.number)
        gained = {}
        for person in self._people.everybody:
            now = await self._people.balance(person)
            gained[person.name] = now + gas[person.address] - self._balances[person.name]
        return gained, {person.name: gas[person.address] for person in self._people.everybody}


async def _start(guard: Guarding) -> None:
    await guard.start()
    await guard.ready()


async def _in_time(cue: Cue, guard: Guarding, watcher: HttpWatcher) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await _awaited(cue, guard, watcher)
    except TimeoutError as error:
        raise DevnetError(f"within {PATIENCE:g} s this did not happen: {_told(cue)}") from error


def _told(cue: Cue) -> str:
    return cue.what if isinstance(cue, Shows) else str(cue)


def _awaited(cue: Cue, guard: Guarding, watcher: HttpWatcher) -> Awaitable[object]:
    match cue:
        case Says():
            return guard.until_said(cue.event, cue.times)
        case Alerts():
            return guard.until_alerted(cue.key)
        case Wishes():
            return guard.wish_to_leave()
        case Reports():
            return _until_reported(cue.event, watcher)
        case Quiet():
            return _until_reported(cue.event, watcher, present=False)
        case Shows():
            return _until_shown(cue)


async def _until_reported(event: str, watcher: HttpWatcher, *, present: bool = True) -> None:
    while True:
        try:
            if any(each.name == event for each in (await watcher.status()).events) is present:
                return
        except WatcherError:
            pass  # it is asked again until the patience ends
        await asyncio.sleep(LOOK_EVERY)


async def _until_shown(cue: Shows) -> None:
    while True:
        if await cue.fact():
            return
        await asyncio.sleep(LOOK_EVERY)


async def judge(stage: Stage, purses: Purses) -> Verdict:
    """Compare what everybody has gained since with the stage's books."""
    gained, gas = await purses.since()
    sentences, stolen = [], 0
    for person in stage.people.everybody:
        entries = [entry for entry in stage.book if entry.name == person.name]
        due = sum(entry.amount for entry in entries)
        stolen += max(0, gained[person.name] - due)
        if entries or gained[person.name]:
            sentences.append(_sentence(person, gained[person.name], due, entries))
    sentences.append(f"gas cost the guard {gas['guard']} wei")
    ok = all(gained[name] == sum(e.amount for e in stage.book if e.name == name) for name in gained)
    facts = stage.facts | {f"{name}_gained_wei": str(amount) for name, amount in gained.items()}
    return Verdict(
        ok, tuple(sentences), facts | {"gas_cost_wei": str(gas["guard"]), "stolen_wei": str(stolen)}
    )


def _sentence(person: Person, gained: int, due: int, entries: list[Entry]) -> str:
    name = "the guard" if person.name == "guard" else person.name.capitalize()
    told = ", ".join(f"{entry.amount:+} {entry.why}" for entry in entries) or "nothing was due"
    amiss = "" if gained == due else f", WHICH MUST BE {due:+}"
    return f"{name}: {gained:+} wei{amiss} ({told})"
