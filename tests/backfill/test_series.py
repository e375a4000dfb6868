"""The files have the series of live scraping, under the same limits."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_fd_to_metric_families

from insights_exporter.demo import DEMO_TOKEN
from tests.backfill.expected_history import LIVE_ONLY
from tests.integration.exporter import StartExporter
from tests.integration.waiting import eventually
from tests.support.backfill import Backfill, samples


def families(backfill: Backfill) -> set[str]:
    """Return the sample names in all files."""
    return {head.partition("{")[0] for file in backfill.files() for head in samples(file)}


def config(backfill: Backfill, more: str) -> str:
    """Return a config with one deployment."""
    return f"""\
deployments:
  - name: acme
    url: {backfill.url}
    token_env: CODER_SESSION_TOKEN
    {more}
"""


def first_hour(path: Path) -> Iterator[str]:
    """Yield the lines of a file's first hour."""
    start = min(min(values) for values in samples(path).values())
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith("#") or int(line.rsplit(" ", 1)[1]) < start + 3600:
                yield line


def parse_samples(lines: Iterator[str]) -> list[Metric]:
    """Read lines with the parser of Prometheus' own client."""
    return list(text_fd_to_metric_families(lines))  # type: ignore[no-untyped-call]  # not typed there


def test_first_hour_is_open_metrics(backfill: Backfill) -> None:
    """The reference parser finds every sample of an hour."""
    backfill("2026-04-10", "--include=parameters,users", "--label=job=a b")

    (file,) = backfill.files()
    metrics = parse_samples(first_hour(file))
    read = [sample for metric in metrics for sample in metric.samples]

    end = datetime(2026, 4, 10, 1, tzinfo=UTC).timestamp()
    expected = sum(second < end for values in samples(file).values() for second in values)
    assert expected == len(read)
    assert {"a b"} == {sample.labels["job"] for sample in read}
    assert {"gauge"} == {metric.type for metric in metrics}


def test_series_are_those_of_a_live_scrape(backfill: Backfill, start_exporter: StartExporter) -> None:
    """Series at the start of a day have history with the same name and labels, unless they cannot."""
    backfill.config = config(backfill, "templates: {users: true}\n    requests_per_minute: 100000")
    backfill("2026-04-09", "--include=parameters,users")
    # Half an hour into the day there is no activity yet that history does not have.
    backfill.coder.now = lambda: datetime(2026, 4, 10, 0, 30, tzinfo=UTC)
    exporter = start_exporter(f"--config.file={backfill.folder / 'config.yml'}", env=backfill.env)

    def page() -> str:
        text = exporter.page()
        return text if not re.search(r"^insights_exporter_poll_success\{.*\} 0", text, re.MULTILINE) else ""

    live = {
        line.rpartition(" ")[0] for line in eventually(page, 60).splitlines() if line.startswith("coder_")
    }

    (file,) = backfill.files()
    without_past = {
        head
        for head in live - set(samples(file))
        if head.partition("{")[0] not in LIVE_ONLY and '="today"' not in head
    }
    assert set() == without_past
    assert any("parameter_value" in head for head in live)
    assert len(live & set(samples(file))) > 60


def test_day_before_is_that_of_daus(backfill: Backfill) -> None:
    """In UTC daily users are those of the live series, from the same list of Coder."""
    backfill("2026-04-01", "--until=2026-04-08")

    entries = httpx.get(
        f"{backfill.url}/api/v2/insights/daus", headers={"Coder-Session-Token": DEMO_TOKEN}
    ).json()["entries"]
    amounts = {entry["date"]: entry["amount"] for entry in entries}
    (file,) = backfill.files()
    (users,) = [values for head, values in samples(file).items() if "insights_daily_active_users{" in head]
    shown = {(f"{datetime.fromtimestamp(at - 86_400, UTC):%Y-%m-%d}", value) for at, value in users.items()}
    days = ["2026-03-31", *(f"2026-04-0{number}" for number in range(1, 7))]
    assert {(day, amounts[day]) for day in days} == shown


def test_days_of_a_time_zone_are_those_of_its_reports(backfill: Backfill) -> None:
    """In another time zone daily users are those of its days, also of 23 hours, as live."""
    backfill.config = config(backfill, "timezone: Europe/Berlin")
    backfill("2026-03-30", "--until=2026-03-31")

    span = {"start_time": "2026-03-29T00:00:00+01:00", "end_time": "2026-03-30T00:00:00+02:00"}
    response = httpx.get(
        f"{backfill.url}/api/v2/insights/templates", params=span, headers={"Coder-Session-Token": DEMO_TOKEN}
    )
    (file,) = backfill.files()
    assert {response.json()["report"]["active_users"]} == find_values(
        samples(file), "insights_daily_active_users{"
    )


