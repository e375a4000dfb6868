"""No user is named anywhere, whatever goes wrong: every page and log line is searched for every user."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter, RunExporter
from tests.integration.waiting import eventually
from tests.polling.polled_deployment import series_of
from tests.privacy.leaky import LEAKS, Leaky, leaking

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
KEY = "a key for this test alone"
TWO_ROUNDS = 8
"""Responses about users, of two kinds to two deployments: the first round of polls is over by then."""
PATHS = ("/", "/metrics", "/config", "/-/healthy", "/-/ready", "/metrics?deployment=aggregate")
ACCEPT = ("text/plain", "application/openmetrics-text")
CONFIG = """\
defaults:
  token_env: TOKEN
  requests_per_minute: 100000
  windows: [{name: 7d, every: 1s}, today]
  datasets:
    daus: {enabled: false}
    periods: {enabled: false}
    user-status-counts: {enabled: false}
    groups: {enabled: true, every: 1s}
  templates: {users: true}
deployments:
"""


@pytest.fixture(scope="module")
def server() -> Leaky:
    """Provide a Coder of a small company, whose clock stands still."""
    population = Population(seed=3, users=40, templates=3)
    return Leaky(EmbeddedCoder(population=population, rate_limit=-1, now=lambda: NOW))


@pytest.fixture(scope="module")
def exporter(server: Leaky, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Provide an exporter that shows the company in both discreet ways, and logs all there is to log."""
    room = tmp_path_factory.mktemp("privacy")
    with leaking(server) as url:
        config = room / "config.yml"
        config.write_text(
            CONFIG
            + f"  - {{name: pseudonymous, url: '{url}', users: {{detail: pseudonymous, key: {KEY}}}}}\n"
            + f"  - {{name: aggregate, url: '{url}', users: {{detail: aggregate}}}}\n"
        )
        flags = (f"--config.file={config}", "--log.level=debug")
        with exporter_peer.serving(room, *flags, env={"TOKEN": DEMO_TOKEN}) as running:
            yield running


def told(exporter: Exporter, since: int = 0) -> str:
    """Return everything that the exporter tells by now; of its log what came after `since` characters."""
    pages = [exporter.page(path, accept=accept) for path in PATHS for accept in ACCEPT]
    return "\n".join((*pages, exporter.running.output()[since:]))


def named(server: Leaky, text: str) -> list[str]:
    """Return who is named in a text."""
    return [word for word in server.people if word in text]


def states(exporter: Exporter) -> set[float]:
    """Return how the polls about users go."""
    page = exporter.page()
    return {
        value
        for labels, value in series_of(page, "insights_exporter_poll_success").items()
        if dict(labels)["dataset"].startswith("user-") and dict(labels)["window"] == "7d"
    }


def rows_invalid(exporter: Exporter) -> float:
    """Count the rows that could not be understood."""
    return math.fsum(series_of(exporter.page(), "insights_exporter_rows_invalid_total").values())


def test_no_user_is_named_while_all_is_well(server: Leaky, exporter: Exporter) -> None:
    """Pseudonyms are shown, and distributions, and no one."""
    eventually(lambda: states(exporter) == {1.0})
    eventually(lambda: "coder_insights_template_user_latency_distribution" in exporter.page())
    page = exporter.page()

    assert [] == named(server, told(exporter))
    assert series_of(page, "coder_insights_user_activity_seconds")
    assert KEY not in told(exporter)


@pytest.mark.parametrize("leak", LEAKS)
def test_no_user_is_named_when(leak: str, server: Leaky, exporter: Exporter) -> None:
    """The failure is reported without any of the data."""
    eventually(lambda: states(exporter) == {1.0})
    before, lines = rows_invalid(exporter), len(exporter.running.output())
    server.leak = leak
    try:
        eventually(lambda: server.leaked[leak] >= TWO_ROUNDS)
        eventually(lambda: states(exporter) == {0.0} or rows_invalid(exporter) >= before + 4)
    finally:
        server.leak = ""

    assert [] == named(server, told(exporter, since=lines))


def test_search_has_teeth(server: Leaky, tmp_path: Path, run_exporter: RunExporter) -> None:
    """With `users.detail: named` the same search finds people."""
    with leaking(server) as url:
        (tmp_path / "config.yml").write_text(CONFIG + f"  - {{name: named, url: '{url}'}}\n")
        flags = ("scrape", f"--config.file={tmp_path / 'config.yml'}")
        page = run_exporter(*flags, env={"TOKEN": DEMO_TOKEN}).stdout

    people = server.coder.population.users

    assert {person.username for person in people} & set(named(server, page))
    assert {person.id for person in people} & set(named(server, page))
