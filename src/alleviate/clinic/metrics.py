"""What Prometheus is told: how many requests, how long, how many alerts are overdue. Nothing about anybody.

With several workers each keeps its own numbers; where ``PROMETHEUS_MULTIPROC_DIR`` names a folder they are
added up.
"""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["ALERTS_OVERDUE", "PACKAGES", "REFUSED", "exposition", "observe"]

_REQUESTS = Counter("alleviate_requests", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram(
    "alleviate_request_seconds",
    "How long a request took.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10),
)
REFUSED = Counter("alleviate_refused", "Requests that the gate refused.", ["why"])
ALERTS_OVERDUE = Gauge("alleviate_alerts_overdue", "Alerts past a deadline.", multiprocess_mode="mostrecent")
PACKAGES = Gauge("alleviate_packages", "Packages by state.", ["state"], multiprocess_mode="mostrecent")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request by its route's pattern: an address as asked could name somebody, or be endless."""
    _REQUESTS.labels(method if method in _METHODS else "other", route, f"{status // 100}xx").inc()
    _SECONDS.labels(route).observe(seconds)


def exposition() -> bytes:
    """In Prometheus' text format."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
