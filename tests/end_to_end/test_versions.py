"""Every dataset against every version of Coder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.demo import DEMO_TOKEN, SERVER_VERSIONS, EmbeddedCoder, Population, serve
from tests.end_to_end.families import app_names
from tests.end_to_end.truth import Series, Truth, app_seconds, app_uses, windowed
from tests.integration import exporter as exporter_peer
from tests.integration.waiting import eventually

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
CONFIG = """\
defaults: {{token_env: TOKEN, requests_per_minute: 100000}}
deployments:
{deployments}
"""
ABSENT = {"2023": {"user-status-counts"}, "2024": {"user-status-counts"}}
"""The datasets that a version does not have."""
APPS = ("coder_insights_app_usage_seconds", "coder_insights_app_times_used", "coder_insights_app_info")
SAME_IN_ALL = (
    "coder_insights_active_users",
    "coder_insights_daily_active_users",
    "coder_insights_weekly_active_users",
    "coder_insights_parameter_workspaces",
    "coder_insights_template_active_users",
    "coder_insights_template_daily_active_users",
    "coder_insights_template_parameter_workspaces",
    "coder_insights_user_activity_seconds",
    "coder_insights_user_latency_seconds",
)
"""What does not depend on the version, because users did the same."""
TRUE_APPS = {
    "coder_insights_app_usage_seconds": windowed("/insights/templates", app_seconds),
    "coder_insights_app_times_used": windowed("/insights/templates", app_uses),
    "coder_insights_app_info": app_names,
}


@dataclass(frozen=True, slots=True)
class Versions:
    """One exporter that polled a server of each version, and where the servers are."""

    url: str
    series: Mapping[tuple[str, str], Series]
    """The series by deployment and name of the sample, without the label `deployment`."""

    def truth(self, version: str) -> Truth:
        """Return the server of a version, for direct requests."""
        return Truth(f"{self.url}/{version}", NOW)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """Return what one exporter shows of a server of each version with the same population."""
    directory = tmp_path_factory.mktemp("versions")
    population = Population(seed=7, users=60, templates=6)
    coders = {
        name: EmbeddedCoder(population=population, now=lambda: NOW, rate_limit=-1, server_version=name)
        for name in SERVER_VERSIONS
    }
    with serve(coders) as url:
        rows = "\n".join(f'  - {{name: "{name}", url: "{url}/{name}"}}' for name in coders)
        (directory / "config.yml").write_text(CONFIG.format(deployments=rows))
        config = f"--config.file={directory / 'config.yml'}"
        with exporter_peer.serving(directory, config, env={"TOKEN": DEMO_TOKEN}) as exporter:
            eventually(lambda: is_complete(read(exporter.page())), seconds=90)
            yield Versions(url, read(exporter.page()))


def is_complete(shown: Mapping[tuple[str, str], Series]) -> bool:
    """Return whether each dataset that is available was polled with success in each version."""
    polled = [shown.get((name, "insights_exporter_poll_success"), {}) for name in SERVER_VERSIONS]
    return all(each and set(each.values()) == {1.0} for each in polled)


def read(page: str) -> Mapping[tuple[str, str], Series]:
    """Return the series of a page by deployment and name."""
    shown: dict[tuple[str, str], Series] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = {name: text for name, text in sample.labels.items() if name != "deployment"}
            of_deployment = shown.setdefault((sample.labels.get("deployment", ""), sample.name), {})
            of_deployment[frozenset(labels.items())] = sample.value
    return shown


@pytest.mark.parametrize("version", SERVER_VERSIONS)
def test_datasets_of_a_version(versions: Versions, version: str) -> None:
    """Every dataset is available but those that the version does not have."""
    available = versions.series[version, "insights_exporter_dataset_available"]
    absent = {dict(labels)["dataset"] for labels, value in available.items() if not value}

    assert ABSENT.get(version, set()) == absent


@pytest.mark.parametrize("version", SERVER_VERSIONS)
@pytest.mark.parametrize("name", APPS)
def test_apps_of_a_version(versions: Versions, version: str, name: str) -> None:
    """The series of apps are those that the rows of the version add up to."""
    assert TRUE_APPS[name](versions.truth(version)) == versions.series.get((version, name), {})


@pytest.mark.parametrize("version", SERVER_VERSIONS)
@pytest.mark.parametrize("name", SAME_IN_ALL)
def test_versions_agree(versions: Versions, version: str, name: str) -> None:
    """What users did is the same in every version."""
    shown = versions.series[version, name]

    assert shown
    assert versions.series["2026", name] == shown


@pytest.mark.parametrize("version", [name for name in SERVER_VERSIONS if name not in ABSENT])
def test_users_by_status_of_a_version(versions: Versions, version: str) -> None:
    """Users by status are the same however the server takes its time zone."""
    assert versions.series["2025", "coder_insights_users"] == versions.series[version, "coder_insights_users"]


@pytest.mark.parametrize("version", SERVER_VERSIONS)
def test_no_row_is_invalid(versions: Versions, version: str) -> None:
    """No row of any version is dropped."""
    assert {0.0} == set(versions.series[version, "insights_exporter_rows_invalid_total"].values())
