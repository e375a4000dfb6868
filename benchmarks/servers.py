"""Processes of the exporter and of the fake Coders that it polls."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx

from tests.integration.exporter import IMPORTED_FROM, Exporter, serving
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.waiting import eventually

_ROOT = Path(__file__).parents[1]
_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server's URL including the path, and its PID."""

    url: str
    pid: int


def build_environment(home: Path) -> dict[str, str]:
    """Return an environment in which a process imports the same packages as this one."""
    return clean_environment(home, {"PYTHONPATH": f"{_ROOT}:{IMPORTED_FROM}"})


@contextmanager
def run_module(directory: Path, name: str, *arguments: str) -> Iterator[Server]:
    """Run `python -m benchmarks.<name> PORT ARGUMENTS` until the block ends, and wait until it responds."""
    port = free_port()
    command = (sys.executable, "-m", f"benchmarks.{name}", str(port), *arguments)
    with running(command, directory, build_environment(directory)) as process:
        server = Server(f"http://127.0.0.1:{port}", process.process.pid)
        eventually(lambda: _responds(server.url), _TIMEOUT, ignoring=(httpx.TransportError,))
        yield server
        process.stop()


@contextmanager
def run_exporter(directory: Path, config: Path, *flags: str) -> Iterator[Exporter]:
    """Run the exporter with a config file until the block ends."""
    with serving(directory, f"--config.file={config}", "--log.level=error", *flags) as process:
        yield process


def read_scrape_url(running_exporter: Exporter) -> Server:
    """Return the URL of an exporter's `/metrics`, and its PID."""
    return Server(f"{running_exporter.url}/metrics", running_exporter.running.process.pid)


def wait_until(condition: Callable[[], bool], seconds: float = _TIMEOUT, pause: float = 0.0) -> None:
    """Wait for a condition, with a pause between checks in case they are expensive.

    Raises:
        AssertionError: The condition is not met in time.
    """

    def check() -> bool:
        found = condition()
        time.sleep(0 if found else pause)
        return found

    eventually(check, seconds)


def parse_values(page: str, family: str) -> list[float]:
    """Return the values of all series of a family in an exposition."""
    lines = [line for line in page.splitlines() if line.startswith(family + "{")]
    return [float(line.rpartition(" ")[2]) for line in lines]


def fetch_values(running_exporter: Exporter, family: str) -> list[float]:
    """Return the values of one family, requested with as little overhead as possible."""
    running_exporter.running.check_alive()
    connection = HTTPConnection(running_exporter.url.removeprefix("http://"), timeout=_TIMEOUT)
    with closing(connection):
        connection.request("GET", f"/metrics?name[]={family}")
        return parse_values(connection.getresponse().read().decode(), family)


def has_polled_all(running_exporter: Exporter) -> bool:
    """Return whether there are polls and all of them succeeded."""
    successes = fetch_values(running_exporter, "insights_exporter_poll_success")
    return bool(successes) and all(successes)


def _responds(url: str) -> bool:
    return httpx.get(url, trust_env=False).status_code > 0
