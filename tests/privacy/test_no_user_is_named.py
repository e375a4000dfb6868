"""No user is named in any page or log line, during all faults."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter, RunExporter
from tests.integration.waiting import eventually
from tests.privacy.leaky_server import LEAKS, Leaky, serve_leaky

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
KEY = "a key for this test alone"
MODES: Mapping[str, Mapping[str, str]] = {
    "pseudonymous": {"detail": "pseudonymous", "key": KEY},
    "aggregate": {"detail": "aggregate"},
}
TWO_ROUNDS = 8
"""Responses about users, of two kinds to two deployments: the first round of polls is over by then."""
PATHS = ("/", "/metrics", "/config", "/-/healthy", "/-/ready")
ACCEPT = ("text/plain", "application/openmetrics-text")
SUCCESS, INVALID = "insights_exporter_poll_success", "insights_exporter_rows_invalid_total"
DEFAULTS = """\
token_env: TOKEN
requests_per_minute: 100000
windows: [{name: 7d, every: 2s}, today]
datasets:
  daus: {enabled: false}
  periods: {enabled: false}
  user-status-counts: {enabled: false}
  groups: {enabled: true, every: 2s}
templates: {users: true}
"""

pytestmark = pytest.mark.timeout(180)


class Leaked(NamedTuple):
    """What the exporter shows and logs after every leak has happened."""

    pages: Mapping[str, str]
    """The status page of each deployment, and the other pages by path."""
    log: str


@pytest.fixture(scope="module")
def coder() -> EmbeddedCoder:
    """Provide a Coder with few users, whose clock does not advance."""
    population = Population(seed=3, users=40, templates=3)
    return EmbeddedCoder(population=population, rate_limit=-1, now=lambda: NOW)


@pytest.fixture(scope="module")
def servers(coder: EmbeddedCoder) -> Mapping[str, Leaky]:
    """Provide a server for each leak, none of which leaks yet."""
    return {leak: Leaky(coder) for leak in LEAKS}


@pytest.fixture(scope="module")
def exporter(servers: Mapping[str, Leaky], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Provide an exporter that polls each server in both privacy modes, and logs all there is to log."""
    directory = tmp_path_factory.mktemp("privacy")
    with ExitStack() as serving:
        urls = {leak: serving.enter_context(serve_leaky(server)) for leak, server in servers.items()}
        deployments = [
            {"name": get_name(leak, mode), "url": url, "users": users}
            for leak, url in urls.items()
            for mode, users in MODES.items()
        ]
        config = write_config(directory / "config.yml", deployments)
        flags = (f"--config.file={config}", "--log.level=debug")
        with exporter_peer.serving(directory, *flags, env={"TOKEN": DEMO_TOKEN}) as running:
            eventually(running.ready, 60)
            eventually(lambda: all(polls == {1.0} for polls in poll_results(running).values()), 60)
            yield running


@pytest.fixture(scope="module")
def leaked(servers: Mapping[str, Leaky], exporter: Exporter) -> Leaked:
    """Provide the exporter's output after every leak has caused failed polls or invalid rows."""
    before, written = invalid_rows(exporter), len(exporter.running.output())
    for leak, server in servers.items():
        server.leak = leak
    eventually(lambda: all(server.leaked[leak] >= TWO_ROUNDS for leak, server in servers.items()), 60)
    eventually(lambda: not find_unreported(exporter, before), 60)
    pages = read_pages(exporter)
    return Leaked(pages, exporter.running.output()[written:])


def get_name(leak: str, mode: str) -> str:
    """Return the name of the deployment with a leak and a privacy mode."""
    return f"{leak}, {mode}"


