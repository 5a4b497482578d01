"""The composition root: the only module that names concrete adapters."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog

from plasma_guard.chain.chain import RpcChain
from plasma_guard.clock import SystemClock
from plasma_guard.config import Account, Config, Role
from plasma_guard.contracts.probe import probe
from plasma_guard.daemon.agenda import Agenda
from plasma_guard.daemon.audit import Audit, AuditSettings
from plasma_guard.daemon.freshness import Freshness, FreshnessLimits
from plasma_guard.daemon.funds import Funds
from plasma_guard.daemon.heads import Heads
from plasma_guard.daemon.keep import COMPONENT as VAULT
from plasma_guard.daemon.keep import Keep, KeepSettings
from plasma_guard.daemon.moot import Moot
from plasma_guard.daemon.permits import Permits
from plasma_guard.daemon.react import React
from plasma_guard.daemon.report import Identity, Report
from plasma_guard.daemon.scan import Scan
from plasma_guard.daemon.scope import Interest
from plasma_guard.daemon.settle import Settle
from plasma_guard.daemon.silence import Silence
from plasma_guard.daemon.supervisor import Pace, Supervisor
from plasma_guard.daemon.troubles import Troubles
from plasma_guard.daemon.watch import Watch, recall
from plasma_guard.domain.decisions import LeaveChain, Severity
from plasma_guard.domain.errors import ConfigurationError, ContractError, OtherChain, VaultError
from plasma_guard.domain.exits import Bonds, Generation
from plasma_guard.domain.position import CHILD_BLOCK_INTERVAL
from plasma_guard.domain.primitives import Address, Wei
from plasma_guard.domain.stakes import Scope, Stakes
from plasma_guard.journal import SqlJournal, open_journal
from plasma_guard.keys import KeySettings, LocalSigner, SigningPolicy, load_key
from plasma_guard.keys.signer import address_of
from plasma_guard.leaving import Parts, leave_of
from plasma_guard.ports import Alerts, Clock, ExitGame, Journal, Metrics
from plasma_guard.reactions import REACTIONS, by_name
from plasma_guard.reactions.base import Policy
from plasma_guard.sender import SenderSettings, TxSender
from plasma_guard.telemetry.alerts import AlertDesk
from plasma_guard.telemetry.health import Health
from plasma_guard.telemetry.metrics import PrometheusMetrics
from plasma_guard.telemetry.secrets import register_secret
from plasma_guard.vault import SqlVault
from plasma_guard.vaulting import Sources, owners_of, proxy_of, vault_of
from plasma_guard.watcher import HttpWatcher

log = structlog.get_logger(__name__)

COMPONENTS = ("root chain", "scan", "watcher", "funds", "key", VAULT)
PINNED = {"rootchain": (Generation.ROOTCHAIN_V02,), "ald": (Generation.ALD_V1, Generation.ALD_V2)}
HEAD_LIFETIME = 2
"""Polls of the root chain for which its newest block is believed: decisions rest on blocks older than that,
and simulations run on the newest block anyway."""
SAFETY = frozenset({"root chain", "scan", "watcher"})
"""The components without which nobody can tell whether the plasma chain is safe."""
LEAVING = LeaveChain.__name__.lower()
"""The verdict under which the journal keeps a decision to leave."""
SIGNED_PER_DAY = 4
"""The signer counts offers where the sender counts costs, and an offer is twice the price and more."""
UNVERIFIED_AFTER = 600
"""Root-chain seconds: an honest Watcher shows an exit 3 to 4 minutes after it started."""


@dataclass(frozen=True, slots=True)
class Key:
    """An account that can sign, and what it is for."""

    account: Account
    address: Address
    secret: bytes


@dataclass(frozen=True, slots=True)
class Guard:
    """An assembled guard, ready to run."""

    supervisor: Supervisor
    report: Report
    health: Health
    metrics: PrometheusMetrics
    game: ExitGame
    armed: bool
    chain_id: int
    chain: RpcChain

    async def status(self) -> Mapping[str, Any]:
        """Return the document of `/status`."""
        reasons = self.health.reasons
        document = await self.report.build(self.supervisor.head)
        return {
            "ready": not reasons,
            "not_ready": reasons,
            **document,
            "endpoints": self.chain.document(),
        }


def load_keys(config: Config, env: Mapping[str, str]) -> list[Key]:
    """Read the key of every account that can sign; raises `ConfigurationError` with all problems at once."""
    keys: list[Key] = []
    problems: list[str] = []
    for account in config.armed_accounts:
        try:
            secret = load_key(_key_settings(account), env, expected=account.address)
        except ConfigurationError as error:
            problems += error.problems
            continue
        if secret is None:
            problems.append(f"accounts: there is no key in its {account.key_source}; put it there")
            continue
        register_secret(secret)
        keys.append(Key(account, address_of(secret), secret))
    if problems:
        raise ConfigurationError(*problems)
    return keys


def _key_settings(account: Account) -> KeySettings:
    source = account.key_source
    return KeySettings(
        private_key_variable=account.key_variable if source == "private_key_env" else None,
        private_key_file_variable=None,
        private_key_file=account.private_key_file if source == "private_key_file" else None,
        credential=account.credential if source == "credential" else None,
        keystore=account.keystore if source == "keystore" else None,
        password_file=account.keystore_password_file,
        password_variable=account.keystore_password_env,
    )


def register_secrets(config: Config) -> None:
    """Keep access tokens in URLs out of every output."""
    for piece in config.secrets():
        register_secret(piece)


def make_chain(
    config: Config, clock: Clock, alerts: Alerts | None = None, metrics: Metrics | None = None
) -> RpcChain:
    """Return the root chain of the configuration; nothing is sent yet."""
    root = config.root_chain
    return RpcChain.connect(
        root.rpc,
        clock,
        chain_id=root.chain_id,
        deadline=root.call_deadline,
        alerts=alerts,
        metrics=metrics,
    )


def make_watcher(config: Config) -> HttpWatcher:
    """Return the Watcher of the configuration; nothing is sent yet."""
    settings = config.watcher
    return HttpWatcher(settings.url, deadline=settings.deadline, max_body=settings.max_body_bytes)


async def find_game(config: Config, chain: RpcChain) -> ExitGame:
    """Return the exit game at the configured address; raises `ConfigurationError` if it is none we know."""
    try:
        game = await probe(chain, config.root_chain.contract)
    except OtherChain as error:
        raise ConfigurationError(
            f"root_chain.chain_id: {error}; correct root_chain.rpc or root_chain.chain_id"
        ) from error
    except ContractError as error:
        raise ConfigurationError(f"root_chain.contract: {error}") from error
    pinned = PINNED.get(config.root_chain.generation)
    if pinned and game.contracts.generation not in pinned:
        raise ConfigurationError(
            f"root_chain.generation: expected {config.root_chain.generation}, found"
            f" {game.contracts.generation} at {game.contracts.entry}; correct the address, or set auto"
        )
    return game


def policies(config: Config) -> dict[str, Policy]:
    """Return what each event's cases may cost."""
    names = [reaction.event.names[0] for reaction in REACTIONS]
    return {name: Policy(config.limits.max_cost(name, config.fees.max_cost_per_case)) for name in names}


