"""Compares the settings with what is really out there; sends nothing and changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from plasma_guard.app import find_game, load_keys, make_chain, make_watcher, register_secrets
from plasma_guard.chain.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.config import Config
from plasma_guard.daemon.freshness import Freshness, FreshnessLimits
from plasma_guard.domain.errors import (
    ConfigurationError,
    GuardError,
    MalformedError,
    OtherChain,
    RetryableError,
    WatcherNotReady,
)
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL
from plasma_guard.domain.primitives import Timestamp
from plasma_guard.journal.drills import last_drill
from plasma_guard.ports import ExitGame
from plasma_guard.reactions import REACTIONS
from plasma_guard.watcher import HttpWatcher

REMEDIES = {
    "root chain": "is the node up, and root_chain.rpc right?",
    "watcher": "is the Watcher up, and watcher.url right?",
}
DAY = 86_400
DRILL_DAYS = 30
"""A rehearsal older than this is no comfort."""
CHAIN_REMEDY = "correct root_chain.rpc or root_chain.chain_id"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, whether it is as it must be, and what was found or must be done."""

    name: str
    ok: bool
    found: str
    is_warning: bool = False
    """It is ok, and yet something should be done."""


async def examine(config: Config, env: Mapping[str, str]) -> list[Finding]:
    """Return a line for each thing a guard needs; one failure does not hide the others."""
    register_secrets(config)
    findings = [Finding("configuration", ok=True, found=f"mode {config.mode}")]
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(make_chain(config, SystemClock()))
        watcher = await stack.enter_async_context(make_watcher(config))
        reached = await _finding(findings, "root chain", lambda: _root_chain(chain))
        game: ExitGame | None = None
        if reached:
            try:
                game = await find_game(config, chain)
                findings.append(Finding("contracts", ok=True, found=_contracts(game)))
            except GuardError as error:
                findings.append(Finding("contracts", ok=False, found=str(error)))
        await _finding(findings, "watcher", lambda: _watcher(config, watcher, chain, game))
        await _keys(findings, config, env, chain if reached else None)
        if game is not None:
            findings.append(_drill(config, game, (await chain.head()).timestamp))
    return findings + _reactions(config)


def _drill(config: Config, game: ExitGame, now: Timestamp) -> Finding:
    """Say when leaving was last rehearsed; a vault fills and bonds change, so a result gets old."""
    try:
        last = last_drill(config.drill_path)
    except MalformedError as error:
        return Finding("last drill", ok=False, found=str(error))
    if last is None or last.contract != str(game.contracts.entry):
        never = "leaving was never rehearsed with these contracts; run: plasma-guard exits drill"
        return Finding("last drill", ok=True, found=never, is_warning=True)
    days = (now - last.at) // DAY
    if not last.ok:
        found = f"{days} days ago not everything came out: {last.sentence}; run: plasma-guard exits drill"
        return Finding("last drill", ok=True, found=found, is_warning=True)
    if days > DRILL_DAYS:
        found = f"{days} days ago; run again: plasma-guard exits drill"
        return Finding("last drill", ok=True, found=found, is_warning=True)
    return Finding("last drill", ok=True, found=f"{days} days ago: {last.sentence}")


def _reactions(config: Config) -> list[Finding]:
    """Say what each event leads to; nothing here can be wrong, but it must be what the operator means."""
    findings = []
    for reaction in REACTIONS:
        event = reaction.event.names[0]
        mode = config.reactions.mode(event)
        limit = config.limits.max_cost(event, config.fees.max_cost_per_case)
        calls = f"{' or '.join(reaction.answers)}, up to {limit} wei of gas a case"
        answer = calls if reaction.answers else "decide whether to leave the chain, and alert"
        findings.append(Finding(event, ok=True, found="off" if mode == "off" else f"{mode}: {answer}"))
    return findings


async def _finding(findings: list[Finding], name: str, look: Callable[[], Awaitable[str]]) -> bool:
    try:
        findings.append(Finding(name, ok=True, found=await look()))
    except RetryableError as error:
        remedy = CHAIN_REMEDY if isinstance(error, OtherChain) else REMEDIES[name]
        findings.append(Finding(name, ok=False, found=f"{error}; {remedy}"))
        return False
    except GuardError as error:
        findings.append(Finding(name, ok=False, found=str(error)))
        return False
    return True


async def _root_chain(chain: RpcChain) -> str:
    found = await chain.chain_id()
    head = await chain.head()
    return f"chain {found}, block {head.number}"


def _contracts(game: ExitGame) -> str:
    contracts = game.contracts
    return f"{contracts.generation} at {contracts.entry}, minimal exit period {contracts.min_exit_period} s"


async def _watcher(config: Config, watcher: HttpWatcher, chain: RpcChain, game: ExitGame | None) -> str:
    try:
        status = await watcher.status()
    except WatcherNotReady as error:
        raise WatcherNotReady(f"{error}: it is starting or has lost its own node") from error
    if game is None:
        return "answers; whether it watches the same contracts could not be checked"
    head = await chain.head()
    next_block, _ = await game.next_plasma_blocks(head)
    limits = FreshnessLimits(config.watcher.max_lag_blocks, int(config.watcher.max_head_age))
    complaints = Freshness(game.contracts, limits).complaints(status, head, next_block - CHILD_BLOCK_INTERVAL)
    if complaints:
        raise ConfigurationError("; ".join(complaints.values()))
    return f"fresh, {len(status.events)} byzantine events, version {status.version or 'not told'}"


async def _keys(
    findings: list[Finding], config: Config, env: Mapping[str, str], chain: RpcChain | None
) -> None:
    if config.mode == "observe":
        findings.append(Finding("key", ok=True, found="observe mode: nothing will be sent"))
        return
    problem = config.unguarded()
    if problem:
        findings.append(Finding("key", ok=False, found=problem))
        return
    try:
        keys = load_keys(config, env)
    except ConfigurationError as error:
        findings += [Finding("key", ok=False, found=each) for each in error.problems]
        return
    needed = config.fees.max_cost_per_case
    for key in keys:
        findings.append(Finding("key", ok=True, found=f"{key.address}, {', '.join(key.account.role)}"))
        if chain is None:
            continue
        try:
            balance = await chain.balance(key.address)
        except GuardError as error:
            findings.append(Finding("balance", ok=False, found=str(error)))
            continue
        enough = balance >= needed
        remedy = "" if enough else f"; top up {needed - balance} wei to cover one case"
        findings.append(Finding("balance", ok=enough, found=f"{key.address} holds {balance} wei{remedy}"))
