"""A hundred deployments on one page."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page

from insights_exporter.demo import DEMO_TOKEN, Population, serve
from tests.demo.client import coder
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter
from tests.integration.waiting import eventually
from tests.web.status.browser import PHONE, accessibility_faults, observe, overflow, rows

MANY = 100
REFUSED = "coder-042"
CONFIG = """\
defaults:
  token_env: TOKEN
  requests_per_minute: 10000
  windows: [7d]
  datasets:
    periods: {enabled: false}
    template-breakdown: {enabled: false}
    user-activity: {enabled: false}
    user-latency: {enabled: false}
    user-status-counts: {enabled: false}
deployments:
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Return an exporter that has polled a hundred deployments, of which one refuses."""
    directory = tmp_path_factory.mktemp("many")
    population = Population(seed=3, users=10, templates=2)
    servers = {f"coder-{number:03}": coder(population=population, rate_limit=-1) for number in range(MANY)}
    servers[REFUSED].fail("401")
    with serve(servers) as url:
        lines = "".join(f"  - {{name: {name}, url: '{url}/{name}'}}\n" for name in servers)
        (directory / "config.yml").write_text(CONFIG + lines, encoding="utf-8")
        with exporter_peer.serving(
            directory, f"--config.file={directory / 'config.yml'}", env={"TOKEN": DEMO_TOKEN}
        ) as running:
            eventually(lambda: "1 failing, 99 healthy" in running.page("/"), seconds=60)
            yield running


async def test_hundred_rows_worst_first(page: Page, many: Exporter) -> None:
    """All are on one page with their numbers, the failing one first."""
    await page.goto(many.url)

    table = await rows(page, "table")

    assert MANY == len(table)
    assert REFUSED == table[0][0]
    assert {table[1][2]} == {row[2] for row in table[1:]}
    assert "unauthorized" in table[0][1]


async def test_links_to_details_and_back(page: Page, many: Exporter) -> None:
    """A link leads to the details of one of them, and another one back."""
    observed = observe(page)
    await page.goto(many.url)

    await page.get_by_role("link", name="coder-077").click()
    name = await page.locator("h1").text_content()
    await page.get_by_role("link", name="All deployments").click()

    assert "coder-077" == name
    assert "100 deployments" == await page.locator("h1").text_content()
    assert [] == observed.messages


async def test_readable_on_a_phone(page: Page, many: Exporter) -> None:
    """A hundred deployments fit a narrow screen, each value with its name."""
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})

    await page.goto(many.url)

    assert 0 == await overflow(page)
    assert [] == await accessibility_faults(page)


def test_page_is_small(many: Exporter) -> None:
    """The whole page of a hundred deployments is some hundred kilobytes, not megabytes."""
    assert len(many.get("/").content) < 200_000
