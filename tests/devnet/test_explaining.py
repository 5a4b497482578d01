"""`explain` says of every event what the guard would do about it, and why."""

import json
from pathlib import Path
from typing import Any

import pytest

from devnet.world import World, of, world_of
from plasma_guard.config import load_config
from plasma_guard.devnet.stage import Stage
from plasma_guard.domain.exits import Side
from plasma_guard.explaining import events_of, explain
from plasma_guard.reactions import REACTIONS

FIXTURES = Path(__file__).parent.parent / "fixtures" / "watcher"
BATTLE = {
    "non_canonical_ife": "challengeInFlightExitNotCanonical",
    "invalid_ife_challenge": "respondToNonCanonicalChallenge",
    "invalid_piggyback": "challengeInFlightExitInputSpent",
    "piggyback_available": "piggybackInFlightExit",
}
"""What each event of the stage below must lead to."""


async def battle(world: World) -> None:
    """Exit an included payment, wrongly challenged, and another spend of its input that joins with it."""
    stage = Stage(world.people, lambda _who, _what: None, await world.people.bounties())
    deposit = await stage.deposits(stage.alice)
    payment = await stage.pays(stage.alice, deposit, stage.bob)
    first = await stage.exits(stage.bob, payment, bond_to=stage.bob)
    second = await stage.exits(
        stage.carol, stage.signs(stage.alice, deposit, stage.carol), bond_to=stage.carol
    )
    await stage.joins(stage.alice, second, Side.INPUT)
    await stage.in_flight.challenge_not_canonical(stage.carol, first, second.payment)
    other = await stage.deposits(stage.alice)
    ours = await stage.exits(stage.alice, stage.signs(stage.alice, other, stage.guard), bond_to=stage.alice)
    await world.reports(
        [
            *of("non_canonical_ife", second),
            *of("invalid_ife_challenge", first),
            *of("invalid_piggyback", second),
            *of("piggyback_available", second, ours),
        ]
    )


async def explained(world: World, tmp_path: Path, **more: str) -> dict[str, Any]:
    """Return the explanations that name a call, by event."""
    env = world.settings(tmp_path / "journal.sqlite3") | more
    status = await world.ask("/status.get", {})
    found = await explain(load_config(None, env), events_of(status), env)
    return {each.event.partition(":")[0]: each for each in found if each.call}


@pytest.mark.parametrize("generation", ["rootchain", "ald"])
async def test_every_event_of_a_battle_is_explained_with_its_call(generation: str, tmp_path: Path) -> None:
    """By the guard's own accounts, limits and modes."""
    async with world_of(generation, tmp_path) as world:
        await battle(world)
        found = await explained(world, tmp_path)
        assert {name: each.call for name, each in found.items()} == BATTLE
        assert {each.verdict for each in found.values()} == {"act"}
        changed = await explained(
            world,
            tmp_path,
            PLASMA_GUARD_LIMITS__INVALID_PIGGYBACK="0.001",
            PLASMA_GUARD_REACTIONS__NON_CANONICAL_IFE="observe",
        )
        assert changed["invalid_piggyback"].budget_wei == str(10**15)
        assert any("is observe" in reason for reason in changed["non_canonical_ife"].reasons)
        assert not any("is observe" in reason for reason in changed["invalid_piggyback"].reasons)


async def test_recorded_events_of_another_chain_are_all_explained_and_lead_to_nothing(tmp_path: Path) -> None:
    """Every recorded status answer: each event has a verdict and a reason, and no call is proposed."""
    names = set()
    async with world_of("ald", tmp_path) as world:
        env = world.settings(tmp_path / "journal.sqlite3")
        config = load_config(None, env)
        for file in sorted(FIXTURES.glob("v1_status_*.json")):
            answer = json.loads(file.read_text(encoding="utf-8"))["response"]["body"]
            if not answer["success"]:
                continue
            for each in await explain(config, events_of(answer), env):
                assert each.reasons, file
                assert each.call is None, file
                names.add(each.event.partition(":")[0])
    assert names == {reaction.event.names[0] for reaction in REACTIONS if not reaction.self_made}
