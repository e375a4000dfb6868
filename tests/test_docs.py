"""Examples in README and docs work: commands, config files, scrape jobs, queries, units."""

import os
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from insights_exporter.commands.flags import DEFAULT_ADDRESS
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, serve
from tests.demo.client import coder
from tests.integration.exporter import RunExporter, command
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.programs import require
from tests.integration.promtool import Promtool
from tests.integration.waiting import eventually

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CHART = ROOT / "helm" / "insights-exporter"
PAGES = (README, ROOT / "CONTRIBUTING.md", CHART / "README.md", *sorted((ROOT / "docs").glob("*.md")))
UNIT = ROOT / "docs" / "systemd" / "insights-exporter.service"
SOCKET = UNIT.with_suffix(".socket")

ENDS = (
    "insights-exporter check",
    "insights-exporter config init > config.yml",
    "insights-exporter --config.file=config.yml --config.check",
    "insights-exporter config show --config.file=config.yml",
    "insights-exporter scrape --output coder.prom",
    "insights-exporter backfill --since 2026-01-01 --dry-run",
)
"""Run one after the other, as a reader would; each ends with status 0."""

NEEDS_JQ = (
    "insights-exporter check --output json"
    """ | jq -r '.[].datasets[] | select(.state == "denied") | .dataset'"""
)
"""Run for a token that lacks a role."""

SERVES = ("insights-exporter", "insights-exporter demo")
"""Run until the status page is there."""

LOOKED_AT = (
    ("coder ", "needs Coder"),
    ("export CODER_", "the tests set their own"),
    (
        "promtool tsdb create-blocks-from ",
        "needs history; tests/grafana/test_preview_rules.py runs it for rules",
    ),
    ("uv tool install ", "needs the network"),
    ("sudo ", "changes the machine"),
    ("echo ", "changes the machine"),
    ("docker ", "needs a container engine; tests/container runs the steps of the image"),
    ("kubectl ", "needs a cluster"),
    ("helm ", "needs a cluster; tests/helm renders the chart with the values of the pages"),
    ("cosign ", "needs a release"),
    ("gh ", "needs a release"),
    ("npm ", "needs the network"),
    ("go install ", "needs the network"),
    ("node ", "needs the packages of npm"),
    ("make ", "makes an environment first; test_make_targets_exist knows the targets"),
    ("insights-exporter backfill ", "tests/backfill runs it, with Prometheus where it is needed"),
)
"""Beginnings of commands that are not run here, and why."""


def blocks(language: str, pages: tuple[Path, ...] = PAGES) -> list[str]:
    """Return the code blocks of a language."""
    fence = re.compile(rf"^( *)```(?:{language})\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
    return [
        textwrap.dedent(text) for page in pages for _, text in fence.findall(page.read_text(encoding="utf-8"))
    ]


def commands() -> list[str]:
    """Return the commands of the pages and of the chart's notes, each on one line, without comments."""
    notes = (CHART / "templates" / "NOTES.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    joined = "\n".join((*blocks("sh"), *re.findall(r"^  ([a-z].*)", notes, re.MULTILINE))).replace(
        "\\\n", " "
    )
    lines = (re.sub(r"(^|\s+)#.*", "", line).strip() for line in joined.splitlines())
    return [re.sub(r"\s+", " ", line) for line in lines if line]


def is_excluded(line: str) -> bool:
    """Return whether a command is one of those that are not run."""
    return any(f"{line} ".startswith(start) for start, _ in LOOKED_AT)


@contextmanager
def open_shell(directory: Path, server: EmbeddedCoder) -> Iterator[Mapping[str, str]]:
    """Yield the environment of a reader who installed the exporter and set the variables for a server."""
    folder = directory / "bin"
    folder.mkdir()
    (folder / "insights-exporter").write_text(f'#!/bin/sh\nexec {shlex.join(command())} "$@"\n')
    (folder / "insights-exporter").chmod(0o755)
    with serve(server) as url:
        variables = {
            "CODER_URL": url,
            "CODER_SESSION_TOKEN": DEMO_TOKEN,
            "INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS": f"127.0.0.1:{free_port()}",
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        }
        yield clean_environment(directory, variables)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Provide a reader's environment, with a server whose token may read all datasets."""
    with open_shell(tmp_path, coder(rate_limit=-1)) as environment:
        yield environment


def run_line(line: str, environment: Mapping[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of the docs in a shell."""
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=directory,
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_command_is_run_or_excluded() -> None:
    """Each command in the docs is run here or listed with a reason."""
    shown = commands()

    assert [] == [line for line in shown if line not in {*ENDS, *SERVES, NEEDS_JQ} and not is_excluded(line)]
    assert {*ENDS, *SERVES, NEEDS_JQ} <= set(shown)


def test_commands_that_end(shell: Mapping[str, str], tmp_path: Path) -> None:
    """Each does its work, one after the other."""
    for line in ENDS:
        done = run_line(line, shell, tmp_path)
        assert 0 == done.returncode, (line, done.stdout, done.stderr)
        assert DEMO_TOKEN not in done.stdout + done.stderr

    assert "coder_insights_active_users" in (tmp_path / "coder.prom").read_text(encoding="utf-8")


def test_denied_datasets_are_listed(tmp_path: Path) -> None:
    """The command with jq prints the dataset that a Template Admin may not read."""
    require("jq")
    with open_shell(tmp_path, coder(rate_limit=-1, role="template-admin")) as environment:
        done = run_line(NEEDS_JQ, environment, tmp_path)

    assert ("daus\n", "") == (done.stdout, done.stderr)


def test_cron_line_writes_the_metrics(shell: Mapping[str, str], tmp_path: Path) -> None:
    """The command of the cron line writes the metrics, with its files in another folder."""
    (shown,) = blocks("cron", (ROOT / "docs" / "textfile.md",))
    ((minute, user, line),) = re.findall(r"^(\S+) \* \* \* \* (\S+) (.+)$", shown, re.MULTILINE)
    (tmp_path / "config.yml").write_text(
        f"deployments: [{{name: main, url: '{shell['CODER_URL']}', token_env: CODER_SESSION_TOKEN}}]\n",
        encoding="utf-8",
    )

    done = run_line(re.sub(r"/\S+/", "", line), shell, tmp_path)

    assert ("2-59/15", "insights") == (minute, user)
    assert 0 == done.returncode, (done.stdout, done.stderr)
    assert "coder_insights_active_users" in (tmp_path / "coder.prom").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", SERVES)
def test_commands_that_serve(shell: Mapping[str, str], tmp_path: Path, line: str) -> None:
    """Each serves the status page until Ctrl-C, and ends with status 0."""
    address = shell["INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS"]
    with running(("/bin/sh", "-c", f"exec {line}"), tmp_path / "served", shell) as process:
        eventually(lambda: has_status_page(f"http://{address}/"), ignoring=(httpx.TransportError,))
        status = process.stop()

    assert 0 == status


def has_status_page(url: str) -> bool:
    """Return whether the status page is served."""
    return "Insights exporter" in httpx.get(url, trust_env=False).text


def test_commands_are_marked_as_sh() -> None:
    """No page marks commands in another way, in which they would not be found."""
    assert [] == blocks("shell|bash|console|shell-session")


def test_index_names_each_page_by_its_title() -> None:
    """The index of the documentation lists all pages, with the titles that they have."""
    docs = ROOT / "docs"
    pages = [page for page in sorted(docs.glob("*.md")) if page.name != "README.md"]
    titles = {
        page.relative_to(docs).as_posix(): page.read_text(encoding="utf-8").split("# ", 1)[1].splitlines()[0]
        for page in (*pages, docs / "runbooks" / "README.md")
    }
    index = re.findall(r"^- \[(.+?)\]\((.+?)\)", (docs / "README.md").read_text("utf-8"), re.MULTILINE)

    assert titles == {page: label for label, page in index}


def test_make_targets_exist() -> None:
    """`make` knows the targets that the pages name."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    named = {shlex.split(line)[1] for line in commands() if line.startswith("make ")}

    assert set() == named - known


def test_address_is_the_default() -> None:
    """The README uses the default address."""
    assert {DEFAULT_ADDRESS} == set(re.findall(r"localhost(:\d+)", README.read_text(encoding="utf-8")))


def test_config_file_is_accepted(run_exporter: RunExporter, tmp_path: Path) -> None:
    """The exporter accepts the file of several deployments, once the tokens are there."""
    (shown,) = (
        block for block in blocks("yaml", (ROOT / "docs/deployments.md",)) if block.startswith("deployments:")
    )
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
    """Prometheus accepts the scrape job of the README."""
    (shown,) = blocks("yaml", (README,))
    file = tmp_path / "prometheus.yml"
    file.write_text(shown, encoding="utf-8")

    assert 0 == promtool.run("check", "config", str(file)).returncode


def test_queries_are_valid(promtool: Promtool, tmp_path: Path) -> None:
    """Prometheus can evaluate each query shown."""
    rules = [
        {"record": f"shown:query{number}", "expr": query} for number, query in enumerate(blocks("promql"))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}), encoding="utf-8")

    assert 0 == promtool.run("check", "rules", str(file)).returncode


def test_unit_starts_the_exporter() -> None:
    """The unit runs the installed command, with the variable that names the token's file."""
    unit = ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as the parser's own manual does it
    unit.read(UNIT, encoding="utf-8")
    service = unit["Service"]

    assert "/usr/local/bin/insights-exporter" == service["ExecStart"]
    assert "CODER_SESSION_TOKEN_FILE=%d/coder-token" == service["Environment"]
    assert {"yes"} == {service[name] for name in ("DynamicUser", "NoNewPrivileges", "ProtectHome")}


def test_unit_is_understood_by_systemd() -> None:
    """Service and socket have no fault but the missing command."""
    done = subprocess.run(
        [require("systemd-analyze"), "verify", str(UNIT), str(SOCKET)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert [] == [line for line in done.stderr.splitlines() if "is not executable" not in line]


def test_pictures_are_small() -> None:
    """The pictures of the README load quickly."""
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', README.read_text(encoding="utf-8"))

    assert pictures
    assert [] == [picture for picture in pictures if (ROOT / picture).stat().st_size > 300_000]
