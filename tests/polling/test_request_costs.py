"""What polling costs Coder and Prometheus with the default config."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from insights_exporter.demo import EmbeddedCoder, Population
from scripts.sizing_docs import REQUESTS_PER_HOUR, REQUESTS_PER_TEMPLATE
from tests.demo.client import NOW, WEEK, send_request
from tests.polling.polled_deployment import START, parse_series
from tests.polling.sample_deployment import GROUPS, PARAMETERS, SampleDeployment, run_polls

COSTS = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
PER_MINUTE = 60
LARGEST_BURST = 60
LIMIT = 5000
SERIES_OF_A_USER = 3
"""At most: one of activity and two of latency, for users who were active in the week."""
BYTES_PER_USER = (200, 250)
BEFORE_MIDNIGHT = START + timedelta(hours=12)


def find_undocumented(*sentences: str) -> list[str]:
    """Return those of the sentences that docs/performance.md lacks, apart from line breaks."""
    text = " ".join(COSTS.read_text(encoding="utf-8").split())
    return [sentence for sentence in sentences if sentence not in text]


def format_number(number: int) -> str:
    """Format a number as the docs do."""
    return f"{number:,}"


@pytest.mark.parametrize("per_minute", [PER_MINUTE, 10])
def test_requests_in_a_minute_are_limited(per_minute: int) -> None:
    """At the start, when every job is due, and later: no more than the rate and one burst."""
    sample = SampleDeployment(users=20, templates=50)
    run_polls(sample, 0.25, requests_per_minute=per_minute)

    assert sample.most_in_a_minute() <= per_minute + min(per_minute, LARGEST_BURST)


def test_requests_of_three_windows_and_fifty_templates() -> None:
    """The breakdown has 50 requests per 15 minutes and the others 75 per hour, as documented.

    The first hour has one more round, so that a day can be computed without polling for one.
    """
    sample = SampleDeployment(users=20, templates=50)
    run_polls(sample, 3, start=BEFORE_MIDNIGHT)
    day = sample.in_hour(1) + 23 * sample.in_hour(2)

    assert [50 * REQUESTS_PER_TEMPLATE + REQUESTS_PER_HOUR] * 2 == [sample.in_hour(2), sample.in_hour(3)]
    busiest = f"The busiest 60 seconds had {sample.most_in_a_minute()}: "
    assert [] == find_undocumented(
        f"Without groups that is {REQUESTS_PER_HOUR} per hour plus {REQUESTS_PER_TEMPLATE} per template: ",
        f"has {format_number(day)} requests. {busiest}",
        f"**{day / 24 / 60:.1f} a minute with 50 templates**",
    )


@pytest.mark.parametrize("path", ["/insights/user-activity", "/insights/user-latency"])
def test_bytes_per_user(path: str) -> None:
    """A response that lists users has the documented bytes for each."""
    server = EmbeddedCoder(population=Population(seed=1, users=1_000), now=lambda: NOW)
    body = bytes(send_request(server, path, WEEK).body)
    users = json.loads(body)["report"]["users"]

    low, high = BYTES_PER_USER
    assert low <= len(body) / len(users) <= high
    assert [] == find_undocumented(f"Coder sends {low} to {high} bytes per user")


def test_typical_deployment_stays_small() -> None:
    """500 users, 40 templates, 30 parameters and 20 groups: below 5,000 series and 5 requests a minute.

    The defaults with `groups` enabled. The number of series depends on how many of the users are active.
    """
    sample = SampleDeployment(users=500, templates=40)
    page = run_polls(sample, 2, datasets={"groups": {"enabled": True}})
    series = [line for line in page.splitlines() if not line.startswith("#")]
    parameters = parse_series(page, "coder_insights_parameter_workspaces")
    active = len(parse_series(page, "coder_insights_user_activity_seconds"))
    of_groups = sum("group_id=" in line or 'dataset="groups"' in line for line in series)
    most_active = active + (LIMIT - len(series)) // SERIES_OF_A_USER

    assert PARAMETERS == len({dict(labels)["parameter_name"] for labels in parameters})
    assert 40 == len(parse_series(page, "coder_insights_template_active_users"))
    assert GROUPS == sample.groups
    assert len(series) < LIMIT
    assert [] == find_undocumented(
        f"500 users, of whom {active} ({active / 500:.0%}) were active in the week, "
        f"40 templates in use and 30 parameters has {format_number(len(series) - of_groups)} series",
        f"With {GROUPS} groups it has {format_number(len(series))}.",
        f"below {format_number(LIMIT)} series up to {most_active} active users ({most_active / 500:.0%})",
    )
    assert sample.in_hour(2) / 60 < 5
