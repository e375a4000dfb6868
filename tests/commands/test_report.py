"""The report of `check` on a terminal, whatever servers say."""

import pytest

from insights_exporter.commands.findings import DatasetFinding, Finding
from insights_exporter.commands.report import print_report

STEERING = "\x1b[2J[bold red]:smile: \u202e"


def test_what_servers_say_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters, markup and emoji names are shown as text, or not at all."""
    dataset = DatasetFinding("daus", "", "failed", 0, "rejected", STEERING, "mend it")
    print_report(
        [
            Finding(
                deployment=f"name {STEERING}",
                url="https://coder.example.com",
                status=1,
                reachable=True,
                tls=None,
                certificate_expires=None,
                version=STEERING,
                dialect=None,
                clock_skew=None,
                user=STEERING,
                token_expires=None,
                rate_limit=None,
                series=0,
                requests_per_minute=0.2,
                datasets=(dataset,),
            )
        ]
    )

    shown = capsys.readouterr().out

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert 4 == shown.count("[bold red]:smile:")
    assert "TLS         unknown" in shown
