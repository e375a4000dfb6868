"""Names of templates: history has the names of live scraping, or is not written."""

import re
from pathlib import Path

import pytest

from insights_exporter.coder import client
from tests.integration.waiting import eventually
from tests.support.backfill import Backfill, samples

pytestmark = pytest.mark.usefixtures("quick_retries")

LABEL = re.compile(r'(organization|template)_name="([^"]*)"')


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry failed requests at once."""
    monkeypatch.setattr(client, "_FIRST_DELAY", 0.01)


def collect_names(file: Path) -> set[tuple[tuple[str, str], ...]]:
    """Return organization and name of each template in a file."""
    found = (LABEL.findall(head) for head in samples(file))
    return {tuple(sorted(labels)) for labels in found if labels}


def collect_listed(backfill: Backfill) -> set[tuple[tuple[str, str], ...]]:
    """Return organization and name of each template that exists."""
    catalog = backfill.coder.population.catalog
    return {pair(one.organization.name, one.name) for one in catalog.templates if not one.deleted}


def find_deleted(backfill: Backfill) -> set[tuple[tuple[str, str], ...]]:
    """Return the labels of templates that are no longer listed."""
    return {pair("", one.id) for one in backfill.coder.population.catalog.templates if one.deleted}


def pair(organization: str, template: str) -> tuple[tuple[str, str], ...]:
    """Return the two names as labels."""
    return ("organization", organization), ("template", template)


@pytest.mark.parametrize(
    ("fault", "path", "reason", "remedy"),
    [
        pytest.param("502", "/templates", "HTTP 502 for /templates", "log", id="a proxy has no server"),
        pytest.param("truncated", "/templates", "connection", "firewall", id="the connection breaks"),
        pytest.param("401", "/templates", "HTTP 401 for /templates", "tokens create", id="a token is wrong"),
        pytest.param("sign-in-page", "/templates", "JSON", "sign-in page", id="another service responds"),
    ],
)
def test_nothing_is_written_without_a_response(
    backfill: Backfill, fault: str, path: str, reason: str, remedy: str
) -> None:
    """Transient errors are retried, then end the run in one line; the next run has every name."""
    backfill.coder.fail(fault, path)
    stopped = backfill("2026-04-09")
    requested = backfill.report_queries()
    backfill.coder.clear_faults()
    ended = backfill("2026-04-09")

    assert (1, 0) == (stopped.returncode, ended.returncode)
    (line,) = stopped.stderr.splitlines()
    assert "cannot list the templates" in line
    assert reason in line
    assert remedy in line
    assert [] == requested
    (file,) = backfill.files()
    assert collect_listed(backfill) == collect_names(file) - find_deleted(backfill)


def test_organizations_are_part_of_the_names(backfill: Backfill) -> None:
    """Servers that list templates without organization names must list organizations."""
    backfill.coder.server_version = "2023"
    backfill.coder.fail("503", "/organizations")

    ended = backfill("2026-04-09")

    assert 1 == ended.returncode
    assert "HTTP 503 for /organizations" in ended.stderr
    assert [] == backfill.files()


def test_transient_error_is_retried(backfill: Backfill) -> None:
    """A list that succeeds at the second attempt is used."""
    backfill.coder.fail("502", "/templates", "/organizations")
    with backfill.start("2026-04-09") as process:
        eventually(lambda: any(seen.status == 502 for seen in backfill.coder.requests))
        backfill.coder.clear_faults()
        status = process.process.wait(60)

    (file,) = backfill.files()
    assert 0 == status
    assert collect_listed(backfill) == collect_names(file) - find_deleted(backfill)


@pytest.mark.parametrize("fault", ["403", "404-route", "404-no-access"])
def test_refusal_means_ids(backfill: Backfill, fault: str) -> None:
    """A server that refuses the list has history under ids, as live, with a warning."""
    backfill.coder.fail(fault, "/templates", "/organizations")

    ended = backfill("2026-04-09")

    (file,) = backfill.files()
    assert 0 == ended.returncode
    assert "template names unknown" in ended.stderr
    assert collect_names(file) <= {
        pair("", template.id) for template in backfill.coder.population.catalog.templates
    }


def test_later_names_start_another_history(backfill: Backfill) -> None:
    """Once the server lists templates, history under ids is written again."""
    backfill.coder.fail("403", "/templates", "/organizations")
    backfill("2026-04-09")
    backfill.coder.clear_faults()

    ended = backfill("2026-04-09")

    (file,) = backfill.files()
    assert "" == "".join(line for line in ended.stderr.splitlines() if "ids" in line)
    assert collect_listed(backfill) == collect_names(file) - find_deleted(backfill)
