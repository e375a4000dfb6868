"""Bringing a written file into a Prometheus' data with promtool, and seeing that all of it arrived."""

import shutil
import subprocess
from pathlib import Path

from insights_exporter.backfill.writing import Written

BLOCK_DURATION = "744h"
"""A month a file: larger blocks, far fewer of them, and minutes instead of hours."""

_SAMPLES_COLUMN = 4


class ImportFailed(Exception):
    """promtool is missing, refused a file, or lost samples; the message says which, and what to do."""


def command(file: Path, tsdb: Path) -> tuple[str, ...]:
    """Give the command that imports a file."""
    duration = f"--max-block-duration={BLOCK_DURATION}"
    return (
        "promtool",
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        duration,
        "--quiet",
        str(file),
        str(tsdb),
    )


def require_promtool() -> None:
    """See that there is a promtool.

    Raises:
        ImportFailed: there is none.
    """
    if shutil.which("promtool") is None:
        raise ImportFailed("promtool is not installed; it comes with Prometheus, or leave out --import")


def import_file(written: Written, tsdb: Path) -> None:
    """Make blocks of the file, and count what is in them.

    Raises:
        ImportFailed: promtool refused it, or not all samples arrived.
    """
    tsdb.mkdir(parents=True, exist_ok=True)
    before = _samples_by_block(tsdb)
    _run(*command(written.path, tsdb))
    new = {block: count for block, count in _samples_by_block(tsdb).items() if block not in before}
    if sum(new.values()) != written.samples:
        raise ImportFailed(
            f"{written.path}: {sum(new.values())} of {written.samples} samples arrived in {tsdb}; "
            f"remove the blocks {', '.join(new)} and run again"
        )


def _samples_by_block(tsdb: Path) -> dict[str, int]:
    """Open the blocks and give how many samples each has."""
    if not any(tsdb.glob("*/meta.json")):
        return {}
    rows = [line.split() for line in _run("promtool", "tsdb", "list", str(tsdb)).splitlines()[1:]]
    return {row[0]: int(row[_SAMPLES_COLUMN]) for row in rows if row}


def _run(*words: str) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603 -- promtool, by name
    if done.returncode:
        raise ImportFailed(f"{' '.join(words)} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout
