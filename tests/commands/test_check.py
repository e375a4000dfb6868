"""`check`: what a token may read on each kind of server, and the exit status."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.commands.config import TOKEN, write_config
from tests.demo.certificates import Authority
from tests.demo.client import NOW, SMALL, coder
from tests.end_to_end.stub import answering
from tests.integration.exporter import RunExporter
from tests.integration.processes import free_port

INSIGHTS = {"periods", "templates", "user-activity", "user-latency"}
EVERYTHING = {*INSIGHTS, "daus", "template-breakdown", "user-status-counts", "template-list", "license"}


class Checked:
    """The output of `check --output json` for one deployment, and its status."""

    def __init__(self, run: RunExporter, *flags: str, env: Mapping[str, str] = TOKEN) -> None:
        ended = run("check", "--output=json", *flags, env=env)
        assert "Traceback" not in ended.stderr
        assert DEMO_TOKEN not in ended.stdout + ended.stderr
        self.status = ended.returncode
        (self.report,) = json.loads(ended.stdout)

    def datasets(self, state: str) -> set[str]:
        """Return the datasets in this state."""
        return {each["dataset"] for each in self.report["datasets"] if each["state"] == state}

    def of(self, dataset: str) -> dict[str, Any]:
        """Return the report on the first window of a dataset."""
        found: dict[str, Any] = next(each for each in self.report["datasets"] if each["dataset"] == dataset)
        return found


@pytest.mark.parametrize(
    ("role", "status", "refused"),
    [
        pytest.param("owner", 0, set(), id="an owner may everything"),
        pytest.param("auditor", 0, set(), id="an auditor may everything"),
        pytest.param("template-admin", 1, {"daus"}, id="a template admin may not see the days"),
        pytest.param("user-admin", 1, {*INSIGHTS, "daus"}, id="a user admin may count users"),
        pytest.param("member", 1, {*INSIGHTS, "daus", "user-status-counts"}, id="a member may nothing"),
    ],
)
def test_roles(run_exporter: RunExporter, tmp_path: Path, role: str, status: int, refused: set[str]) -> None:
    """Each dataset is allowed or refused by the role, and the status is 1 if any is refused."""
    with serve(coder(role=role)) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    waiting = {"template-breakdown"} if "templates" in refused else set()
    assert (status, refused) == (checked.status, checked.datasets("refused"))
    assert EVERYTHING - refused - waiting == checked.datasets("allowed")
    assert waiting == checked.datasets("not asked")


def test_sufficient_roles(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A refused dataset names the roles that may read it, the one with the least rights first."""
    with serve(coder(role="template-admin")) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    assert ["Auditor", "Owner"] == checked.of("daus")["roles"]
    assert "Auditor" in checked.of("daus")["remedy"]
    assert [] == checked.of("templates")["roles"]


def test_facts_of_a_deployment(run_exporter: RunExporter, tmp_path: Path) -> None:
    """Version, dialect, clock, user, token expiry, rate limit and cost are reported."""
    with serve(coder()) as url:
        report = Checked(run_exporter, write_config(tmp_path, url)).report

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


@pytest.mark.parametrize(
    ("fault", "paths", "status", "failed", "reason"),
    [
        pytest.param(
            "401",
            (),
            1,
            EVERYTHING - {"template-breakdown"},
            "unauthorized",
            id="token refused",
        ),
        pytest.param("500", ("/insights/daus",), 1, {"daus"}, "server_error", id="one path broken"),
        pytest.param(
            "403",
            ("/templates", "/organizations"),
            1,
            {"template-list"},
            "forbidden",
            id="no list of templates",
        ),
        pytest.param("wrong-shape", ("/insights/daus",), 1, {"daus"}, "invalid", id="one path odd"),
        pytest.param("refused", (), 2, EVERYTHING, "connection", id="no server"),
        pytest.param(
            "redirect",
            (),
            1,
            EVERYTHING - {"template-breakdown"},
            "redirect",
            id="moved",
        ),
        pytest.param(
            "sign-in-page",
            (),
            1,
            EVERYTHING - {"template-breakdown"},
            "invalid",
            id="sign-in",
        ),
    ],
)
def test_faults(  # noqa: PLR0913 -- one parameter a column
    run_exporter: RunExporter,
    tmp_path: Path,
    *,
    fault: str,
    paths: tuple[str, ...],
    status: int,
    failed: set[str],
    reason: str,
) -> None:
    """A fault is reported with reason and remedy for the datasets it affects, and no others."""
    server = coder()
    server.fail(fault, *paths)
    with serve(server) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    assert status == checked.status
    assert failed == checked.datasets("failed") | checked.datasets("refused")
    one = checked.of(min(failed))
    assert reason == one["reason"]
    assert one["remedy"]


