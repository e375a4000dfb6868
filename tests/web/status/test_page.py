"""The status page in a real browser: it shows the values of Coder, and loads nothing else."""

from collections import Counter, defaultdict
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder
from insights_exporter.web.status.format import format_usage_time
from tests.demo.client import fetch_report, load_document
from tests.integration.exporter import Exporter
from tests.integration.waiting import eventually_async
from tests.web.status.browser import drawn_shares, observe, rows, titles
from tests.web.status.conftest import HOSTILE

ONE = "/?deployment=good"


@pytest.fixture
def daus(good: EmbeddedCoder) -> list[dict[str, Any]]:
    """Return the days of the server, oldest first."""
    entries: list[dict[str, Any]] = load_document(good, "/insights/daus")["entries"]
    return sorted(entries, key=lambda entry: entry["date"])[-60:]


async def test_overview(page: Page, exporter: Exporter) -> None:
    """Each deployment has a row with its state, the worst first."""
    await page.goto(exporter.url)

    names = [
        (line[0].partition(" Coder v")[0], line[1].partition(" ")[0]) for line in await rows(page, "table")
    ]

    assert [("down", "Failing"), (HOSTILE, "Partly"), ("good", "Healthy")] == names


async def test_daily_users_are_those_of_the_server(
    page: Page, exporter: Exporter, daus: list[dict[str, Any]]
) -> None:
    """The chart has a column for each day, as high as its users, and the table behind it the same numbers."""
    await page.goto(exporter.url + ONE)

    users = [float(title.split(": ")[1].split()[0]) for title in await titles(page, "#days")]
    amounts = [entry["amount"] for entry in daus]

    assert amounts == users
    assert [amount / max(amounts) for amount in amounts] == pytest.approx(
        await drawn_shares(page, "#days"), abs=0.01
    )
    assert [f"{amount}" for amount in reversed(amounts)] == [
        row[1] for row in await rows(page, "#days table")
    ]


async def test_time_by_app_is_that_of_the_report(page: Page, exporter: Exporter, good: EmbeddedCoder) -> None:
    """The most used apps are listed by their time in the window, under the names that Coder shows."""
    await page.goto(exporter.url + ONE)

    used: Counter[tuple[str, str]] = Counter()
    for app in fetch_report(good, "templates")["apps_usage"]:
        used[app["type"], app["slug"]] += app["seconds"]
    times = [format_usage_time(seconds) for _, seconds in used.most_common() if seconds]
    listed = await rows(page, "#apps table")

    assert len(listed) > 5
    assert times[: len(listed)] == [row[1] for row in listed]
    assert "Web Terminal" in {row[0] for row in listed}


async def test_latency_counts_every_user(page: Page, exporter: Exporter, good: EmbeddedCoder) -> None:
    """The distribution has every user with a latency, and a sentence counts those above Coder's limits."""
    await page.goto(exporter.url + ONE)
    users = fetch_report(good, "user-latency")["users"]
    medians = [user["latency_ms"]["p50"] for user in users if user["latency_ms"]["p50"] >= 0]

    counted = sum(int(row[1]) for row in await rows(page, "#latency table"))
    sentence = await page.locator("#latency p", has_text="By their median").text_content()

    assert len(medians) == counted
    assert f"{sum(ms > 150 for ms in medians)} (" in str(sentence)
    assert ["150 ms", "300 ms"] == await page.locator("#latency text.strong").all_text_contents()


async def test_activity_counts_every_user(page: Page, exporter: Exporter, good: EmbeddedCoder) -> None:
    """The distribution has every user of the window, in the bucket of the user's active time."""
    await page.goto(exporter.url + ONE)
    users = fetch_report(good, "user-activity")["users"]

    counts = {row[0]: int(row[1]) for row in await rows(page, "#activity table")}

    assert len(users) == sum(counts.values())
    assert sum(3600 < user["seconds"] <= 7200 for user in users) == counts["1 h to 2 h"]


