"""Why a request failed: reasons for metrics, causes with their remedies for users."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Literal, NamedTuple, get_args

import msgspec

from insights_exporter.coder.redact import ErrorRedactor, redact_secrets

FailureReason = Literal[
    "unauthorized",
    "forbidden",
    "not_permitted",
    "not_found",
    "disabled",
    "unsupported",
    "not_licensed",
    "rejected",
    "refused_by_proxy",
    "rate_limited",
    "server_error",
    "timeout",
    "connection",
    "too_large",
    "redirect",
    "invalid",
]
"""The values of the label `reason`."""
MissingRoute = Literal["not_found", "unsupported", "not_licensed"]
"""What a 404 `Route not found.` can mean: a wrong address, an older server, or a server without a license."""
REASONS: tuple[FailureReason, ...] = get_args(FailureReason)

Cause = Literal[
    FailureReason,
    "token_missing",
    "token_malformed",
    "token_unknown",
    "token_mistyped",
    "token_expired",
    "token_unreadable",
    "login_expired",
    "user_suspended",
    "forbidden_by_proxy",
    "rate_too_low",
    "concurrency_too_low",
    "tls_failed",
    "newer_coder",
    "exporter_bug",
]
"""What is behind a reason, with one remedy each; a reason itself stands for all other causes of it."""


class Explanation(NamedTuple):
    """What a cause means: its reason, when it occurs, what to do, and whether the same poll retries."""

    reason: FailureReason
    when: str
    remedy: str
    retried: str = "no"


_ROLE = "give the token's user the site role Auditor (or Owner), which may read all insights"
_HOURLY = "no, once an hour"

CAUSES: Mapping[Cause, Explanation] = {
    "token_missing": Explanation(
        "unauthorized",
        "401 `Cookie ... must be provided.`",
        "set a token that is not empty, and check that no proxy removes the header Coder-Session-Token",
    ),
    "token_malformed": Explanation(
        "unauthorized",
        "401 `Invalid API key format`",
        "copy the complete token again, without quotes or spaces around it; it has the form ID-SECRET",
    ),
    "token_unknown": Explanation(
        "unauthorized",
        "401 `API key is invalid.`: revoked, of a deleted user, or of another deployment",
        "check that `url` is the deployment that issued the token and that its user still exists, "
        "then create a token with `coder tokens create` and set it",
    ),
    "token_mistyped": Explanation(
        "unauthorized",
        "401 `API key secret is invalid.`",
        "copy the token again; its ID is right, its secret is not",
    ),
    "token_expired": Explanation(
        "unauthorized",
        "401 `API key expired at ...`",
        "create a token with a longer lifetime (`coder tokens create --lifetime`) and set it",
    ),
    "token_unreadable": Explanation(
        "unauthorized",
        "The token cannot be read from its file or variable, or is not a token alone",
        "fix the file or variable that the error names; it is re-read at each poll",
    ),
    "login_expired": Explanation(
        "unauthorized",
        "401 `Could not refresh expired Oauth token.`",
        "create a token with `coder tokens create` and set it, instead of one from a browser login",
    ),
    "user_suspended": Explanation(
        "unauthorized",
        '401 `User is not active (status = "suspended")`',
        "have an administrator activate the token's user (`coder users activate USER`); "
        "a new token does not help",
    ),
    "unauthorized": Explanation(
        "unauthorized",
        "401 with any other message",
        "check the token, and whether a proxy in front of Coder requires its own login",
    ),
    "forbidden": Explanation("forbidden", "403 `Forbidden.`", _ROLE),
    "forbidden_by_proxy": Explanation(
        "forbidden",
        "403 without a message from Coder",
        "check the proxy, gateway or firewall in front of Coder; the response is not Coder's",
    ),
    "not_permitted": Explanation(
        "not_permitted", "404 `Resource not found or you do not have access to this resource`", _ROLE
    ),
    "not_licensed": Explanation(
        "not_licensed",
        "403 `... is a Premium feature`, or 404 `Route not found.` on a path that needs a license",
        "no action needed; this data requires a Premium license, whatever the role of the token",
        _HOURLY,
    ),
    "disabled": Explanation(
        "disabled",
        "404 `Template insights are disabled.`",
        "enable usage statistics in Coder to get this data, or disable these datasets in the config",
        _HOURLY,
    ),
    "unsupported": Explanation(
        "unsupported",
        "404 `Route not found.` on a path that newer servers have",
        "no action needed; this server does not have the data, a newer Coder does",
        _HOURLY,
    ),
    "not_found": Explanation(
        "not_found",
        "404 `Route not found.` on a path that every Coder has, or 404 without a message from Coder on a "
        "path that was read before",
        "check `url`, `api_path` and the proxy in front of Coder; there is no Coder API at this address",
    ),
    "rejected": Explanation(
        "rejected",
        "400 or 422, in both query dialects",
        "check `dialect` and the server's version; the server does not accept these parameters",
    ),
    "refused_by_proxy": Explanation(
        "refused_by_proxy",
        "405, 407, 413, 421, 431, 451 or another 4xx that Coder does not send",
        "check the proxy or gateway between the exporter and Coder; it refuses requests with this status",
    ),
    "rate_limited": Explanation(
        "rate_limited",
        "429",
        "lower `requests_per_minute`, or poll less often with `every`",
        "if the requested wait ends before the next poll",
    ),
    "rate_too_low": Explanation(
        "rate_limited",
        "A request did not start before the next poll, because `requests_per_minute` was reached",
        "raise `requests_per_minute`, or poll less often with `every`",
    ),
    "concurrency_too_low": Explanation(
        "rate_limited",
        "A request did not start before the next poll, because `max_concurrency` others were running",
        "check Coder's load, raise `max_concurrency`, or poll less often with `every`",
    ),
    "server_error": Explanation(
        "server_error",
        "500 and above, or 401 `An internal error occurred`",
        "check Coder's log, and the proxy in front of it; the exporter retries",
        "502, 503 and 504 only, after the requested wait if there is one",
    ),
    "timeout": Explanation(
        "timeout",
        "No complete response in time, or 408",
        "check Coder's load, or raise `timeout`; the exporter retries",
        "yes",
    ),
    "connection": Explanation(
        "connection",
        "Connection refused or reset, name not found",
        "check `url`, DNS, proxy and firewall; the exporter retries",
        "yes",
    ),
    "tls_failed": Explanation(
        "connection",
        "No TLS connection: a certificate that is not accepted, or a port without TLS",
        "fix what the error names: the server's certificate, the files of `tls`, or the scheme of `url` "
        "or of the proxy",
    ),
    "redirect": Explanation(
        "redirect",
        "A redirect: it is not followed, so that the token is not sent elsewhere",
        "set `url` to where the server redirects to; if that is a sign-in page, exempt the exporter from it",
    ),
    "too_large": Explanation(
        "too_large",
        "A body above `max_response_bytes`",
        "raise `max_response_bytes` if responses of this size are expected",
    ),
    "invalid": Explanation(
        "invalid",
        "A 200 that is not JSON of a known shape, such as a sign-in page",
        "check that `url` is Coder itself and not a sign-in page or another service",
    ),
    "newer_coder": Explanation(
        "invalid",
        "JSON with rows or fields that cannot be decoded",
        "upgrade the exporter; this Coder is newer than the exporter supports",
    ),
    "exporter_bug": Explanation(
        "invalid", "An unexpected error in the exporter", "report this line as a bug of the exporter"
    ),
}
"""All causes, with what can be done about each: log, `check`, status page and docs take it from here."""

REMEDIES: Mapping[Cause, str] = {cause: each.remedy for cause, each in CAUSES.items()}

WHOLE_SERVER: frozenset[FailureReason] = frozenset(
    {
        "unauthorized",
        "refused_by_proxy",
        "rate_limited",
        "server_error",
        "timeout",
        "connection",
        "redirect",
        "not_found",
    }
)
"""Reasons that most likely hit every request to the server alike."""

UNAVAILABLE: frozenset[FailureReason] = frozenset({"disabled", "unsupported", "not_licensed"})
"""Reasons for which nothing is broken: the server does not have the data, and no other request helps."""

_MESSAGES: tuple[tuple[int, str, Cause], ...] = (
    (401, r"^Cookie .* must be provided", "token_missing"),
    (401, r"^Invalid API key format", "token_malformed"),
    (401, r"^API key is invalid", "token_unknown"),
    (401, r"^API key secret is invalid", "token_mistyped"),
    (401, r"^API key expired", "token_expired"),
    (401, r"^Could not refresh expired OAuth token", "login_expired"),
    (401, r"^User is not active", "user_suspended"),
    (401, r"^An internal error occurred", "server_error"),
    (403, r"\b(?:Premium|Enterprise) feature\b", "not_licensed"),
    (403, r"\A\s*\Z", "forbidden_by_proxy"),
    (404, r"insights are disabled", "disabled"),
    (404, r"^Resource not found or you do not have access", "not_permitted"),
    (400, "", "rejected"),
    (401, "", "unauthorized"),
    (403, "", "forbidden"),
    (408, "", "timeout"),
    (422, "", "rejected"),
    (429, "", "rate_limited"),
)
"""What a status means if the message or the detail matches; the first entry counts."""
_TRANSIENT_STATUS = frozenset({408, 429, 502, 503, 504})
_DETAIL_LENGTH = 300


class ApiError(Exception):
    """A request without a usable response.

    Attributes:
        cause: what went wrong, a key of CAUSES.
        reason: the value of the `reason` label.
        detail: what happened, without any secret.
        transient: whether the same request may succeed in a moment.
        retry_after: seconds that the server requests to wait, if it does.
    """

    def __init__(
        self, cause: Cause, detail: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        self.cause: Cause = cause
        self.reason: FailureReason = CAUSES[cause].reason
        super().__init__(f"{self.reason}: {detail}")
        self.detail = detail
        self.transient = transient
        self.retry_after = retry_after

    def redact(self, secrets: Iterable[str]) -> "ApiError":
        """Return the same error, its detail cut to a line's length and without `secrets`."""
        detail = redact_secrets(self.detail, secrets)[:_DETAIL_LENGTH]
        return ApiError(self.cause, detail, transient=self.transient, retry_after=self.retry_after)

    @property
    def remedy(self) -> str:
        """Return what the reader can do about it."""
        return CAUSES[self.cause].remedy


