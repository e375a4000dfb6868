"""An exporter written with prometheus_client: gauges that are set from JSON, for comparison.

`python -m benchmarks.baseline PORT USERS` serves its `/metrics` until SIGTERM.
"""

import gzip
import json
import sys
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, generate_latest, start_http_server

from benchmarks.users import render_latencies

_LABELS = ("deployment", "window", "user_id", "username", "percentile")


def build_registry(response: bytes) -> CollectorRegistry:
    """Return a registry with the series of Coder's response."""
    registry = CollectorRegistry()
    latency = Gauge("coder_insights_user_latency_seconds", "Latency.", _LABELS, registry=registry)
    for user in json.loads(response)["report"]["users"]:
        for percentile, value in user["latency_ms"].items():
            labels = ("coder", "7d", user["user_id"], user["username"], percentile)
            latency.labels(*labels).set(value / 1000)
    return registry


def render_with_client(
    response: bytes, *printers: Callable[[CollectorRegistry], bytes]
) -> tuple[tuple[bytes, bytes], ...]:
    """Return the exposition of a response, plain and compressed, in the format of each printer."""
    registry = build_registry(response)
    expositions = [printer(registry) for printer in printers or (generate_latest,)]
    return tuple((exposition, gzip.compress(exposition)) for exposition in expositions)


def main() -> None:
    """Serve until SIGTERM."""
    port, users = map(int, sys.argv[1:])
    start_http_server(port, "127.0.0.1", build_registry(render_latencies(users)))
    threading.Event().wait()


if __name__ == "__main__":
    main()
