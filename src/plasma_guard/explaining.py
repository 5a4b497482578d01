"""An event in, the decision and its reasons out; nothing is sent and nothing is written."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from plasma_guard.app import (
    find_game,
    first_block,
    load_keys,
    make_chain,
    make_watcher,
    policies,
    register_secrets,
)
from plasma_guard.clock import SystemClock
from plasma_guard.config import Config
from plasma_guard.config.sections import Role
from plasma_guard.daemon.prices import Prices
from plasma_guard.domain.cases import TrackedExit
from plasma_guard.domain.decisions import Act, Decision
from plasma_guard.domain.errors import ConfigurationError, RetryableError
from plasma_guard.domain.exits import (
    ExitChallenged,
    ExitFinalized,
    ExitId,
    ExitStarted,
    InFlightExitStarted,
    InFlightExitWithdrawn,
    RootChainEvent,
    Side,
)
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.primitives import Address, Hash32, shorten
from plasma_guard.ports import Chain, ExitGame
from plasma_guard.reactions import by_name
from plasma_guard.reactions.base import Scene
from plasma_guard.reactions.tracking import track


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the guard would conclude about one event, and why, in words."""

    event: str
    verdict: str
    reasons: tuple[str, ...]
    call: str | None = None
    soft: int | None = None
    hard: int | None = None
    budget_wei: str | None = None


def events_of(document: object) -> list[Mapping[str, Any]]:
    """Return the events in a document: one event, a list of them, or a whole answer of `status.get`.

    Raises `ConfigurationError` for anything else.
    """
    if isinstance(document, Mapping) and isinstance(document.get("data"), Mapping):
        document = document["data"]
    if isinstance(document, Mapping) and "byzantine_events" in document:
        document = document["byzantine_events"]
    if isinstance(document, Mapping):
        document = [document]
    if not isinstance(document, list) or not all(isinstance(each, Mapping) for each in document):
        raise ConfigurationError(
            'FILE: expected an event {"event": …, "details": {…}}, a list of them, or an answer of status.get'
        )
    return document


async def explain(
    config: Config, events: Sequence[Mapping[str, Any]], env: Mapping[str, str]
) -> list[Explanation]:
    """Gather and decide about each event with the configured chain, Watcher, accounts and limits.

    `env` is where keys may be; they tell whose outputs are ours, and one that cannot be read leaves its
    account's configured address.
    """
    register_secrets(config)
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(make_chain(config, SystemClock()))
        watcher = await stack.enter_async_context(make_watcher(config))
        game = await find_game(config, chain)
        exits = ScannedNow(chain, game, await first_block(config, chain, game))
        scene = Scene(await chain.head(), watcher, chain, Prices(chain), game, exits, _own(config, env))
        return [each for event in events for each in await _explain(event, scene, config)]


def _own(config: Config, env: Mapping[str, str]) -> frozenset[Address]:
    owners = [account for account in config.accounts if Role.OWNER in account.role]
    try:
        keys = load_keys(config, env)
    except ConfigurationError:
        return frozenset(account.address for account in owners if account.address is not None)
    return frozenset(key.address for key in keys if Role.OWNER in key.account.role)


class ScannedNow:
    """The exits of the whole chain, read once when first asked for."""

    def __init__(self, chain: Chain, game: ExitGame, first: int) -> None:
        self._chain = chain
        self._game = game
        self._first = first
        self._events: list[RootChainEvent] = []
        self._covered = 0

    async def starts(self, position: UtxoPosition) -> list[TrackedExit]:
        """Return the exits started at a position, newest start first."""
        await self._scan()
        found = [
            await track(event, self._chain)
            for event in reversed(self._events)
            if isinstance(event, ExitStarted) and event.position == position
        ]
        return [each for each in found if each is not None]

    async def in_flight_start(self, plasma_tx_hash: Hash32) -> InFlightExitStarted | None:
        """Return the newest start of the in-flight exit of a transaction."""
        await self._scan()
        for event in reversed(self._events):
            if isinstance(event, InFlightExitStarted) and event.plasma_tx_hash == plasma_tx_hash:
                return event
        return None

    async def paid(self, exit_: TrackedExit) -> bool:
        """Return whether the logs say that this start was processed and paid."""
        return any(
            isinstance(event, ExitFinalized)
            and event.exit_id == exit_.exit_id
            and event.block_number >= exit_.started_block
            for event in self._events
        )

    async def withdrawn(self, exit_id: ExitId, since: int) -> frozenset[tuple[Side, int]]:
        """Return the slots of an in-flight exit that the logs of block `since` and later call paid."""
        return frozenset(
            (event.side, event.index)
            for event in self._events
            if isinstance(event, InFlightExitWithdrawn)
            and event.exit_id == exit_id
            and event.block_number >= since
        )

    async def challenged(self, position: UtxoPosition, since: int) -> bool:
        """Return whether the logs say that an exit of this position was challenged in `since` or later."""
        return any(
            isinstance(event, ExitChallenged) and event.position == position and event.block_number >= since
            for event in self._events
        )

    async def scanned_to(self) -> int:
        """Return the last block read."""
        await self._scan()
        return self._covered

    async def _scan(self) -> None:
        if self._covered:
            return
        head = await self._chain.head()
        self._events = await self._game.root_chain_events(self._first, head.number)
        self._covered = head.number


async def _explain(event: Mapping[str, Any], scene: Scene, config: Config) -> list[Explanation]:
    name = event.get("event")
    reaction = by_name().get(name) if isinstance(name, str) else None
    if reaction is None:
        why = "no reaction is known for this event; a person is told once"
        return [Explanation(shorten(name), "alert", (why,))]
    try:
        parsed = reaction.event.model_validate(event.get("details", {}))
    except ValidationError as error:
        problems = tuple(
            f"{'.'.join(str(part) for part in each['loc'])}: {shorten(each['msg'], 200)}"
            for each in error.errors()
        )
        return [Explanation(str(name), "alert", ("its details cannot be read", *problems))]
    try:
        found = await reaction.gather(parsed, scene)
    except RetryableError as error:
        return [Explanation(parsed.key, "retry", (f"a source does not answer: {error}",))]
    if not found:
        whose = "" if scene.own else "; no account of ours is known here, so nothing could be"
        return [Explanation(parsed.key, "ignore", (f"nothing of it is ours to answer{whose}",))]
    policy = policies(config)[parsed.names[0]]
    mode = config.reactions.mode(parsed.names[0])
    return [_spelled_out(parsed.key, reaction.decide(parsed, facts, policy), mode) for facts in found]


def _spelled_out(key: str, decision: Decision, mode: str) -> Explanation:
    verdict = type(decision).__name__.lower()
    if not isinstance(decision, Act):
        return Explanation(key, verdict, (decision.reason,))
    window = decision.window
    return Explanation(
        key,
        verdict,
        (
            decision.reason,
            *((f"nothing is sent: reactions.{key.partition(':')[0]} is {mode}",) if mode != "act" else ()),
            f"the guard would send {decision.action.name}, to be mined by {window.hard} (root-chain time)",
            f"until {window.soft} only after a clean simulation, later on local proof alone",
            f"gas for it may cost up to {window.budget} wei",
        ),
        decision.action.name,
        window.soft,
        window.hard,
        str(window.budget),
    )
