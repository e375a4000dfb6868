"""The appearance of the page: light and dark, on a phone, for a screen reader."""

import pytest
from playwright.async_api import Page

from insights_exporter.web.status.handler import render_html
from insights_exporter.web.status.view import build_view
from tests.integration.exporter import Exporter
from tests.web.status.browser import PHONE, accessibility_faults, overflow, rows
from tests.web.status.states import NOW, deployment

_BROKEN_WORDS = """table => {
    const broken = [], texts = document.createTreeWalker(table, NodeFilter.SHOW_TEXT);
    while (texts.nextNode())
        for (const word of texts.currentNode.data.matchAll(/[^\\s._/:-]+/g)) {
            const range = document.createRange();
            range.setStart(texts.currentNode, word.index);
            range.setEnd(texts.currentNode, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map(box => box.top)).size > 1) broken.push(word[0]);
        }
    return broken;
}"""

MANY = 100
PATHS = ("/", "/?deployment=good", "/?deployment=down")


@pytest.mark.parametrize("path", PATHS)
async def test_axe_finds_nothing(page: Page, exporter: Exporter, path: str) -> None:
    """Labels, headings, landmarks and tables are accessible, and the contrast is in both color schemes."""
    await page.goto(exporter.url + path)
    light = await accessibility_faults(page)
    await page.emulate_media(color_scheme="dark")

    assert [] == light
    assert [] == await accessibility_faults(page, "color-contrast")


async def test_axe_would_find_something(page: Page, exporter: Exporter) -> None:
    """Grey on grey does not pass."""
    await page.goto(exporter.url)
    await page.evaluate("document.documentElement.style.setProperty('--muted', '#cccccc')")

    assert any(
        fault.startswith("color-contrast") for fault in await accessibility_faults(page, "color-contrast")
    )


async def test_dark_is_dark(page: Page, exporter: Exporter) -> None:
    """The dark color scheme has a dark background."""
    await page.emulate_media(color_scheme="dark")
    await page.goto(exporter.url)

    background = await page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    )

    assert max(background) < 64


@pytest.mark.parametrize("path", PATHS)
async def test_fits_a_phone(page: Page, exporter: Exporter, path: str) -> None:
    """A screen of 360 pixels needs no scrolling to the side, and axe finds nothing there either."""
    await page.set_viewport_size(PHONE)

    await page.goto(exporter.url + path)

    assert 0 == await overflow(page)
    assert [] == await accessibility_faults(page)


def many_deployments() -> str:
    """Return the page of a hundred deployments."""
    states = [deployment(f"coder-{number:03}") for number in range(MANY)]
    return render_html(build_view(states, "/metrics", NOW))


async def test_many_deployments_fit_a_phone(page: Page) -> None:
    """The page of a hundred deployments fits a narrow screen."""
    await page.set_viewport_size(PHONE)

    await page.set_content(many_deployments())

    assert MANY == len(await rows(page, "table"))
    assert 0 == await overflow(page)


def test_page_of_many_deployments_is_small() -> None:
    """The page of a hundred deployments is some hundred kilobytes, not megabytes."""
    assert len(many_deployments()) < 200_000


async def test_overview_breaks_no_words(page: Page, exporter: Exporter) -> None:
    """On a desktop screen no line of the table breaks within a word."""
    await page.goto(exporter.url)

    for width in (1280, 1440, 1920):
        await page.set_viewport_size({"width": width, "height": 900})

        assert 0 == await overflow(page)
        assert [] == await page.locator(".deployments").evaluate(_BROKEN_WORDS)


async def test_text_in_charts_keeps_its_size_on_a_phone(page: Page, exporter: Exporter) -> None:
    """The scale of a chart has the same text size on a phone."""
    sizes = []
    await page.goto(f"{exporter.url}/?deployment=good")
    for width in (1280, PHONE["width"]):
        await page.set_viewport_size({"width": width, "height": 800})
        box = await page.locator("#days text").last.bounding_box()
        sizes.append(box and box["height"])

    assert sizes[0] == sizes[1]


async def test_charts_have_names(page: Page, exporter: Exporter) -> None:
    """Each chart has a label for screen readers, and a table."""
    await page.goto(f"{exporter.url}/?deployment=good")

    charts = [await chart.get_attribute("aria-label") for chart in await page.get_by_role("img").all()]

    assert "Daily active users in UTC, one column per day" == charts[0]
    assert str(charts[1]).startswith("Users by active time: Of ")
    assert str(charts[2]).startswith("Users by latency: By their median")
    assert 3 == await page.get_by_text("as a table", exact=False).locator("visible=true").count()
