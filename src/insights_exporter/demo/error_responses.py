"""The error responses of Coder, word for word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from insights_exporter.demo.go_format import quote

ONE_BAD = "Query parameter has invalid value."


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A status, its JSON body, and additional headers."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A request that is refused with `response`."""

    def __init__(self, response: ErrorResponse) -> None:
        super().__init__(response)
        self.response = response


NO_ROUTE = ErrorResponse(404, {"message": "Route not found."})
NO_RESOURCE = ErrorResponse(404, {"message": "Resource not found or you do not have access to this resource"})
DISABLED = ErrorResponse(404, {"message": "Not Found.", "detail": "Template insights are disabled."})
TWO_ZONES = ErrorResponse(400, {"message": 'Provide either "timezone" or "tz_offset", not both.'})
WRONG_METHOD = ErrorResponse(405, {"message": "Method not allowed."})
SUSPENDED = ErrorResponse(
    401,
    {"message": 'User is not active (status = "suspended"). Contact an admin to reactivate your account.'},
)
LOGIN_EXPIRED = ErrorResponse(401, {"message": "Could not refresh expired Oauth token."})
FORBIDDEN = ErrorResponse(
    403,
    {
        "message": "Forbidden.",
        "detail": "You don't have permission to view this content. If you believe this is a mistake, "
        "please contact your administrator or try signing in with different credentials.",
    },
)
NOT_LICENSED = ErrorResponse(403, {"message": "Template RBAC is a Premium feature. Contact sales!"})
MISSING = 'Cookie "coder_session_token" or query parameter must be provided.'
"""The detail of a 401 without a token."""


def refuse_value(name: str, detail: str) -> ErrorResponse:
    """Return the refusal of one parameter."""
    return ErrorResponse(400, {"message": ONE_BAD, "validations": [{"field": name, "detail": detail}]})


def refuse_values(validations: Sequence[tuple[str, str]]) -> ErrorResponse:
    """Return the refusal of several parameters, given as (field, detail)."""
    listed = [{"field": name, "detail": detail} for name, detail in validations]
    return ErrorResponse(400, {"message": "Query parameters have invalid values.", "validations": listed})


def refuse_token(detail: str) -> ErrorResponse:
    """Return the refusal of a token."""
    message = "You are signed out or your session has expired. Please sign in again to continue."
    challenge = f'Bearer realm="coder", error="invalid_token", error_description={quote(detail)}'
    return ErrorResponse(401, {"message": message, "detail": detail}, {"WWW-Authenticate": challenge})


def refuse_rate(limit: int) -> ErrorResponse:
    """Return the refusal of a request above the rate limit, with the wait of a whole window."""
    message = f"You've been rate limited for sending more than {limit} requests in 1m0s."
    return ErrorResponse(429, {"message": message}, {"Retry-After": "60"})
