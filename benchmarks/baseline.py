"""The usual way to write an exporter: a client library's gauges, set from JSON.

`python -m benchmarks.baseline PORT USERS` serves the page so until it is ended.
"""

import gzip
import json
import sys
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, generate_latest, start_http_server

from benchmarks.users import latency_answer

_LABELS = ("deployment", "window", "user_id", "username", "percentile")


def filled(response: bytes) -> CollectorRegistry:
    """Return a registry with what Coder's answer says."""
    registry = CollectorRegistry()
    latency = Gauge("coder_insights_user_latency_seconds", "Latency.", _LABELS, registry=registry)
    for user in json.loads(response)["report"]["users"]:
        for percentile, value in user["latency_ms"].items():
            labels = ("coder", "7d", user["user_id"], user["username"], percentile)
            latency.labels(*labels).set(value / 1000)
    return registry


def published(
    response: bytes, *printers: Callable[[CollectorRegistry], bytes]
) -> tuple[tuple[bytes, bytes], ...]:
    """Return the page of an answer, plain and compressed, as each of `printers` writes it."""
    registry = filled(response)
    pages = [printer(registry) for printer in printers or (generate_latest,)]
    return tuple((page, gzip.compress(page)) for page in pages)


def main() -> None:
    """Serve until SIGTERM."""
    port, users = map(int, sys.argv[1:])
    start_http_server(port, "127.0.0.1", filled(latency_answer(users)))
    threading.Event().wait()


if __name__ == "__main__":
    main()
