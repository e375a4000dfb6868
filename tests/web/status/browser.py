"""What a page in a browser shows, requests and writes to the console."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, ViewportSize

PHONE: ViewportSize = {"width": 360, "height": 740}
_FINDINGS = """(options) => axe.run({resultTypes: ["violations"], ...options}).then(
    (found) => found.violations.flatMap(
        (each) => each.nodes.map((node) => `${each.id}: ${node.html} ${node.failureSummary}`)))"""


@dataclass(slots=True)
class PageObservation:
    """Console messages and errors of a page, and its requests."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def observe(page: Page) -> PageObservation:
    """Record what the page writes to the console, fails with, or requests."""
    observed = PageObservation()
    page.on("console", lambda message: observed.messages.append(message.text))
    page.on("pageerror", lambda error: observed.messages.append(str(error)))
    page.on("request", lambda request: observed.requests.append(request.url))
    return observed


async def accessibility_faults(page: Page, *rules: str) -> list[str]:
    """Return the findings of axe by some of its rules, or by all, best practices included."""
    await page.evaluate(AXE_SCRIPT)
    found: list[str] = await page.evaluate(_FINDINGS, {"runOnly": list(rules)} if rules else {})
    return found


async def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the screen."""
    wider: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wider


async def rows(page: Page, selector: str) -> list[list[str]]:
    """Return the texts of a table's body by row and cell, visually hidden ones included."""
    text: list[list[str]] = await page.locator(selector).evaluate(
        "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )
    return text


async def titles(page: Page, selector: str) -> Sequence[str]:
    """Return the titles of a chart's columns."""
    return await page.locator(f"{selector} rect title").all_text_contents()


async def drawn_shares(page: Page, selector: str) -> Any:  # noqa: ANN401 -- a list of numbers, from JavaScript
    """Return the height of each column of a chart as a share of the highest, as the browser draws it."""
    return await page.locator(f"{selector} rect.column").evaluate_all(
        """columns => {
            const heights = columns.map(column => column.getBBox().height);
            return heights.map(height => height / Math.max(...heights));
        }"""
    )
