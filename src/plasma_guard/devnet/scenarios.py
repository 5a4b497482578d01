"""Frauds with an ending: each verdict is read from the chain, to the wei."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from plasma_guard.devnet.attacker import ATTACKS, Fraud
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.people import People
from plasma_guard.domain.exits import ExitChallenged, ExitStatus
from plasma_guard.domain.primitives import Address, Wei

GUARD_PATIENCE: Final = 45.0
"""Seconds the guard gets; a real one has days."""
Tell = Callable[[str, str], None]
"""Takes who does something, and what."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What chain state says about how a scenario ended; amounts in wei."""

    ok: bool
    sentences: tuple[str, ...]
    facts: dict[str, str] = field(default_factory=dict)


async def play(
    people: People,
    guard: Address,
    tell: Tell,
    attack: str = "invalid-exit",
    *,
    settled: Callable[[], Awaitable[object]],
) -> Verdict:
    """Commit a fraud, wait for somebody to challenge it, let the time pass, and judge by the chain.

    `settled` returns once the guard itself says that its case is over: before that, no time is moved.
    """
    before = await people.chain.balance(guard)
    fraud = await ATTACKS[attack](people, lambda text: tell("thief", text))
    challenged = await _until_challenged(people, fraud)
    tell("chain", f"the exit is challenged in block {challenged.block_number}")
    await _in_time(settled())
    sender, cost = await people.paid_by(challenged.tx_hash)
    won = Wei(await people.chain.balance(guard) - before + cost)
    thief_before = await people.chain.balance(fraud.thief.address)
    processed = await _process(people, fraud, tell)
    stolen = Wei(await people.chain.balance(fraud.thief.address) - thief_before)
    ok = sender == guard and won == fraud.exit.bond and stolen == 0 and processed
    return Verdict(
        ok, tuple(_sentences(fraud, sender, guard, won, stolen, cost)), _facts(fraud, won, stolen, cost)
    )


async def _until_challenged(people: People, fraud: Fraud) -> ExitChallenged:
    try:
        async with asyncio.timeout(GUARD_PATIENCE):
            while True:
                head = await people.chain.head()
                for event in await people.game.root_chain_events(fraud.exit.block_number, head.number):
                    if isinstance(event, ExitChallenged) and event.position == fraud.exit.position:
                        return event
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        raise DevnetError(
            f"nobody challenged the exit within {GUARD_PATIENCE:g} s: the fraud stands"
        ) from error


async def _in_time(settled: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(GUARD_PATIENCE):
            await settled
    except TimeoutError as error:
        raise DevnetError(f"the guard did not settle its case within {GUARD_PATIENCE:g} s") from error


async def _process(people: People, fraud: Fraud, tell: Tell) -> bool:
    """Let the exit period pass and process the queue; the thief's exit must pay nothing."""
    head = await people.chain.head()
    ripe = head.timestamp + 2 * people.game.contracts.min_exit_period + 1
    if not await people.move_time(ripe):
        tell("chain", "this node cannot move time: the exit queue is left as it is")
        return True
    await people.process_exits(people["bob"])
    (entry,) = await people.game.standard_exits([fraud.exit.exit_id], await people.chain.head())
    tell("chain", "the exit period passes and the queue is processed: the thief is paid nothing")
    return entry.status is ExitStatus.ABSENT


def _sentences(fraud: Fraud, sender: Address, guard: Address, won: Wei, stolen: Wei, cost: Wei) -> list[str]:
    return [
        "the guard challenged the exit"
        if sender == guard
        else f"{sender} challenged the exit, not the guard",
        f"the bond of {fraud.exit.bond} wei was paid to the guard"
        if won == fraud.exit.bond
        else f"the guard's balance changed by {won} wei before gas, the bond was {fraud.exit.bond} wei",
        f"gas cost it {cost} wei, a gain of {won - cost} wei" if won >= cost else f"gas cost it {cost} wei",
        f"{fraud.thief.name.capitalize()} wanted {fraud.amount} wei and got {stolen}",
    ]


def _facts(fraud: Fraud, won: Wei, stolen: Wei, cost: Wei) -> dict[str, str]:
    return {
        "position": str(fraud.exit.position),
        "amount_wei": str(fraud.amount),
        "bond_wei": str(fraud.exit.bond),
        "bond_won_wei": str(won),
        "gas_cost_wei": str(cost),
        "stolen_wei": str(stolen),
    }
