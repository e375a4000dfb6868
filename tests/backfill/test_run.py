"""A run: what it waits for, and in which order it takes note of what."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.backfill.fetch import DayLines
from insights_exporter.backfill.openmetrics import FileStats
from insights_exporter.backfill.runner import BackfillPlan, run
from insights_exporter.backfill.state import BackfillState
from insights_exporter.backfill.timeline import BackfillRange
from insights_exporter.coder.client import RequestOptions
from insights_exporter.coder.errors import ApiError
from insights_exporter.polling.status import RequestStats

SPAN = BackfillRange(date(2026, 1, 30), datetime(2026, 2, 2, tzinfo=UTC), ZoneInfo("UTC"), 285)
LINE = 'coder_insights_active_users{window="7d"} 3\n'
AWAY = ApiError("connection", "refused", transient=True)
REFUSED = ApiError("rejected", "no")


@dataclass
class Coder:
    """Tells days; `failures` come first, by day."""

    failures: dict[date, list[ApiError]] = field(default_factory=dict)
    asked: list[date] = field(default_factory=list)
    has_answered: bool = False

    async def lines(self, day: date, options: RequestOptions) -> DayLines:
        """Tell a day."""
        assert options.deadline == float("inf")
        self.asked.append(day)
        if self.failures.get(day):
            raise self.failures[day].pop(0)
        self.has_answered = True
        return {"coder_insights_active_users": LINE}


@dataclass
class Listener:
    """Keeps what it is told."""

    known: int = 0
    asked: int = 0
    waited: list[float] = field(default_factory=list)
    files: list[FileStats] = field(default_factory=list)

    def days(self, count: int, *, asked: bool) -> None:
        """Take note of days."""
        self.asked += count * asked
        self.known += count * (not asked)

    def waits(self, failure: ApiError, seconds: float) -> None:
        """Take note of a wait."""
        assert failure.transient
        self.waited.append(seconds)

    def finished(self, written: FileStats) -> None:
        """Take note of a file."""
        self.files.append(written)


@dataclass
class Place:
    """Takes files, and crashes as often as it is told: after it took one, before anybody noted it."""

    crashes: int = 0
    name: str = "there"
    taken: list[tuple[str, str]] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)

    async def bring(self, written: FileStats, key: str) -> None:
        """Take a file."""
        assert written.path.exists()
        self.taken.append((written.path.name, key))
        if self.crashes:
            self.crashes -= 1
            raise OSError("crash")

    def settle(self, key: str) -> None:
        """Take note that it is noted."""
        self.settled.append(key)


async def go(folder: Path, coder: Coder, *places: Place, span: BackfillRange = SPAN) -> Listener:
    """Run once, as a process of its own would."""
    listener = Listener()
    state = BackfillState(folder, "settings", resume=True)
    plan = BackfillPlan(span, {}, folder, places, listener=listener, pauses=(0.001, 0.002))
    try:
        await run(plan, coder, state, RequestOptions(RequestStats("backfill"), float("inf")))
    finally:
        state.close()
    return listener


def files(folder: Path) -> list[Path]:
    """Give the files that are there."""
    return list(folder.glob("*.om"))


async def test_server_that_was_there_is_waited_for(tmp_path: Path) -> None:
    """An upgrade of Coder in the middle of a run does not end it."""
    coder = Coder({SPAN.days[1]: [AWAY, AWAY]})

    told = await go(tmp_path, coder)

    assert [0.001, 0.002] == told.waited
    assert [SPAN.days[0], *[SPAN.days[1]] * 3, SPAN.days[2]] == coder.asked
    assert ["2026-01.om", "2026-02.om"] == [file.path.name for file in told.files]


@pytest.mark.parametrize(
    ("day", "failures", "tries"),
    [
        pytest.param(0, [AWAY], 1, id="was never there"),
        pytest.param(1, [REFUSED], 1, id="says no"),
        pytest.param(1, [AWAY] * 9, 3, id="stays away"),
    ],
)
async def test_run_ends_where_waiting_is_no_use(
    tmp_path: Path, day: int, failures: list[ApiError], tries: int
) -> None:
    """A wrong address, a refusal and a server that stays away end the run; what is finished stays."""
    coder = Coder({SPAN.days[day]: list(failures)})

    with pytest.raises(ApiError):
        await go(tmp_path, coder)
    coder.failures.clear()
    told = await go(tmp_path, coder)

    assert tries + 1 == coder.asked.count(SPAN.days[day])
    assert (day, 3 - day) == (told.known, told.asked)


async def test_place_is_told_the_same_key_after_a_crash(tmp_path: Path) -> None:
    """Who took a file before a crash can know it again; once it is noted nobody is asked to take it."""
    place = Place(crashes=1)
    coder = Coder()
    with pytest.raises(OSError, match="crash"):
        await go(tmp_path, coder, place)

    await go(tmp_path, coder, place)
    await go(tmp_path, coder, place)

    (first, key), (again, same), (other, _) = place.taken
    assert ("2026-01.om", first, key) == (first, again, same)
    assert "2026-02.om" == other
    assert [key] == place.settled[:1]
    assert [*SPAN.days] == coder.asked
    assert not files(tmp_path)


async def test_other_place_gets_what_the_first_has(tmp_path: Path) -> None:
    """A file that nobody took yet goes to a place that is named later, a second time to none."""
    await go(tmp_path, Coder())
    place, other = Place(), Place(name="elsewhere")

    await go(tmp_path, Coder(), place, other)

    files: Sequence[str] = [name for name, _ in place.taken]
    assert ["2026-01.om", "2026-02.om"] == files
    assert place.taken == other.taken


async def test_place_that_has_a_file_is_not_asked_for_the_sake_of_another(tmp_path: Path) -> None:
    """What arrived at one of two places before a crash is brought to the other one alone."""
    place, crashing = Place(), Place(crashes=1, name="elsewhere")
    with pytest.raises(OSError, match="crash"):
        await go(tmp_path, Coder(), place, crashing)

    await go(tmp_path, Coder(), place, crashing)

    assert ["2026-01.om", "2026-02.om"] == [name for name, _ in place.taken]
    assert ["2026-01.om", "2026-01.om", "2026-02.om"] == [name for name, _ in crashing.taken]


async def test_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    """A run that is under way keeps others out, and lets them in when it ends."""
    both = await asyncio.gather(go(tmp_path, Coder()), go(tmp_path, Coder()), return_exceptions=True)

    assert 1 == sum(isinstance(each, Listener) for each in both)
    assert 3 == (await go(tmp_path, Coder())).known
