"""Checks for failing polls and for memory growth."""

import time
from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.results import MEBIBYTE, format_mib
from benchmarks.soak.deployments import Environment

ALLOWED_GROWTH = 1.2
SLACK = 20 * MEBIBYTE
CEILING = 512 * MEBIBYTE
"""Above what the maximum number of connections that send endlessly can hold."""

Poll = tuple[str, str, str]
"""Deployment, dataset, window."""


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; return False if it is still not met after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.2)
    return True


def fetch_exposition(env: Environment) -> str:
    """Return the exporter's current `/metrics` response."""
    return httpx.get(f"{env.url}/metrics", timeout=30).raise_for_status().text


def list_failing_polls(env: Environment) -> list[Poll]:
    """Return the polls that failed last; all deployments if the wrong ones are polled."""
    success = _parse_values(fetch_exposition(env), "insights_exporter_poll_success")
    if {deployment for deployment, _, _ in success} != env.configured.keys():
        return [(name, "", "") for name in env.configured]
    return [poll for poll, value in success.items() if value != 1]


def has_all_succeeding(env: Environment) -> bool:
    """Return whether the last poll of every dataset succeeded in every deployment."""
    return not list_failing_polls(env)


def fetch_last_successes(env: Environment) -> dict[Poll, float]:
    """Return the Unix time of the last success of each poll."""
    return _parse_values(fetch_exposition(env), "insights_exporter_last_success_timestamp_seconds")


def has_all_renewed(env: Environment, before: dict[Poll, float]) -> bool:
    """Return whether every poll has succeeded again since `before`."""
    now = fetch_last_successes(env)
    return all(now.get(poll, 0) > at for poll, at in before.items())


def check_memory_growth(memory: list[float]) -> list[str]:
    """Return a problem if memory exceeds the ceiling, or stays above its maximum of the first half."""
    half = len(memory) // 2
    earlier, later = max(memory[: half + 1]), min(memory[(half + len(memory)) // 2 :])
    if max(memory) > CEILING:
        return [f"memory reached {format_mib(max(memory))}"]
    if later > earlier * ALLOWED_GROWTH + SLACK:
        return [f"memory grew from {format_mib(earlier)} to {format_mib(later)}"]
    return []


def _parse_values(page: str, name: str) -> dict[Poll, float]:
    return {
        (sample.labels["deployment"], sample.labels["dataset"], sample.labels["window"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    }
