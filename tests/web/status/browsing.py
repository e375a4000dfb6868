"""Looking at a page with a browser: what it shows, what it asks for, what it complains about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

PHONE = {"width": 360, "height": 740}
_FINDINGS = """() => axe.run({resultTypes: ["violations"]}).then((found) => found.violations.flatMap(
    (each) => each.nodes.map((node) => `${each.id}: ${node.html} ${node.failureSummary}`)))"""


@dataclass(slots=True)
class Watched:
    """What a page did beside showing itself."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def watch(page: Page) -> Watched:
    """Take note of whatever the page writes to the console, fails with, or asks for."""
    seen = Watched()
    page.on("console", lambda message: seen.complaints.append(message.text))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    return seen


async def accessibility_faults(page: Page) -> list[str]:
    """Give what axe finds wrong with the page, best practices included."""
    await page.evaluate(AXE_SCRIPT)
    found: list[str] = await page.evaluate(_FINDINGS)
    return found


async def overflow(page: Page) -> int:
    """Give by how many pixels the page is wider than the screen."""
    wider: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wider


async def rows(page: Page, selector: str) -> list[list[str]]:
    """Give the texts of a table's body, cell by cell; what is hidden for the eye counts too."""
    text: list[list[str]] = await page.locator(selector).evaluate(
        "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )
    return text


async def titles(page: Page, selector: str) -> Sequence[str]:
    """Give the titles of a chart's columns."""
    return await page.locator(f"{selector} rect title").all_text_contents()


async def drawn_shares(page: Page, selector: str) -> Any:  # noqa: ANN401 -- a list of numbers, from JavaScript
    """Give the height of each column of a chart as a share of the highest, as the browser draws it."""
    return await page.locator(f"{selector} rect.column").evaluate_all(
        """columns => {
            const heights = columns.map(column => column.getBBox().height);
            return heights.map(height => height / Math.max(...heights));
        }"""
    )
