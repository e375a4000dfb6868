"""An embedded Coder, in the spring when clocks go forward, and runs of the command against it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder
from tests.integration.exporter import command
from tests.integration.processes import Running, clean_environment, running
from tests.support.in_process import run_in_process

NOW = datetime(2026, 4, 10, 12, 30, tzinfo=UTC)


@dataclass
class Backfill:
    """Runs the command, with output into the folder `out`.

    Without `config` the environment is used.
    """

    coder: EmbeddedCoder
    url: str
    folder: Path
    config: str = ""
    path: str = ""
    """The PATH of the command, by default that of the tests."""
    rate: list[str] = field(default_factory=lambda: ["--requests-per-minute=100000"])

    @property
    def out(self) -> Path:
        """The output folder."""
        return self.folder / "out"

    @property
    def env(self) -> dict[str, str]:
        """The environment of the command."""
        path = {"PATH": self.path} if self.path else {}
        return {"CODER_SESSION_TOKEN": DEMO_TOKEN, **path} | ({} if self.config else {"CODER_URL": self.url})

    def arguments(self, since: str, *more: str) -> list[str]:
        """Return the arguments of a run."""
        config = self.folder / "config.yml"
        config.write_text(self.config, encoding="utf-8")
        given = [f"--config.file={config}"] if self.config else []
        return ["backfill", f"--since={since}", f"--output={self.out}", *self.rate, *given, *more]

    def __call__(self, since: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return run_in_process(self.folder, *self.arguments(since, *more), env=self.env)

    @contextmanager
    def start(self, since: str, *more: str) -> Iterator[Running]:
        """Run the command in a process of its own, which is killed if it outlives the block."""
        env = clean_environment(self.folder, self.env)
        with running([*command(), *self.arguments(since, *more)], self.folder / "started", env) as process:
            yield process

    def files(self) -> list[Path]:
        """Return the finished files."""
        return sorted(self.out.rglob("*.om"))

    def report_queries(self) -> list[str]:
        """Return the queries of report requests, oldest first."""
        return [seen.query for seen in self.coder.requests if "/insights/" in seen.path]


def samples(path: Path) -> dict[str, dict[int, float]]:
    """Return the samples of a file: values by second, by series."""
    found: dict[str, dict[int, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            head, value, second = line.rsplit(" ", 2)
            found.setdefault(head, {})[int(second)] = float(value)
    return found