def test_window_has_its_own_days(backfill: Backfill) -> None:
    """Start and end of a window are the midnights between which it counts."""
    backfill("2026-04-08", "--until=2026-04-09")

    (file,) = backfill.files()
    found = samples(file)
    midnight = datetime(2026, 4, 8, tzinfo=UTC).timestamp()
    assert {midnight - 7 * 86_400} == find_values(found, 'window_start.*window="7d"')
    assert {midnight} == find_values(found, 'window_end.*window="7d"')


def find_values(found: dict[str, dict[int, float]], pattern: str) -> set[float]:
    """Return all values of the series that match."""
    return {value for head, values in found.items() if re.search(pattern, head) for value in values.values()}


@pytest.mark.parametrize("detail", ["named", "pseudonymous", "aggregate"])
def test_privacy_is_that_of_live(backfill: Backfill, detail: str) -> None:
    """With pseudonyms or without users history has no names either."""
    names = [person.username for person in backfill.coder.population.users]
    key = "key: 0123456789abcdef0123456789abcdef" if detail == "pseudonymous" else "limit: 500"
    backfill.config = config(backfill, f"users: {{detail: {detail}, {key}}}")

    ended = backfill("2026-04-09", "--include=users")

    assert 0 == ended.returncode, ended.stderr
    (file,) = backfill.files()
    text = file.read_text(encoding="utf-8")
    assert (detail == "named") is any(f'"{name}"' in text for name in names)
    assert "coder_insights_user_activity_distribution_seconds_bucket" in text
    assert (detail != "aggregate") is ("coder_insights_user_activity_seconds{" in text)


def test_series_limit_is_that_of_live(backfill: Backfill) -> None:
    """Above `max_series` history drops the same families as live scraping."""
    backfill.config = config(backfill, "max_series: 20")

    backfill("2026-04-09", "--include=parameters,users")

    names = families(backfill)
    assert "coder_insights_active_users" in names
    assert not names & {"coder_insights_parameter_workspaces", "coder_insights_user_latency_seconds"}


def test_published_dialect_has_no_breakdown(backfill: Backfill) -> None:
    """A server that follows the API page has history without the breakdown."""
    backfill.coder.rules = "published"

    ended = backfill("2026-04-09", "--include=users")

    assert 0 == ended.returncode, ended.stderr
    names = families(backfill)
    assert {"coder_insights_active_users", "coder_insights_monthly_active_users"} <= names
    assert "coder_insights_template_app_usage_seconds" not in names


@pytest.mark.parametrize("server_version", ["2023", "2024", "2025"])
def test_older_servers_have_history(backfill: Backfill, server_version: str) -> None:
    """Servers of all versions have history."""
    backfill.coder.server_version = server_version

    ended = backfill("2026-04-09", "--include=parameters,users")

    assert 0 == ended.returncode, ended.stderr
    assert "coder_insights_template_app_usage_seconds" in families(backfill)


def test_without_the_report_there_is_no_breakdown(backfill: Backfill) -> None:
    """Without `templates` it is unknown which are in use, so no template is exposed as unused."""
    backfill.config = config(backfill, "datasets: {templates: {enabled: false}}")

    backfill("2026-04-09")

    assert not [name for name in families(backfill) if "template" in name]


def test_deleted_template_keeps_its_id_for_a_name(backfill: Backfill) -> None:
    """A template that is not listed has its id as its name, as live."""
    listed = {template.id for template in backfill.coder.population.catalog.templates}
    backfill.coder.fail("404-route", "/templates", "/organizations")

    ended = backfill("2026-04-09")

    assert 0 == ended.returncode
    assert "template names unknown" in ended.stderr
    (file,) = backfill.files()
    named = {found[1] for head in samples(file) if (found := re.search(r'template_name="([^"]+)"', head))}
    assert named
    assert named <= listed


def test_template_admin_has_days_from_reports(backfill: Backfill) -> None:
    """A token that may not read the list of days gets them from reports per day."""
    backfill.coder.role = "template-admin"

    ended = backfill("2026-04-09")

    assert 0 == ended.returncode, ended.stderr
    assert "coder_insights_daily_active_users" in families(backfill)
