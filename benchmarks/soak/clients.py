"""Clients of the exporter, a group of scrapers and a checker, each in a separate process."""

import asyncio
import random
import time
from collections import Counter
from threading import Barrier, Event

import httpx
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.samples import Sample

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
OTHER_PATHS = (
    "/",
    "/config",
    "/-/healthy",
    "/-/ready",
    "/metrics?deployment=second",
    "/metrics?name[]=coder_insights_active_users",
)
PAUSE = 0.5
"""Average seconds between two requests of one scraper."""
OTHER_SHARE = 0.2
"""Share of a scraper's requests that are not for all metrics."""

TEMPLATE_NAME_LABELS = {"template_name", "organization_name"}
"""Labels that contain the ID, or are empty, while the template list is not available."""

Series = tuple[str, frozenset[tuple[str, str]]]
Report = tuple[list[str], list[float], list[float]]
"""Problems; scrape durations in seconds; resident memory in bytes, oldest first."""


def scrape(url: str, all_started: Barrier, stop: Event, scrapers: int, seed: int) -> Report:
    """Scrape like several Prometheus servers until `stop` is set; return problems and durations."""
    all_started.wait()
    return asyncio.run(_scrape(url, stop, scrapers, random.Random(seed)))  # noqa: S311 -- not used for security


async def _scrape(url: str, stop: Event, scrapers: int, rng: random.Random) -> Report:
    problems: Counter[str] = Counter()
    durations: list[float] = []
    limits = httpx.Limits(max_connections=scrapers, max_keepalive_connections=scrapers)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False) as client:

        async def scrape_repeatedly() -> None:
            while not stop.is_set():
                if rng.random() < OTHER_SHARE:
                    await _request_other(client, rng.choice(OTHER_PATHS), problems)
                else:
                    durations.append(
                        await _measure(client, rng.choice(["text/plain", OPENMETRICS]), problems)
                    )
                await asyncio.sleep(PAUSE * rng.uniform(0.5, 1.5))

        await asyncio.gather(*(scrape_repeatedly() for _ in range(scrapers)))
    return [f"{what} ({count} times)" for what, count in problems.items()], durations, []


async def _measure(client: httpx.AsyncClient, accept: str, problems: Counter[str]) -> float:
    """Scrape as Prometheus does; return the seconds until the last byte."""
    began = time.perf_counter()
    async with client.stream("GET", "/metrics", headers={"Accept": accept}) as response:
        async for _ in response.aiter_raw():
            pass
    if response.status_code != httpx.codes.OK:
        problems[f"/metrics returned {response.status_code}"] += 1
    return time.perf_counter() - began


async def _request_other(client: httpx.AsyncClient, path: str, problems: Counter[str]) -> None:
    response = await client.get(path)
    allowed = {200, 404} if "deployment=" in path else {200, 503} if path == "/-/ready" else {200}
    if response.status_code not in allowed:
        problems[f"{path} returned {response.status_code}"] += 1


def check(url: str, all_started: Barrier, stop: Event, expected: dict[Series, float]) -> Report:
    """Check one exposition after the other until `stop` is set; return problems and memory."""
    all_started.wait()
    problems: Counter[str] = Counter()
    memory: list[float] = []
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        while not stop.is_set():
            openmetrics = len(memory) % 2 == 1
            exposition = client.get(
                "/metrics", headers={"Accept": OPENMETRICS if openmetrics else "text/plain"}
            ).text
            problems.update(find_wrong_series(exposition, expected, openmetrics=openmetrics))
            memory.append(parse_memory(exposition))
            stop.wait(PAUSE)
    return [f"{what} ({count} times)" for what, count in problems.items()], [], memory


def parse_families(exposition: str, *, openmetrics: bool) -> list[Metric]:
    """Return the metric families of an exposition.

    Raises:
        ValueError: The exposition is invalid.
    """
    return list(read_openmetrics(exposition) if openmetrics else read_text(exposition))  # type: ignore[no-untyped-call]


def find_wrong_series(
    exposition: str, expected: dict[Series, float], *, openmetrics: bool = False
) -> list[str]:
    """Return the problems of an exposition: duplicate series, unknown series and wrong values."""
    seen: set[Series] = set()
    problems = []
    try:
        found = parse_families(exposition, openmetrics=openmetrics)
    except ValueError as error:
        return [f"an invalid exposition: {error}"]
    for family in found:
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            if series in seen:
                problems.append(f"twice: {sample.name}{sample.labels}")
            seen.add(series)
            value = expected.get(_drop_template_names(sample))
            if sample.name.startswith("coder_insights_") and value != sample.value:
                problems.append(f"wrong: {sample.name}{sample.labels} {sample.value}, not {value}")
    return problems


def parse_data(exposition: str) -> dict[Series, float]:
    """Return the series of an exposition that contain Coder's data."""
    return {
        _drop_template_names(sample): sample.value
        for family in parse_families(exposition, openmetrics=False)
        for sample in family.samples
        if sample.name.startswith("coder_insights_")
    }


def _drop_template_names(sample: Sample) -> Series:
    labels = {name: text for name, text in sample.labels.items() if name not in TEMPLATE_NAME_LABELS}
    return sample.name, frozenset(labels.items())


def parse_memory(exposition: str) -> float:
    """Return the exporter's resident memory, in bytes."""
    (line,) = [line for line in exposition.splitlines() if line.startswith("process_resident_memory_bytes ")]
    return float(line.split()[1])
