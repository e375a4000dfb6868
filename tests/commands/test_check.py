"""`check`: what a token may read on each kind of server, and the exit status."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from structlog.testing import capture_logs

from insights_exporter.commands.check import check
from insights_exporter.commands.scrape import scrape
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.commands.config import TOKEN, write_config
from tests.demo.certificates import Authority
from tests.demo.client import NOW, SMALL, coder
from tests.end_to_end.stub_server import serve_response
from tests.integration.processes import free_port

INSIGHTS = {"daus", "periods", "templates", "user-activity", "user-latency"}
"""Datasets of Coder's statistics."""

ENABLED = {name for name, dataset in DATASETS.items() if dataset.enabled_by_default}
INDEPENDENT = {name for name in ENABLED if not DATASETS[name].depends_on}


@dataclass(frozen=True)
class CheckResult:
    """What `check` reported about one deployment, and its exit status."""

    status: int
    report: Mapping[str, Any]

    def datasets(self, state: str) -> set[str]:
        """Return the datasets in this state."""
        return {each["dataset"] for each in self.report["datasets"] if each["state"] == state}

    def of(self, dataset: str) -> dict[str, Any]:
        """Return the report on the first window of a dataset."""
        found: dict[str, Any] = next(each for each in self.report["datasets"] if each["dataset"] == dataset)
        return found


class Checker:
    """Runs `check` in this process, on a config file for some URLs."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys

    def report(self, url: str, **config: Any) -> CheckResult:  # noqa: ANN401 -- any value
        """Return the report about a deployment in JSON."""
        status, output = self._run("json", url, **config)
        (report,) = json.loads(output)
        return CheckResult(status, report)

    def table(self, url: str) -> str:
        """Return the report as users see it."""
        return self._run("table", url)[1]

    def _run(self, format_: Literal["table", "json"], url: str, **config: Any) -> tuple[int, str]:  # noqa: ANN401 -- as above
        path = write_config(self._folder, url, **config)
        with capture_logs():
            status = check(path, format_, DATASETS)
        shown = self._capsys.readouterr()
        assert "" == shown.err
        assert DEMO_TOKEN not in shown.out
        return status, shown.out


@pytest.fixture
def checker(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checker:
    """Provide a way to run `check`, with the token and a wide terminal."""
    for name, value in {**TOKEN, "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    return Checker(tmp_path, capsys)


def list_denied(role: str) -> set[str]:
    """Return the datasets that are denied to a role; every user may list the templates that they can see."""
    return {
        name
        for name in INDEPENDENT
        if (dataset := DATASETS[name]).roles and role not in dataset.roles and not dataset.names_templates
    }


@pytest.mark.parametrize(
    ("role", "some_denied"),
    [
        pytest.param("Owner", set(), id="an owner may read everything"),
        pytest.param("Auditor", set(), id="an auditor may read everything"),
        pytest.param("Template Admin", {"daus"}, id="a template admin may not see the days"),
        pytest.param("User Admin", INSIGHTS, id="a user admin may count users"),
        pytest.param("Member", {*INSIGHTS, "user-status-counts"}, id="a member may read nothing"),
    ],
)
def test_roles(checker: Checker, role: str, some_denied: set[str]) -> None:
    """Each dataset is allowed or denied according to the token's roles; the status is 1 if any is denied."""
    with serve(coder(role=role.lower().replace(" ", "-"))) as url:
        checked = checker.report(url)

    denied = list_denied(role)
    waiting = {name for name in ENABLED if DATASETS[name].depends_on in denied}
    assert some_denied <= denied
    assert (int(bool(denied)), denied) == (checked.status, checked.datasets("denied"))
    assert ENABLED - denied - waiting == checked.datasets("allowed")
    assert waiting == checked.datasets("not polled")


def test_datasets_that_are_not_enabled(checker: Checker) -> None:
    """They are listed with the role and the license that they need, and do not change the status."""
    with serve(coder()) as url:
        checked = checker.report(url, datasets={"daus": {"enabled": False}, "templates": {"enabled": False}})

    not_enabled = {*(DATASETS.keys() - ENABLED), "daus", "templates", "template-breakdown"}
    assert (0, not_enabled) == (checked.status, checked.datasets("not enabled"))
    assert {name: [list(DATASETS[name].roles), DATASETS[name].needs_license] for name in not_enabled} == {
        name: [checked.of(name)["roles"], checked.of(name)["needs_license"]] for name in not_enabled
    }


def test_sufficient_roles(checker: Checker) -> None:
    """A denied dataset names the roles that may read it, the one with the least rights first."""
    with serve(coder(role="template-admin")) as url:
        checked = checker.report(url)

    assert ["Auditor", "Owner"] == checked.of("daus")["roles"]
    assert "Auditor" in checked.of("daus")["remedy"]
    assert [] == checked.of("templates")["roles"]