async def test_parameters_with_their_workspaces(page: Page, exporter: Exporter, good: EmbeddedCoder) -> None:
    """Values that templates declare are listed by workspaces; free text, which may name users, is not."""
    await page.goto(exporter.url + ONE)
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for parameter in fetch_report(good, "templates")["parameters_usage"]:
        used[parameter["name"]].update({each["value"]: each["count"] for each in parameter["values"]})

    region = await rows(page, "#parameters table:has(caption:text-is('region'))")
    shown = await page.locator("#parameters").text_content() or ""

    assert [(value, str(count)) for value, count in used["region"].most_common()] == [
        (row[0], row[1]) for row in region
    ]
    assert "dotfiles_uri" in shown
    assert [] == [value for value in used["dotfiles_uri"] if value and value in shown]


async def test_axes_have_units(page: Page, exporter: Exporter) -> None:
    """Each chart counts users, and each bound of a distribution has its unit."""
    await page.goto(exporter.url + ONE)

    for chart in ("#days", "#activity", "#latency"):
        assert "users" in await page.locator(f"{chart} svg text").all_text_contents()
    for chart in ("#activity", "#latency"):
        bounds = await page.locator(f"{chart} svg text[text-anchor=middle]").all_text_contents()
        assert [] == [bound for bound in bounds if bound.rpartition(" ")[2] not in {"ms", "s", "min", "h"}]


async def test_templates_with_their_users(page: Page, exporter: Exporter, good: EmbeddedCoder) -> None:
    """Templates are listed by their distinct users, each as the server counts it."""
    await page.goto(exporter.url + ONE)
    in_use = fetch_report(good, "templates")["template_ids"]

    listed = await rows(page, "#templates table")

    assert len(in_use) == len(listed)
    assert sorted((int(row[1]) for row in listed), reverse=True) == [int(row[1]) for row in listed]


async def test_other_window(page: Page, exporter: Exporter) -> None:
    """A link leads to another window with other numbers."""
    await page.goto(exporter.url + ONE)
    week = await rows(page, "#apps table")

    await page.get_by_role("navigation", name="Window").get_by_role("link", name="today").click()
    today = await rows(page, "#apps table")

    assert page.url.endswith("?deployment=good&window=today")
    assert week != today
    assert await page.locator("#templates").get_by_text("last 7 days").is_visible()
    assert await rows(page, "#templates table")


async def test_links_to_details_and_back(page: Page, exporter: Exporter) -> None:
    """A link of the overview leads to the details of one deployment, and another one back."""
    observed = observe(page)
    await page.goto(exporter.url)

    await page.get_by_role("link", name="good").click()
    name = await page.locator("h1").text_content()
    await page.get_by_role("link", name="All deployments").click()

    assert "good" == name
    assert "3 deployments" == await page.locator("h1").text_content()
    assert [] == observed.messages


async def test_failing_dataset_has_reason_and_remedy(page: Page, exporter: Exporter) -> None:
    """A refused dataset shows its reason, and the page its remedy once; the others are unaffected."""
    await page.goto(f"{exporter.url}/?deployment={quote(HOSTILE)}")

    lines = {row[0]: row for row in await rows(page, "#datasets table")}

    assert "failing" in lines["daus"][1]
    assert "forbidden" in lines["daus"][1]
    assert 1 == await page.get_by_text("the site role Auditor").count()
    assert await page.locator("#problems").get_by_text("the site role Auditor").is_visible()
    assert "never" == lines["daus"][2]
    assert "good" == lines["periods"][1]
    assert await page.get_by_text("No data: the last poll failed.").first.is_visible()


async def test_names_are_text(page: Page, exporter: Exporter) -> None:
    """A name that is HTML is shown as text."""
    observed = observe(page)

    await page.goto(f"{exporter.url}/?deployment={quote(HOSTILE)}")

    assert HOSTILE == await page.locator("h1").text_content()
    assert 0 == await page.locator("img").count()
    assert [] == observed.messages


@pytest.mark.parametrize("path", ["/", ONE])
async def test_page_loads_nothing_else(page: Page, exporter: Exporter, path: str) -> None:
    """The page requests no other resources, and the console stays empty."""
    observed = observe(page)

    await page.goto(exporter.url + path)
    await page.wait_for_load_state("networkidle")

    assert [exporter.url + path] == [url for url in observed.requests if not url.startswith("data:")]
    assert [] == observed.messages


