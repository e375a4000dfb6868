"""Bringing a written file into a Prometheus' data with promtool, all of it and once.

The blocks are made in a folder of their own, which Prometheus passes over,
and counted there. Only then do they move to where Prometheus finds them,
and are counted again.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from insights_exporter.backfill.openmetrics import FileStats

BLOCK_DURATION = "744h"
"""A month a file: larger blocks, far fewer of them, and minutes instead of hours."""

_SAMPLES_COLUMN = 4
_STAGE = ".insights-exporter"


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


class PromtoolSink:
    """Brings files into the data folder of a Prometheus, which may run meanwhile."""

    def __init__(self, tsdb: Path) -> None:
        self.name = f"import {tsdb.resolve()}"
        self._tsdb = tsdb
        self._stage = tsdb / _STAGE

    async def bring(self, written: FileStats, key: str) -> None:
        """Make blocks of the file, count what is in them, and hand them over.

        Interrupted at any point, the same call with the same `key` goes on
        and hands over each block once, until `settle`.

        Raises:
            ImportFailed: promtool refused the file, or not all samples arrived.
        """
        checked = self._stage / key
        if not checked.exists():
            await self._check(written, checked)
        self._hand_over(checked, written)

    def settle(self, key: str) -> None:
        """Take note that it is known elsewhere that all has arrived."""
        shutil.rmtree(self._stage / key, ignore_errors=True)
        if self._stage.exists() and not any(self._stage.iterdir()):
            self._stage.rmdir()

    def _hand_over(self, checked: Path, written: FileStats) -> None:
        """Move the blocks, and see that they are there."""
        blocks = list(checked.iterdir())
        meant = _samples_of(blocks)
        arrived = _samples_of([block.rename(self._tsdb / block.name) for block in blocks])
        if arrived != meant:
            shutil.rmtree(checked)
            raise ImportFailed(
                f"{self._tsdb}: {arrived} of {meant} samples of {written.path.name} are there by now; "
                "see that the retention of its Prometheus is longer than the history"
            )

    async def _check(self, written: FileStats, checked: Path) -> None:
        for unfinished in self._stage.glob(f"{checked.name}.*.part"):
            shutil.rmtree(unfinished, ignore_errors=True)
        self._stage.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f"{checked.name}.", suffix=".part", dir=self._stage))
        await _run(*command(written.path, making))
        arrived = _samples(await _run("promtool", "tsdb", "list", str(making)))
        if arrived != written.samples:
            shutil.rmtree(making)
            raise ImportFailed(
                f"{written.path}: promtool took {arrived} of {written.samples} samples, none was imported; "
                "try another version of Prometheus' promtool"
            )
        _keep_blocks(making, checked)


def _keep_blocks(folder: Path, name: Path) -> None:
    """Rename a folder of blocks, without what promtool leaves beside them, such as an empty log."""
    for other in [each for each in folder.iterdir() if not (each / "meta.json").exists()]:
        shutil.rmtree(other) if other.is_dir() else other.unlink()
    folder.rename(name)


def _samples(listed: str) -> int:
    """Count the samples of all blocks in what promtool lists."""
    rows = [line.split() for line in listed.splitlines()[1:]]
    return sum(int(row[_SAMPLES_COLUMN]) for row in rows if row)


def _samples_of(blocks: Iterable[Path]) -> int:
    """Count the samples of blocks as they tell themselves, none where a block is gone."""
    metas = (block / "meta.json" for block in blocks)
    return sum(json.loads(meta.read_bytes())["stats"]["numSamples"] for meta in metas if meta.exists())


async def _run(*words: str) -> str:
    """Run a program to its end; it does not outlive this run, and no Ctrl-C reaches it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe, start_new_session=True)
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise ImportFailed(f"{' '.join(words)} failed: {(err or out).decode(errors='replace').strip()}")
    return out.decode()
