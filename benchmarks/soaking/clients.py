"""Clients of the exporter in processes of their own, so that only it is measured: scrapers, and a checker."""

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
OTHER_PAGES = (
    "/",
    "/config",
    "/-/healthy",
    "/-/ready",
    "/metrics?deployment=second",
    "/metrics?name[]=coder_insights_active_users",
)
PAUSE = 0.5
"""Seconds between two requests of one scraper, about."""
OTHERWISE = 0.2
"""How often a scraper asks for something else than the whole page."""

NAMES_OF_TEMPLATES = {"template_name", "organization_name"}
"""Labels that are the id, or empty, while the list of templates could not be had."""

Series = tuple[str, frozenset[tuple[str, str]]]
Report = tuple[list[str], list[float], list[float]]
"""What is wrong; seconds that scrapes took; bytes of memory in the order of time."""


def scrape(url: str, all_there: Barrier, over: Event, scrapers: int, seed: int) -> Report:
    """Scrape like several Prometheus servers until it is `over`; gives problems and durations."""
    all_there.wait()
    return asyncio.run(_scrape(url, over, scrapers, random.Random(seed)))  # noqa: S311 -- it keeps no secret


async def _scrape(url: str, over: Event, scrapers: int, chance: random.Random) -> Report:
    problems: Counter[str] = Counter()
    durations: list[float] = []
    limits = httpx.Limits(max_connections=scrapers, max_keepalive_connections=scrapers)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False) as client:

        async def one() -> None:
            while not over.is_set():
                if chance.random() < OTHERWISE:
                    await _look(client, chance.choice(OTHER_PAGES), problems)
                else:
                    durations.append(
                        await _measure(client, chance.choice(["text/plain", OPENMETRICS]), problems)
                    )
                await asyncio.sleep(PAUSE * chance.uniform(0.5, 1.5))

        await asyncio.gather(*(one() for _ in range(scrapers)))
    return [f"{what} ({count} times)" for what, count in problems.items()], durations, []


async def _measure(client: httpx.AsyncClient, accept: str, problems: Counter[str]) -> float:
    """Scrape as Prometheus does and give the seconds until the last byte."""
    began = time.perf_counter()
    async with client.stream("GET", "/metrics", headers={"Accept": accept}) as response:
        async for _ in response.aiter_raw():
            pass
    if response.status_code != httpx.codes.OK:
        problems[f"/metrics answered {response.status_code}"] += 1
    return time.perf_counter() - began


async def _look(client: httpx.AsyncClient, path: str, problems: Counter[str]) -> None:
    response = await client.get(path)
    allowed = {200, 404} if "deployment=" in path else {200, 503} if path == "/-/ready" else {200}
    if response.status_code not in allowed:
        problems[f"{path} answered {response.status_code}"] += 1


def check(url: str, all_there: Barrier, over: Event, right: dict[Series, float]) -> Report:
    """Read pages one after the other until it is `over`; gives problems and memory."""
    all_there.wait()
    problems: Counter[str] = Counter()
    memory: list[float] = []
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        while not over.is_set():
            openmetrics = len(memory) % 2 == 1
            page = client.get(
                "/metrics", headers={"Accept": OPENMETRICS if openmetrics else "text/plain"}
            ).text
            problems.update(wrong(page, right, openmetrics=openmetrics))
            memory.append(memory_of(page))
            over.wait(PAUSE)
    return [f"{what} ({count} times)" for what, count in problems.items()], [], memory


def families(page: str, *, openmetrics: bool) -> list[Metric]:
    """Read a page as prometheus_client does; raises ValueError where it is none."""
    return list(read_openmetrics(page) if openmetrics else read_text(page))  # type: ignore[no-untyped-call]


def wrong(page: str, right: dict[Series, float], *, openmetrics: bool = False) -> list[str]:
    """Return what is wrong with a page: series that are there twice, unknown, or have another value."""
    seen: set[Series] = set()
    problems = []
    try:
        found = families(page, openmetrics=openmetrics)
    except ValueError as error:
        return [f"a page that cannot be read: {error}"]
    for family in found:
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            if series in seen:
                problems.append(f"twice: {sample.name}{sample.labels}")
            seen.add(series)
            known = right.get(_nameless(sample))
            if sample.name.startswith("coder_insights_") and known != sample.value:
                problems.append(f"wrong: {sample.name}{sample.labels} {sample.value}, not {known}")
    return problems


def data_of(page: str) -> dict[Series, float]:
    """Return the series of Coder's data on a page."""
    return {
        _nameless(sample): sample.value
        for family in families(page, openmetrics=False)
        for sample in family.samples
        if sample.name.startswith("coder_insights_")
    }


def _nameless(sample: Sample) -> Series:
    kept = {name: text for name, text in sample.labels.items() if name not in NAMES_OF_TEMPLATES}
    return sample.name, frozenset(kept.items())


def memory_of(page: str) -> float:
    """Return the exporter's resident memory, in bytes."""
    (line,) = [line for line in page.splitlines() if line.startswith("process_resident_memory_bytes ")]
    return float(line.split()[1])
