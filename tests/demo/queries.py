"""Queries and the errors that the real server returns for them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from insights_exporter.demo.context import PUBLISHED_VERSION, SERVER_VERSIONS
from insights_exporter.demo.error_responses import Refused
from insights_exporter.demo.validation import ParsedQuery, validate_query
from tests.demo.client import Json

NOW = datetime(2024, 5, 20, 14, 31, 12, tzinfo=UTC)
TODAY = {"start_time": "2024-05-20T00:00:00Z", "end_time": "2024-05-20T15:00:00Z"}
WEEK = {"start_time": "2024-05-13T00:00:00Z", "end_time": "2024-05-20T00:00:00Z"}
TEMPLATES = "/api/v2/insights/templates"
A = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
B = "0b5e2f6e-6e0a-4c1c-8f53-6a3e8f5f9d11"


VERSIONS = {"published": PUBLISHED_VERSION, **SERVER_VERSIONS}
Query = dict[str, str] | Sequence[tuple[str, str]]


def read_accepted(
    query: Query, path: str = TEMPLATES, now: datetime = NOW, server_version: str = "2026"
) -> ParsedQuery:
    """Return the values of a valid query."""
    pairs = list(query.items()) if isinstance(query, dict) else query
    return validate_query(path, pairs, now, VERSIONS[server_version])


def read_rejected(
    query: Query, path: str = TEMPLATES, server_version: str = "2026", now: datetime = NOW
) -> Json:
    """Return the body of the error."""
    with pytest.raises(Refused) as caught:
        read_accepted(query, path, now, server_version)
    assert 400 == caught.value.response.status
    return caught.value.response.body


def one_bad(field: str, detail: str) -> dict[str, object]:
    """Return the body of the error of a single parameter."""
    return {
        "message": "Query parameter has invalid value.",
        "validations": [{"field": field, "detail": detail}],
    }


def some_bad(*validations: tuple[str, str]) -> dict[str, object]:
    """Return the body of the errors of several parameters."""
    return {
        "message": "Query parameters have invalid values.",
        "validations": [
            {"field": field, "detail": f'Query param "{field}" {detail}'} for field, detail in validations
        ],
    }