def write_config(path: Path, deployments: Sequence[Mapping[str, object]]) -> Path:
    """Write a config file with these deployments."""
    content = {"defaults": yaml.safe_load(DEFAULTS), "deployments": [*deployments]}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def samples(exporter: Exporter, name: str) -> list[Sample]:
    """Return the samples of a family of the exporter's own."""
    page = exporter.page(f"/metrics?name[]={name}")
    lines = "".join(re.findall(rf"^{name}\{{.*\n", page, re.MULTILINE))
    return [sample for family in text_string_to_metric_families(lines) for sample in family.samples]


def poll_results(exporter: Exporter) -> Mapping[str, set[float]]:
    """Return the results of the polls about users, by deployment."""
    found: dict[str, set[float]] = {get_name(leak, mode): set() for leak in LEAKS for mode in MODES}
    for sample in samples(exporter, SUCCESS):
        if sample.labels["dataset"].startswith("user-") and sample.labels["window"] == "7d":
            found[sample.labels["deployment"]].add(sample.value)
    return found


def invalid_rows(exporter: Exporter) -> Mapping[str, float]:
    """Return the number of rows that could not be understood, by deployment."""
    found: dict[str, float] = defaultdict(float)
    for sample in samples(exporter, INVALID):
        found[sample.labels["deployment"]] += sample.value
    return found


def find_unreported(exporter: Exporter, before: Mapping[str, float]) -> list[str]:
    """Return the deployments whose polls about users still succeed, without more invalid rows."""
    rows = invalid_rows(exporter)
    return [
        name
        for name, polls in poll_results(exporter).items()
        if polls != {0.0} and rows[name] < before.get(name, 0) + 2
    ]


def read_pages(exporter: Exporter) -> Mapping[str, str]:
    """Return the status page of each deployment, and all other pages by path."""
    names = [get_name(leak, mode) for leak in LEAKS for mode in MODES]
    details = {name: exporter.page(f"/?{urlencode({'deployment': name})}") for name in names}
    others = {
        f"{path} as {accept}": exporter.page(path, accept=accept) for path in PATHS for accept in ACCEPT
    }
    return details | others


def find_named(coder: EmbeddedCoder, text: str) -> list[str]:
    """Return everything in a text that identifies a user."""
    return [word for word in Leaky(coder).identifiers if word in text]


def test_no_user_is_named_without_faults(coder: EmbeddedCoder, exporter: Exporter) -> None:
    """Only pseudonyms and distributions are exposed."""
    eventually(lambda: "coder_insights_template_user_latency_distribution" in exporter.page())
    pages = read_pages(exporter)
    text = "\n".join((*pages.values(), exporter.running.output()))

    assert [] == find_named(coder, text)
    assert "\ncoder_insights_user_activity_seconds{" in text
    assert KEY not in text


@pytest.mark.parametrize("leak", LEAKS)
def test_no_user_is_named_when(leak: str, coder: EmbeddedCoder, leaked: Leaked) -> None:
    """The failure is reported without any of the data."""
    lines = [line for line in leaked.log.splitlines() if f'deployment="{leak}, ' in line]
    pages = [leaked.pages[get_name(leak, mode)] for mode in MODES]

    assert lines
    assert [] == find_named(coder, "\n".join((*pages, *lines)))


def test_no_user_is_named_with_all_leaks(coder: EmbeddedCoder, leaked: Leaked) -> None:
    """Nothing else that is served or logged names a user either."""
    text = "\n".join((*leaked.pages.values(), leaked.log))

    assert [] == find_named(coder, text)
    assert KEY not in text


def test_search_finds_named_users(coder: EmbeddedCoder, tmp_path: Path, run_exporter: RunExporter) -> None:
    """With `users.detail: named`, the same search finds users."""
    with serve_leaky(Leaky(coder)) as url:
        config = write_config(tmp_path / "config.yml", [{"name": "named", "url": url}])
        page = run_exporter("scrape", f"--config.file={config}", env={"TOKEN": DEMO_TOKEN}).stdout
    users = coder.population.users

    assert {person.username for person in users} & set(find_named(coder, page))
    assert {person.id for person in users} & set(find_named(coder, page))
