"""All deployments of a process: start, reload and readiness."""

import asyncio
from collections.abc import Sequence
from itertools import chain, pairwise

import httpx
import pytest

from insights_exporter.config.models import Config
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo.server import create_app
from insights_exporter.exposition.negotiation import Format
from insights_exporter.polling.manager import DeploymentManager
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.status import POLL_SUCCESS, list_exposed_families
from tests.coder.deployments import deployment
from tests.polling.polled_deployment import create_small_coder, parse_series, run_on_fast_clock

NAMES = [f"dev-{number}" for number in range(20)]


def config(names: Sequence[str], **changed: object) -> Config:
    """Return a config with a deployment of each name."""
    return Config(deployments=tuple(deployment("http://coder", name=name, **changed) for name in names))


def manager(pages: PageStore) -> DeploymentManager:
    """Return a manager that polls an embedded Coder without a network."""
    return DeploymentManager(pages, {}, DATASETS, httpx.ASGITransport(create_app(create_small_coder())))


def list_exposed(pages: PageStore) -> frozenset[str]:
    """Return the deployments whose health is exposed."""
    return frozenset(pages.snapshot.parts[POLL_SUCCESS.name])


def test_deployments_start_one_after_the_other() -> None:
    """The event loop can serve scrapes between any two starts."""

    async def scenario() -> list[int]:
        pages, seen = PageStore(list_exposed_families(DATASETS)), [0]
        polled = manager(pages)
        applying = asyncio.create_task(polled.apply(config(NAMES)))
        while not applying.done():
            seen.append(len(list_exposed(pages)))
            await asyncio.sleep(0)
        await polled.close()
        return seen

    seen = run_on_fast_clock(scenario)

    assert len(NAMES) == max(seen)
    assert 1 == max(later - earlier for earlier, later in pairwise(seen))


def test_ready_once_the_page_has_the_first_round() -> None:
    """Readiness waits for the page that a scrape gets, not only for the polls."""

    async def scenario() -> tuple[float, str]:
        pages = PageStore(list_exposed_families(DATASETS))
        polled = manager(pages)
        polled.start()
        await polled.apply(config(["dev"], datasets={"template-breakdown": {"enabled": False}}))
        while not polled.is_ready:  # noqa: ASYNC110 -- on a clock that jumps
            await asyncio.sleep(0.001)
        page = b"".join(chain.from_iterable(pages.page.contents[Format.TEXT].group_parts())).decode()
        ready_after = asyncio.get_running_loop().time()
        await polled.close()
        return ready_after, page

    ready_after, page = run_on_fast_clock(scenario)

    assert ready_after < 30
    assert {1.0} == set(parse_series(page, POLL_SUCCESS.name).values())


@pytest.mark.parametrize(
    ("later", "ended", "left"),
    [
        pytest.param(config(NAMES), 0, NAMES, id="nothing changed"),
        pytest.param(config(NAMES[:5]), 15, NAMES[:5], id="some are removed"),
        pytest.param(config([*NAMES, "new"]), 0, [*NAMES, "new"], id="one is new"),
        pytest.param(config(NAMES, timeout=7.0), 20, NAMES, id="all changed"),
    ],
)
def test_reload_stops_changed_deployments(later: Config, ended: int, left: Sequence[str]) -> None:
    """The number of changed or removed deployments is returned; the page has those of the config."""

    async def scenario() -> tuple[int, frozenset[str]]:
        pages = PageStore(list_exposed_families(DATASETS))
        polled = manager(pages)
        await polled.apply(config(NAMES))
        count = await polled.apply(later)
        found = list_exposed(pages)
        await polled.close()
        return count, found

    assert (ended, frozenset(left)) == run_on_fast_clock(scenario)
