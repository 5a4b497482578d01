"""`plasma-guard exits drill`: leaving, rehearsed where it costs nothing."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from plasma_guard.app import find_game, load_keys, make_chain, make_watcher, register_secrets
from plasma_guard.clock import SystemClock
from plasma_guard.contracts.probe import probe
from plasma_guard.daemon.plan_facts import plan_exits
from plasma_guard.domain.drill import Drill
from plasma_guard.drilling import Script, rehearse, try_calls
from plasma_guard.journal.drills import record_drill
from plasma_guard.leaving import plan_policy
from plasma_guard.vault.reading import contents_of
from plasma_guard.vaulting import owners_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from plasma_guard.config import Config
    from plasma_guard.domain.blocks import BlockStamp
    from plasma_guard.domain.primitives import Address


async def drilled(settings: Config, *, copy: bool) -> Drill:
    """Rehearse leaving with all that the vault holds, and keep the result for `check`.

    Without a copy, because `copy` is false or none can be made, the first call of each exit is simulated on
    the node itself. Raises `ConfigurationError` and the errors of the root chain.
    """
    register_secrets(settings)
    keys = {key.address: key.account.role for key in load_keys(settings, os.environ)}
    accounts, contents = owners_of(settings, keys), contents_of(settings.vault_path)
    policy, clock = plan_policy(settings), SystemClock()
    async with make_chain(settings, clock) as chain, make_watcher(settings) as watcher:
        game = await find_game(settings, chain)
        _say("planning")
        at = await chain.head()
        plan = await plan_exits(contents, None, policy, chain=chain, game=game, accounts=accounts, at=at)
        chain_id, limit = await chain.chain_id(), settings.fees.max_cost_per_case
        script = Script(contents, plan, policy, chain_id, watcher, accounts, limit)
        drill = await _on_a_copy(settings, script, at, game.contracts.entry) if copy else None
        if drill is None:
            _say("simulating the first call of each exit on the node")
            drill = await try_calls(script, chain, game)
    record_drill(settings.drill_path, drill)
    return drill


async def _on_a_copy(settings: Config, script: Script, at: BlockStamp, contract: Address) -> Drill | None:
    try:
        from plasma_guard.devnet.copy import copied  # noqa: PLC0415 (an extra that the production image lacks)
        from plasma_guard.devnet.errors import DevnetError  # noqa: PLC0415 (same)
    except ImportError:
        _say("no copy can be made: install the extra plasma-guard[devnet]")
        return None
    url = str(settings.root_chain.rpc[0])
    _say("copying the root chain's state as it is read")
    try:
        async with copied(url, at, script.chain_id, SystemClock(), progress=_say) as stage:
            return await rehearse(script, stage, await probe(stage.chain, contract), _changed(_say))
    except DevnetError as error:
        _say(f"no copy can be made: {error}")
        return None


def _changed(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say only what was not said just before."""
    last = ""

    def tell(line: str) -> None:
        nonlocal last
        if line != last:
            last = line
            say(line)

    return tell


def _say(line: str) -> None:
    sys.stderr.write(f"plasma-guard: {line}\n")


def drill_json(drill: Drill) -> dict[str, Any]:
    """Return the result for machines; wei and seconds are integers."""
    return {**asdict(drill), "how": str(drill.how), "ok": drill.ok, "sentence": drill.sentence}


def drill_lines(drill: Drill) -> list[str]:
    """Return the result for people."""
    lines = [f"rehearsed {drill.how}: {drill.sentence}"]
    if drill.missing:
        lines += ["what is missing:", *(f"- {each}" for each in drill.missing)]
    return lines
