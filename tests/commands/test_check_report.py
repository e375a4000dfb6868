"""The report of `check` on a terminal, for any text from servers."""

import pytest

from insights_exporter.coder.errors import CAUSES
from insights_exporter.commands.check import print_reports
from insights_exporter.commands.deployment_report import DatasetResult, DatasetState, DeploymentReport
from insights_exporter.polling.problems import Problem

STEERING = "\x1b[2J[bold red]:smile: \u202e"


def create_report(*datasets: DatasetResult, **known: object) -> DeploymentReport:
    """Return a report in which everything is unknown except what is passed."""
    unknown: dict[str, object] = {
        "deployment": "dev",
        "url": "https://coder.example.com",
        "status": 0,
        "reachable": True,
        "tls": None,
        "certificate_expires": None,
        "version": None,
        "dialect": None,
        "clock_skew": None,
        "user": None,
        "token_expires": None,
        "rate_limit": None,
        "series": None,
        "estimated": False,
        "requests_per_minute": None,
        "problems": (),
        "warnings": (),
        "datasets": datasets,
    }
    return DeploymentReport(**(unknown | known))  # type: ignore[arg-type]  # fields by their names


def print_report(capsys: pytest.CaptureFixture[str], one: DeploymentReport) -> str:
    """Return the printed report."""
    print_reports([one])
    return capsys.readouterr().out


def test_text_of_servers_cannot_control_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters, markup and emoji names are shown as text, or not at all."""
    problem = Problem("rejected", ("daus",), STEERING, "check `dialect`")
    one = create_report(deployment=f"name {STEERING}", version=STEERING, user=STEERING, problems=(problem,))

    shown = print_report(capsys, one)

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert 4 == shown.count("[bold red]:smile:")
    assert "TLS         unknown" in shown


@pytest.mark.parametrize(
    ("known", "line"),
    [
        pytest.param({}, "user and expiry unknown", id="nothing"),
        pytest.param({"user": "exporter"}, "of exporter, expiry unknown", id="user alone"),
        pytest.param({"token_expires": 0.0}, "user unknown, expires 1970-01-01 00:00 UTC", id="expiry alone"),
        pytest.param(
            {"user": "exporter", "token_expires": 0.0},
            "of exporter, expires 1970-01-01 00:00 UTC",
            id="both",
        ),
    ],
)
def test_token(capsys: pytest.CaptureFixture[str], known: dict[str, object], line: str) -> None:
    """The token's line has what is known, and names what is unknown."""
    assert line in print_report(capsys, create_report(**known))


ALLOWED = DatasetResult("daus", "", "allowed", 4)


@pytest.mark.parametrize(
    ("series", "rate", "line"),
    [
        pytest.param(4, 0.2, "cost        4 series, 0.2 requests per minute", id="known"),
        pytest.param(None, None, "cost        unknown", id="nothing was read"),
    ],
)
def test_cost(capsys: pytest.CaptureFixture[str], series: int | None, rate: float | None, line: str) -> None:
    """The cost is printed, or `unknown` if no dataset could be read."""
    assert line in print_report(capsys, create_report(series=series, requests_per_minute=rate))


@pytest.mark.parametrize(
    ("state", "known", "verdict"),
    [
        pytest.param("allowed", {}, "everything readable", id="data"),
        pytest.param("unavailable", {}, "no data", id="the server has no dataset"),
        pytest.param("allowed", {"warnings": ("token",)}, "readable, with warnings", id="warning"),
        pytest.param(
            "denied", {"problems": (Problem("forbidden", ("daus",), "", ""),)}, "1 problem", id="denied"
        ),
        pytest.param("failed", {"reachable": False}, "not reachable", id="no response"),
    ],
)
def test_summary(
    capsys: pytest.CaptureFixture[str], state: DatasetState, known: dict[str, object], verdict: str
) -> None:
    """The heading summarizes the result; `everything readable` requires data."""
    heading, *_ = print_report(
        capsys, create_report(DatasetResult("daus", "", state, 0), **known)
    ).splitlines()

    assert f"dev (https://coder.example.com): {verdict}" == heading


def test_why_a_dataset_is_unavailable(capsys: pytest.CaptureFixture[str]) -> None:
    """Unavailable datasets are explained once, for any number of windows."""
    remedy = CAUSES["not_licensed"].remedy
    latency = [
        DatasetResult("user-latency", window, "unavailable", 0, remedy=remedy) for window in ("today", "7d")
    ]

    shown = " ".join(print_report(capsys, create_report(ALLOWED, *latency)).split())

    assert 1 == shown.count(f"unavailable (user-latency): {remedy}")


def test_estimates_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    """Series that are an estimate are marked `about`, in the table and in the sum."""
    breakdown = DatasetResult("template-breakdown", "7d", "allowed", 1200, estimated=True)

    report = create_report(ALLOWED, breakdown, series=1204, estimated=True, requests_per_minute=0.2)
    shown = print_report(capsys, report)

    assert "about 1,204 series" in shown
    assert "about 1,200" in shown
    assert "about 4" not in shown


@pytest.mark.parametrize(
    ("result", "needs"),
    [
        pytest.param(
            DatasetResult("daus", "", "denied", roles=("Auditor", "Owner")), "Auditor, Owner", id="role"
        ),
        pytest.param(
            DatasetResult("daus", "", "unavailable", needs_license=True), "Premium license", id="license"
        ),
        pytest.param(
            DatasetResult("daus", "", "not enabled", roles=("Auditor",), needs_license=True),
            "Premium license; Auditor",
            id="both",
        ),
    ],
)
def test_needs_of_a_dataset(capsys: pytest.CaptureFixture[str], result: DatasetResult, needs: str) -> None:
    """A dataset that is not available has the license and the roles that it needs in the last column."""
    (line,) = [
        line
        for line in print_report(capsys, create_report(result)).splitlines()
        if line.split()[:1] == ["daus"]
    ]

    assert ["daus", *result.state.split(), "0", *needs.split()] == line.split()
