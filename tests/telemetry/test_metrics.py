"""Metrics: declared in one table, refused otherwise."""

import math

import pytest

from plasma_guard.ports import Metrics
from plasma_guard.telemetry.metrics import METRICS, Metric, PrometheusMetrics, UndeclaredMetric


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics()


def test_a_counter_adds_up(metrics: PrometheusMetrics) -> None:
    """Amounts accumulate per set of labels, under the prefix."""
    port: Metrics = metrics
    port.count("cycles_total", result="ok")
    port.count("cycles_total", 2, result="ok")
    port.count("cycles_total", result="failed")
    text = metrics.render().decode()
    assert 'plasma_guard_cycles_total{result="ok"} 3.0' in text
    assert 'plasma_guard_cycles_total{result="failed"} 1.0' in text


def test_a_gauge_is_set(metrics: PrometheusMetrics) -> None:
    """The last value stands."""
    metrics.gauge("head_block", 5)
    metrics.gauge("head_block", 7)
    assert "plasma_guard_head_block 7.0" in metrics.render().decode()


def test_nan_removes_a_series_whose_subject_is_gone(metrics: PrometheusMetrics) -> None:
    """A closed case must not count down for ever."""
    metrics.gauge("case_seconds_to_deadline", 60, case="1")
    metrics.gauge("case_seconds_to_deadline", 90, case="2")
    metrics.gauge("case_seconds_to_deadline", math.nan, case="1")
    metrics.gauge("case_seconds_to_deadline", math.nan, case="never there")
    text = metrics.render().decode()
    assert 'case="1"' not in text
    assert 'plasma_guard_case_seconds_to_deadline{case="2"} 90.0' in text


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_declared_metric_can_be_used_and_has_its_help(
    metrics: PrometheusMetrics, metric: Metric
) -> None:
    """The table is the whole truth: name, kind and labels all work."""
    labels = dict.fromkeys(metric.labels, "x")
    if metric.kind == "counter":
        assert metric.name.endswith("_total")
        metrics.count(metric.name, 1, **labels)
    else:
        assert not metric.name.endswith("_total")
        metrics.gauge(metric.name, 1, **labels)
    text = metrics.render().decode()
    assert f"# HELP plasma_guard_{metric.name} {metric.help}" in text


def test_an_undeclared_name_is_an_error(metrics: PrometheusMetrics) -> None:
    """A mistyped metric would otherwise be missing from the dashboard without a word."""
    with pytest.raises(UndeclaredMetric, match="no such counter"):
        metrics.count("cycle_total", result="ok")
    with pytest.raises(UndeclaredMetric, match="no such gauge"):
        metrics.gauge("cycles_total", 1, result="ok")
    with pytest.raises(UndeclaredMetric, match=r"expected labels \['result'\], got \[\]"):
        metrics.count("cycles_total")
    with pytest.raises(UndeclaredMetric, match=r"expected labels \[\], got \['x'\]"):
        metrics.gauge("up", 1, x="y")


def test_two_guards_do_not_share_counts(metrics: PrometheusMetrics) -> None:
    """The registry is the object's own."""
    metrics.count("tx_bumps_total")
    assert "plasma_guard_tx_bumps_total 0.0" in PrometheusMetrics().render().decode()