class _InvalidParameter(msgspec.Struct):
    """What is wrong with one parameter (codersdk.ValidationError)."""

    field: str
    detail: str


class _ErrorBody(msgspec.Struct):
    """Coder's error response (codersdk.Response)."""

    message: str = ""
    detail: str = ""
    validations: object = None

    def list_sentences(self) -> Iterator[str]:
        """Yield all that it says, one sentence or parameter at a time."""
        yield from (self.message, self.detail)
        with suppress(msgspec.ValidationError):
            for each in msgspec.convert(self.validations, list[_InvalidParameter]):
                yield f"{each.field}: {each.detail}"


def build_error(  # noqa: PLR0913 -- a response has three parts, what is known of the request the others
    status: int,
    path: str,
    body: bytes,
    redactor: ErrorRedactor = ErrorRedactor("named"),  # noqa: B008 -- immutable
    missing_route: MissingRoute = "unsupported",
    *,
    read_before: bool = False,
) -> ApiError:
    """Return the error that a status other than 200 means.

    The body may be HTML, two JSON documents, or anything else. It is redacted before it is cut, which could
    leave a piece of a secret. `missing_route` is what a 404 without a known message means; but if the path
    was `read_before`, only Coder's own message means that, and another 404 is one of a proxy.
    """
    try:
        error = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = _ErrorBody()
    cause = _find_cause(status, f"{error.message}\n{error.detail}", missing_route, read_before=read_before)
    # A 4xx is about the request; a failure of the database may show data about users.
    words = " ".join(error.list_sentences()).strip() if 400 <= status < 500 else ""
    shown = redactor.redact(words, CAUSES[cause].when)
    text = " ".join(f"HTTP {status} for {path}: {shown}".split()).rstrip(": ")
    return ApiError(cause, text[:_DETAIL_LENGTH], transient=status in _TRANSIENT_STATUS)


def _find_cause(status: int, message: str, missing_route: MissingRoute, *, read_before: bool) -> Cause:
    for known_status, pattern, cause in _MESSAGES:
        if status == known_status and re.search(pattern, message, re.IGNORECASE | re.MULTILINE):
            return cause
    if status == 404:
        return "not_found" if read_before and not message.startswith("Route not found") else missing_route
    by_class: Mapping[int, Cause] = {3: "redirect", 4: "refused_by_proxy"}
    return "server_error" if status >= 500 else by_class.get(status // 100, "invalid")