async def test_links_are_valid(page: Page, exporter: Exporter) -> None:
    """The links to metrics (on any path), config and health work."""
    await page.goto(exporter.url)

    paths = [
        await link.get_attribute("href")
        for link in await page.get_by_role("navigation", name="Pages").get_by_role("link").all()
    ]

    await eventually_async(exporter.ready)
    assert ["./its/metrics", "./config", "./-/healthy", "./-/ready"] == paths[:4]
    assert [200, 200, 200, 200] == [exporter.get(str(path)[1:]).status_code for path in paths[:4]]


async def test_refreshes_in_place(page: Page, exporter: Exporter) -> None:
    """Values refresh without a reload of the page, and open tables stay open."""
    observed = observe(page)
    await page.goto(exporter.url + ONE)
    await page.locator("#days summary").click()
    await page.evaluate("document.querySelector('main time').textContent = 'long ago'")

    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    await eventually_async(lambda: is_refreshed(page))
    assert await page.locator("#days table").is_visible()
    assert 2 == len([url for url in observed.requests if url.startswith("http")])
    assert [] == observed.messages


async def is_refreshed(page: Page) -> bool:
    """Return whether the changed time is that of the exporter again."""
    return "long ago" != await page.locator("main time").first.text_content()


async def test_refreshing_can_be_stopped(page: Page, exporter: Exporter) -> None:
    """A button stops the refreshing."""
    observed = observe(page)
    await page.goto(exporter.url + ONE)

    await page.get_by_role("button", name="Pause refresh").click()
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert await page.get_by_role("button", name="Resume refresh").is_visible()
    assert 1 == len([url for url in observed.requests if url.startswith("http")])


async def test_exporter_that_does_not_respond(page: Page, exporter: Exporter) -> None:
    """A notice says that the values are out of date if the exporter does not respond."""
    await page.goto(exporter.url + ONE)
    await page.route("**/*", lambda route: route.abort())

    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    await page.get_by_role("status").get_by_text("out of date").wait_for()
    assert await page.locator("#days rect.column").count()


async def test_complete_without_javascript(page: Page, exporter: Exporter) -> None:
    """All is there for a browser without JavaScript."""
    assert page.context.browser
    context = await page.context.browser.new_context(java_script_enabled=False)
    plain = await context.new_page()

    await plain.goto(exporter.url + ONE)

    assert 60 == await plain.locator("#days rect.column").count()
    assert await plain.locator("#latency rect.column").count()
    assert not await plain.locator("#pause").is_visible()


@pytest.mark.parametrize("query", ["?deployment=none", "?window=none", "?deployment=good&window=none"])
def test_unknown_deployment_or_window(exporter: Exporter, query: str) -> None:
    """An unknown deployment or window is not found."""
    assert 404 == exporter.get(f"/{query}").status_code


def test_headers_keep_the_page_to_itself(exporter: Exporter) -> None:
    """The policy allows the two inline parts by their hashes and nothing from elsewhere."""
    headers = exporter.get("/").headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))

    assert "'none'" == policy["default-src"]
    assert "'self'" == policy["connect-src"]
    assert all(policy[name].startswith("'sha256-") for name in ("style-src", "script-src"))
    assert "unsafe" not in headers["content-security-policy"]
    assert "nosniff" == headers["x-content-type-options"]


@pytest.mark.parametrize("path", ["/", ONE, f"/?deployment={quote(HOSTILE)}", "/?deployment=down"])
def test_nothing_secret_or_personal(exporter: Exporter, good: EmbeddedCoder, path: str) -> None:
    """Neither the token nor any user's name or id is on the page, though users are named in the metrics."""
    shown = exporter.page(path)
    people = fetch_report(good, "user-activity")["users"]

    assert DEMO_TOKEN not in shown
    assert f'username="{people[0]["username"]}"' in exporter.page("/its/metrics")
    assert [] == [user for user in people if user["user_id"] in shown or f">{user['username']}<" in shown]
