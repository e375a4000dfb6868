"""`scrape`: one poll of everything, to standard output or a file that is replaced atomically."""

import os
import pty
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeAlias

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families
from structlog.testing import capture_logs

from insights_exporter.commands.scrape import scrape
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, serve
from tests.commands.config import TOKEN, config_flag, write_config
from tests.demo.client import coder
from tests.integration.exporter import RunExporter, command
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.programs import require
from tests.integration.promtool import Promtool
from tests.integration.waiting import eventually


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve a Coder that allows everything."""
    with serve(coder(rate_limit=-1)) as address:
        yield address


def values(families: Iterable[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return all samples by name and labels, with normalized bucket bounds."""
    return {
        (sample.name, frozenset((sample.labels | bound(sample.labels)).items())): sample.value
        for family in families
        for sample in family.samples
    }


def bound(labels: Mapping[str, str]) -> dict[str, str]:
    """Return a bucket's bound in Python's format."""
    return {"le": str(float(labels["le"]))} if "le" in labels else {}


def test_everything_on_standard_output(
    run_exporter: RunExporter, tmp_path: Path, url: str, promtool: Promtool
) -> None:
    """Data and poll metrics are printed, without process metrics, and promtool accepts them."""
    ended = run_exporter("scrape", config_flag(tmp_path, url), env=TOKEN)

    assert (0, "") == (ended.returncode, ended.stderr)
    assert 'coder_insights_active_users{deployment="deployment-1",window="7d"}' in ended.stdout
    assert "coder_insights_template_active_users{" in ended.stdout
    assert "insights_exporter_poll_success{" in ended.stdout
    assert "process_" not in ended.stdout
    assert "" == promtool.check_metrics(ended.stdout)


@dataclass(frozen=True)
class ScrapeResult:
    """What `scrape` wrote to a file and logged, and its exit status."""

    status: int
    page: str
    logged: Sequence[Mapping[str, Any]]


Scrape: TypeAlias = Callable[..., ScrapeResult]


