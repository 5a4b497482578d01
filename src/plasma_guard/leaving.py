"""Puts together what takes the user's money out, for the daemon and for the commands about it."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from plasma_guard.config import Config
from plasma_guard.daemon.doubt import OwnLook
from plasma_guard.daemon.heads import Heads
from plasma_guard.daemon.leave import Leave, LeavePolicy, When
from plasma_guard.daemon.mailbox import Mailbox
from plasma_guard.daemon.plan_facts import plan_exits
from plasma_guard.daemon.react import React
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.plan import ExitPlan, Trouble
from plasma_guard.domain.primitives import Address, Seconds
from plasma_guard.domain.vault import VaultContents
from plasma_guard.domain.watchers import WatcherStatus
from plasma_guard.planner import PlanPolicy
from plasma_guard.ports import Alerts, Chain, ExitGame, Journal, Metrics, Vault
from plasma_guard.verifier.child_chain import HttpBlockSource


@dataclass(frozen=True, slots=True)
class Parts:
    """What leaving works with."""

    chain: Chain
    game: ExitGame
    vault: Vault
    heads: Heads
    react: React
    journal: Journal
    alerts: Alerts
    metrics: Metrics


def plan_policy(config: Config) -> PlanPolicy:
    """Return what the planner is told of the operator's wishes."""
    return PlanPolicy(
        least_value=config.exits.least_value,
        prices={price.token: price.value for price in config.prices},
        lead=Seconds(int(config.exits.lead)),
        max_cost=config.fees.max_cost_per_case,
        max_fee=config.fees.max_fee_per_gas,
        block_seconds=Seconds(max(1, int(config.root_chain.block_time))),
    )


def _lead(config: Config, game: ExitGame) -> Seconds:
    """Return the lead of the settings, or a quarter of the exit period where that is less.

    Else a guard that is to ask first would not ask at all on a chain with short periods.
    """
    return Seconds(min(int(config.exits.lead), game.contracts.min_exit_period // 4))


@asynccontextmanager
async def leave_of(
    config: Config,
    parts: Parts,
    accounts: Collection[Address],
    status: Callable[[], WatcherStatus | None],
) -> AsyncIterator[Leave]:
    """Make what turns a reason to leave into exits of `accounts`; with none of them it only says so."""
    async with AsyncExitStack() as stack:
        url = config.vault.child_chain_url
        child_chain = await stack.enter_async_context(HttpBlockSource(url)) if url else None

        async def planned(at: BlockStamp, trouble: Trouble | None) -> tuple[VaultContents, ExitPlan]:
            contents = await parts.vault.contents()
            policy = plan_policy(config)
            plan = await plan_exits(
                contents, trouble, policy, chain=parts.chain, game=parts.game, accounts=accounts, at=at
            )
            return contents, plan

        yield Leave(
            plan=planned,
            confirm=OwnLook(parts.game, parts.vault, child_chain, status).confirms,
            policy=LeavePolicy(When(config.exits.policy), _lead(config, parts.game)),
            mailbox=Mailbox(config.mailbox_path),
            vault=parts.vault,
            heads=parts.heads,
            react=parts.react,
            journal=parts.journal,
            alerts=parts.alerts,
            metrics=parts.metrics,
            armed=bool(accounts),
        )
