"""A hundred deployments on one page."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page

from insights_exporter.demo import DEMO_TOKEN, Population, serve
from tests.demo.asking import coder
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter
from tests.integration.waiting import eventually
from tests.web.status.browsing import PHONE, accessibility_faults, overflow, rows, watch

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
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Give an exporter that has polled a hundred deployments, of which one refuses."""
    room = tmp_path_factory.mktemp("many")
    people = Population(seed=3, users=10, templates=2)
    servers = {f"coder-{number:03}": coder(population=people, rate_limit=-1) for number in range(MANY)}
    servers[REFUSED].fail("401")
    with serve(servers) as url:
        lines = "".join(f"  - {{name: {name}, url: '{url}/{name}'}}\n" for name in servers)
        (room / "config.yml").write_text(CONFIG + lines, encoding="utf-8")
        with exporter_peer.serving(
            room, f"--config.file={room / 'config.yml'}", env={"TOKEN": DEMO_TOKEN}
        ) as running:
            eventually(lambda: "1 failing, 99 healthy" in running.page("/"), seconds=60)
            yield running


async def test_hundred_lines_the_worst_first(page: Page, crowd: Exporter) -> None:
    """All are on one page with their numbers, and what fails stands on top."""
    await page.goto(crowd.url)

    lines = await rows(page, "table")

    assert MANY == len(lines)
    assert REFUSED == lines[0][0]
    assert {lines[1][2]} == {line[2] for line in lines[1:]}
    assert "unauthorized" in lines[0][1]


async def test_one_of_them_in_detail(page: Page, crowd: Exporter) -> None:
    """A click leads to one of them, another one back to all."""
    watched = watch(page)
    await page.goto(crowd.url)

    await page.get_by_role("link", name="coder-077").click()
    name = await page.locator("h1").text_content()
    await page.get_by_role("link", name="All deployments").click()

    assert "coder-077" == name
    assert "100 deployments" == await page.locator("h1").text_content()
    assert [] == watched.complaints


async def test_readable_on_a_phone(page: Page, crowd: Exporter) -> None:
    """A hundred deployments fit a narrow screen, each line with the names of its numbers."""
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})

    await page.goto(crowd.url)

    assert 0 == await overflow(page)
    assert [] == await accessibility_faults(page)


def test_page_is_small(crowd: Exporter) -> None:
    """The whole page of a hundred deployments is some hundred kilobytes, not megabytes."""
    assert len(crowd.get("/").content) < 200_000