def check_reserve(config: Config, bonds: Bonds) -> None:
    """Raise `ConfigurationError` when what is kept for late calls does not pay the bond of one of them."""
    reserve = config.fees.reserve
    if config.reactions.piggyback_available == "act" and 0 < reserve < bonds.piggyback:
        raise ConfigurationError(
            f"fees.reserve_eth: {reserve} wei are kept for late calls, and the bond of a single piggyback is "
            f"{bonds.piggyback} wei; raise it above that, or set 0 to keep what open calls need"
        )


async def first_block(config: Config, chain: RpcChain, game: ExitGame) -> int:
    """Return where the scan starts: no exit can have started before the first plasma block existed.

    The time of that block is current state, and bisecting headers needs no old state either, so a pruned
    node is enough.
    """
    if config.root_chain.scan_from_block is not None:
        return config.root_chain.scan_from_block
    head = await chain.head()
    blocks = [await game.plasma_block(blknum, head) for blknum in (1, CHILD_BLOCK_INTERVAL)]
    times = [block.timestamp for block in blocks if block]
    if not times:
        return head.number
    found = await chain.block_at_time(min(times))
    return found.number if found else head.number


@asynccontextmanager
async def assemble(config: Config, env: Mapping[str, str] = os.environ) -> AsyncIterator[Guard]:
    """Build a guard from its configuration; `ConfigurationError` for what only the operator can mend."""
    clock = SystemClock()
    register_secrets(config)
    keys = [] if config.mode == "observe" else load_keys(config, env)
    async with AsyncExitStack() as stack:
        metrics = PrometheusMetrics()
        health = Health(COMPONENTS, clock)
        webhook = config.alerts.webhook_url
        alerts = await stack.enter_async_context(
            AlertDesk(
                clock=clock,
                metrics=metrics,
                repeat_after=config.alerts.repeat_after,
                webhook_url=webhook.get_secret_value() if webhook else None,
            )
        )
        chain = await stack.enter_async_context(make_chain(config, clock, alerts, metrics))
        watcher = await stack.enter_async_context(make_watcher(config))
        game = await find_game(config, chain)
        addresses = [key.address for key in keys]
        journal = await stack.enter_async_context(_journal(config, game, addresses, alerts))
        permits = Permits(chain, game)
        bonds = await permits.refresh()
        check_reserve(config, bonds)
        sender = None
        if keys:
            policy = SigningPolicy(
                config.root_chain.chain_id,
                permits.calls,
                config.fees.max_cost_per_case,
                Wei(SIGNED_PER_DAY * config.fees.max_cost_per_day),
                game.bound_calls(),
            )
            sender = await stack.enter_async_context(
                TxSender(
                    chain=chain,
                    journal=journal,
                    signers=[LocalSigner(key.secret, policy) for key in keys],
                    clock=clock,
                    alerts=alerts,
                    metrics=metrics,
                    settings=SenderSettings(
                        chain_id=config.root_chain.chain_id,
                        confirmations=config.root_chain.confirmations,
                        max_fee_per_gas=config.fees.max_fee_per_gas,
                        bump_after=config.fees.bump_after,
                        poll=config.root_chain.poll_interval,
                        max_in_flight=config.root_chain.max_in_flight,
                        block_time=config.root_chain.block_time,
                        max_fee_is_soft=config.fees.max_fee_is_soft,
                        max_cost_per_day=config.fees.max_cost_per_day,
                        reserve=config.fees.reserve,
                    ),
                )
            )
        heads = Heads(chain, clock, HEAD_LIFETIME * config.root_chain.poll_interval)
        began = await first_block(config, chain, game)
        owners = owners_of(config, {key.address: key.account.role for key in keys})
        vault = await _vault(
            stack, vault_of(config, Sources(chain, game, watcher), clock, owners, began), health, alerts
        )
        keep: Keep | None = None
        if vault is not None:
            keep = Keep(
                vault=vault,
                owners=owners,
                settings=KeepSettings(
                    interval=config.vault.refresh_interval,
                    missing_after=int(config.vault.missing_alert_after),
                    follows=config.vault.child_chain_url is not None,
                ),
                heads=heads,
                clock=clock,
                health=health,
                alerts=alerts,
                metrics=metrics,
            )
        scan = Scan(
            chain=chain,
            game=game,
            journal=journal,
            clock=clock,
            health=health,
            alerts=alerts,
            metrics=metrics,
            first_block=began,
            heed=keep.heed if keep else lambda _: None,
        )
        own = frozenset(key.address for key in keys if Role.OWNER in key.account.role)
        active = {
            name: reaction
            for name, reaction in by_name().items()
            if config.reactions.mode(reaction.event.names[0]) != "off"
        }
        react = React(
            watcher=watcher,
            chain=chain,
            game=game,
            exits=scan,
            journal=journal,
            policies=policies(config),
            interest=Interest(Scope(config.scope), own, watcher, clock),
            alerts=alerts,
            metrics=metrics,
            chain_id=config.root_chain.chain_id,
            own=own,
            stakes=Stakes(Scope(config.scope), own, {price.token: price.value for price in config.prices}),
        )
        watch = Watch(
            watcher=watcher,
            game=game,
            journal=journal,
            reactions=active,
            off=frozenset(by_name().keys() - active.keys()),
            own=own,
            freshness=Freshness(
                game.contracts,
                FreshnessLimits(config.watcher.max_lag_blocks, int(config.watcher.max_head_age)),
            ),
            troubles=Troubles("watcher", clock, health, alerts),
            alerts=alerts,
            metrics=metrics,
        )
        funds = Funds(
            chain=chain,
            journal=journal,
            health=health,
            alerts=alerts,
            metrics=metrics,
            accounts=addresses,
            max_cost_per_case=config.fees.max_cost_per_case,
        )
        leave = None
        if vault is not None:
            parts = Parts(chain, game, vault, heads, react, journal, alerts, metrics)
            leave = await stack.enter_async_context(
                leave_of(config, parts, own if sender else frozenset(), lambda: watch.last.status)
            )
        supervisor = Supervisor(
            heads=heads,
            game=game,
            journal=journal,
            sender=sender,
            account=_challenger(keys),
            observed=frozenset(
                name for name in active if config.reactions.mode(active[name].event.names[0]) == "observe"
            ),
            watch=watch,
            scan=scan,
            audit=Audit(
                watcher=watcher,
                journal=journal,
                clock=clock,
                alerts=alerts,
                metrics=metrics,
                settings=AuditSettings(UNVERIFIED_AFTER),
            ),
            react=react,
            settle=Settle(
                heads=heads,
                react=react,
                recall=lambda case: recall(case, active),
                alerts=alerts,
                metrics=metrics,
            ),
            funds=funds,
            permits=permits,
            silence=Silence(alerts),
            agenda=Agenda(clock),
            troubles=Troubles("root chain", clock, health, alerts),
            reactions=active,
            recall=lambda case: recall(case, active),
            moot=Moot(journal, chain),
            pace=Pace(
                config.root_chain.poll_interval,
                config.watcher.poll_interval,
                config.watcher.incident_poll_interval,
            ),
            clock=clock,
            health=health,
            alerts=alerts,
            metrics=metrics,
            keep=keep,
            leave=leave,
        )
        armed = sender is not None
        health.set("key", ok=True)
        _introduce(metrics, armed=armed)
        identity = Identity(
            version=version("plasma-guard"),
            mode=config.mode,
            armed=armed,
            chain_id=config.root_chain.chain_id,
            contracts=game.contracts,
            accounts=addresses,
            journal=str(config.journal.path),
        )
        report = Report(identity, journal, watch, funds, keep)
        if config.vault.submit_enabled and vault is not None:
            proxy = proxy_of(config, vault, game, lambda: _unsafe(journal, health))
            await stack.enter_async_context(proxy)
            log.info("wallets can submit here", host=config.vault.submit_host, port=proxy.port)
        yield Guard(supervisor, report, health, metrics, game, armed, config.root_chain.chain_id, chain)


