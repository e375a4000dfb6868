"""Our own programs in processes of their own: the exporter, and Coders for it to ask."""

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
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server's URL, the path of its page included, and its process."""

    url: str
    pid: int


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a process that imports what this one does."""
    return clean_environment(home, {"PYTHONPATH": f"{_ROOT}:{IMPORTED_FROM}"})


@contextmanager
def module(directory: Path, name: str, *arguments: str) -> Iterator[Server]:
    """Run `python -m benchmarks.<name> PORT ARGUMENTS` until the block ends; it must answer by then."""
    port = free_port()
    words = (sys.executable, "-m", f"benchmarks.{name}", str(port), *arguments)
    with running(words, directory, environment(directory)) as process:
        server = Server(f"http://127.0.0.1:{port}", process.process.pid)
        eventually(lambda: _answers(server.url), _PATIENCE, ignoring=(httpx.TransportError,))
        yield server
        process.stop()


@contextmanager
def exporter(directory: Path, config: Path, *flags: str) -> Iterator[Exporter]:
    """Run the exporter with a settings file until the block ends."""
    with serving(directory, f"--config.file={config}", "--log.level=error", *flags) as process:
        yield process


def scrape_url(running_exporter: Exporter) -> Server:
    """Return the address of an exporter's page, and its process."""
    return Server(f"{running_exporter.url}/metrics", running_exporter.running.process.pid)


def until(condition: Callable[[], bool], seconds: float = _PATIENCE, pause: float = 0.0) -> None:
    """Wait for a condition, at which is looked again after a pause, where looking costs something.

    Raises:
        AssertionError: it did not come true in time.
    """

    def looked() -> bool:
        found = condition()
        time.sleep(0 if found else pause)
        return found

    eventually(looked, seconds)


def values(page: str, family: str) -> list[float]:
    """Return the values of all series of a family on a page."""
    lines = [line for line in page.splitlines() if line.startswith(family + "{")]
    return [float(line.rpartition(" ")[2]) for line in lines]


def health(running_exporter: Exporter, family: str) -> list[float]:
    """Ask an exporter for the values of one family, with as little ado as possible."""
    running_exporter.running.check_alive()
    connection = HTTPConnection(running_exporter.url.removeprefix("http://"), timeout=_PATIENCE)
    with closing(connection):
        connection.request("GET", f"/metrics?name[]={family}")
        return values(connection.getresponse().read().decode(), family)


def all_polled(running_exporter: Exporter) -> bool:
    """Return whether every poll went well, and there was one."""
    successes = health(running_exporter, "insights_exporter_poll_success")
    return bool(successes) and all(successes)


def _answers(url: str) -> bool:
    return httpx.get(url, trust_env=False).status_code > 0
