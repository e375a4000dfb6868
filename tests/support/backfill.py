"""An embedded Coder, in the spring when clocks go forward, and runs of the command against it."""

import subprocess
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
    room: Path
    config: str = ""
    path: str = ""
    """The PATH of the command, by default that of the tests."""
    hurry: list[str] = field(default_factory=lambda: ["--requests-per-minute=100000"])

    @property
    def out(self) -> Path:
        """The output folder."""
        return self.room / "out"

    @property
    def env(self) -> dict[str, str]:
        """The environment of the command."""
        path = {"PATH": self.path} if self.path else {}
        return {"CODER_SESSION_TOKEN": DEMO_TOKEN, **path} | ({} if self.config else {"CODER_URL": self.url})

    def words(self, since: str, *more: str) -> list[str]:
        """Return the arguments of a run."""
        config = self.room / "config.yml"
        config.write_text(self.config, encoding="utf-8")
        given = [f"--config.file={config}"] if self.config else []
        return ["backfill", f"--since={since}", f"--output={self.out}", *self.hurry, *given, *more]

    def __call__(self, since: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return run_in_process(self.room, *self.words(since, *more), env=self.env)

    def start(self, since: str, *more: str) -> "Started":
        """Return a run in the background, for a `with` block."""
        return Started(self, self.words(since, *more))

    def files(self) -> list[Path]:
        """Return the finished files."""
        return sorted(self.out.rglob("*.om"))

    def report_queries(self) -> list[str]:
        """Return the queries of report requests, oldest first."""
        return [seen.query for seen in self.coder.requests if "/insights/" in seen.path]


class Started:
    """A run in the background."""

    def __init__(self, backfill: Backfill, words: list[str]) -> None:
        env = clean_environment(backfill.room, backfill.env)
        self._context = running([*command(), *words], backfill.room / "started", env)

    def __enter__(self) -> Running:
        """Start it."""
        return self._context.__enter__()

    def __exit__(self, *error: object) -> None:
        """Kill it if it still runs."""
        self._context.__exit__(None, None, None)


def samples(path: Path) -> dict[str, dict[int, float]]:
    """Return the samples of a file: values by second, by series."""
    found: dict[str, dict[int, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            head, value, second = line.rsplit(" ", 2)
            found.setdefault(head, {})[int(second)] = float(value)
    return found
