"""One deployment that is polled, from an embedded Coder without a network, on a clock that jumps."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.coder.client import SharedTransport
from insights_exporter.config.models import Deployment
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population
from insights_exporter.demo.server import create_app
from insights_exporter.exposition.negotiation import Format
from insights_exporter.polling.deployment import DeploymentPoller, SharedResources
from insights_exporter.polling.jobs import Job
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.scheduler import Scheduler
from insights_exporter.polling.status import list_exposed_families
from tests.coder.deployments import PLAIN, deployment
from tests.support.fast_clock import AT_ONCE, run_fast

T = TypeVar("T")

START = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
"""A Wednesday."""

POPULATION = Population(seed=1, users=20, templates=3)
"""The same for all tests, so that their past is computed once."""

Labels = tuple[tuple[str, str], ...]
"""Names and values, sorted, without the deployment."""


def create_small_coder(**config: object) -> EmbeddedCoder:
    """Return a Coder with a small population and the current time."""
    return EmbeddedCoder(population=POPULATION, **config)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PolledDeployment:
    """A poller and the page store that it publishes to."""

    poller: DeploymentPoller
    pages: PageStore

    def page(self) -> str:
        """Return the page as text, without its tail."""
        return b"".join(chain.from_iterable(self.pages.page.contents[Format.TEXT].group_parts())).decode()

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a series, None if it does not exist."""
        return parse_series(self.page(), name).get(tuple(sorted(labels.items())))

    def job(self, dataset: str, window: str = "") -> Job:
        """Return a job."""
        (found,) = [job for job in self.poller.jobs if job.name == f"{dataset}/{window}"]
        return found


def parse_series(page: str, name: str) -> Mapping[Labels, float]:
    """Return the values of a sample name on a page."""
    return {
        tuple(sorted((label, text) for label, text in sample.labels.items() if label != "deployment")): (
            sample.value
        )
        for family in text_string_to_metric_families(
            "".join(re.findall(rf"^{name}[{{ ].*\n", page, re.MULTILINE))
        )
        for sample in family.samples
        if sample.name == name
    }


@asynccontextmanager
async def poll_deployment(
    coder: EmbeddedCoder | httpx.AsyncBaseTransport,
    registry: Mapping[str, Dataset] = DATASETS,
    /,
    **config: object,
) -> AsyncIterator[PolledDeployment]:
    """Poll a Coder with a config until the block ends, without a network."""
    transport = httpx.ASGITransport(create_app(coder)) if isinstance(coder, EmbeddedCoder) else coder
    configured = deployment("http://coder.example.com", name="dev", **config)
    async with run_poller(configured, SharedTransport(transport), registry) as polled:
        yield polled


@asynccontextmanager
async def run_poller(
    configured: Deployment, transport: SharedTransport, registry: Mapping[str, Dataset] = DATASETS
) -> AsyncIterator[PolledDeployment]:
    """Poll a deployment until the block ends."""
    pages, schedule = PageStore(list_exposed_families(DATASETS)), Scheduler()
    key = configured.users.key.get_secret_value().encode() if configured.users.key else None
    shared = SharedResources(pages, schedule, AT_ONCE, transport, registry)
    poller = DeploymentPoller(configured, lambda: DEMO_TOKEN, key, PLAIN, shared)
    schedule.start()
    publishing = asyncio.create_task(pages.run())
    poller.start()
    try:
        yield PolledDeployment(poller, pages)
    finally:
        publishing.cancel()
        schedule.stop()
        await poller.stop()


def run_on_fast_clock(work: Callable[[], Coroutine[None, None, T]], start: datetime = START) -> T:
    """Run `work` from `start` on, on a clock that jumps to the next timer."""
    return run_fast(start, work)
