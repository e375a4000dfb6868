"""`check`: what a token may do on each kind of server, and the status that scripts go by."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.commands.config import TOKEN, settings_file
from tests.demo.certificates import Authority
from tests.demo.client import NOW, SMALL, coder
from tests.end_to_end.stub import answering
from tests.integration.exporter import RunExporter
from tests.integration.processes import free_port

INSIGHTS = {"periods", "templates", "user-activity", "user-latency"}
EVERYTHING = {*INSIGHTS, "daus", "template-breakdown", "user-status-counts", "template-list"}


class Checked:
    """What `check --output json` said of one deployment, and its status."""

    def __init__(self, run: RunExporter, *flags: str, env: Mapping[str, str] = TOKEN) -> None:
        ended = run("check", "--output=json", *flags, env=env)
        assert "Traceback" not in ended.stderr
        assert DEMO_TOKEN not in ended.stdout + ended.stderr
        self.status = ended.returncode
        (self.told,) = json.loads(ended.stdout)

    def datasets(self, state: str) -> set[str]:
        """Name the datasets that are in this state."""
        return {each["dataset"] for each in self.told["datasets"] if each["state"] == state}

    def of(self, dataset: str) -> dict[str, Any]:
        """Give what is told of the first window of a dataset."""
        found: dict[str, Any] = next(each for each in self.told["datasets"] if each["dataset"] == dataset)
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
    """Each dataset is allowed or refused as the role has it, and the status says the sum."""
    with serve(coder(role=role)) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    waiting = {"template-breakdown"} if "templates" in refused else set()
    assert (status, refused) == (checked.status, checked.datasets("refused"))
    assert EVERYTHING - refused - waiting == checked.datasets("allowed")
    assert waiting == checked.datasets("not asked")


def test_role_that_would_do(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A refused dataset names the roles that may read it, the one with the least rights first."""
    with serve(coder(role="template-admin")) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    assert ["Auditor", "Owner"] == checked.of("daus")["roles"]
    assert "Auditor" in checked.of("daus")["remedy"]
    assert [] == checked.of("templates")["roles"]


def test_what_is_found_out(run_exporter: RunExporter, tmp_path: Path) -> None:
    """Version, dialect, clock, user, token's end, rate limit and cost are told."""
    with serve(coder()) as url:
        told = Checked(run_exporter, settings_file(tmp_path, url)).told

    assert (True, "rfc3339", "exporter", 512.0) == (
        told["reachable"],
        told["dialect"],
        told["user"],
        told["rate_limit"],
    )
    assert told["version"].startswith("v2.")
    assert told["token_expires"] > 0
    assert abs(told["clock_skew"]) > 60
    assert sum(each["series"] for each in told["datasets"]) == told["series"] > 300
    assert 1 < told["requests_per_minute"] < 5


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
        pytest.param("refused", (), 2, EVERYTHING, "connection", id="nobody there"),
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
    """What a broken server does is told by its reason, with a remedy, for what it hits alone."""
    server = coder()
    server.fail(fault, *paths)
    with serve(server) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

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
def test_no_role_is_advised_where_none_helps(
    run_exporter: RunExporter, tmp_path: Path, fault: str, status: int, state: str
) -> None:
    """Roles are named for what Coder refuses to a role, and for nothing else."""
    server = coder()
    server.fail(fault, "/insights/daus")
    with serve(server) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    assert (status, state) == (checked.status, checked.of("daus")["state"])
    assert [] == checked.of("daus")["roles"]


