"""Programs that may be missing: skipped by name here, a failure where CI=true."""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

from tools.parts import MISSING, find

MARK = "needs the program "
LEFT_OUT = Path("build/left-out.txt")


def require(command: str) -> str:
    """Give the path of `command`; without it the test is skipped, or fails in CI."""
    return find(command) or unavailable(command)


def unavailable(command: str) -> NoReturn:
    """Skip the test, or fail it in CI, since `command` is not to be had here."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{MARK}{command}", pytrace=False)
    pytest.skip(f"{MARK}{command}")


def left_out(skip_reasons: Iterable[str]) -> list[str]:
    """Give one line for each missing program: its name, what was not run, and why."""
    counts = Counter(reason.partition(MARK)[2] for reason in skip_reasons if MARK in reason)
    reasons = _reasons()
    return [
        f"not run: {count} test(s) that need {command} ({reasons.get(command, 'make parts installs it')})"
        for command, count in sorted(counts.items())
    ]


def _reasons() -> dict[str, str]:
    """Read why setting up could not install a program."""
    text = MISSING.read_text(encoding="utf-8") if MISSING.exists() else ""
    return dict(line.split(": ", 1) for line in text.splitlines())
