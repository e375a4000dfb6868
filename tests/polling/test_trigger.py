"""When a job runs: strictly later, on the clock's multiples, 60 to 120 seconds after a roll-up."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.polling.scheduler import AlignedTrigger, offset_of

EPOCH = datetime.fromtimestamp(0, UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- the zone is given beside
INTERVALS = st.integers(300, 7 * 86_400) | st.floats(300, 86_400).map(lambda seconds: round(seconds, 3))
SHORT = st.integers(1, 299)
JOBS = st.text(max_size=40)


@given(job=JOBS)
def test_offset_is_one_to_two_minutes(job: str) -> None:
    """Coder has rolled up by then, and the number is still new."""
    assert timedelta(seconds=60) <= offset_of(job) <= timedelta(seconds=120)


def test_offsets_of_jobs_differ_and_stay() -> None:
    """Jobs do not all run in the same second, and each has its second for ever."""
    offsets = [offset_of(f"dev/templates/{days}d").total_seconds() for days in range(200)]

    assert len(set(offsets)) > 190
    assert [66.268, 119.408] == [offset_of(job).total_seconds() for job in ("dev/daus/", "dev/templates/7d")]


@given(every=INTERVALS, job=JOBS, now=MOMENTS, previous=st.none() | MOMENTS)
def test_next_run_is_the_first_multiple_after_now(
    every: float, job: str, now: datetime, previous: datetime | None
) -> None:
    """Whatever ran before, the next run is strictly later, at most one interval away, and on the grid."""
    offset = offset_of(job)
    coming = AlignedTrigger(every, offset).get_next_fire_time(previous, now)

    assert timedelta() < coming - now <= timedelta(seconds=every)
    assert timedelta() == (coming - EPOCH - offset) % timedelta(seconds=every)


@given(every=SHORT, job=JOBS, now=MOMENTS)
def test_short_intervals_repeat(every: int, job: str, now: datetime) -> None:
    """Below the roll-up there is no grid: from run to run it is the interval."""
    trigger = AlignedTrigger(every, offset_of(job))
    first = trigger.get_next_fire_time(None, now)
    second = trigger.get_next_fire_time(first, first)

    assert (timedelta(seconds=every),) * 2 == (first - now, second - first)


@given(every=SHORT, now=MOMENTS, late=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_short_intervals_do_not_catch_up(every: int, now: datetime, late: timedelta) -> None:
    """Runs that were missed, while a machine slept for example, are skipped."""
    coming = AlignedTrigger(every, timedelta()).get_next_fire_time(now, now + late)

    assert max(now + timedelta(seconds=every), now + late) == coming
