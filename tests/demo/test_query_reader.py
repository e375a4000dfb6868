"""The real server's errors for parameters other than times."""

import pytest

from tests.demo.client import coder, send_request
from tests.demo.queries import WEEK, A, B, one_bad, read_accepted, read_rejected, some_bad


def test_request_of_the_published_page_is_refused() -> None:
    """A request by the API documentation is refused with all errors at once."""
    expected = some_bad(
        ("start_time", "is required and cannot be empty"),
        ("end_time", "is required and cannot be empty"),
        ("before", "is not a valid query param"),
        ("after", "is not a valid query param"),
    )

    assert expected == read_rejected({"before": "0", "after": "0"})


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
    """Weeks are whole except for the last, which may lack a day."""
    query = {"start_time": start, "end_time": end, "interval": "week"}
    detail = "Last report interval should have at least 6 days."

    if passes:
        assert read_accepted(query).interval == "week"
    else:
        assert {"message": "Query parameter has invalid value.", "detail": detail} == read_rejected(query)


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
def test_errors_of_other_parameters(extra: dict[str, str], body: dict[str, object]) -> None:
    """Each invalid parameter has its own error."""
    assert body == read_rejected(WEEK | extra)


def test_interval_is_checked_before_sections() -> None:
    """An invalid interval is reported before an invalid section."""
    assert read_rejected(WEEK | {"interval": "x"}) == read_rejected(WEEK | {"interval": "x", "sections": "x"})


def test_lists_are_read() -> None:
    """UUIDs may have spaces around them and any case; an empty section list means both."""
    query = read_accepted(WEEK | {"template_ids": f" {A.upper()} ,{B}", "sections": "", "interval": "day"})

    assert (A, B) == query.template_ids
    assert {"report", "interval_reports"} == query.sections


def test_one_section_is_one_section() -> None:
    """The response contains the requested section only."""
    assert {"report"} == read_accepted(WEEK | {"sections": "report"}).sections


@pytest.mark.parametrize("path", ["/insights/daus", "/insights/user-status-counts"])
def test_offset_must_be_whole_hours(path: str) -> None:
    """A fractional offset is refused, a missing one is 0."""
    detail = 'must be a valid integer (strconv.Atoi: parsing "5.5": invalid syntax)'

    assert some_bad(("tz_offset", detail)) == read_rejected({"tz_offset": "5.5"}, path)
    assert read_accepted({}, path).tz_offset == 0


@pytest.mark.parametrize("endpoint", ["user-activity", "user-latency"])
def test_users_know_no_interval(endpoint: str) -> None:
    """The endpoints of users have no interval."""
    path = f"/api/v2/insights/{endpoint}"

    assert some_bad(("interval", "is not a valid query param")) == read_rejected(
        WEEK | {"interval": "day"}, path
    )
    assert (A,) == read_accepted(WEEK | {"template_ids": A}, path).template_ids


def test_status_counts_take_a_zone() -> None:
    """The newest servers read the name of a time zone."""
    path = "/insights/user-status-counts"
    bad = {"message": "Invalid timezone.", "detail": "unknown time zone Mars"}

    assert str(read_accepted({"timezone": "Asia/Tokyo"}, path).zone) == "Asia/Tokyo"
    assert bad == read_rejected({"timezone": "Mars"}, path)


@pytest.mark.parametrize("path", ["/insights", "/insights/templates/", "/insights/x", "/templates/x"])
def test_unknown_path_is_no_route(path: str) -> None:
    """Only the paths of the API are known."""
    assert send_request(coder(), path).status_code == 404
