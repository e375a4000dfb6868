"""The rules of the API documentation: only `before` and `after`."""

from datetime import UTC, datetime
from functools import partial

import pytest

from insights_exporter.demo.validation import ParsedQuery
from tests.demo import queries
from tests.demo.client import coder, send_request

WITH_TIMES = ("templates", "user-activity", "user-latency")
accepted = partial(queries.read_accepted, server_version="published")
refused = partial(queries.read_rejected, server_version="published")


@pytest.mark.parametrize("endpoint", WITH_TIMES)
def test_before_is_the_start_and_after_the_end(endpoint: str) -> None:
    """Both are seconds since 1970."""
    query = {"before": "1715558400", "after": "1716163200"}
    result = accepted(query, f"/api/v2/insights/{endpoint}")

    assert datetime(2024, 5, 13, tzinfo=UTC) == result.start
    assert datetime(2024, 5, 20, tzinfo=UTC) == result.end


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({}, ["before", "after"]),
        ({"before": "1"}, ["after"]),
        ({"before": "today", "after": "1.5"}, ["before", "after"]),
        ({"before": "0", "after": "0", "interval": "day"}, ["interval"]),
        (
            {"start_time": "2024-05-13T00:00:00Z", "end_time": "2024-05-20T00:00:00Z"},
            ["before", "after", "start_time", "end_time"],
        ),
    ],
    ids=["none", "one", "no-integers", "unknown", "real-names"],
)
@pytest.mark.parametrize("endpoint", WITH_TIMES)
def test_anything_else_is_refused(endpoint: str, query: dict[str, str], fields: list[str]) -> None:
    """Two integers are required, and other parameters are unknown."""
    assert fields == [each["field"] for each in refused(query, f"/insights/{endpoint}")["validations"]]


def test_days_take_no_parameter() -> None:
    """The days have no parameters."""
    assert ParsedQuery() == accepted({}, "/insights/daus")
    assert refused({"tz_offset": "0"}, "/insights/daus")


@pytest.mark.parametrize("path", ["/insights/user-status-counts", "/templates", "/buildinfo"])
def test_other_paths_are_unknown(path: str) -> None:
    """The documentation has four paths."""
    assert send_request(coder(rules="published"), path).status_code == 404


def test_times_far_away_are_harmless() -> None:
    """An integer far from now is 1970 or 2100."""
    result = accepted({"before": str(-(10**17)), "after": str(10**17)})

    assert datetime(1970, 1, 1, tzinfo=UTC) == result.start
    assert datetime(2100, 1, 1, tzinfo=UTC) == result.end
