"""Imports with promtool: all samples, each once, despite interruptions."""

import os
import shutil
import signal
from datetime import date
from pathlib import Path

import pytest

from insights_exporter.backfill.openmetrics import Day, FileStats, write_month
from insights_exporter.backfill.promtool import ImportFailed, PromtoolSink
from insights_exporter.backfill.timeline import BackfillRange
from tests.integration.programs import require
from tests.integration.promtool import Promtool
from tests.integration.waiting import eventually
from tests.support.backfill import NOW, Backfill


def blocks(tsdb: Path) -> set[str]:
    """Return the blocks that Prometheus would find."""
    return {meta.parent.name for meta in tsdb.glob("*/meta.json")}


def read_stored(promtool: Promtool, tsdb: Path) -> int:
    """Return how many samples Prometheus would find."""
    rows = promtool.run("tsdb", "list", str(tsdb)).stdout.splitlines()[1:]
    return sum(int(row.split()[4]) for row in rows)


@pytest.fixture
async def written(tmp_path: Path, promtool: Promtool) -> FileStats:
    """Return a file of forty days, which are several blocks."""
    assert promtool
    span = BackfillRange(date(2026, 3, 1), NOW, NOW.tzinfo, 285)  # type: ignore[arg-type]  # any zone
    days = [Day({"users": f'users{{a="x"}} {day.day}\n'}, span.list_times(day)) for day in span.days]
    return await write_month(tmp_path / "2026-03.om", {"users": "Users."}, days, {})


async def test_all_samples_arrive(written: FileStats, promtool: Promtool, tmp_path: Path) -> None:
    """The data folder has every sample and no other new file."""
    tsdb = tmp_path / "data"
    sink = PromtoolSink(tsdb)

    await sink.deliver(written)
    sink.forget(written)

    assert written.samples == read_stored(promtool, tsdb)
    assert blocks(tsdb) == {path.name for path in tsdb.iterdir()}


async def test_imported_blocks_are_not_made_again(written: FileStats, tmp_path: Path) -> None:
    """After a crash before the import was recorded, the same blocks count."""
    tsdb = tmp_path / "data"
    await PromtoolSink(tsdb).deliver(written)
    before = blocks(tsdb)
    written.path.unlink()

    await PromtoolSink(tsdb).deliver(written)

    assert before == blocks(tsdb)


async def test_crash_while_blocks_move(written: FileStats, promtool: Promtool, tmp_path: Path) -> None:
    """The next run moves blocks that were checked and not yet moved."""
    tsdb = tmp_path / "data"
    await PromtoolSink(tsdb).deliver(written)
    before = blocks(tsdb)
    last = max(before)
    (tsdb / last).rename(tsdb / ".insights-exporter" / written.digest / last)
    written.path.unlink()

    await PromtoolSink(tsdb).deliver(written)

    assert len(before) > 1
    assert before == blocks(tsdb)
    assert written.samples == read_stored(promtool, tsdb)


async def test_crash_while_blocks_are_made(written: FileStats, promtool: Promtool, tmp_path: Path) -> None:
    """Blocks that were not counted are removed and made again."""
    tsdb = tmp_path / "data"
    await PromtoolSink(tsdb).deliver(written)
    half = tsdb / ".insights-exporter" / f"{written.digest}.part"
    half.mkdir()
    block = max(blocks(tsdb))
    (tsdb / block).rename(half / block)
    for other in blocks(tsdb):
        shutil.rmtree(tsdb / other)
    (tsdb / ".insights-exporter" / written.digest).rmdir()

    sink = PromtoolSink(tsdb)
    await sink.deliver(written)
    sink.forget(written)

    assert block not in blocks(tsdb)
    assert written.samples == read_stored(promtool, tsdb)
    assert not (tsdb / ".insights-exporter").exists()


