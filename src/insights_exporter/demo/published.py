"""The rules of a server that follows the published page to the letter, and knows nothing else."""

from datetime import UTC, datetime, timedelta

from insights_exporter.demo.generations import GENERATION_2024
from insights_exporter.demo.query import Query, QueryReader
from insights_exporter.demo.refusals import NO_ROUTE, bad_values
from insights_exporter.demo.rules import API, Accepted, Verdict

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(2100, 1, 1, tzinfo=UTC)
LATEST = int((END_OF_TIME - EPOCH).total_seconds())
WITH_TIMES = frozenset({"/insights/templates", "/insights/user-activity", "/insights/user-latency"})
WITHOUT = frozenset({"/insights/daus"})


def check_published(path: str, query: Query, _now: datetime) -> Verdict:
    """Judge a GET by the page: `before` (the start) and `after` (the end), integers, both required."""
    path = path.removeprefix(API)
    if path not in WITH_TIMES | WITHOUT:
        return NO_ROUTE
    reader = QueryReader(query, GENERATION_2024)
    times = [_moment(reader, name) for name in ("before", "after")] if path in WITH_TIMES else []
    reader.refuse_unknown()
    if reader.complaints:
        return bad_values(reader.complaints)
    return Accepted(start=times[0], end=times[1], interval="week") if times else Accepted()


def _moment(reader: QueryReader, name: str) -> datetime:
    complaints = len(reader.complaints)
    reader.text(name, required=True)
    seconds = reader.integer(name, 0) if len(reader.complaints) == complaints else 0
    return EPOCH + timedelta(seconds=max(0, min(seconds, LATEST)))
