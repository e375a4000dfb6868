"""Queries and the errors that the real server returns for them."""

from datetime import UTC, datetime

from insights_exporter.demo.error_responses import ErrorResponse
from insights_exporter.demo.validation import ParsedQuery, check
from insights_exporter.demo.versions import SERVER_VERSIONS

NOW = datetime(2024, 5, 20, 14, 31, 12, tzinfo=UTC)
TODAY = {"start_time": "2024-05-20T00:00:00Z", "end_time": "2024-05-20T15:00:00Z"}
WEEK = {"start_time": "2024-05-13T00:00:00Z", "end_time": "2024-05-20T00:00:00Z"}
TEMPLATES = "/api/v2/insights/templates"
A = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
B = "0b5e2f6e-6e0a-4c1c-8f53-6a3e8f5f9d11"


def refused(query: dict[str, str], path: str = TEMPLATES, server_version: str = "2026") -> dict[str, object]:
    """Return the body of a 400."""
    result = check(path, query, NOW, SERVER_VERSIONS[server_version])
    assert isinstance(result, ErrorResponse)
    assert result.status == 400
    return dict(result.body)


def accepted(query: dict[str, str], path: str = TEMPLATES, now: datetime = NOW) -> ParsedQuery:
    """Return the values of a valid query."""
    result = check(path, query, now)
    assert isinstance(result, ParsedQuery), result
    return result


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
