"""promtool, which checks expositions, rules and blocks."""

import subprocess
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promtool:
    """The program promtool."""

    program: str

    def run(
        self, *arguments: str, stdin: str = "", seconds: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it, for `seconds` at most, and return its status and output."""
        return subprocess.run(
            [self.program, *arguments],
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def find_problems(self, *arguments: str, stdin: str = "") -> str:
        """Return its output, and its status if it is not 0; empty if there are no problems."""
        done = self.run(*arguments, stdin=stdin)
        status = f"status {done.returncode}\n" if done.returncode else ""
        return done.stdout + done.stderr + status

    def check_metrics(self, page: str) -> str:
        """Return its problems with an exposition in the text format; empty if there are none."""
        return self.find_problems("check", "metrics", stdin=page)
