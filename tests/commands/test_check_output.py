"""What `check` prints, as a table and as JSON."""

import json
from pathlib import Path

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import DEMO_TOKEN, serve
from tests.commands.config import TOKEN, config_flag
from tests.commands.test_check import list_denied
from tests.demo.client import coder
from tests.integration.exporter import RunExporter


def test_table(run_exporter: RunExporter, tmp_path: Path) -> None:
    """The table has a line per dataset, each problem once above it; the worst status counts.

    Without a terminal, nothing is written to standard error.
    """
    with serve(coder(role="member")) as bad, serve(coder()) as good:
        flag = config_flag(tmp_path, good, bad)
        ended = run_exporter("check", flag, env={**TOKEN, "COLUMNS": "200"})

    lines = ended.stdout.splitlines()
    denied = ", ".join(name for name in DATASETS if name in list_denied("Member"))
    assert (1, "") == (ended.returncode, ended.stderr)
    assert ["everything readable", "1 problem"] == [
        line.rpartition(": ")[2] for line in lines if line.startswith("deployment-")
    ]
    assert 2 == sum(line.split()[:1] == ["user-latency"] for line in lines)
    assert 1 == ended.stdout.count("To fix: ")
    assert 1 == ended.stdout.count(f"forbidden ({denied})")
    assert "today, 7d, 30d" in ended.stdout
    assert DEMO_TOKEN not in ended.stdout


def test_narrow_terminal(run_exporter: RunExporter, tmp_path: Path) -> None:
    """With 80 columns, names and states of datasets are complete, and the table fits."""
    with serve(coder(role="template-admin")) as url:
        ended = run_exporter("check", config_flag(tmp_path, url), env={**TOKEN, "COLUMNS": "80"})

    lines = ended.stdout.splitlines()
    assert set() == DATASETS.keys() - {line.split()[0] for line in lines if line.strip()}
    assert [] == [line for line in lines if "\N{HORIZONTAL ELLIPSIS}" in line or len(line.rstrip()) > 80]


def test_json(run_exporter: RunExporter, tmp_path: Path) -> None:
    """With --output=json, standard output is one document, a list with a report per deployment."""
    with serve(coder()) as url:
        ended = run_exporter("check", "--output=json", config_flag(tmp_path, url), env=TOKEN)

    (report,) = json.loads(ended.stdout)
    assert (0, "", "deployment-1") == (ended.returncode, ended.stderr, report["deployment"])
