"""Reloads of the config: what continues, what restarts, and what changes nothing."""

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.faults.config import write_config
from tests.faults.observation import PollState, observe
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter, RunExporter, StartExporter
from tests.integration.waiting import eventually

NAMES = ("kept", "changed", "gone", "new")
POLLED = ("kept", "changed", "gone")
REFUSED = 'msg="config reload failed, keeping previous config" err='


class Servers:
    """Four servers, and the config file of some of them."""

    def __init__(self, directory: Path, urls: dict[str, str], coders: dict[str, EmbeddedCoder]) -> None:
        self.config = directory / "config.yml"
        self.urls = urls
        self.coders = coders

    def write(self, *names: str, more: dict[str, dict[str, Any]] | None = None, **defaults: object) -> None:
        """Write a config with these deployments; `more` has further keys of some of them."""
        deployments = [
            {
                "name": name,
                "url": self.urls[name],
                "token": self.coders[name].token,
                **(more or {}).get(name, {}),
            }
            for name in names
        ]
        write_config(self.config, deployments, **defaults)


@contextmanager
def run_servers(directory: Path) -> Iterator[Servers]:
    """Serve four servers until the block ends."""
    population = Population(seed=1, users=5, templates=2)
    coders = {name: EmbeddedCoder(population=population, rate_limit=-1) for name in NAMES}
    with serve(coders) as url:
        yield Servers(directory, {name: f"{url}/{name}" for name in NAMES}, coders)


@contextmanager
def run_polled_exporter(servers: Servers, directory: Path) -> Iterator[Exporter]:
    """Run an exporter that has polled three servers."""
    servers.write(*POLLED)
    flags = (f"--config.file={servers.config}", "--web.enable-lifecycle")
    with exporter_peer.serving(directory, *flags) as running:
        eventually(lambda: all(read_polls(running)[name].data for name in POLLED))
        yield running


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Provide four servers that serve."""
    with run_servers(tmp_path) as servers:
        yield servers


@pytest.fixture
def exporter(servers: Servers, tmp_path: Path) -> Iterator[Exporter]:
    """Provide an exporter that has polled three of them."""
    with run_polled_exporter(servers, tmp_path / "exporter") as running:
        yield running


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Exporter, Servers]]:
    """Provide an exporter and its servers for tests that leave them as they were."""
    directory = tmp_path_factory.mktemp("steady")
    with run_servers(directory) as servers, run_polled_exporter(servers, directory / "exporter") as running:
        yield running, servers


def read_polls(exporter: Exporter) -> dict[str, PollState]:
    """Return the state of the polls of `templates`, by deployment."""
    found = observe(exporter.page(), 0).polls
    return {name: found[name, "templates"] for name in NAMES}


def read_own_metric(exporter: Exporter, name: str) -> float:
    """Return the value of one of the exporter's series without labels."""
    (line,) = [line for line in exporter.page().splitlines() if line.startswith(f"insights_exporter_{name} ")]
    return float(line.split()[1])


def request_reload(exporter: Exporter) -> httpx.Response:
    """Request a reload over HTTP."""
    return httpx.post(f"{exporter.url}/-/reload", timeout=30)


def reload_by_signal(exporter: Exporter) -> None:
    """Reload by a signal, and wait for its end."""
    before = exporter.running.output().count("reloaded")
    exporter.running.process.send_signal(signal.SIGHUP)
    eventually(lambda: exporter.running.output().count("reloaded") > before)


def reload_by_request(exporter: Exporter) -> None:
    """Reload by a request."""
    assert request_reload(exporter).status_code == 200


@pytest.mark.parametrize("how", [reload_by_signal, reload_by_request])
def test_new_config(exporter: Exporter, servers: Servers, how: Any) -> None:  # noqa: ANN401 -- a function
    """Unchanged deployments keep data, counters and connections; changed ones restart; others are dropped."""
    seen = []
    scraping = threading.Event()

    def scrape() -> None:
        while not scraping.is_set():
            seen.append(read_polls(exporter))

    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(scrape)
        try:
            eventually(lambda: len(seen) > 1)
            requests = read_polls(exporter)["kept"].requests
            hourly = {"datasets": {"templates": {"every": "1h"}}}
            servers.write(
                "kept", "changed", "new", more={"changed": {"max_series": 50_000, **hourly}, "new": hourly}
            )
            how(exporter)
            eventually(lambda: read_polls(exporter)["new"].data and read_polls(exporter)["changed"].data)
        finally:
            scraping.set()
        task.result()
    after, page, config = read_polls(exporter), exporter.page(), exporter.page("/config")

    assert all(poll["kept"].data and poll["kept"].success == 1 for poll in seen)
    assert after["kept"].requests >= requests
    assert 'deployment="gone"' not in page
    assert 1 == after["changed"].requests
    assert "name: gone" not in config
    assert "max_series: 50000" in config
    assert "new" in exporter.page("/")
    assert 1 == read_own_metric(exporter, "config_last_reload_successful")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("deployments: [", id="no YAML"),
        pytest.param("", id="nothing"),
        pytest.param("deployments: [{url: 'https://x.example', token: a-b, timout: 1s}]", id="unknown key"),
        pytest.param("deployments: [{url: 'https://c.example.com', token_file: nowhere}]", id="no such file"),
        pytest.param(
            "deployments: [{url: 'https://c.example.com', token: x-x, tls: {ca_file: config.yml}}]",
            id="no certificate",
        ),
        pytest.param(None, id="no config file"),
    ],
)
def test_invalid_config_changes_nothing(steady: tuple[Exporter, Servers], broken: str | None) -> None:
    """An invalid config changes nothing and is logged; a valid one is applied afterwards."""
    exporter, servers = steady
    before = exporter.running.output().count(REFUSED)
    config, requests = exporter.page("/config"), read_polls(exporter)
    good = servers.config.read_text()
    if broken is None:
        servers.config.unlink()
    else:
        servers.config.write_text(broken)

    refused = request_reload(exporter)
    eventually(lambda: read_own_metric(exporter, "config_last_reload_successful") == 0)
    after = read_polls(exporter)
    config_after = exporter.page("/config")
    servers.config.write_text(good)
    taken = request_reload(exporter)

    assert 500 == refused.status_code
    assert str(servers.config) in refused.text
    assert before + 1 == exporter.running.output().count(REFUSED)
    assert config == config_after
    assert all(after[name].requests >= poll.requests for name, poll in requests.items())
    assert all(after[name].data for name in POLLED)
    assert 200 == taken.status_code
    eventually(lambda: read_own_metric(exporter, "config_last_reload_successful") == 1)


