"""The installed command of the exporter, in a separate process."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import httpx

import insights_exporter
from tests.integration.plain_http import NO_AUTHORITIES
from tests.integration.processes import Running, clean_environment, free_port, running
from tests.integration.waiting import eventually

START = 30.0
"""Seconds until the exporter responds on a machine under load."""


IMPORTED_FROM = Path(insights_exporter.__file__).parents[1]


def command() -> tuple[str, ...]:
    """Return the command of the exporter: its console script, or `main` of the source tree."""
    if IMPORTED_FROM.name == "site-packages":
        return (str(Path(sys.executable).with_name("insights-exporter")),)
    start = (
        f"import sys; sys.path.insert(0, {str(IMPORTED_FROM)!r}); from insights_exporter.cli import main; "
    )
    return (sys.executable, "-c", start + "sys.exit(main())")


@dataclass(frozen=True, slots=True)
class Exporter:
    """A running exporter and the address it serves on."""

    url: str
    running: Running

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Request `path`; `_` in a header's name stands for `-`."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(self.url + path, headers=names, trust_env=False, verify=NO_AUTHORITIES, timeout=30)

    def page(self, path: str = "/metrics", **headers: str) -> str:
        """Return the text of a page that must be there."""
        return self.get(path, **headers).raise_for_status().text

    def healthy(self) -> bool:
        """Return whether it responds; raises AssertionError if it has ended."""
        self.running.check_alive()
        return self.get("/-/healthy").status_code == httpx.codes.OK

    def ready(self) -> bool:
        """Return whether every job was tried once."""
        self.running.check_alive()
        return self.get("/-/ready").status_code == httpx.codes.OK


class StartExporter(Protocol):
    """The type of the fixture `start_exporter`."""

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> Exporter:
        """Start an exporter on a free port and wait until it is healthy."""


class RunExporter(Protocol):
    """The type of the fixture `run_exporter`."""

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that ends by itself."""


@contextmanager
def serving(
    directory: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
    prefix: str = "",
) -> Iterator[Exporter]:
    """Serve on `port`, or a free one, until the block ends; then SIGTERM, and exit status 0.

    `arguments` come before the address, so that a command may be the first
    of them. `env` is added to an environment without any variables of the exporter. `prefix`
    is where the arguments make it serve.
    """
    port = port or free_port()
    words = (*command(), *arguments, f"--web.listen-address=127.0.0.1:{port}")
    with running(words, directory, clean_environment(directory, env or {})) as process:
        exporter = Exporter(f"http://127.0.0.1:{port}{prefix}", process)
        eventually(exporter.healthy, START, ignoring=(httpx.TransportError,))
        yield exporter
        status = process.stop()
        assert status == 0, f"ended with {status}:\n{process.output()}"


def run(
    directory: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    seconds: float = 60,
    stdout: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, such as `check`, and return its status and output."""
    directory.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [*command(), *arguments],
        cwd=directory,
        env=clean_environment(directory, env or {}),
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=seconds,
    )