@pytest.mark.parametrize(
    ("fault", "status", "state"),
    [
        pytest.param("403-premium", 0, "unavailable", id="no license"),
        pytest.param("403-proxy", 1, "refused", id="a proxy's 403"),
        pytest.param("401-suspended", 1, "refused", id="suspended user"),
    ],
)
def test_roles_are_named_only_if_they_help(
    run_exporter: RunExporter, tmp_path: Path, fault: str, status: int, state: str
) -> None:
    """Roles are named only if Coder refuses the role."""
    server = coder()
    server.fail(fault, "/insights/daus")
    with serve(server) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    assert (status, state) == (checked.status, checked.of("daus")["state"])
    assert [] == checked.of("daus")["roles"]


def test_server_that_asks_to_wait_for_long(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A server that asks to wait for more than a minute is reported as rate limited at once."""
    server = coder()
    server.fail("429-seconds")
    with serve(server) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    (cause,) = checked.report["causes"]
    assert (1, "rate_limited") == (checked.status, cause["reason"])


@pytest.mark.parametrize(
    ("fault", "paths"),
    [
        pytest.param("500", ("/buildinfo", "/users/me"), id="no version and no user"),
        pytest.param("404-route", ("/insights/user-status-counts",), id="an old server without user counts"),
    ],
)
def test_optional_data_does_not_count(
    run_exporter: RunExporter, tmp_path: Path, fault: str, paths: tuple[str, ...]
) -> None:
    """Missing datasets and optional information do not change the status."""
    server = coder()
    server.fail(fault, *paths)
    with serve(server) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    assert 0 == checked.status


def test_server_that_has_nothing(run_exporter: RunExporter, tmp_path: Path) -> None:
    """An old server with its statistics off has no dataset: one cause, status 1."""
    with serve(coder(server_version="2023", usage_stats=False)) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    assert (1, True) == (checked.status, checked.report["reachable"])
    assert {"user-status-counts"} == checked.datasets("unavailable")
    assert EVERYTHING - {"user-status-counts", "template-list", "license"} == checked.datasets("switched off")
    assert ["disabled"] == [cause["reason"] for cause in checked.report["causes"]]


@pytest.mark.parametrize(
    ("role", "status", "refused"),
    [
        pytest.param("owner", 1, set(), id="what the server still has is allowed"),
        pytest.param("member", 1, {"user-status-counts"}, id="what the server still has is refused"),
    ],
)
def test_statistics_off(
    run_exporter: RunExporter, tmp_path: Path, role: str, status: int, refused: set[str]
) -> None:
    """With statistics off the status is 1, and datasets that the server still has are tried."""
    with serve(coder(role=role, usage_stats=False)) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    assert (status, refused) == (checked.status, checked.datasets("refused"))
    assert INSIGHTS <= checked.datasets("switched off")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param({"suspended": True}, "unauthorized", id="suspended user"),
        pytest.param({"token": "other56789-secretsecretsecretsecr"}, "unauthorized", id="unknown token"),
        pytest.param({"usage_stats": False}, "disabled", id="statistics switched off"),
    ],
)
def test_one_cause_is_stated_once(
    run_exporter: RunExporter, tmp_path: Path, config: dict[str, Any], reason: str
) -> None:
    """A fault of all datasets is one cause with one remedy, at the top of the report; the status is 1."""
    with serve(coder(**config)) as url:
        flag = write_config(tmp_path, url)
        checked = Checked(run_exporter, flag)
        shown = run_exporter("check", flag, env={**TOKEN, "COLUMNS": "200"}).stdout

    (cause,) = checked.report["causes"]
    assert (1, reason) == (checked.status, cause["reason"])
    assert INSIGHTS | {"daus"} <= set(cause["datasets"])
    assert 1 == shown.count(cause["remedy"])
    assert shown.index(cause["remedy"]) < shown.index("version")


def test_one_template_is_enough(run_exporter: RunExporter, tmp_path: Path) -> None:
    """Of the templates in use one is requested, and the series of all are about what `scrape` exposes."""
    server = coder()
    with serve(server) as url:
        flag = write_config(tmp_path, url)
        checked = Checked(run_exporter, flag)
        requested = [each for each in server.requests if "template_ids" in each.query]
        page = run_exporter("scrape", flag, env=TOKEN).stdout

    breakdown = checked.of("template-breakdown")
    exposed = re.search(
        r"insights_exporter_series\{dataset=\"template-breakdown\",.*\} (\S+)",
        page,
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
def test_token_that_expires_soon_is_a_warning(
    run_exporter: RunExporter, tmp_path: Path, left: timedelta, *, warned: bool
) -> None:
    """A token that expires soon is a warning that says how soon, with status 0."""
    with serve(coder(token_expires=NOW + left)) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    expected = ["the token expires in 6d 4h"] if warned else []
    assert (0, expected) == (checked.status, [each.partition(";")[0] for each in checked.report["warnings"]])


def test_deployment_without_users_is_a_warning(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A deployment that no user has used yet has readable zeros: status 0, and not `all good`."""
    with serve(coder(population=Population(seed=7, users=0, templates=3))) as url:
        flag = write_config(tmp_path, url)
        checked = Checked(run_exporter, flag)
        shown = run_exporter("check", flag, env={**TOKEN, "COLUMNS": "200"}).stdout

    (warning,) = checked.report["warnings"]
    assert 0 == checked.status
    assert warning.startswith("no user was active in any window")
    assert "all good" not in shown


def test_dropped_rows_are_a_warning(run_exporter: RunExporter, tmp_path: Path) -> None:
    """Invalid rows are reported by dataset, since their series are missing."""
    days = b'{"entries": [{"date": "2026-03-31", "amount": 3}, {"date": "2026-03-30", "count": 4}]}'
    with answering("/insights/daus", days, NOW) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    (warning,) = checked.report["warnings"]
    assert "allowed" == checked.of("daus")["state"]
    assert warning.startswith("rows are invalid and dropped: daus (1); upgrade the exporter")


def test_server_of_the_published_api(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A server that follows the API page succeeds too; it has the four published datasets."""
    with serve(EmbeddedCoder(population=SMALL, rules="published", rate_limit=-1)) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    assert (0, "published") == (checked.status, checked.report["dialect"])
    assert {"daus", "templates", "user-activity", "user-latency"} <= checked.datasets("allowed")


def test_certificate(run_exporter: RunExporter, tmp_path: Path) -> None:
    """With TLS, its version and the expiry of the certificate are reported."""
    authority = Authority(tmp_path)
    with serve(coder(), certificate=authority.good()) as url:
        flag = write_config(tmp_path, url, tls={"ca_file": str(authority.ca_file)})
        checked = Checked(run_exporter, flag)

    assert (0, "TLSv1.3") == (checked.status, checked.report["tls"])
    assert checked.report["certificate_expires"] > 0


def test_untrusted_certificate(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A certificate of an unknown authority is an error with its own reason."""
    with serve(coder(), certificate=Authority(tmp_path).self_signed()) as url:
        checked = Checked(run_exporter, write_config(tmp_path, url))

    assert (2, False) == (checked.status, checked.report["reachable"])
    assert "certificate" in checked.of("daus")["detail"].lower()


def test_table(run_exporter: RunExporter, tmp_path: Path) -> None:
    """The table has a line per dataset, each cause once above it; the worst status counts."""
    with serve(coder(role="member")) as bad, serve(coder()) as good:
        flag = write_config(tmp_path, good, bad)
        ended = run_exporter("check", flag, env={**TOKEN, "COLUMNS": "200"})

    lines = ended.stdout.splitlines()
    assert 1 == ended.returncode
    assert ["all good", "1 problem"] == [
        line.rpartition(": ")[2] for line in lines if line.startswith("deployment-")
    ]
    assert 2 == sum(line.split()[:1] == ["user-latency"] for line in lines)
    assert 1 == ended.stdout.count("To fix: ")
    assert 1 == ended.stdout.count(
        "forbidden (daus, periods, templates, user-activity, user-latency, user-status-counts)"
    )
    assert "today, 7d, 30d" in ended.stdout
    assert DEMO_TOKEN not in ended.stdout + ended.stderr


def test_progress_is_for_terminals(run_exporter: RunExporter, tmp_path: Path) -> None:
    """Without a terminal standard error is empty."""
    with serve(coder()) as url:
        ended = run_exporter("check", write_config(tmp_path, url), env=TOKEN)

    assert "" == ended.stderr


def test_unreachable_server(run_exporter: RunExporter) -> None:
    """An address without a server is reported within seconds."""
    env = {"CODER_URL": f"http://127.0.0.1:{free_port()}", "CODER_SESSION_TOKEN": DEMO_TOKEN}

    checked = Checked(run_exporter, env=env)

    assert (2, False) == (checked.status, checked.report["reachable"])
