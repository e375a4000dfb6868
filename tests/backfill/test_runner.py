"""A run: where it continues, and in which order it records what."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.backfill.fetch import DaySamples, HistoryFetcher
from insights_exporter.backfill.openmetrics import FileStats
from insights_exporter.backfill.runner import BackfillPlan, run
from insights_exporter.backfill.state import BackfillState
from insights_exporter.backfill.timeline import BackfillRange
from insights_exporter.coder.errors import ApiError
from insights_exporter.datasets.registry import DATASETS

SPAN = BackfillRange(date(2026, 1, 30), datetime(2026, 2, 2, tzinfo=UTC), ZoneInfo("UTC"), 285)
LINE = 'coder_insights_active_users{window="7d"} 3\n'
AWAY = ApiError("connection", "refused", transient=True)
REFUSED = ApiError("rejected", "no")


@dataclass
class FakeSource(HistoryFetcher):
    """Returns days, or fails on those in `failures`."""

    failures: dict[date, ApiError] = field(default_factory=dict)
    requested: list[date] = field(default_factory=list)
    line: str = LINE

    async def fetch(self, day: date) -> DaySamples:
        """Return a day."""
        self.requested.append(day)
        if day in self.failures:
            raise self.failures[day]
        return {"coder_insights_active_users": self.line}


@dataclass
class RecordingListener:
    """Records the progress."""

    days: int = 0
    files: list[FileStats] = field(default_factory=list)

    def on_days(self, count: int) -> None:
        """Record days."""
        self.days += count

    def on_file(self, stats: FileStats) -> None:
        """Record a file."""
        self.files.append(stats)


@dataclass
class FakeSink:
    """Takes files; `crashes` times it fails after it took one."""

    crashes: int = 0
    name: str = "there"
    taken: list[tuple[str, str]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    async def deliver(self, stats: FileStats) -> None:
        """Take a file."""
        assert stats.path.exists()
        self.taken.append((stats.path.name, stats.digest))
        if self.crashes:
            self.crashes -= 1
            raise OSError("crash")

    def forget(self, stats: FileStats) -> None:
        """Record what need not be kept."""
        self.forgotten.append(stats.digest)


async def run_once(
    folder: Path, source: FakeSource, *sinks: FakeSink, span: BackfillRange = SPAN
) -> RecordingListener:
    """Run once, like a separate process."""
    listener = RecordingListener()
    state = BackfillState(folder, "config", resume=True)
    plan = BackfillPlan(span, {}, DATASETS, folder, sinks, listener=listener)
    try:
        await run(plan, source, state)
    finally:
        state.close()
    return listener


def files(folder: Path) -> list[Path]:
    """Return the files that exist."""
    return list(folder.glob("*.om"))


@pytest.mark.parametrize("failure", [AWAY, REFUSED], ids=["away", "refuses"])
async def test_run_continues_after_an_error(tmp_path: Path, failure: ApiError) -> None:
    """An error of Coder ends the run; the next one requests only the days that are not finished."""
    source = FakeSource({SPAN.days[1]: failure})

    with pytest.raises(ApiError):
        await run_once(tmp_path, source)
    source.failures.clear()
    listener = await run_once(tmp_path, source)

    assert [SPAN.days[0], SPAN.days[1], SPAN.days[1], SPAN.days[2]] == source.requested
    assert 3 == listener.days
    assert ["2026-01.om", "2026-02.om"] == [file.path.name for file in listener.files]


async def test_sink_gets_the_same_file_after_a_crash(tmp_path: Path) -> None:
    """A sink can recognize a file that it took before a crash; once recorded it is not delivered again."""
    sink = FakeSink(crashes=1)
    source = FakeSource()
    with pytest.raises(OSError, match="crash"):
        await run_once(tmp_path, source, sink)

    await run_once(tmp_path, source, sink)
    await run_once(tmp_path, source, sink)

    (first, digest), (again, same), (other, _) = sink.taken
    assert ("2026-01.om", first, digest) == (first, again, same)
    assert "2026-02.om" == other
    assert [digest] == sink.forgotten[:1]
    assert [*SPAN.days] == source.requested
    assert not files(tmp_path)


async def test_file_without_samples_is_not_delivered(tmp_path: Path) -> None:
    """A month without data is finished by the first run, and no sink gets it."""
    source, sink = FakeSource(line=""), FakeSink()

    await run_once(tmp_path, source, sink)
    again = await run_once(tmp_path, source, sink)

    assert ([], 3, []) == (sink.taken, again.days, files(tmp_path))


async def test_later_sinks_get_earlier_files(tmp_path: Path) -> None:
    """A file that was not delivered is delivered once to each sink that is added later."""
    await run_once(tmp_path, FakeSource())
    sink, other = FakeSink(), FakeSink(name="elsewhere")

    await run_once(tmp_path, FakeSource(), sink, other)

    files: Sequence[str] = [name for name, _ in sink.taken]
    assert ["2026-01.om", "2026-02.om"] == files
    assert sink.taken == other.taken


async def test_file_is_delivered_only_to_sinks_that_miss_it(tmp_path: Path) -> None:
    """After a crash between two sinks only the second one gets the file."""
    sink, crashing = FakeSink(), FakeSink(crashes=1, name="elsewhere")
    with pytest.raises(OSError, match="crash"):
        await run_once(tmp_path, FakeSource(), sink, crashing)

    await run_once(tmp_path, FakeSource(), sink, crashing)

    assert ["2026-01.om", "2026-02.om"] == [name for name, _ in sink.taken]
    assert ["2026-01.om", "2026-01.om", "2026-02.om"] == [name for name, _ in crashing.taken]


async def test_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    """A run locks its folder until it ends."""
    both = await asyncio.gather(
        run_once(tmp_path, FakeSource()), run_once(tmp_path, FakeSource()), return_exceptions=True
    )

    assert 1 == sum(isinstance(each, RecordingListener) for each in both)
    assert 3 == (await run_once(tmp_path, FakeSource())).days
