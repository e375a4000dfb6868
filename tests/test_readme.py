"""What the README shows works as it stands there.

Every command in it is in one of two tables: those that are run, and those
that need what a test machine has not, which are looked at instead.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest
import yaml

from insights_exporter.commands.flags import DEFAULT_ADDRESS
from insights_exporter.demo import DEMO_TOKEN, serve
from tests.demo.client import coder
from tests.integration.exporter import RunExporter, command
from tests.integration.parts import require
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.promtool import Promtool
from tests.integration.waiting import eventually

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
UNIT = ROOT / "docs" / "systemd" / "insights-exporter.service"
SOCKET = UNIT.with_suffix(".socket")
PROJECT = "https://github.com/insights-exporter/insights-exporter"

ENDS = (
    "insights-exporter check",
    "insights-exporter config init > config.yml",
    "insights-exporter --config.file=config.yml --config.check",
    "insights-exporter config show --config.file=config.yml",
    "insights-exporter scrape --output coder.prom",
)
"""Run one after the other, as a reader would; each ends with status 0."""

SERVES = (
    "insights-exporter",
    "insights-exporter demo --users 2000 --prometheus",
    "insights-exporter demo --fault 403=/insights/daus",
)
"""Run until the page is there, and the next command with it."""

ASKS = ("curl http://localhost:12112/metrics",)

LOOKED_AT: Mapping[str, str] = MappingProxyType(
    {
        "make demo": "makes an environment first",
        "make test": "runs this very test",
        f"uv tool install git+{PROJECT}": "needs the network",
        f"pipx install git+{PROJECT}": "needs the network",
        "coder users create --username insights-exporter --email insights-exporter@example.com": (
            "needs Coder"
        ),
        "coder users edit-roles insights-exporter --roles auditor --yes": "needs Coder",
        "coder tokens create --user insights-exporter --name insights-exporter --lifetime 8760h": (
            "needs Coder"
        ),
        "export CODER_URL=https://coder.example.com": "the tests set their own",
        "export CODER_SESSION_TOKEN=...": "the tests set their own",
        "sudo install -d -m 0755 /etc/insights-exporter": "changes the machine",
        "echo CODER_URL=https://coder.example.com | sudo tee /etc/insights-exporter/environment": (
            "changes the machine"
        ),
        "sudo install -m 0600 /dev/stdin /etc/insights-exporter/coder-token": "changes the machine",
        "sudo install -m 0644 docs/systemd/insights-exporter.service /etc/systemd/system/": (
            "changes the machine"
        ),
        "sudo systemctl enable --now insights-exporter": "changes the machine",
    }
)
"""Not run, and why."""


def blocks(language: str) -> list[str]:
    """Return the README's code blocks of a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Provide the environment of a reader who has installed the exporter and set the documented variables."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "insights-exporter").write_text(f'#!/bin/sh\nexec {shlex.join(command())} "$@"\n')
    (folder / "insights-exporter").chmod(0o755)
    with serve(coder(rate_limit=-1)) as url:
        config = {
            "CODER_URL": url,
            "CODER_SESSION_TOKEN": DEMO_TOKEN,
            "INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS": f"127.0.0.1:{free_port()}",
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        }
        yield clean_environment(tmp_path, config)


def test_every_command_is_run_or_looked_at() -> None:
    """No command of the README is in neither table, and none of the tables is gone from it."""
    shown = [line for block in blocks("shell") for line in block.splitlines()]

    assert sorted({*ENDS, *SERVES, *ASKS, *LOOKED_AT}) == sorted(set(shown))


def test_commands_that_end(shell: Mapping[str, str], tmp_path: Path) -> None:
    """Each does its work, in the order of the README."""
    for line in ENDS:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=tmp_path,
            env=dict(shell),
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert 0 == done.returncode, (line, done.stdout, done.stderr)
        assert DEMO_TOKEN not in done.stdout + done.stderr

    assert "coder_insights_active_users" in (tmp_path / "coder.prom").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", SERVES)
