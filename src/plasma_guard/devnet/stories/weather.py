"""A story in which the root chain itself is the enemy."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from plasma_guard.devnet.attacker import exit_spent_deposit
from plasma_guard.devnet.errors import DevnetError
from plasma_guard.devnet.stage import Cue, Says, Shows, Stage
from plasma_guard.devnet.stories.sayings import MINED, STOPPED, TAKEN_OUT
from plasma_guard.devnet.stories.standard import keep_books

GWEI: Final = 10**9
BURIED: Final = 4
"""Blocks after which every Watcher of a devnet takes an exit for final."""
BLOCK_SECONDS: Final = 0.5
SETTINGS: Final = {
    # Deeper than the reorg, which is to come before the guard takes its challenge for final.
    "PLASMA_GUARD_ROOT_CHAIN__CONFIRMATIONS": "3",
    # In step with blocks that come in fractions of a second.
    "PLASMA_GUARD_FEES__BUMP_AFTER": "4",
}


async def rough_weather(stage: Stage) -> AsyncIterator[Cue]:
    """A fraud whose challenge is forgotten by the node, priced out by a fee storm, and undone by a reorg."""
    weather, guard = stage.people.weather, stage.guard.address

    async def pooled() -> bool:
        return bool(await weather.pooled(guard))

    async def mined() -> bool:
        return await stage.people.chain.transaction_count(guard) > before

    async def mined_in_the_storm() -> bool:
        """Blocks go on coming, dear ones, until one takes the guard's transaction."""
        if not await mined():
            await asyncio.sleep(BLOCK_SECONDS)
            await weather.mine(stormy=True)
        return await mined()

    before = await stage.people.chain.transaction_count(guard)
    fraud = await exit_spent_deposit(stage.people, lambda text: stage.tell("thief", text))
    stage.loses(fraud.thief, fraud.amount, "the deposit, spent before")
    keep_books(stage, fraud)
    await weather.hold()
    await weather.mine(BURIED)
    yield Shows("the guard's challenge waits in the pool", pooled)
    forgotten = (await weather.pooled(guard))[0]
    await weather.forget(forgotten)
    stage.tell("chain", f"the node forgets transaction {forgotten}, and tells nobody")
    await weather.mine()
    yield Shows("the guard's challenge is in the pool again", pooled)
    again = (await weather.pooled(guard))[0]
    how = "the guard handed it out again" if again == forgotten else "the guard pays more, to be heard"
    stage.tell("chain", f"{again} is in the pool: {how}")
    stage.tell("chain", f"gas gets dear: the base fee is {weather.storm / GWEI:g} gwei from now on")
    await weather.mine(stormy=True)
    yield Shows("the guard's challenge is mined in the storm", mined_in_the_storm)
    stage.tell("chain", "the challenge is mined all the same")
    yield Says(MINED)
    await weather.reorg(1)
    if await mined():
        raise DevnetError("the reorganization did not take the challenge out")
    stage.tell("chain", "a reorganization replaces that block: the challenge is gone, from the pool too")
    yield Says(TAKEN_OUT)
    await weather.release()
    stage.tell("chain", "the storm is over, and blocks come as before")
    yield Says(STOPPED)
    sent = await stage.people.chain.transaction_count(guard) - before
    if sent != 1:
        raise DevnetError(f"the guard had {sent} transactions mined for one challenge")
    stage.facts["guard_transactions"] = str(sent)
    await stage.process()
