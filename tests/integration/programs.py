"""Tests that need a missing program: skipped and reported, or failed with CI=true."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from scripts.install_test_deps import MISSING, find

MARK = "needs the program "
NOT_INSTALLABLE = "cannot be installed: "
"""Prefix of the reasons that do not fail CI, since no set-up can remove them; the Makefile has it too."""
OPTIONAL = "optional: "
"""Prefix of what `make test` does not install, which does not fail CI either; the Makefile has it too."""
SKIPPED = "Skipped: "
SKIPPED_TESTS = Path("build/skipped.txt")


def require(command: str) -> str:
    """Return the path of `command`; without it the test is skipped, or fails in CI."""
    return find(command) or skip_or_fail(command)


def require_optional(command: str, target: str) -> str:
    """Return the path of `command`; without it the test is skipped, as only the make target needs it."""
    return find(command) or pytest.skip(f"{OPTIONAL}{command}, which only `make {target}` needs")


def skip_or_fail(command: str) -> NoReturn:
    """Skip the test, or fail it in CI, because `command` is missing."""
    skip(f"{MARK}{command}")


def skip(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def summarize_skips(skip_reasons: Iterable[str]) -> list[str]:
    """Return one line for each reason of a skip: the number of tests, and what would fix it."""
    counts = Counter(reason.removeprefix(SKIPPED) for reason in skip_reasons)
    reasons = _missing_programs()
    return [
        f"not run: {count} test(s) {_describe(reason, reasons)}" for reason, count in sorted(counts.items())
    ]


def _describe(reason: str, reasons: Mapping[str, str]) -> str:
    if not reason.startswith(MARK):
        return f"({reason})"
    command = reason.removeprefix(MARK)
    return f"that need {command} ({reasons.get(command, 'make parts installs it')})"


def _missing_programs() -> dict[str, str]:
    """Read why the set-up could not install a program."""
    text = MISSING.read_text(encoding="utf-8") if MISSING.exists() else ""
    return dict(line.split(": ", 1) for line in text.splitlines())
