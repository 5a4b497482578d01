"""Metrics for Prometheus, every one declared in one table that the documentation must repeat."""

import math
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest

from plasma_guard.domain.errors import GuardError

PREFIX = "plasma_guard_"


class UndeclaredMetric(GuardError):
    """A name or set of labels that is not in `METRICS`: a mistake in the program, never in its input."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table; `name` is without the prefix, and a counter's ends in ``_total``."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...] = ()


METRICS = (
    Metric("up", "gauge", "1 while the daemon runs."),
    Metric("build_info", "gauge", "Always 1; the label holds the version.", ("version",)),
    Metric("armed", "gauge", "1 if the guard can send, 0 if it only observes."),
    Metric("last_cycle_timestamp", "gauge", "When the last cycle ended, in seconds since 1970."),
    Metric("cycles_total", "counter", "Cycles, by how they ended.", ("result",)),
    Metric("watcher_ok", "gauge", "1 if the Watcher is fresh enough to be believed."),
    Metric("watcher_validated_lag", "gauge", "Child blocks mined and not yet validated by the Watcher."),
    Metric("watcher_events", "gauge", "Byzantine events in the last status answer, by kind.", ("kind",)),
    Metric("head_block", "gauge", "Number of the newest root-chain block seen."),
    Metric("endpoint_ok", "gauge", "1 if an endpoint is read from, 0 while it is not.", ("endpoint",)),
    Metric("scan_checkpoint_block", "gauge", "Last root-chain block of the guard's own scan."),
    Metric("scan_lag_blocks", "gauge", "Root-chain blocks between the head and that checkpoint."),
    Metric("exits_running", "gauge", "Exits found on chain that can still be challenged."),
    Metric("exits_unverified", "gauge", "Those of them that no fresh Watcher has judged."),
    Metric("cases_open", "gauge", "Cases that still need something."),
    Metric(
        "case_seconds_to_deadline",
        "gauge",
        "Root-chain seconds until a case is lost; gone once it is closed.",
        ("case",),
    ),
    Metric(
        "own_exit_seconds_to_ripe",
        "gauge",
        "Root-chain seconds until an exit of our own can be paid; below 0 it waits for its queue.",
        ("case",),
    ),
    Metric("vault_outputs", "gauge", "Outputs of the owners' accounts in the vault."),
    Metric("vault_in_flight", "gauge", "Transactions in the vault that are in no known block."),
    Metric("vault_outputs_missing", "gauge", "Outputs that lack something for one of their ways out."),
    Metric("vault_outputs_stuck", "gauge", "Outputs that could not leave at all with what is kept."),
    Metric("vault_refreshed_timestamp", "gauge", "Root-chain time of the vault's last refresh, in seconds."),
    Metric("decisions_total", "counter", "Decisions, by verdict.", ("verdict",)),
    Metric("attempts_total", "counter", "Transactions signed, replacements included."),
    Metric("tx_bumps_total", "counter", "Transactions replaced by one that pays more."),
    Metric("tx_pending", "gauge", "Calls signed and not settled yet.", ("account",)),
    Metric("tx_reorged_total", "counter", "Mined transactions that a reorg took out again."),
    Metric("tx_publish_errors_total", "counter", "Broadcasts that no node took, by reason.", ("error",)),
    Metric("send_retries_total", "counter", "Turns of the sender that failed and were repeated."),
    Metric("outcomes_total", "counter", "Settled intents, by outcome.", ("outcome",)),
    Metric("fee_spent_wei_total", "counter", "Wei paid for gas."),
    Metric("own_exits_total", "counter", "Exits of our own that were begun."),
    Metric("bonds_won_wei_total", "counter", "Wei of bonds paid to the guard's accounts."),
    Metric("balance_wei", "gauge", "Wei an account holds.", ("account",)),
    Metric(
        "balance_cover_ratio",
        "gauge",
        "Balance over the worst case of the account's open calls, or of one case; below 1 a call can fail.",
        ("account",),
    ),
    Metric("alerts_total", "counter", "Alerts told, repetitions included, by severity.", ("severity",)),
    Metric("alert_send_failures_total", "counter", "Alerts that the webhook did not take."),
)
"""The registration list: a new metric is one line here and one in docs/metrics.md."""


class PrometheusMetrics:
    """The Metrics port over a registry of its own, so that two guards in one process do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._labels = {metric.name: metric.labels for metric in METRICS}
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        for metric in METRICS:
            parts = (PREFIX + metric.name, metric.help, metric.labels)
            if metric.kind == "counter":
                self._counters[metric.name] = Counter(*parts, registry=self._registry)
            else:
                self._gauges[metric.name] = Gauge(*parts, registry=self._registry)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add `amount` (0 or more) to a counter; raises `UndeclaredMetric`."""
        counter = self._counters.get(name)
        if counter is None:
            raise UndeclaredMetric(f"metric {name!r}: no such counter; declare it in METRICS")
        self._check_labels(name, labels)
        (counter.labels(**labels) if labels else counter).inc(amount)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge; NaN removes a labelled series whose subject is gone. Raises `UndeclaredMetric`."""
        gauge = self._gauges.get(name)
        if gauge is None:
            raise UndeclaredMetric(f"metric {name!r}: no such gauge; declare it in METRICS")
        self._check_labels(name, labels)
        if labels and math.isnan(value):
            gauge.remove_by_labels(labels)
        else:
            (gauge.labels(**labels) if labels else gauge).set(value)

    def render(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self._registry)

    def _check_labels(self, name: str, labels: dict[str, str]) -> None:
        if set(labels) != set(self._labels[name]):
            raise UndeclaredMetric(
                f"metric {name!r}: expected labels {sorted(self._labels[name])}, got {sorted(labels)}"
            )
