"""Processes that a test started: where they write, and how they end."""

import os
import random
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

INHERITED = ("PATH", "LANG", "TMPDIR")

PORTS = range(10_000, 32_768)
"""Below those that the kernel gives to clients, so that no connection takes one before its server does."""


def free_port() -> int:
    """Return a free port of the loopback interface."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def clean_environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables and proxies of the user who runs the tests."""
    kept = {
        name: value for name, value in os.environ.items() if name in INHERITED or name.startswith("COVERAGE_")
    }
    return {**kept, "HOME": str(home), **extra}


@dataclass(frozen=True, slots=True)
class Running:
    """A process, and the files its two outputs go to."""

    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    def output(self) -> str:
        """Return all it wrote so far, both outputs."""
        return self.stdout.read_text(encoding="utf-8") + self.stderr.read_text(encoding="utf-8")

    def check_alive(self) -> None:
        """Check that it is running.

        Raises:
            AssertionError: it ended; contains its status and output.
        """
        status = self.process.poll()
        assert status is None, f"{self.process.args!r} ended with {status}:\n{self.output()}"

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 20) -> int:
        """Stop it by a signal and return its exit status; a process that already ended keeps its own."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(seconds)


@contextmanager
def running(command: Sequence[str], directory: Path, env: Mapping[str, str]) -> Iterator[Running]:
    """Run `command` in `directory`; kill it if it is still there at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    stdout, stderr = directory / "stdout.txt", directory / "stderr.txt"
    with stdout.open("wb") as out, stderr.open("wb") as err:
        process = subprocess.Popen(
            command, cwd=directory, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
    try:
        yield Running(process, stdout, stderr)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
