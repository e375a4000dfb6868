"""How a request is encoded for each kind of server."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from insights_exporter.coder.request import Request, TimeRange, encode_query


def zone(hours: float) -> timezone:
    """Return a fixed offset."""
    return timezone(timedelta(hours=hours))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        pytest.param(datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00Z", id="UTC"),
        pytest.param(datetime(2026, 3, 1, tzinfo=zone(5.5)), "2026-03-01T00:00:00+05:30", id="India"),
        pytest.param(datetime(2026, 3, 1, tzinfo=zone(-3)), "2026-03-01T00:00:00-03:00", id="west"),
        pytest.param(datetime(2026, 3, 1, tzinfo=zone(-9.5)), "2026-03-01T00:00:00-09:30", id="Marquesas"),
        pytest.param(datetime(2026, 3, 1, tzinfo=zone(12.75)), "2026-03-01T00:00:00+12:45", id="Chatham"),
    ],
)
def test_real_dialect(start: datetime, expected: str) -> None:
    """The real server gets RFC 3339 times in the offset of the span, and the extra parameters."""
    span = TimeRange(start, datetime(2026, 3, 2, 5, tzinfo=UTC))
    request = Request("/insights/templates", span, extra={"interval": "day"})

    parameters = encode_query(request)

    assert parameters == {"start_time": expected, "end_time": "2026-03-02T05:00:00Z", "interval": "day"}


def test_published_dialect() -> None:
    """The published dialect sends only `before` and `after`, in Unix seconds."""
    span = TimeRange(datetime(2026, 3, 1, tzinfo=zone(5.5)), datetime(2026, 3, 2, tzinfo=UTC))
    request = Request("/insights/templates", span, extra={"interval": "day"})

    parameters = encode_query(request, "published")

    assert parameters == {"before": str(1772303400), "after": str(1772409600)}


@pytest.mark.parametrize(("dialect", "expected"), [("rfc3339", {"tz_offset": "-4"}), ("published", {})])
def test_request_without_a_span(dialect: str, expected: dict[str, str]) -> None:
    """A request without a span has only its extra parameters, and none in the published dialect."""
    request = Request("/insights/user-status-counts", extra={"tz_offset": "-4"})

    assert expected == encode_query(request, dialect)  # type: ignore[arg-type]  # a name of the table above