def test_changed_certificates_count_as_changed(exporter: Exporter, servers: Servers, tmp_path: Path) -> None:
    """A deployment with the same config, but other contents of its files, restarts."""
    authorities = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(authorities)
    hourly = {name: {"every": "1h"} for name in ("daus", "templates", "user-status-counts")}
    changed = {"tls": {"ca_file": str(authorities)}, "datasets": hourly}
    servers.write("kept", "changed", more={"changed": changed})
    reload_by_request(exporter)
    eventually(lambda: read_polls(exporter)["changed"].data)
    reload_by_request(exporter)
    asked = len(servers.coders["changed"].requests)
    eventually(lambda: read_polls(exporter)["kept"].requests > 5)
    asked_while_the_same = len(servers.coders["changed"].requests)

    trustme.CA().cert_pem.write_to_path(authorities)
    reload_by_request(exporter)
    eventually(lambda: len(servers.coders["changed"].requests) > asked + 2)

    assert asked == asked_while_the_same
    assert read_polls(exporter)["kept"].data


def test_many_reloads_at_once(exporter: Exporter, servers: Servers) -> None:
    """After many concurrent reloads, the last written config is in effect."""
    servers.coders["changed"].fail("no-response")
    orders = [("kept", "gone"), ("kept", "changed", "new"), ("kept", "changed"), ("new", "kept", "gone")]
    responses: Counter[int] = Counter()
    with ThreadPoolExecutor(8) as pool:
        for number in range(8):
            servers.write(*orders[number % 4], timeout=f"{number + 2}s")
            responses.update(
                task.result().status_code
                for task in [pool.submit(request_reload, exporter) for _ in range(4)]
            )
            exporter.running.process.send_signal(signal.SIGHUP)
    servers.coders["changed"].clear_faults()
    servers.write("kept", "changed", "new")
    reload_by_request(exporter)
    eventually(lambda: all(read_polls(exporter)[name].data for name in ("kept", "changed", "new")))

    assert {200} == set(responses)
    assert 'deployment="gone"' not in exporter.page()
    assert "unexpected" not in exporter.running.output()


def test_removed_while_it_is_polled(exporter: Exporter, servers: Servers) -> None:
    """A deployment that is removed during a poll does not reappear when the poll ends."""
    servers.coders["gone"].fail("no-response")
    seen = read_polls(exporter)["gone"].requests
    eventually(lambda: read_polls(exporter)["gone"].failures.get("timeout"))
    servers.write("kept", "changed")
    reload_by_request(exporter)
    before = read_polls(exporter)["kept"].requests
    eventually(lambda: read_polls(exporter)["kept"].requests > before + 4)

    assert seen
    assert 'deployment="gone"' not in exporter.page()


def test_reload_is_off_unless_enabled(start_exporter: StartExporter, servers: Servers) -> None:
    """Without the flag a request reloads nothing, while a signal does."""
    servers.write("kept")
    exporter = start_exporter(f"--config.file={servers.config}")
    servers.write("kept", "new")

    assert 403 == request_reload(exporter).status_code
    assert "name: new" not in exporter.page("/config")
    reload_by_signal(exporter)
    assert "name: new" in exporter.page("/config")


@pytest.mark.parametrize(("config", "expected"), [("good", 0), ("deployments: [{}]", 2)])
def test_check_before_a_reload(
    run_exporter: RunExporter, servers: Servers, config: str, expected: int
) -> None:
    """`--config.check` reports whether a reload would accept the file."""
    servers.write("kept")
    if config != "good":
        servers.config.write_text(config)

    assert expected == run_exporter("--config.check", f"--config.file={servers.config}").returncode