def test_facts_of_a_deployment(checker: Checker) -> None:
    """Version, dialect, clock, user, token expiry, rate limit and cost are reported."""
    with serve(coder()) as url:
        report = checker.report(url).report

    assert (True, "rfc3339", "exporter", 512.0) == (
        report["reachable"],
        report["dialect"],
        report["user"],
        report["rate_limit"],
    )
    assert report["version"].startswith("v2.")
    assert report["token_expires"] > 0
    assert abs(report["clock_skew"]) > 60
    assert sum(each["series"] for each in report["datasets"]) == report["series"] > 300
    assert 1 < report["requests_per_minute"] < 5


LIST = ("/templates", "/organizations")
DAUS = ("/insights/daus",)


@pytest.mark.parametrize(
    ("fault", "paths", "failed", "reason"),
    [
        pytest.param("401", (), INDEPENDENT, "unauthorized", id="token rejected"),
        pytest.param("500", DAUS, {"daus"}, "server_error", id="one path broken"),
        pytest.param("403", LIST, {"template-list"}, "forbidden", id="no list of templates"),
        pytest.param("wrong-shape", DAUS, {"daus"}, "invalid", id="one path invalid"),
        pytest.param("redirect", (), INDEPENDENT, "redirect", id="moved"),
        pytest.param("sign-in-page", (), INDEPENDENT, "invalid", id="sign-in"),
    ],
)
def test_faults(checker: Checker, fault: str, paths: tuple[str, ...], failed: set[str], reason: str) -> None:
    """A fault is reported with reason and remedy for the datasets it affects, and no others."""
    server = coder()
    server.fail(fault, *paths)
    with serve(server) as url:
        checked = checker.report(url)

    assert (1, failed) == (checked.status, checked.datasets("failed") | checked.datasets("denied"))
    one = checked.of(min(failed))
    assert reason == one["reason"]
    assert one["remedy"]


@pytest.mark.parametrize(
    ("fault", "status", "state"),
    [
        pytest.param("403-premium", 0, "unavailable", id="no license"),
        pytest.param("403-proxy", 1, "denied", id="a proxy's 403"),
        pytest.param("401-suspended", 1, "denied", id="suspended user"),
    ],
)
def test_roles_are_named_only_if_they_help(checker: Checker, fault: str, status: int, state: str) -> None:
    """Roles are named only if Coder refuses the role."""
    server = coder()
    server.fail(fault, "/insights/daus")
    with serve(server) as url:
        checked = checker.report(url)

    assert (status, state) == (checked.status, checked.of("daus")["state"])
    assert [] == checked.of("daus")["roles"]


def test_server_with_a_long_retry_after(checker: Checker) -> None:
    """A server whose Retry-After exceeds a minute is reported as rate limited without waiting."""
    server = coder()
    server.fail("429-seconds")
    with serve(server) as url:
        checked = checker.report(url)

    (problem,) = checked.report["causes"]
    assert (1, "rate_limited") == (checked.status, problem["reason"])


@pytest.mark.parametrize(
    ("fault", "paths"),
    [
        pytest.param("500", ("/buildinfo", "/users/me"), id="no version and no user"),
        pytest.param("404-route", ("/insights/user-status-counts",), id="an old server without user counts"),
    ],
)
def test_optional_data_does_not_count(checker: Checker, fault: str, paths: tuple[str, ...]) -> None:
    """Missing datasets and optional information do not change the status."""
    server = coder()
    server.fail(fault, *paths)
    with serve(server) as url:
        checked = checker.report(url)

    assert 0 == checked.status


def test_server_that_has_nothing(checker: Checker) -> None:
    """An old server with its statistics off has no dataset: one problem, status 1."""
    with serve(coder(server_version="2023", usage_stats=False)) as url:
        checked = checker.report(url)

    assert (1, True) == (checked.status, checked.report["reachable"])
    assert "user-status-counts" in checked.datasets("unavailable")
    assert {*INSIGHTS, "template-breakdown"} <= checked.datasets("switched off")
    assert ["disabled"] == [problem["reason"] for problem in checked.report["causes"]]


@pytest.mark.parametrize(
    ("role", "status", "denied"),
    [
        pytest.param("owner", 1, set(), id="what the server still has is allowed"),
        pytest.param("member", 1, {"user-status-counts"}, id="what the server still has is denied"),
    ],
)
def test_statistics_off(checker: Checker, role: str, status: int, denied: set[str]) -> None:
    """With statistics off the status is 1, and datasets that the server still has are tried."""
    with serve(coder(role=role, usage_stats=False)) as url:
        checked = checker.report(url)

    assert (status, denied) == (checked.status, checked.datasets("denied"))
    assert INSIGHTS <= checked.datasets("switched off")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param({"token": "other56789-secretsecretsecretsecr"}, "unauthorized", id="unknown token"),
        pytest.param({"usage_stats": False}, "disabled", id="statistics switched off"),
    ],
)
def test_one_problem_is_stated_once(checker: Checker, config: dict[str, Any], reason: str) -> None:
    """A fault of all datasets is one problem with one remedy, at the top of the report; the status is 1."""
    with serve(coder(**config)) as url:
        checked, shown = checker.report(url), checker.table(url)

    (problem,) = checked.report["causes"]
    assert (1, reason) == (checked.status, problem["reason"])
    assert INSIGHTS <= set(problem["datasets"])
    assert 1 == shown.count(problem["remedy"])
    assert shown.index(problem["remedy"]) < shown.index("version")