def test_server_that_asks_to_wait_for_long(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A server that asks to wait for more than a minute is reported as rate limited at once."""
    server = coder()
    server.fail("429-seconds")
    with serve(server) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    (cause,) = checked.told["causes"]
    assert (1, "rate_limited") == (checked.status, cause["reason"])


@pytest.mark.parametrize(
    ("fault", "paths"),
    [
        pytest.param("500", ("/buildinfo", "/users/me"), id="no version and no user"),
        pytest.param("404-route", ("/insights/user-status-counts",), id="an old server without user counts"),
    ],
)
def test_what_only_enriches_never_counts(
    run_exporter: RunExporter, tmp_path: Path, fault: str, paths: tuple[str, ...]
) -> None:
    """What a server does not have, or what is only nice to know, leaves the status good."""
    server = coder()
    server.fail(fault, *paths)
    with serve(server) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    assert 0 == checked.status


def test_server_that_has_nothing(run_exporter: RunExporter, tmp_path: Path) -> None:
    """An old server with its statistics off has no dataset: one cause, status 1."""
    with serve(coder(server_version="2023", usage_stats=False)) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    assert (1, True) == (checked.status, checked.told["reachable"])
    assert {"user-status-counts"} == checked.datasets("unavailable")
    assert EVERYTHING - {"user-status-counts", "template-list"} == checked.datasets("switched off")
    assert ["disabled"] == [cause["reason"] for cause in checked.told["causes"]]


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
        checked = Checked(run_exporter, settings_file(tmp_path, url))

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
    """What hits every dataset is one cause with one remedy, on top of the report; the status is 1."""
    with serve(coder(**config)) as url:
        flag = settings_file(tmp_path, url)
        checked = Checked(run_exporter, flag)
        shown = run_exporter("check", flag, env={**TOKEN, "COLUMNS": "200"}).stdout

    (cause,) = checked.told["causes"]
    assert (1, reason) == (checked.status, cause["reason"])
    assert INSIGHTS | {"daus"} <= set(cause["datasets"])
    assert 1 == shown.count(cause["remedy"])
    assert shown.index(cause["remedy"]) < shown.index("version")


def test_one_template_is_enough(run_exporter: RunExporter, tmp_path: Path) -> None:
    """Of the templates in use one is requested, and the series of all are about what `scrape` exposes."""
    server = coder()
    with serve(server) as url:
        flag = settings_file(tmp_path, url)
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
    assert (True, True) == (breakdown["estimated"], checked.told["estimated"])
    assert pytest.approx(float(exposed[1]), rel=0.4) == breakdown["series"]


@pytest.mark.parametrize(
    ("left", "warned"),
    [
        pytest.param(timedelta(days=6, hours=4, seconds=30), True, id="less than a quarter of its lifetime"),
        pytest.param(timedelta(days=20), False, id="most of its lifetime"),
    ],
)
def test_token_near_its_end_is_a_warning(
    run_exporter: RunExporter, tmp_path: Path, left: timedelta, *, warned: bool
) -> None:
    """A token that expires soon is a warning that says how soon, with status 0."""
    with serve(coder(token_expires=NOW + left)) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    expected = ["the token expires in 6d 4h"] if warned else []
    assert (0, expected) == (checked.status, [each.partition(";")[0] for each in checked.told["warnings"]])


def test_deployment_without_users_is_a_warning(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A deployment that no user has used yet has readable zeros: status 0, and not `all good`."""
    with serve(coder(population=Population(seed=7, users=0, templates=3))) as url:
        flag = settings_file(tmp_path, url)
        checked = Checked(run_exporter, flag)
        shown = run_exporter("check", flag, env={**TOKEN, "COLUMNS": "200"}).stdout

    (warning,) = checked.told["warnings"]
    assert 0 == checked.status
    assert warning.startswith("no user was active in any window")
    assert "all good" not in shown


def test_dropped_rows_are_a_warning(run_exporter: RunExporter, tmp_path: Path) -> None:
    """Rows that are not understood are named with their dataset, since their series are missing."""
    days = b'{"entries": [{"date": "2026-03-31", "amount": 3}, {"date": "2026-03-30", "count": 4}]}'
    with answering("/insights/daus", days, NOW) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    (warning,) = checked.told["warnings"]
    assert "allowed" == checked.of("daus")["state"]
    assert warning.startswith("rows are invalid and dropped: daus (1); upgrade the exporter")


def test_server_of_the_published_page(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A server that is as the API page says is good too; it has the four published datasets."""
    with serve(EmbeddedCoder(population=SMALL, rules="published", rate_limit=-1)) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    assert (0, "published") == (checked.status, checked.told["dialect"])
    assert {"daus", "templates", "user-activity", "user-latency"} <= checked.datasets("allowed")


def test_certificate(run_exporter: RunExporter, tmp_path: Path) -> None:
    """With TLS, its version and the end of the certificate are told."""
    authority = Authority(tmp_path)
    with serve(coder(), certificate=authority.good()) as url:
        flag = settings_file(tmp_path, url, tls={"ca_file": str(authority.ca_file)})
        checked = Checked(run_exporter, flag)

    assert (0, "TLSv1.3") == (checked.status, checked.told["tls"])
    assert checked.told["certificate_expires"] > 0


def test_certificate_that_is_not_trusted(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A certificate of nobody's is not usable, and the reason names it."""
    with serve(coder(), certificate=Authority(tmp_path).self_signed()) as url:
        checked = Checked(run_exporter, settings_file(tmp_path, url))

    assert (2, False) == (checked.status, checked.told["reachable"])
    assert "certificate" in checked.of("daus")["detail"].lower()


def test_table_for_people(run_exporter: RunExporter, tmp_path: Path) -> None:
    """The table has a line per dataset, each cause once above it; the worst status counts."""
    with serve(coder(role="member")) as bad, serve(coder()) as good:
        flag = settings_file(tmp_path, good, bad)
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
    """Elsewhere standard error stays empty."""
    with serve(coder()) as url:
        ended = run_exporter("check", settings_file(tmp_path, url), env=TOKEN)

    assert "" == ended.stderr


def test_nobody_at_all(run_exporter: RunExporter) -> None:
    """From the environment alone, an address at which nobody listens is told within seconds."""
    env = {"CODER_URL": f"http://127.0.0.1:{free_port()}", "CODER_SESSION_TOKEN": DEMO_TOKEN}

    checked = Checked(run_exporter, env=env)

    assert (2, False) == (checked.status, checked.told["reachable"])
