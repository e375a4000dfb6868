"""The real server's rules, each with its words."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.demo.generations import GENERATIONS
from insights_exporter.demo.refusals import NO_ROUTE, Refusal
from insights_exporter.demo.rules import Accepted, check, next_hour

EPOCH = datetime(2020, 1, 2, tzinfo=UTC)
NOW = datetime(2024, 5, 20, 14, 31, 12, tzinfo=UTC)
TODAY = {"start_time": "2024-05-20T00:00:00Z", "end_time": "2024-05-20T15:00:00Z"}
WEEK = {"start_time": "2024-05-13T00:00:00Z", "end_time": "2024-05-20T00:00:00Z"}
TEMPLATES = "/api/v2/insights/templates"
A = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
B = "0b5e2f6e-6e0a-4c1c-8f53-6a3e8f5f9d11"
PARSING = (
    "must be a valid date format (2006-01-02T15:04:05Z07:00): "
    'parsing time "2023-07-10" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'
)


def refused(query: dict[str, str], path: str = TEMPLATES, generation: str = "2026") -> dict[str, object]:
    """Give the body of a 400."""
    verdict = check(path, query, NOW, GENERATIONS[generation])
    assert isinstance(verdict, Refusal)
    assert verdict.status == 400
    return dict(verdict.body)


def accepted(query: dict[str, str], path: str = TEMPLATES, now: datetime = NOW) -> Accepted:
    """Give what a request that passes asks for."""
    verdict = check(path, query, now)
    assert isinstance(verdict, Accepted), verdict
    return verdict


def one_bad(field: str, detail: str) -> dict[str, object]:
    """Give the body for a single parameter found wrong at second sight."""
    return {
        "message": "Query parameter has invalid value.",
        "validations": [{"field": field, "detail": detail}],
    }


def some_bad(*validations: tuple[str, str]) -> dict[str, object]:
    """Give the body for parameters found wrong at first sight."""
    return {
        "message": "Query parameters have invalid values.",
        "validations": [
            {"field": field, "detail": f'Query param "{field}" {detail}'} for field, detail in validations
        ],
    }


def test_request_of_the_published_page_is_refused() -> None:
    """`before` and `after` are unknown, and the real names are missing: all said at once."""
    expected = some_bad(
        ("start_time", "is required and cannot be empty"),
        ("end_time", "is required and cannot be empty"),
        ("before", "is not a valid query param"),
        ("after", "is not a valid query param"),
    )

    assert expected == refused({"before": "0", "after": "0"})


@pytest.mark.parametrize(
    ("changes", "field", "detail"),
    [
        ({"start_time": "2023-07-10"}, "start_time", PARSING),
        ({"end_time": "2023-07-10"}, "end_time", PARSING),
        ({"start_time": "0001-01-01T00:00:00Z"}, "start_time", "must not be zero"),
        ({"end_time": "2024-05-20T16:00:00Z"}, "end_time", "must not be in the future"),
        ({"start_time": "2024-05-21T00:00:00Z"}, "start_time", "must not be in the future"),
        (
            {"start_time": "2024-05-20T01:00:00Z"},
            "start_time",
            "must have the clock set to 00:00:00, got 2024-05-20T01:00:00Z",
        ),
        (
            {"end_time": "2024-05-20T14:31:00Z"},
            "end_time",
            "must have the clock set to 14:00:00, got 2024-05-20T14:31:00Z",
        ),
        (
            {"end_time": "2024-05-19T14:00:00Z"},
            "end_time",
            "must have the clock set to 00:00:00, got 2024-05-19T14:00:00Z",
        ),
        ({"end_time": "2024-05-19T00:00:00Z"}, "end_time", 'must be after than "start_time"'),
    ],
    ids=[
        "start-no-time",
        "end-no-time",
        "zero",
        "end-in-the-future",
        "start-in-the-future",
        "start-within-the-day",
        "end-within-the-hour",
        "end-within-a-past-day",
        "end-before-start",
    ],
)
def test_time_that_breaks_a_rule_is_refused(changes: dict[str, str], field: str, detail: str) -> None:
    """Each rule about times has its own words, and one parameter is named."""
    assert one_bad(field, f'Query param "{field}" {detail}') == refused(TODAY | changes)


@pytest.mark.parametrize(
    ("end", "now"),
    [
        ("2024-05-20T15:00:00Z", "2024-05-20T14:00:00Z"),
        ("2024-05-20T15:00:00Z", "2024-05-20T14:59:59Z"),
        ("2024-05-21T00:00:00Z", "2024-05-20T23:01:00Z"),
        ("2024-05-20T14:00:00+05:30", "2024-05-20T14:20:00+05:30"),
        ("2024-05-20T15:00:00+05:30", "2024-05-20T14:40:00+05:30"),
        ("2024-05-20T00:00:00Z", "2024-05-20T00:00:00Z"),
    ],
    ids=["full-hour", "last-second", "midnight-ahead", "half-hour-zone", "its-second-half", "empty-window"],
)
def test_end_up_to_the_next_full_hour_passes(end: str, now: str) -> None:
    """The hour in progress may be asked for, hours being those of UTC."""
    query = {"start_time": "2024-05-20T00:00:00+05:30", "end_time": end}

    assert datetime.fromisoformat(end) == accepted(query, now=datetime.fromisoformat(now)).end


def test_half_hour_zone_may_not_have_its_next_hour_early() -> None:
    """At 14:20+05:30 the limit is 14:30 there, since hours are cut in UTC."""
    now = datetime(2024, 5, 20, 8, 50, tzinfo=UTC)
    query = {"start_time": "2024-05-20T00:00:00+05:30", "end_time": "2024-05-20T15:00:00+05:30"}
    verdict = check(TEMPLATES, query, now)

    assert isinstance(verdict, Refusal)
    assert one_bad("end_time", 'Query param "end_time" must not be in the future') == verdict.body


def test_start_is_judged_before_end() -> None:
    """Of two bad times the first is named, and only that."""
    body = refused({"start_time": "2024-05-20T01:00:00Z", "end_time": "never"})

    assert body == refused({"start_time": "2024-05-20T01:00:00Z", "end_time": "2024-05-20T02:03:04Z"})


def test_offset_is_kept() -> None:
    """A time keeps the offset in which it was sent."""
    asked = accepted({"start_time": "2024-05-19T00:00:00-03:00", "end_time": "2024-05-20T00:00:00-03:00"})

    assert asked.start is not None
    assert timedelta(hours=-3) == asked.start.utcoffset()


@pytest.mark.parametrize(
    ("start", "end", "passes"),
    [
        ("2024-05-06T00:00:00Z", "2024-05-20T00:00:00Z", True),
        ("2024-05-07T00:00:00Z", "2024-05-20T00:00:00Z", True),
        ("2024-05-08T00:00:00Z", "2024-05-20T00:00:00Z", False),
        ("2024-05-13T00:00:00Z", "2024-05-20T15:00:00Z", False),
        ("2024-03-30T00:00:00+01:00", "2024-04-05T00:00:00+02:00", True),
        ("2023-10-16T00:00:00+02:00", "2023-10-30T00:00:00+01:00", False),
    ],
    ids=["two-weeks", "six-days-over", "five-days-over", "up-to-now", "spring", "two-weeks-of-autumn"],
)
def test_last_week_needs_six_days(start: str, end: str, passes: bool) -> None:
    """Weeks are whole but for the last, which may lack a day; the refusal has a detail only."""
    query = {"start_time": start, "end_time": end, "interval": "week"}
    detail = "Last report interval should have at least 6 days."

    if passes:
        assert accepted(query).interval == "week"
    else:
        assert {"message": "Query parameter has invalid value.", "detail": detail} == refused(query)


@pytest.mark.parametrize(
    ("extra", "body"),
    [
        ({"interval": "month"}, one_bad("interval", "must be one of [day week]")),
        ({"sections": "report,x"}, one_bad("sections", "must be one of [interval_reports report]")),
        ({"template_ids": f"{A},x,y"}, some_bad(("template_ids", "has invalid values: x, y"))),
        ({"tz_offset": "1"}, some_bad(("tz_offset", "is not a valid query param"))),
        ({"start_time": ""}, some_bad(("start_time", "is required and cannot be empty"))),
    ],
    ids=["interval", "sections", "template-ids", "unknown", "empty"],
)
def test_other_parameters_are_judged(extra: dict[str, str], body: dict[str, object]) -> None:
    """Every other parameter has its own words too."""
    assert body == refused(WEEK | extra)


def test_interval_is_judged_before_sections() -> None:
    """Of a bad interval and a bad section the interval is named."""
    assert refused(WEEK | {"interval": "x"}) == refused(WEEK | {"interval": "x", "sections": "x"})


def test_lists_are_read() -> None:
    """UUIDs may have spaces around them and any case; an empty section list means both."""
    asked = accepted(WEEK | {"template_ids": f" {A.upper()} ,{B}", "sections": "", "interval": "day"})

    assert (A, B) == asked.template_ids
    assert {"report", "interval_reports"} == asked.sections


def test_one_section_is_one_section() -> None:
    """Only what was asked for is in the answer."""
    assert {"report"} == accepted(WEEK | {"sections": "report"}).sections


def test_repeated_parameter_is_refused() -> None:
    """New servers refuse a parameter given twice, older ones read the first."""
    query = [*WEEK.items(), ("template_ids", A), ("template_ids", B)]
    detail = "provided more than once, found 2 times. Only provide 1 instance of this query param."
    new, old = (check(TEMPLATES, query, NOW, GENERATIONS[name]) for name in ("2026", "2024"))

    assert Refusal(400, some_bad(("template_ids", detail))) == new
    assert isinstance(old, Accepted)
    assert (A,) == old.template_ids


@pytest.mark.parametrize("path", ["/insights/daus", f"/templates/{A}/daus", "/insights/user-status-counts"])
def test_offset_must_be_whole_hours(path: str) -> None:
    """A fractional offset is refused, a missing one is 0."""
    detail = 'must be a valid integer (strconv.Atoi: parsing "5.5": invalid syntax)'

    assert some_bad(("tz_offset", detail)) == refused({"tz_offset": "5.5"}, path)
    assert accepted({}, path).tz_offset == 0
    assert accepted({"tz_offset": "-3"}, path).tz_offset == -3


@pytest.mark.parametrize("endpoint", ["user-activity", "user-latency"])
def test_users_know_no_interval(endpoint: str) -> None:
    """The endpoints about users take times and templates, nothing else."""
    path = f"/api/v2/insights/{endpoint}"

    assert some_bad(("interval", "is not a valid query param")) == refused(WEEK | {"interval": "day"}, path)
    assert (A,) == accepted(WEEK | {"template_ids": A}, path).template_ids


def test_status_counts_take_a_zone() -> None:
    """The newest servers read the name of a time zone."""
    path = "/insights/user-status-counts"
    bad = some_bad(("timezone", "must be a valid time zone: unknown time zone Mars"))

    assert str(accepted({"timezone": "Asia/Tokyo"}, path).zone) == "Asia/Tokyo"
    assert bad == refused({"timezone": "Mars"}, path)


@pytest.mark.parametrize(("generation", "step"), [("2025", 3600), ("2026", 86400)])
def test_step_of_status_counts_is_honoured_by_some(generation: str, step: int) -> None:
    """The interval in seconds counted for a while."""
    verdict = check("/insights/user-status-counts", {"interval": "3600"}, NOW, GENERATIONS[generation])

    assert isinstance(verdict, Accepted)
    assert step == verdict.step


@pytest.mark.parametrize("path", ["/insights", "/insights/templates/", "/api/v2/insights/x", "/templates/x"])
def test_unknown_path_is_no_route(path: str) -> None:
    """Only the paths of the API are known."""
    assert check(path, {}, NOW) is NO_ROUTE


@pytest.mark.parametrize("generation", ["2023", "2024"])
def test_older_servers_have_no_status_counts(generation: str) -> None:
    """user-status-counts came in 2025."""
    assert check("/insights/user-status-counts", {}, NOW, GENERATIONS[generation]) is NO_ROUTE


def test_oldest_server_knows_less_and_says_less() -> None:
    """In 2023 there were no sections and no weeks, and messages were shorter."""
    clock = 'Query param "start_time" must have the clock set to 00:00:00'
    missing = some_bad(("start_time", "is required"), ("end_time", "is required"))
    late = TODAY | {"start_time": "2024-05-20T01:00:00Z"}
    week = one_bad("interval", "must be one of [day]")

    assert missing == refused({}, generation="2023")
    assert one_bad("start_time", clock) == refused(late, generation="2023")
    assert week == refused(WEEK | {"interval": "week"}, generation="2023")
    assert some_bad(("sections", "is not a valid query param")) == refused(
        WEEK | {"sections": "report"}, generation="2023"
    )


def test_oldest_server_compares_today_in_its_own_zone() -> None:
    """In 2023 a client in another zone was refused near midnight."""
    now = datetime(2024, 5, 20, 23, 30, tzinfo=UTC)
    query = {"start_time": "2024-05-21T00:00:00+05:00", "end_time": "2024-05-21T05:00:00+05:00"}

    assert isinstance(check(TEMPLATES, query, now, GENERATIONS["2026"]), Accepted)
    assert isinstance(check(TEMPLATES, query, now, GENERATIONS["2023"]), Refusal)


@given(
    now=st.integers(0, 10 * 365 * 24 * 60).map(lambda minute: EPOCH + timedelta(minutes=minute)),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_window_up_to_the_next_hour_always_passes(now: datetime, minutes: int) -> None:
    """From a midnight in any offset up to the next full hour of UTC, every moment of every day."""
    local = now.astimezone(timezone(timedelta(minutes=minutes)))
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    query = {"start_time": start.isoformat(), "end_time": next_hour(now).isoformat()}

    assert accepted(query, now=now).end == next_hour(now)