async def test_lost_sample_is_found_before_anything_is_imported(written: FileStats, tmp_path: Path) -> None:
    """Promtool drops samples that are out of order and succeeds; then nothing is imported."""
    text = written.path.read_text(encoding="utf-8")
    first, second = text.splitlines()[2:4]
    written.path.write_text(text.replace(f"{first}\n{second}\n", f"{second}\n{first}\n"), encoding="utf-8")

    with pytest.raises(ImportFailed, match=f"accepted {written.samples - 1} of {written.samples} samples"):
        await PromtoolSink(tmp_path / "data").deliver(written)

    assert set() == blocks(tmp_path / "data")


async def test_block_that_prometheus_removes_at_once(
    written: FileStats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Prometheus with a shorter retention is reported, and the next run imports everything."""
    tsdb = tmp_path / "data"
    move = Path.rename

    def rename(path: Path, target: Path) -> Path:
        moved = move(path, target)
        if target.parent == tsdb and len(blocks(tsdb)) == 1:
            shutil.rmtree(target)
        return moved

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", rename)
        with pytest.raises(ImportFailed, match=rf"of {written.samples} samples of 2026-03.om .* retention"):
            await PromtoolSink(tsdb).deliver(written)
    for block in blocks(tsdb):
        shutil.rmtree(tsdb / block)
    await PromtoolSink(tsdb).deliver(written)

    assert len(blocks(tsdb)) > 1


async def test_file_that_promtool_refuses(written: FileStats, tmp_path: Path) -> None:
    """The error contains promtool's own message."""
    written.path.write_text("no metrics at all", encoding="utf-8")

    with pytest.raises(ImportFailed, match=r"promtool tsdb create-blocks-from openmetrics .* failed: "):
        await PromtoolSink(tmp_path / "data").deliver(written)

    assert set() == blocks(tmp_path / "data")


def test_files_of_an_earlier_run_are_imported_once(
    backfill: Backfill, promtool: Promtool, tmp_path: Path
) -> None:
    """An import after a run without one requests nothing again, and a second import does nothing."""
    tsdb = tmp_path / "data"
    places = ("--import", f"--tsdb={tsdb}")
    backfill("2026-03-30")
    requested = len(backfill.report_queries())
    first, samples = backfill("2026-03-30", *places), read_stored(promtool, tsdb)
    second = backfill("2026-03-30", *places)

    assert (0, 0) == (first.returncode, second.returncode), first.stderr + second.stderr
    assert requested == len(backfill.report_queries())
    assert 0 < samples == read_stored(promtool, tsdb)
    assert [] == backfill.files()


def test_file_that_was_removed_before_its_import(
    backfill: Backfill, promtool: Promtool, tmp_path: Path
) -> None:
    """A file that was moved away is an error with a remedy."""
    assert promtool
    backfill("2026-04-08")
    for file in backfill.files():
        file.unlink()

    ended = backfill("2026-04-08", "--import", f"--tsdb={tmp_path / 'data'}")

    assert 1 == ended.returncode
    assert "--no-resume" in ended.stderr


def test_promtool_does_not_outlive_the_command(backfill: Backfill, tmp_path: Path) -> None:
    """SIGTERM ends promtool too, and the next run imports."""
    require("promtool")
    programs, pid = tmp_path / "programs", tmp_path / "pid"
    programs.mkdir()
    slow = programs / "promtool"
    slow.write_text(
        f"#!/bin/sh\necho $$ > {pid}.part\nmv {pid}.part {pid}\nexec sleep 600\n", encoding="utf-8"
    )
    slow.chmod(0o755)
    places = ("--import", f"--tsdb={tmp_path / 'data'}")
    backfill.path = f"{programs}:{os.environ['PATH']}"
    with backfill.start("2026-04-08", *places) as process:
        eventually(pid.exists)
        status = process.stop(signal.SIGTERM)
    backfill.path = os.environ["PATH"]
    ended = backfill("2026-04-08", *places)

    assert (1, 0) == (status, ended.returncode)
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert blocks(tmp_path / "data")
