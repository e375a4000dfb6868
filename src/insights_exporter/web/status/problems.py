"""What needs attention, each cause once with its remedy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from insights_exporter.polling.causes import Cause
from insights_exporter.polling.token_expiry import Urgency
from insights_exporter.web.status.health import SWITCHED_OFF
from insights_exporter.web.status.sight import Sight

URGENT: Mapping[Urgency, str] = MappingProxyType({"none": "", "info": "partly", "warning": "bad"})
"""How the page colours a token by the urgency of replacing it."""

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "unauthorized": "Coder refuses the token",
        "forbidden": "The token may not read this data",
        "not_permitted": "The token may not see this data",
        "not_found": "There is no Coder API at this address",
        "disabled": SWITCHED_OFF.rstrip("."),
        "unsupported": "This Coder does not have this data",
        "not_licensed": "This Coder has no license for this data",
        "rejected": "Coder rejects the parameters",
        "refused_by_proxy": "A proxy refuses the requests",
        "rate_limited": "Coder limits the rate of requests",
        "server_error": "Coder fails to respond",
        "timeout": "Coder does not respond in time",
        "connection": "Coder cannot be reached",
        "too_large": "A response is too large",
        "redirect": "Coder redirects to another address",
        "invalid": "A response is not understood",
    }
)
"""What each reason of a failure means, in words."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to fix: its heading, what to do, what Coder said, and the datasets that it hits."""

    kind: str
    heading: str
    remedy: str
    detail: str = ""
    datasets: str = ""


def build_problems(sight: Sight) -> tuple[Problem, ...]:
    """Return what needs attention: failures first, then a token near its end."""
    return (*(_of_cause(cause) for cause in sight.causes), *_of_token(sight))


def _of_cause(cause: Cause) -> Problem:
    return Problem(
        kind="off" if cause.reason == "disabled" else "failing",
        heading=HEADINGS[cause.reason],
        remedy=_as_sentence(cause.remedy),
        detail=cause.detail,
        datasets=f"{cause.reason}: {', '.join(cause.datasets)}",
    )


def _of_token(sight: Sight) -> Iterator[Problem]:
    if sight.expiry_warning:
        heading = f"Token {sight.token_expiry}"
        yield Problem(URGENT[sight.expiry_urgency], heading, _as_sentence(sight.expiry_warning))


def _as_sentence(text: str) -> str:
    """Return a remedy as a sentence; remedies in the log begin in lower case and have no full stop."""
    return f"{text[:1].upper()}{text[1:]}."