def test_commands_that_serve(shell: Mapping[str, str], tmp_path: Path, line: str) -> None:
    """Each serves the page and the metrics, which the README's own `curl` gets, until Ctrl-C."""
    address = shell["INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS"]
    (ask,) = ASKS
    with running(("/bin/sh", "-c", f"exec {line}"), tmp_path / "served", shell) as process:
        eventually(lambda: status_page(f"http://{address}/"), ignoring=(httpx.TransportError,))
        words = shlex.split(ask.replace("localhost:12112", address))
        asked = subprocess.run([require("curl"), *words[1:]], check=True, capture_output=True, text=True)
        status = process.stop()

    assert 0 == status
    assert "insights_exporter_build_info" in asked.stdout


def status_page(url: str) -> bool:
    """Return whether the page is there."""
    return "Insights exporter" in httpx.get(url, trust_env=False).text


def test_targets_of_make_are_there() -> None:
    """`make` knows what the README tells to make."""
    known = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert {"demo", "test"} <= set(known)


def test_address_is_the_usual_one() -> None:
    """Where the README looks for the exporter is where it listens by default."""
    assert {DEFAULT_ADDRESS} == set(re.findall(r"localhost(:\d+)", README.read_text(encoding="utf-8")))


def test_settings_are_accepted(run_exporter: RunExporter, tmp_path: Path) -> None:
    """The exporter can be started with the file shown, once the tokens are there."""
    (shown,) = [block for block in blocks("yaml") if block.startswith("deployments:")]
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("0123456789-0123456789012345678901", encoding="utf-8")
    file = tmp_path / "config.yml"
    file.write_text(shown.replace("/run/secrets/coder-europe", str(token)), encoding="utf-8")

    done = run_exporter(
        f"--config.file={file}",
        "--config.check",
        env={"CODER_AMERICAS_TOKEN": token.read_text(encoding="utf-8")},
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_scrape_job_is_accepted(promtool: Promtool, tmp_path: Path) -> None:
    """Prometheus can be started with the scrape job shown."""
    (shown,) = [block for block in blocks("yaml") if block.startswith("scrape_configs:")]
    file = tmp_path / "prometheus.yml"
    file.write_text(shown, encoding="utf-8")

    assert 0 == promtool.run("check", "config", str(file)).returncode


def test_alloy_scrapes_the_same() -> None:
    """Grafana Alloy has the same target, job and interval as Prometheus."""
    (alloy,) = blocks("alloy")
    (shown,) = [block for block in blocks("yaml") if block.startswith("scrape_configs:")]
    (job,) = yaml.safe_load(shown)["scrape_configs"]

    values = dict(re.findall(r'(\w+)\s+= "([^"]+)"', alloy))

    assert {"job_name": job["job_name"], "scrape_interval": job["scrape_interval"]} == values
    assert job["static_configs"][0]["targets"] == re.findall(r'"__address__" = "([^"]+)"', alloy)
    assert alloy.count("{") == alloy.count("}")


def test_queries_are_valid(promtool: Promtool, tmp_path: Path) -> None:
    """Each query shown can be evaluated."""
    rules = [
        {"record": f"shown:query{number}", "expr": query} for number, query in enumerate(blocks("promql"))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}), encoding="utf-8")

    assert 0 == promtool.run("check", "rules", str(file)).returncode


def test_unit_starts_the_exporter() -> None:
    """The unit runs the command that is installed, with the variable that names the token's file."""
    unit = ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as the parser's own manual does it
    unit.read(UNIT, encoding="utf-8")
    service = unit["Service"]

    assert "/usr/local/bin/insights-exporter" == service["ExecStart"]
    assert "CODER_SESSION_TOKEN_FILE=%d/coder-token" == service["Environment"]
    assert {"yes"} == {service[name] for name in ("DynamicUser", "NoNewPrivileges", "ProtectHome")}


def test_unit_is_understood_by_systemd() -> None:
    """Service and socket have no complaint but that the command is not installed there."""
    done = subprocess.run(
        [require("systemd-analyze"), "verify", str(UNIT), str(SOCKET)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert [] == [line for line in done.stderr.splitlines() if "is not executable" not in line]


def test_picture_is_small() -> None:
    """The picture of the page does not keep readers waiting."""
    (picture,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README.read_text(encoding="utf-8"))

    assert (ROOT / picture).stat().st_size < 200_000