def _journal(config: Config, game: ExitGame, accounts: list[Address], alerts: Alerts) -> SqlJournal:
    """Open the journal; say where a damaged one is that it takes the place of."""
    journal = open_journal(
        config.journal.path, config.root_chain.chain_id, game.contracts.entry, accounts=accounts
    )
    if journal.aside is not None:
        alerts.alert(
            "journal/damaged",
            Severity.CRITICAL,
            f"the journal was damaged and is begun anew; the old one is kept as {journal.aside}. Open exits"
            " are found again on the root chain, and `plasma-guard exits process` takes up your own again;"
            " what earlier transactions cost is not known any more",
        )
    return journal


async def _vault(
    stack: AsyncExitStack, opening: AbstractAsyncContextManager[SqlVault], health: Health, alerts: Alerts
) -> SqlVault | None:
    """Open the vault; None when its file cannot be used, as challenging goes on whatever is wrong with it."""
    try:
        return await stack.enter_async_context(opening)
    except VaultError as error:
        health.set(VAULT, ok=False, reason=str(error))
        alerts.alert("vault/unusable", Severity.CRITICAL, f"the exit data is not kept: {error}")
        return None


async def _unsafe(journal: Journal, health: Health) -> str | None:
    """Return why a wallet must send nothing now: the guard would leave this chain, or cannot tell."""
    for case in await journal.cases(open_only=True):
        decisions = await journal.decisions(case.id)
        if decisions and decisions[-1].verdict == LEAVING:
            return f"the guard has decided to leave this chain: {decisions[-1].reason}"
    reasons = [reason for component, reason in health.reasons.items() if component in SAFETY]
    return f"the guard cannot tell whether the chain is safe: {'; '.join(reasons)}" if reasons else None


def _introduce(metrics: PrometheusMetrics, *, armed: bool) -> None:
    metrics.gauge("up", 1)
    metrics.gauge("armed", int(armed))
    metrics.gauge("build_info", 1, version=version("plasma-guard"))


def _challenger(keys: list[Key]) -> Address | None:
    """Return the account that sends challenges: the first with that role."""
    for key in keys:
        if Role.CHALLENGER in key.account.role:
            return key.address
    return None
