"""What may be missing: named at the end here, a failure where CI=true."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from scripts.install_test_deps import MISSING, find

MARK = "needs the program "
NOT_OURS = "not ours to bring along: "
"""How the one reason begins that is none to fail for, since nobody can mend it; the Makefile knows it."""
SKIPPED = "Skipped: "
LEFT_OUT = Path("build/left-out.txt")


def require(command: str) -> str:
    """Return the path of `command`; without it the test is skipped, or fails in CI."""
    return find(command) or unavailable(command)


def unavailable(command: str) -> NoReturn:
    """Skip the test, or fail it in CI, since `command` is not to be had here."""
    leave_out(f"{MARK}{command}")


def leave_out(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def left_out(skip_reasons: Iterable[str]) -> list[str]:
    """Return one line for each reason of a skip, whatever it is: how many tests, and what would mend it."""
    counts = Counter(reason.removeprefix(SKIPPED) for reason in skip_reasons)
    reasons = _reasons()
    return [f"not run: {count} test(s) {_told(reason, reasons)}" for reason, count in sorted(counts.items())]


def _told(reason: str, reasons: Mapping[str, str]) -> str:
    if not reason.startswith(MARK):
        return f"({reason})"
    command = reason.removeprefix(MARK)
    return f"that need {command} ({reasons.get(command, 'make parts installs it')})"


def _reasons() -> dict[str, str]:
    """Read why setting up could not install a program."""
    text = MISSING.read_text(encoding="utf-8") if MISSING.exists() else ""
    return dict(line.split(": ", 1) for line in text.splitlines())
