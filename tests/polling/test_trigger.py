"""When a job runs: at multiples of its interval, 60 to 120 seconds after a rollup."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.polling.scheduler import AlignedTrigger, compute_offset

EPOCH = datetime.fromtimestamp(0, UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- the zone is given beside
INTERVALS = st.integers(300, 7 * 86_400) | st.floats(300, 86_400).map(lambda seconds: round(seconds, 3))
SHORT = st.integers(1, 299)
JOBS = st.text(max_size=40)


@given(job=JOBS)
def test_offset_is_one_to_two_minutes(job: str) -> None:
    """Jobs run soon after Coder has rolled up."""
    assert timedelta(seconds=60) <= compute_offset(job) <= timedelta(seconds=120)


def test_offsets_of_jobs_differ_and_stay() -> None:
    """Offsets are spread over a minute, and fixed for each job."""
    offsets = [compute_offset(f"dev/templates/{days}d").total_seconds() for days in range(200)]

    assert len(set(offsets)) > 190
    assert [66.268, 119.408] == [
        compute_offset(job).total_seconds() for job in ("dev/daus/", "dev/templates/7d")
    ]


@given(every=INTERVALS, job=JOBS, now=MOMENTS, previous=st.none() | MOMENTS)
def test_next_run_is_the_first_multiple_after_now(
    every: float, job: str, now: datetime, previous: datetime | None
) -> None:
    """The next run is later, at most one interval away, and aligned."""
    offset = compute_offset(job)
    coming = AlignedTrigger(every, offset).get_next_fire_time(previous, now)

    assert timedelta() < coming - now <= timedelta(seconds=every)
    assert timedelta() == (coming - EPOCH - offset) % timedelta(seconds=every)


@given(every=SHORT, job=JOBS, now=MOMENTS)
def test_short_intervals_repeat(every: int, job: str, now: datetime) -> None:
    """Intervals below the rollup are not aligned."""
    trigger = AlignedTrigger(every, compute_offset(job))
    first = trigger.get_next_fire_time(None, now)
    second = trigger.get_next_fire_time(first, first)

    assert (timedelta(seconds=every),) * 2 == (first - now, second - first)


@given(every=SHORT, now=MOMENTS, late=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_short_intervals_do_not_catch_up(every: int, now: datetime, late: timedelta) -> None:
    """Missed runs, for example of a machine that slept, are skipped."""
    coming = AlignedTrigger(every, timedelta()).get_next_fire_time(now, now + late)

    assert max(now + timedelta(seconds=every), now + late) == coming
