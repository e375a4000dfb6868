"""A run: what it waits for, and in which order it records what."""

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
    """Returns days; `failures` come first, by day."""

    failures: dict[date, list[ApiError]] = field(default_factory=dict)
    requested: list[date] = field(default_factory=list)
    has_responded: bool = False
    line: str = LINE

    async def fetch(self, day: date) -> DaySamples:
        """Return a day."""
        self.requested.append(day)
        if self.failures.get(day):
            raise self.failures[day].pop(0)
        self.has_responded = True
        return {"coder_insights_active_users": self.line}


@dataclass
class RecordingListener:
    """Records the progress."""

    known: int = 0
    requested: int = 0
    waited: list[float] = field(default_factory=list)
    files: list[FileStats] = field(default_factory=list)

    def on_days(self, count: int, *, requested: bool) -> None:
        """Record days."""
        self.requested += count * requested
        self.known += count * (not requested)

    def on_wait(self, error: ApiError, seconds: float) -> None:
        """Record a wait."""
        assert error.transient
        self.waited.append(seconds)

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
    plan = BackfillPlan(span, {}, DATASETS, folder, sinks, listener=listener, pauses=(0.001, 0.002))
    try:
        await run(plan, source, state)
    finally:
        state.close()
    return listener


def files(folder: Path) -> list[Path]:
    """Return the files that exist."""
    return list(folder.glob("*.om"))


async def test_server_that_responded_before_is_waited_for(tmp_path: Path) -> None:
    """An upgrade of Coder during a run does not end it."""
    source = FakeSource({SPAN.days[1]: [AWAY, AWAY]})

    listener = await run_once(tmp_path, source)

    assert [0.001, 0.002] == listener.waited
    assert [SPAN.days[0], *[SPAN.days[1]] * 3, SPAN.days[2]] == source.requested
    assert ["2026-01.om", "2026-02.om"] == [file.path.name for file in listener.files]


@pytest.mark.parametrize(
    ("day", "failures", "tries"),
    [
        pytest.param(0, [AWAY], 1, id="never responded"),
        pytest.param(1, [REFUSED], 1, id="refuses"),
        pytest.param(1, [AWAY] * 9, 3, id="stays down"),
    ],
)
async def test_run_ends_if_waiting_does_not_help(
    tmp_path: Path, day: int, failures: list[ApiError], tries: int
) -> None:
    """A wrong address, a refusal and a server that stays down end the run; what is finished stays."""
    source = FakeSource({SPAN.days[day]: list(failures)})

    with pytest.raises(ApiError):
        await run_once(tmp_path, source)
    source.failures.clear()
    listener = await run_once(tmp_path, source)

    assert tries + 1 == source.requested.count(SPAN.days[day])
    assert (day, 3 - day) == (listener.known, listener.requested)


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

    assert ([], 3, []) == (sink.taken, again.known, files(tmp_path))


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
    assert 3 == (await run_once(tmp_path, FakeSource())).known
