"""Run the installed linters on rules and dashboards: `python -m grafana.lint`.

dashboard-linter (Grafana), mixtool (monitoring-mixins) and pint (Cloudflare,
without a Prometheus) are Go programs. They are looked up in the interpreter's
folder and on PATH, and have to be installed by hand. This project's tests
check the same rules without them.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from grafana.build import write
from grafana.mixin import render_mixin
from scripts.install_test_deps import find


@dataclass(frozen=True, slots=True)
class Linter:
    """A program, its arguments, and the files of the mixin it is run on, one by one."""

    program: str
    arguments: tuple[str, ...]
    files: str


LINTERS: Final = (
    Linter("dashboard-linter", ("lint", "--strict"), "dashboards/*.json"),
    Linter("mixtool", ("lint",), "mixin.libsonnet"),
    Linter("promtool", ("check", "rules", "--lint=all", "--lint-fatal"), "rules/*.yaml"),
    Linter(
        "pint",
        ("--offline", "--no-color", "lint", "--min-severity=info", "--fail-on=info"),
        "rules/*.yaml",
    ),
)


def find_problems(linter: Linter, program: str, mixin: Path) -> list[str]:
    """Return a linter's output for each file that it rejects."""
    files = sorted(str(file.relative_to(mixin)) for file in mixin.glob(linter.files))
    runs = [_run([program, *linter.arguments, file], mixin) for file in files]
    return [run.stdout + run.stderr for run in runs if run.returncode]


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603  arguments of LINTERS


def main(linters: Sequence[Linter] = LINTERS) -> int:
    """Lint, print each linter's verdict, and return the exit status."""
    status = 0
    with TemporaryDirectory() as folder:
        write(render_mixin(), Path(folder))
        for linter in linters:
            program = find(linter.program)
            found = find_problems(linter, program, Path(folder)) if program else []
            print(f"{linter.program}: {_describe_result(program, found)}", *found, sep="\n")  # noqa: T201  a command
            status |= bool(found)
    return status


def _describe_result(program: str | None, found: Sequence[str]) -> str:
    if program is None:
        return "not run, it is not installed"
    return f"{len(found)} files have problems" if found else "no problems found"


if __name__ == "__main__":
    sys.exit(main())
