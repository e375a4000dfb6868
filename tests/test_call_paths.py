"""The modules that a poll and a scrape run through, compared with CONTRIBUTING.md."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import chain
from pathlib import Path
from types import FrameType
from unittest.mock import Mock

import httpx
import pytest
from prometheus_client import CollectorRegistry

from insights_exporter.coder.client import SharedTransport
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.process import ProcessMetricsCache
from insights_exporter.polling.deployment import DeploymentPoller, SharedResources
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.scheduler import Scheduler
from insights_exporter.polling.status import list_exposed_families
from insights_exporter.web.app import AppDependencies, create_app
from insights_exporter.web.metrics_handler import MetricsHandler
from tests.coder.deployments import PLAIN, deployment
from tests.integration.waiting import eventually_async
from tests.support.fast_clock import AT_ONCE
from tests.web.server import GENEROUS, serving

GUIDE = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGE = "insights_exporter."
MOST_MODULES_OF_A_POLL = 28
MOST_MODULES_OF_A_SCRAPE = 9
DATASET = "user-latency"
USER, TOKEN = b"coder_insights_user_latency_seconds{", b"insights_exporter_token_expiry_timestamp_seconds{"
"""What the first polls of the dataset and of the server's facts expose."""


@contextmanager
def trace() -> Iterator[list[str]]:
    """Yield the modules of the package that this thread enters, in order; complete after the block."""
    modules: dict[str, None] = {}

    def profile(frame: FrameType, event: str, _: object) -> None:
        name = frame.f_globals.get("__name__", "")
        if event == "call" and name.startswith(PACKAGE):
            modules.setdefault(name.removeprefix(PACKAGE))

    found: list[str] = []
    sys.setprofile(profile)
    try:
        yield found
    finally:
        sys.setprofile(None)
        found.extend(modules)


def read_documented(heading: str) -> list[str]:
    """Return the modules that the numbered list below a heading of CONTRIBUTING.md names, in order."""
    section = GUIDE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [name for line in re.findall(r"^\d+\. .*", section, re.MULTILINE) for name in list_modules(line)]


def list_modules(line: str) -> list[str]:
    """Return the modules that a line names in backticks before its colon."""
    return [name.replace("/", ".") for name in re.findall(r"`([a-z_/]+)`", line.partition(": ")[0])]


class RecordingScheduler(Scheduler):
    """Records what the schedule calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, Callable[[], Awaitable[None]]] = {}

    def add(self, job: str, run: Callable[[], Awaitable[None]], every: float, after: float = 0.0) -> None:
        """Record a job and run it as always."""
        self.calls[job] = run
        super().add(job, run, every, after)


@pytest.fixture
async def coder() -> AsyncIterator[str]:
    """Serve an embedded Coder from another thread and yield its URL."""
    with serve(EmbeddedCoder(population=Population(seed=1, users=5, templates=2), rate_limit=-1)) as url:
        yield url


@asynccontextmanager
async def polling(url: str) -> AsyncIterator[tuple[PageStore, Mapping[str, Callable[[], Awaitable[None]]]]]:
    """Poll one dataset and window; everything that usually runs in threads runs in this one."""
    asyncio.get_running_loop().set_default_executor(AT_ONCE)
    others = {name: {"enabled": False} for name in DATASETS if name != DATASET}
    pages, scheduler = PageStore(list_exposed_families(DATASETS)), RecordingScheduler()
    shared = SharedResources(pages, scheduler, AT_ONCE, SharedTransport(), DATASETS)
    poller = DeploymentPoller(
        deployment(url, name="dev", windows=["7d"], datasets=others), lambda: DEMO_TOKEN, None, PLAIN, shared
    )
    scheduler.start()
    rebuilding = asyncio.create_task(pages.run())
    poller.start()
    try:
        yield pages, scheduler.calls
    finally:
        rebuilding.cancel()
        scheduler.stop()
        await poller.stop()


async def test_poll_runs_through_the_documented_modules(coder: str) -> None:
    """A warm poll, from the schedule's call to the rebuilt page, enters the documented modules."""
    async with polling(coder) as (pages, calls):
        await eventually_async(lambda: all(name in exposition(pages) for name in (USER, TOKEN)))
        poll, before = calls[f"dev/{DATASET}/7d"], pages.page
        with trace() as modules:
            await poll()
            await eventually_async(lambda: pages.page is not before)

    assert MOST_MODULES_OF_A_POLL >= len(modules)
    assert read_documented("Life of a poll") == modules


def exposition(pages: PageStore) -> bytes:
    """Return the newest page as text."""
    return b"".join(chain.from_iterable(pages.page.contents[Format.TEXT].group_parts()))


async def test_scrape_runs_through_the_documented_modules() -> None:
    """A scrape enters the modules of CONTRIBUTING's list."""
    pages = PageStore(list_exposed_families(DATASETS))
    process_metrics = ProcessMetricsCache(CollectorRegistry(), clock=lambda: 0.0)
    app = create_app(
        AppDependencies(
            metrics_path="/metrics",
            metrics=MetricsHandler(pages, process_metrics, tuple, 10),
            status=Mock(),
            config=Mock(),
            ready=Mock(),
            reload=None,
            on_error=Mock(),
        )
    )
    async with serving(GENEROUS, app) as (_, (host, port)), httpx.AsyncClient() as client:
        url = f"http://{host}:{port}/metrics"
        await client.get(url)
        with trace() as modules:
            response = await client.get(url, headers={"accept": "text/plain"})  # a choice that is not cached

    assert 200 == response.status_code
    assert MOST_MODULES_OF_A_SCRAPE >= len(modules)
    assert read_documented("Life of a scrape") == modules
