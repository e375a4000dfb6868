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
    ("extra", "body"),
    [
        ({"interval": "month"}, one_bad("interval", "must be one of [day]")),
        ({"template_ids": "x,y"}, some_bad(("template_ids", "has invalid values: x,y"))),
        ({"tz_offset": "1"}, some_bad(("tz_offset", "is not a valid query param"))),
        ({"start_time": ""}, some_bad(("start_time", "is required and cannot be empty"))),
    ],
    ids=["interval", "template-ids", "unknown", "empty"],
)
def test_errors_of_other_parameters(extra: dict[str, str], body: dict[str, object]) -> None:
    """Each invalid parameter has its own error."""
    assert body == read_rejected(WEEK | extra)


def test_lists_are_read() -> None:
    """UUIDs may be in any case."""
    query = read_accepted(WEEK | {"template_ids": f"{A.upper()},{B}", "interval": "day"})

    assert ((A, B), "day") == (query.template_ids, query.interval)


def test_repeated_parameter_is_refused() -> None:
    """A parameter that is given twice is refused."""
    detail = "provided more than once, found 2 times. Only provide 1 instance of this query param."

    assert some_bad(("template_ids", detail)) == read_rejected(
        [*WEEK.items(), ("template_ids", A), ("template_ids", B)]
    )


def test_offset_must_be_whole_hours() -> None:
    """A fractional offset is refused."""
    detail = "must be a valid integer"

    assert some_bad(("tz_offset", detail)) == read_rejected(
        {"tz_offset": "5.5"}, "/insights/user-status-counts"
    )


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
