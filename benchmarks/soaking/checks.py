"""Whether polls go well, and whether memory grows."""

import time
from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.soaking.deployments import Town

ALLOWED_GROWTH = 1.2
MEGABYTE = 1_000_000
SLACK = 20 * MEGABYTE
CEILING = 512 * MEGABYTE
"""More than connections that send without end, as many as there may be at once, can hold."""

Poll = tuple[str, str, str]
"""Deployment, dataset, window."""


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, and tell whether it came."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.2)
    return True


def page_of(made: Town) -> str:
    """Return the exporter's page as it is now."""
    return httpx.get(f"{made.url}/metrics", timeout=30).raise_for_status().text


def unwell(made: Town) -> list[Poll]:
    """Return the polls whose last one failed; all deployments where others are polled than ought to be."""
    success = _values(page_of(made), "insights_exporter_poll_success")
    if {deployment for deployment, _, _ in success} != made.there.keys():
        return [(name, "", "") for name in made.there]
    return [poll for poll, value in success.items() if value != 1]


def well(made: Town) -> bool:
    """Return whether every poll of every deployment went well."""
    return not unwell(made)


def successes(made: Town) -> dict[Poll, float]:
    """Return when each poll last went well."""
    return _values(page_of(made), "insights_exporter_last_success_timestamp_seconds")


def renewed(made: Town, before: dict[Poll, float]) -> bool:
    """Return whether every poll has gone well again since."""
    now = successes(made)
    return all(now.get(poll, 0) > at for poll, at in before.items())


def growth(memory: list[float]) -> list[str]:
    """Return where memory passes all bounds, or never comes down again to what it was before the middle."""
    half = len(memory) // 2
    earlier, later = max(memory[: half + 1]), min(memory[(half + len(memory)) // 2 :])
    if max(memory) > CEILING:
        return [f"memory reached {max(memory) / MEGABYTE:.0f} MB"]
    if later > earlier * ALLOWED_GROWTH + SLACK:
        return [f"memory grew from {earlier / MEGABYTE:.0f} MB to {later / MEGABYTE:.0f} MB"]
    return []


def _values(page: str, name: str) -> dict[Poll, float]:
    return {
        (sample.labels["deployment"], sample.labels["dataset"], sample.labels["window"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    }
