"""What was recorded on the public contracts happens on the devnet's: same bytes, logs, ether, refusals.

The golden data keeps every other recorded call; `stories` and `in_flight_stories` have the ones in between.
Only the text of ``getVersion()`` is not compared: whoever deploys sets it, and ours says so.
"""

from __future__ import annotations

from typing import Final

import pytest

from conformance.contracts_ald.in_flight_stories import IN_FLIGHT_STORIES
from conformance.contracts_ald.replay import Replay
from conformance.contracts_ald.stories import STORIES, Step, base
from conformance.contracts_ald.world import CASES, REVERTS, START, Call, World
from plasma_guard.devnet.transactor import Transactor

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The account of the deployer created the recorded late exit game with this nonce.
_LATE_GAME_NONCE: Final = 41
_STORIES: Final = {**STORIES, **IN_FLIGHT_STORIES}
_SCENARIOS: Final = sorted(_STORIES.keys() - {"S00_base"})


async def test_base_world(empty_world: World) -> None:
    """Deposits, blocks, queues, discovery reads and refusals are as recorded."""
    assert await Replay(empty_world, "S00_base").run(base(empty_world)) == []


@pytest.mark.parametrize("scenario", _SCENARIOS)
async def test_scenario(world: World, scenario: str) -> None:
    """Exits of both kinds, challenges, bonds and processing are as recorded."""
    replay = Replay(world, scenario)
    if not (replay.transactions or replay.reads or replay.refusals or replay.mined_refusals):
        pytest.skip("recorded for the other revision only")
    assert await replay.run(_STORIES[scenario](world)) == []


async def test_late_exit_game_is_quarantined(world: World) -> None:
    """An exit game registered after the immune ones refuses calls for four exit periods."""
    transactor = Transactor(world.evm)
    deployer = world.accounts["deployer"]["private_key"]
    await transactor.skip_nonces(deployer, _LATE_GAME_NONCE)
    await world.evm.set_next_timestamp(START + 71)
    framework = world.addresses["plasma_framework"]
    setup = (framework, 1, 2, framework, framework, 2300, framework)
    game = await transactor.create(deployer, world.artifact("payment_exit_game"), setup)
    register = world.call("maintainer", "plasma_framework", "registerExitGame", 2, game, 2)
    steps = [Step(72, register)]
    if not world.is_v1:
        init = world.call("maintainer", "payment_exit_game", "init")
        steps = [Step(72, Call(init.sender, game, init.data)), Step(73, register)]
    assert await Replay(world, "S20_quarantine", {"payment_exit_game": game}).run(steps) == []


async def test_every_recorded_case_is_replayed() -> None:
    """No scenario of the golden data is left out."""
    assert {case["scenario"] for case in (*CASES, *REVERTS)} == {*_STORIES, "S20_quarantine"}
