"""The server's figures in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from movistream.serve.schema import Latencies
from movistream.serve.station import Station


def metrics_text(station: Station) -> str:
    """All figures now."""
    registry = CollectorRegistry()
    registry.register(_Figures(station))
    return generate_latest(registry).decode()


class _Figures(Collector):
    def __init__(self, station: Station) -> None:
        self._station = station

    def collect(self) -> Iterable[Metric]:
        steps = CounterMetricFamily("movistream_steps", "Frames looked at.", labels=["feed"])
        skipped = CounterMetricFamily(
            "movistream_skipped_frames", "Frames of live sources not looked at.", labels=["feed"]
        )
        rate = GaugeMetricFamily(
            "movistream_frames_per_second", "Looked at, lately.", labels=["feed"]
        )
        up = GaugeMetricFamily(
            "movistream_feed_up", "1 while a feed is watched or paused.", labels=["feed"]
        )
        step_seconds = HistogramMetricFamily(
            "movistream_step_seconds", "Preprocessing and inference of a frame.", labels=["feed"]
        )
        for feed in self._station.feeds:
            about = feed.describe()
            labels = [about.id]
            steps.add_metric(labels, about.steps)
            skipped.add_metric(labels, about.skipped)
            rate.add_metric(labels, about.frames_per_second)
            up.add_metric(labels, about.state in ("running", "paused"))
            step_seconds.add_metric(
                labels, _buckets(about.latencies), sum_value=feed.history.total_ms / 1e3
            )
        yield from (steps, skipped, rate, up, step_seconds)
        system = self._station.status().system
        yield GaugeMetricFamily("movistream_clients", "That watch.", value=self._station.clients)
        yield GaugeMetricFamily(
            "movistream_resident_bytes", "Of this process.", value=system.resident_bytes
        )
        if system.cpu_celsius is not None:
            yield GaugeMetricFamily(
                "movistream_cpu_celsius", "Of the CPU.", value=system.cpu_celsius
            )
        if system.throttled is not None:
            yield GaugeMetricFamily(
                "movistream_throttled", "1 while the CPU is slowed down.", value=system.throttled
            )


def _buckets(latencies: Latencies) -> list[tuple[str, float]]:
    limits = [*(str(limit / 1e3) for limit in latencies.limits_ms), "+Inf"]
    found, total = [], 0
    for limit, count in zip(limits, latencies.counts, strict=True):
        total += count
        found.append((limit, float(total)))
    return found
