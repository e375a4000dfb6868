"""`demo`: sample data, faults, and a Prometheus that scrapes it."""

import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from insights_exporter.commands.demo import SampleData, create_coder
from insights_exporter.demo import DEMO_TOKEN
from insights_exporter.demo.faults import FAULTS
from tests.demo.client import load_document
from tests.integration.exporter import Exporter, RunExporter, StartExporter, command, serving
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.programs import require
from tests.integration.waiting import eventually

SMALL = ("demo", "--users=8", "--templates=2")
RELOADED = "insights_exporter_config_last_reload_success_timestamp_seconds"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Run a demo whose environment has a proxy that cannot be reached."""
    unreachable = f"http://127.0.0.1:{free_port()}"
    env = {"HTTP_PROXY": unreachable, "http_proxy": unreachable}
    with serving(tmp_path_factory.mktemp("demo"), "demo", "--users=40", "--templates=2", env=env) as exporter:
        yield exporter


def read_metric(exporter: Exporter, beginning: str) -> list[str]:
    """Return the lines of the exposition with this prefix."""
    return [line for line in exporter.page().splitlines() if line.startswith(beginning)]


def test_links(demo: Exporter) -> None:
    """It prints links to the status page and the metrics, and no token."""
    links = eventually(lambda: re.findall(r"(http://\S+)", demo.running.output()))

    latency = "/metrics?name[]=coder_insights_user_latency_seconds"
    assert [f"{demo.url}{path}" for path in ("/", "/metrics", latency)] == links
    assert [200, 200, 200] == [httpx.get(link, trust_env=False).status_code for link in links]
    assert "40 users" in demo.running.output()
    assert DEMO_TOKEN not in demo.running.output()


def test_reload_changes_nothing(demo: Exporter) -> None:
    """A reload keeps the demo's config."""
    eventually(lambda: read_metric(demo, "coder_insights_active_users{"))
    before = read_metric(demo, "insights_exporter_poll_interval_seconds{")

    loaded = read_metric(demo, RELOADED)
    demo.running.process.send_signal(signal.SIGHUP)
    eventually(lambda: read_metric(demo, RELOADED) != loaded)

    assert before == read_metric(demo, "insights_exporter_poll_interval_seconds{")
    assert all('deployment="demo"' in line for line in before)


def test_config_shows_what_the_demo_sets(demo: Exporter) -> None:
    """`/config` marks the demo's own values as set, and all others as defaults."""
    shown = demo.page("/config")

    assert shown.startswith("# From demo config\n")
    assert "requests_per_minute: 6000.0  # file" in shown
    assert "max_concurrency: 2  # default" in shown


def test_number_of_users(demo: Exporter) -> None:
    """There are about `--users` users, despite proxy variables; deleted ones have no account."""
    accounts = eventually(lambda: read_metric(demo, "coder_insights_users{"))

    assert 30 <= sum(float(line.split()[-1]) for line in accounts) <= 40


def test_seed() -> None:
    """Each seed has its own data."""
    coders = [create_coder(SampleData(8, 2, seed, "real", "2026-bounded")) for seed in (5, 5, 6)]
    ids = [[template["id"] for template in load_document(coder, "/templates")] for coder in coders]

    assert ids[0] == ids[1] != ids[2]


def test_faults(start_exporter: StartExporter) -> None:
    """Each fault is printed, and affects only its path."""
    exporter = start_exporter(*SMALL, "--fault=403=/insights/daus", "--fault=500=/insights/user-latency")

    eventually(lambda: "forbidden" in exporter.page("/") and "server_error" in exporter.page("/"))
    output = exporter.running.output()

    assert "The embedded Coder refuses the role (403=/insights/daus)." in output
    assert "(500=/insights/user-latency)" in output
    assert "Partly failing" in exporter.page("/")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param(("--server-version=2026-bound",), "did you mean 2026-bounded?", id="mistyped version"),
        pytest.param(("--fault=404-rout",), "did you mean 404-route?", id="mistyped fault"),
        pytest.param(("--fault=?",), "grace-period", id="unknown fault"),
        pytest.param(("--fault=403=insights",), "--fault=403=/insights/daus", id="path without a slash"),
    ],
)
def test_invalid_flags(run_exporter: RunExporter, flags: tuple[str, ...], message: str) -> None:
    """Invalid flags are reported in one line with a remedy."""
    ended = run_exporter(*SMALL, *flags)

    assert 2 == ended.returncode
    assert message in ended.stderr
    assert 1 == len(ended.stderr.splitlines())


def test_list_of_faults(run_exporter: RunExporter) -> None:
    """All faults are printed with what they do, under a name that no fault has and no shell expands."""
    ended = run_exporter(*SMALL, "--fault=list")

    assert (0, "") == (ended.returncode, ended.stderr)
    assert list(FAULTS) == [line.split()[0] for line in ended.stdout.splitlines()]
    assert re.search(r"^slow +The embedded Coder sends one byte a second\.$", ended.stdout, re.MULTILINE)
    assert "list" not in FAULTS


def test_port_in_use(demo: Exporter, run_exporter: RunExporter) -> None:
    """A port that is in use is reported in one line."""
    address = demo.url.removeprefix("http://")

    ended = run_exporter(*SMALL, f"--web.listen-address={address}")

    assert 2 == ended.returncode
    assert 1 == len(ended.stderr.splitlines())
    assert f"cannot listen on {address}: address already in use; stop the program" in ended.stderr


def test_prometheus(tmp_path: Path) -> None:
    """A Prometheus scrapes the demo with the project's rules until Ctrl-C; two queries are printed."""
    require("prometheus")
    words = (*command(), *SMALL, "--prometheus", f"--web.listen-address=127.0.0.1:{free_port()}")
    environment = clean_environment(tmp_path, {"TMPDIR": str(tmp_path)})
    with running(words, tmp_path / "demo", environment) as process:
        (url,) = eventually(lambda: re.findall(r"(http://\S+)   Prometheus", process.output()))
        queries = eventually(lambda: re.findall(r"^      (?!http)(.+)$", process.output(), re.MULTILINE)[:2])
        with httpx.Client(base_url=url, trust_env=False) as prometheus:
            for query in queries:
                eventually(partial(has_result, prometheus, query))
            rules = prometheus.get("/api/v1/rules").json()["data"]["groups"]
        status = process.stop(signal.SIGINT)

    assert (0, 2) == (status, len(queries))
    assert "Traceback" not in process.output()
    assert [] == list(tmp_path.glob("insights-exporter-demo-*"))
    with pytest.raises(httpx.TransportError):
        httpx.get(url, trust_env=False)
    assert all(group["name"].startswith("insights-exporter") for group in rules)


def has_result(prometheus: httpx.Client, query: str) -> bool:
    """Return whether a query has a result yet."""
    return bool(prometheus.get("/api/v1/query", params={"query": query}).json()["data"]["result"])


def test_missing_prometheus(start_exporter: StartExporter, tmp_path: Path) -> None:
    """Without an installed Prometheus the demo prints so and continues."""
    exporter = start_exporter(*SMALL, "--prometheus", env={"PATH": str(tmp_path)})

    eventually(lambda: "Prometheus was not started" in exporter.running.output())

    assert "Prometheus was not started: prometheus is not in PATH." in exporter.running.output()
    assert eventually(lambda: read_metric(exporter, "coder_insights_active_users{"))
