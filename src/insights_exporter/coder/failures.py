"""Why a request failed, in the words of `request_failures_total`."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from insights_exporter.coder.discretion import EVERYTHING_IS_TOLD, Discretion
from insights_exporter.coder.masking import masked

Reason = Literal[
    "unauthorized",
    "forbidden",
    "not_permitted",
    "not_found",
    "disabled",
    "unsupported",
    "rejected",
    "rate_limited",
    "server_error",
    "timeout",
    "connection",
    "too_large",
    "redirect",
    "invalid",
]

REMEDIES: Mapping[Reason, str] = {
    "unauthorized": "make a new token with `coder tokens create` and set it; the old one is wrong or expired",
    "forbidden": "give the token's user the site role Auditor (or Owner), which may read all insights",
    "not_permitted": "give the token's user the site role Auditor (or Owner), which may read all insights",
    "not_found": "check `url` and `api_path`: there is no Coder API at this address",
    "disabled": "none needed; to have this data, switch usage statistics on in Coder",
    "unsupported": "none needed; this server does not have the data, a newer Coder does",
    "rejected": "check `dialect` and the server's version; the server does not take these parameters",
    "rate_limited": "lower `requests_per_minute`, or poll less often with `every`",
    "server_error": "look at Coder's own log; the exporter tries again",
    "timeout": "look at Coder's load, or raise `timeout`; the exporter tries again",
    "connection": "check `url`, DNS, proxy, firewall and `tls`; the exporter tries again",
    "too_large": "raise `max_response_bytes` if answers of this size are expected",
    "redirect": "set `url` to where the server redirects to; a token never follows a redirect",
    "invalid": "check that `url` is Coder itself and not a sign-in page or another service",
}

REASONS: tuple[Reason, ...] = tuple(REMEDIES)

WHOLE_SERVER: frozenset[Reason] = frozenset(
    {"unauthorized", "rate_limited", "server_error", "timeout", "connection", "redirect", "not_found"}
)
"""Reasons that most likely hit every request to the server alike."""

UNAVAILABLE: frozenset[Reason] = frozenset({"disabled", "unsupported"})
"""Reasons for which nothing is broken: the server does not have the data, and no other question helps."""

PUBLISHED_PATHS = frozenset(
    {"/insights/daus", "/insights/templates", "/insights/user-activity", "/insights/user-latency"}
)
"""Paths that every Coder with insights has, so that a 404 there means a wrong address."""

_STATUS: Mapping[int, Reason] = {401: "unauthorized", 403: "forbidden", 408: "timeout", 429: "rate_limited"}
_TRANSIENT_STATUS = frozenset({408, 429, 502, 503, 504})
_NOT_PERMITTED = "resource not found or you do not have access"
_DETAIL_LENGTH = 300


class RequestFailed(Exception):
    """A request that gave no usable answer.

    Attributes:
        reason: the value of the `reason` label.
        detail: what happened, without any secret.
        transient: whether the same request may succeed in a moment.
        retry_after: seconds that the server asks to wait, if it does.
    """

    def __init__(
        self, reason: Reason, detail: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail
        self.transient = transient
        self.retry_after = retry_after

    def without(self, secrets: Iterable[str]) -> "RequestFailed":
        """Give the same failure, its detail cut to a line's length and without `secrets`."""
        detail = masked(self.detail, secrets)[:_DETAIL_LENGTH]
        return RequestFailed(self.reason, detail, transient=self.transient, retry_after=self.retry_after)

    @property
    def remedy(self) -> str:
        """Say what a person can do about it."""
        return REMEDIES[self.reason]


class _ErrorBody(msgspec.Struct):
    """Coder's error answer (codersdk.Response), as far as it is of use."""

    message: str = ""
    detail: str = ""


def refusal(
    status: int,
    path: str,
    body: bytes,
    retry_after: float | None = None,
    discretion: Discretion = EVERYTHING_IS_TOLD,
) -> RequestFailed:
    """Give the failure that a status other than 200 means.

    The body is only looked at for its message: it may be HTML, two JSON
    documents, or anything else. `discretion` is kept before anything is cut,
    which could leave a piece of a secret.
    """
    said = _said(body)
    reason = _reason(status, path, said)
    # A refusal speaks of the request; a failure of the database, and what that says may be of people.
    words = discretion.told((said.message, said.detail)) if 400 <= status < 500 else ""
    text = " ".join((f"HTTP {status} for {path}:", *words.split())).rstrip(": ")
    return RequestFailed(
        reason, text[:_DETAIL_LENGTH], transient=status in _TRANSIENT_STATUS, retry_after=retry_after
    )


def _reason(status: int, path: str, said: _ErrorBody) -> Reason:
    if status == 404:
        return _not_found(path, said)
    if 300 <= status < 400:
        return "redirect"
    if status >= 500:
        return "server_error"
    return _STATUS.get(status, "rejected" if status >= 400 else "invalid")


def _not_found(path: str, said: _ErrorBody) -> Reason:
    if "insights are disabled" in said.detail.lower():
        return "disabled"
    if said.message.lower().startswith(_NOT_PERMITTED):
        return "not_permitted"
    return "not_found" if path in PUBLISHED_PATHS else "unsupported"


def _said(body: bytes) -> _ErrorBody:
    try:
        return msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _ErrorBody()