def test_one_template_is_enough(checker: Checker, tmp_path: Path) -> None:
    """Of the templates in use one is requested, and the series of all are about what `scrape` exposes."""
    server = coder()
    with serve(server) as url:
        checked = checker.report(url)
        requested = [each for each in server.requests if "template_ids" in each.query]
        with capture_logs():
            scrape(tmp_path / "config.yml", tmp_path / "page", "text", DATASETS)

    breakdown = checked.of("template-breakdown")
    exposed = re.search(
        r"insights_exporter_series\{dataset=\"template-breakdown\",.*\} (\S+)",
        (tmp_path / "page").read_text(encoding="utf-8"),
    )
    assert 1 == len(requested)
    assert exposed
    assert (True, True) == (breakdown["estimated"], checked.report["estimated"])
    assert pytest.approx(float(exposed[1]), rel=0.4) == breakdown["series"]


@pytest.mark.parametrize(
    ("left", "warned"),
    [
        pytest.param(timedelta(days=6, hours=4, seconds=30), True, id="less than a quarter of its lifetime"),
        pytest.param(timedelta(days=20), False, id="most of its lifetime"),
    ],
)
def test_token_that_expires_soon_is_a_warning(checker: Checker, left: timedelta, *, warned: bool) -> None:
    """A token that expires soon causes a warning with its remaining lifetime, and status 0."""
    with serve(coder(token_expires=NOW + left)) as url:
        checked = checker.report(url)

    expected = ["the token expires in 6d 4h"] if warned else []
    assert (0, expected) == (checked.status, [each.partition(";")[0] for each in checked.report["warnings"]])


def test_deployment_without_users_is_a_warning(checker: Checker) -> None:
    """A deployment that no user has used yet has readable zeros: status 0, and not `everything readable`."""
    with serve(coder(population=Population(seed=7, users=0, templates=3))) as url:
        checked, shown = checker.report(url), checker.table(url)

    (warning,) = checked.report["warnings"]
    assert 0 == checked.status
    assert warning.startswith("no user was active in any window")
    assert "everything readable" not in shown


def test_dropped_rows_are_a_warning(checker: Checker) -> None:
    """Invalid rows are reported by dataset, since their series are missing."""
    days = b'{"entries": [{"date": "2026-03-31", "amount": 3}, {"date": "2026-03-30", "count": 4}]}'
    with serve_response("/insights/daus", days, NOW) as url:
        checked = checker.report(url)

    (warning,) = checked.report["warnings"]
    assert "allowed" == checked.of("daus")["state"]
    assert warning.startswith("rows are invalid and dropped: daus (1); upgrade the exporter")


def test_server_of_the_published_api(checker: Checker) -> None:
    """A server that follows the API page succeeds too; it has the four published datasets."""
    with serve(EmbeddedCoder(population=SMALL, rules="published", rate_limit=-1)) as url:
        checked = checker.report(url)

    assert (0, "published") == (checked.status, checked.report["dialect"])
    assert {"daus", "templates", "user-activity", "user-latency"} <= checked.datasets("allowed")


def test_certificate(checker: Checker, tmp_path: Path) -> None:
    """With TLS, its version and the expiry of the certificate are reported."""
    authority = Authority(tmp_path)
    with serve(coder(), certificate=authority.good()) as url:
        checked = checker.report(url, tls={"ca_file": str(authority.ca_file)})

    assert (0, "TLSv1.3") == (checked.status, checked.report["tls"])
    assert checked.report["certificate_expires"] > 0


def test_untrusted_certificate(checker: Checker, tmp_path: Path) -> None:
    """A certificate of an unknown authority is an error with its own reason."""
    with serve(coder(), certificate=Authority(tmp_path).self_signed()) as url:
        checked = checker.report(url)

    assert (2, False) == (checked.status, checked.report["reachable"])
    assert "certificate" in checked.of("daus")["detail"].lower()


def test_unreachable_server(checker: Checker) -> None:
    """An address without a server is reported within seconds, with an unknown cost."""
    checked = checker.report(f"http://127.0.0.1:{free_port()}")

    assert (2, False) == (checked.status, checked.report["reachable"])
    assert (ENABLED, "connection") == (checked.datasets("failed"), checked.of("daus")["reason"])
    assert (None, None) == (checked.report["series"], checked.report["requests_per_minute"])
