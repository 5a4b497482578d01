"""Keeps the vault up to date while all is well, and says loudly what could not leave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from plasma_guard.daemon.heads import Heads
from plasma_guard.domain.blocks import BlockStamp
from plasma_guard.domain.decisions import Severity
from plasma_guard.domain.errors import VaultError
from plasma_guard.domain.exits import BlockSubmitted, DepositCreated, ExitFinalized, RootChainEvent
from plasma_guard.domain.primitives import Address, Timestamp
from plasma_guard.domain.vault import HeldOutput, VaultContents
from plasma_guard.ports import Alerts, Clock, Health, Metrics, Vault

log = structlog.get_logger(__name__)

COMPONENT = "vault"
QUICK = 15.0
"""Seconds to the refresh after one that something caused; then twice that, up to the interval."""
_NAMED = 3
"""Outputs named in an alert; the rest is in `plasma-guard vault list`."""


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """`interval` is in seconds of this machine, `missing_after` in root-chain seconds.

    `follows` says that every new plasma block is read, where a child chain serves them.
    """

    interval: float
    missing_after: int
    follows: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept after the last refresh, in numbers."""

    refreshed_at: Timestamp
    outputs: int
    in_flight: int
    doubtful: int
    missing: int
    stuck: int
    transactions: int
    troubles: tuple[str, ...] = ()


class Keep:
    """Refreshes at the start, each interval, and when something on the root chain concerns the owners."""

    def __init__(
        self,
        *,
        vault: Vault,
        owners: Collection[Address],
        settings: KeepSettings,
        heads: Heads,
        clock: Clock,
        health: Health,
        alerts: Alerts,
        metrics: Metrics,
    ) -> None:
        self._vault = vault
        self._owners = frozenset(owners)
        self._settings = settings
        self._heads = heads
        self._clock = clock
        self._health = health
        self._alerts = alerts
        self._metrics = metrics
        self._due_at = float("-inf")
        self._pause = QUICK
        self._block_seen = False
        self.last: Kept | None = None
        health.set(COMPONENT, ok=True)

    def heed(self, events: Sequence[RootChainEvent]) -> None:
        """Take in what happened on the root chain: a deposit or payout of ours, a block we wait for."""
        for event in events:
            match event:
                case DepositCreated(depositor=owner) if owner in self._owners:
                    self._hurry()
                case BlockSubmitted():
                    self._block_seen = True
                case ExitFinalized():
                    self._hurry()

    async def step(self) -> bool:
        """Refresh if it is due; return whether the outputs held are others now; raises `ChainUnavailable`."""
        if not self._owners:
            return False
        try:
            if self._block_seen and (self._settings.follows or await self._vault.waits()):
                self._hurry()
            self._block_seen = False
            if self._clock.monotonic() < self._due_at:
                return False
            self._due_at = self._clock.monotonic() + min(self._pause, self._settings.interval)
            self._pause *= 2
            at = await self._heads.recent()
            done = await self._vault.refresh(at)
            contents = await self._vault.contents()
        except VaultError as error:
            self._health.set(COMPONENT, ok=False, reason=str(error))
            self._alerts.alert("vault/unusable", Severity.CRITICAL, f"the exit data is not kept: {error}")
            raise
        self._alerts.clear("vault/unusable")
        kept = _counted(contents, at, done.troubles)
        if done.outputs or done.gone:
            log.info("the vault is up to date", new=done.outputs, gone=done.gone, outputs=kept.outputs)
        for trouble in done.troubles:
            log.warning("the vault lacks something", reason=trouble)
        self.last = kept
        self._measure(kept)
        self._tell(contents, at)
        return bool(done.outputs or done.gone)

    def _hurry(self) -> None:
        """Refresh at once, and soon again: a Watcher takes its time to see what is on the root chain."""
        self._due_at = float("-inf")
        self._pause = QUICK

    def document(self) -> Mapping[str, Any]:
        """Return what `/status` shows."""
        last = self.last
        if last is None:
            return {"refreshed_at": None}
        return {
            "refreshed_at": last.refreshed_at,
            "outputs": last.outputs,
            "in_flight": last.in_flight,
            "doubtful": last.doubtful,
            "missing": last.missing,
            "stuck": last.stuck,
            "transactions": last.transactions,
            "troubles": list(last.troubles),
        }

    def _measure(self, kept: Kept) -> None:
        self._metrics.gauge("vault_outputs", kept.outputs)
        self._metrics.gauge("vault_in_flight", kept.in_flight)
        self._metrics.gauge("vault_outputs_missing", kept.missing)
        self._metrics.gauge("vault_outputs_stuck", kept.stuck)
        self._metrics.gauge("vault_refreshed_timestamp", kept.refreshed_at)

    def _tell(self, contents: VaultContents, at: BlockStamp) -> None:
        """Alert about what has been missing for long: first what keeps an output from leaving at all."""
        oldest = at.timestamp - self._settings.missing_after
        long = [
            each
            for each in contents.outputs
            if each.missing_since is not None and each.missing_since <= oldest
        ]
        stuck = [each for each in long if each.stuck]
        rest = [each for each in long if not each.stuck]
        if stuck:
            text = _sentence(stuck, "cannot leave at all with what is kept")
            self._alerts.alert("vault/stuck", Severity.CRITICAL, f"vault: {text}")
            self._health.set(COMPONENT, ok=False, reason=text)
        else:
            self._alerts.clear("vault/stuck")
            self._health.set(COMPONENT, ok=True)
        if rest:
            text = _sentence(rest, "cannot leave by an in-flight exit, as it may have to")
            self._alerts.alert("vault/missing", Severity.WARNING, f"vault: {text}")
        else:
            self._alerts.clear("vault/missing")


def _counted(contents: VaultContents, at: BlockStamp, troubles: tuple[str, ...]) -> Kept:
    transactions = contents.transactions.values()
    return Kept(
        refreshed_at=at.timestamp,
        outputs=len(contents.outputs),
        in_flight=sum(each.position is None for each in transactions),
        doubtful=sum(each.doubt is not None for each in contents.outputs),
        missing=sum(bool(each.missing) for each in contents.outputs),
        stuck=sum(each.stuck for each in contents.outputs),
        transactions=len(contents.transactions) + len(contents.twins),
        troubles=troubles,
    )


def _sentence(outputs: Sequence[HeldOutput], cannot: str) -> str:
    first = outputs[0]
    names = ", ".join(str(each.position or each.tx_hash) for each in outputs[:_NAMED])
    more = f" and {len(outputs) - _NAMED} more" if len(outputs) > _NAMED else ""
    return (
        f"output {names}{more} {cannot} since {first.missing_since}: missing {'; '.join(first.missing)}."
        " Set vault.child_chain_url, or import a bundle of somebody who has it"
    )
