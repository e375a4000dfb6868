"""Import of a file into the data folder of a Prometheus with promtool, completely and once."""

import asyncio
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from insights_exporter.backfill.openmetrics import FileStats

BLOCK_DURATION = "744h"
"""One month per file: larger blocks, far fewer of them, and minutes instead of hours."""

_STAGE = ".insights-exporter"


class ImportFailed(Exception):
    """promtool is missing, refused a file, or lost samples; the message has the remedy."""


def build_import_command(file: Path, tsdb: Path) -> tuple[str, ...]:
    """Return the command that imports a file."""
    duration = f"--max-block-duration={BLOCK_DURATION}"
    command = ("promtool", "tsdb", "create-blocks-from", "openmetrics")
    return (*command, duration, "--quiet", str(file), str(tsdb))


def require_promtool() -> None:
    """Raise ImportFailed if promtool is not installed."""
    if shutil.which("promtool") is None:
        raise ImportFailed("promtool is not installed; install Prometheus, or omit --import")


class PromtoolSink:
    """The data folder of a Prometheus, which may be running."""

    def __init__(self, tsdb: Path) -> None:
        self.name = f"import {tsdb.resolve()}"
        self._tsdb = tsdb
        self._stage = tsdb / _STAGE

    async def deliver(self, stats: FileStats) -> None:
        """Make blocks of the file where Prometheus ignores them, count their samples, and move them.

        Interrupted at any point, a call with the same file continues and
        moves each block once, until `forget`.

        Raises:
            ImportFailed: promtool refused the file, or samples are missing.
        """
        checked = self._stage / stats.digest
        if not checked.exists():
            await self._make_blocks(stats, checked)
        blocks = list(checked.iterdir())
        expected = _count_samples(blocks)
        imported = _count_samples([block.rename(self._tsdb / block.name) for block in blocks])
        if imported != expected:
            shutil.rmtree(checked)
            raise ImportFailed(
                f"{self._tsdb}: {imported} of {expected} samples of {stats.path.name} are present; "
                "check that the retention of its Prometheus is longer than the history"
            )

    def forget(self, stats: FileStats) -> None:
        """Remove what was needed to continue a delivery."""
        shutil.rmtree(self._stage / stats.digest, ignore_errors=True)
        if self._stage.exists() and not any(self._stage.iterdir()):
            self._stage.rmdir()

    async def _make_blocks(self, stats: FileStats, checked: Path) -> None:
        """Make the folder `checked` with blocks that hold all samples; raises ImportFailed."""
        folder = checked.with_suffix(".part")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        await _run(*build_import_command(stats.path, folder))
        imported = _count_samples(folder.iterdir())
        if imported != stats.samples:
            shutil.rmtree(folder)
            raise ImportFailed(
                f"{stats.path}: promtool accepted {imported} of {stats.samples} samples, none was imported; "
                "try another version of Prometheus' promtool"
            )
        # promtool leaves other files there, such as an empty log.
        for other in [each for each in folder.iterdir() if not (each / "meta.json").exists()]:
            shutil.rmtree(other) if other.is_dir() else other.unlink()
        folder.rename(checked)


def _count_samples(blocks: Iterable[Path]) -> int:
    """Return the samples of blocks by their own metadata, none for blocks that do not exist."""
    metas = (block / "meta.json" for block in blocks)
    return sum(json.loads(meta.read_bytes())["stats"]["numSamples"] for meta in metas if meta.exists())


async def _run(*command: str) -> None:
    """Run a program; it ends with this run, and no Ctrl-C reaches it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, start_new_session=True)
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise ImportFailed(f"{' '.join(command)} failed: {(err or out).decode(errors='replace').strip()}")