@pytest.fixture
def scrape_into_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scrape:
    """Provide a way to run `scrape` in this process, into the only file of a folder."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    monkeypatch.setenv("TOKEN", DEMO_TOKEN)

    def run(url: str, format_: str = "text") -> ScrapeResult:
        output = folder / "coder.prom"
        with capture_logs() as logged:
            status = scrape(write_config(tmp_path, url), output, format_, DATASETS)
        assert [output] == list(folder.iterdir())
        assert 0o644 == output.stat().st_mode & 0o777
        page = output.read_text(encoding="utf-8")
        assert DEMO_TOKEN not in f"{page}{logged}"
        return ScrapeResult(status, page, logged)

    return run


def test_openmetrics(scrape_into_file: Scrape, url: str) -> None:
    """OpenMetrics is accepted by its reference parser."""
    page = scrape_into_file(url, "openmetrics").page

    assert page.endswith("# EOF\n")
    assert values(openmetrics_families(page))  # type: ignore[no-untyped-call]  # it has no hints


def test_file_is_readable_and_alone(scrape_into_file: Scrape, url: str) -> None:
    """The folder has only the file, which is readable by others."""
    scraped = scrape_into_file(url)

    assert (0, []) == (scraped.status, scraped.logged)
    assert scraped.page.startswith("# HELP insights_exporter_")


def test_file_is_replaced_atomically(run_exporter: RunExporter, tmp_path: Path, url: str) -> None:
    """During a replacement, readers get the complete old or new file."""
    output, over = tmp_path / "coder.prom", Event()
    output.write_text("old\n", encoding="utf-8")
    seen: set[str] = set()

    def read() -> None:
        while not over.wait(0.0005):
            seen.add(output.read_text(encoding="utf-8"))

    reader = Thread(target=read)
    reader.start()
    try:
        ended = run_exporter("scrape", f"--output={output}", config_flag(tmp_path, url), env=TOKEN)
    finally:
        over.set()
        reader.join()

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)
    assert seen <= {"old\n", output.read_text(encoding="utf-8")}


@pytest.mark.parametrize(
    ("role", "expected"), [("auditor", 0), ("template-admin", 1), ("member", 1)], ids=str
)
def test_status_is_that_of_check(scrape_into_file: Scrape, role: str, expected: int) -> None:
    """With denied datasets the status is 1, and the others are written."""
    with serve(coder(role=role)) as url:
        scraped = scrape_into_file(url)

    assert expected == scraped.status
    assert 'insights_exporter_poll_success{dataset="daus"' in scraped.page


def test_server_that_has_nothing(scrape_into_file: Scrape) -> None:
    """Datasets that a server does not have never count, and their availability is written."""
    with serve(coder(server_version="2023", usage_stats=False)) as url:
        scraped = scrape_into_file(url)

    assert 0 == scraped.status
    assert 'insights_exporter_dataset_available{dataset="daus"' in scraped.page


def test_node_exporter_serves_the_file(run_exporter: RunExporter, tmp_path: Path, url: str) -> None:
    """The textfile collector accepts the file and serves all its values."""
    program, folder = require("prometheus-node-exporter"), tmp_path / "textfiles"
    folder.mkdir()
    output, port = folder / "coder.prom", free_port()
    run_exporter("scrape", f"--output={output}", config_flag(tmp_path, url), env=TOKEN)
    words = (
        program,
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
    )

    def served() -> str:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text

    with running(words, tmp_path / "node", clean_environment(tmp_path, {})):
        page = eventually(served, ignoring=(httpx.TransportError,))

    written = values(text_families(output.read_text(encoding="utf-8")))
    exposed = values(text_families(page))
    assert 0.0 == exposed["node_textfile_scrape_error", frozenset()]
    assert {} == {sample: value for sample, value in written.items() if exposed.get(sample) != value}


def test_progress_on_a_terminal(tmp_path: Path, url: str) -> None:
    """The progress is shown on a terminal, and standard output has only the metrics."""
    ours, theirs = pty.openpty()
    environment = clean_environment(tmp_path, {**TOKEN, "TERM": "xterm", "COLUMNS": "100"})
    words = (*command(), "scrape", config_flag(tmp_path, url))
    process = os.posix_spawn(
        words[0],
        words,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, str(tmp_path / "out"), os.O_WRONLY | os.O_CREAT, 0o600),
            (os.POSIX_SPAWN_DUP2, theirs, 2),
        ],
    )
    os.close(theirs)
    shown = "".join(read_terminal(ours))
    _, status = os.waitpid(process, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
    assert "Requests to Coder" in shown
    assert (tmp_path / "out").read_text(encoding="utf-8").startswith("# HELP")


def read_terminal(terminal: int) -> Iterator[str]:
    """Return what is written to a terminal until it is closed."""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        yield piece.decode("utf-8", "replace")
    os.close(terminal)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_interrupted(tmp_path: Path, how: signal.Signals) -> None:
    """A signal ends it with a message and status 1, and keeps the old file."""
    server: EmbeddedCoder = coder()
    server.fail("no-response", "/insights/daus")
    output = tmp_path / "coder.prom"
    output.write_text("old\n", encoding="utf-8")
    with serve(server) as url:
        words = (*command(), "scrape", f"--output={output}", config_flag(tmp_path, url))
        with running(words, tmp_path / "scrape", clean_environment(tmp_path, TOKEN)) as process:
            eventually(lambda: any("daus" in seen.path for seen in server.requests))
            status = process.stop(how)

    assert (1, "insights-exporter: interrupted\n") == (status, process.output())
    assert "old\n" == output.read_text(encoding="utf-8")


def test_unlisted_templates(scrape_into_file: Scrape) -> None:
    """If templates cannot be listed, the status is 1, and the log states why ids replace names."""
    server: EmbeddedCoder = coder()
    server.fail("500", "/templates", "/organizations")
    with serve(server) as url:
        scraped = scrape_into_file(url)

    (line,) = [line for line in scraped.logged if "template names unknown" in line["event"]]
    assert (1, "warning") == (scraped.status, line["log_level"])
    assert "HTTP 500 for /templates" in line["err"]
    assert "coder_insights_template_active_users{" in scraped.page
    assert 'template_name="docker"' not in scraped.page


def test_each_request_is_sent_once(scrape_into_file: Scrape) -> None:
    """One poll sends no request twice, neither for the server's version nor for a dataset."""
    server: EmbeddedCoder = coder()
    with serve(server) as url:
        page = scrape_into_file(url).page

    sent = sorted((seen.path, seen.query) for seen in server.requests)
    assert sorted(set(sent)) == sent
    assert "coder_insights_build_info{" in page
