"""The health of a deployment: its level, and what needs attention with its remedy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from insights_exporter.polling.causes import Cause, Urgency
from insights_exporter.web.status import format as words
from insights_exporter.web.status.state import DeploymentState, Poll

Level = Literal["good", "partly", "bad", "off", "waiting"]

ORDER: tuple[Level, ...] = ("bad", "partly", "off", "waiting", "good")
SWITCHED_OFF = "Usage statistics are switched off in Coder."
"""The levels, worst first."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a deployment is: a level, its word, since when (Unix seconds), and what to know."""

    level: Level
    word: str
    since: float | None
    sentence: str


def health(sight: DeploymentState) -> Health:
    """Judge a deployment by its last polls; what its server does not have does not count."""
    asked = [
        poll
        for poll in sight.polls
        if poll.state not in {"off", "unavailable"} and not _waits_for_another(poll)
    ]
    failing = [poll for poll in asked if poll.state == "failing"]
    if failing:
        return _failing(failing, asked)
    off = [poll for poll in sight.polls if poll.state == "off"]
    if off:
        return Health("off", "Statistics off", _first(off), SWITCHED_OFF)
    waiting = sum(poll.state == "waiting" for poll in asked)
    if waiting:
        return Health("waiting", "Starting", None, f"{waiting} of {len(asked)} polls have yet to end.")
    since = max((poll.since for poll in asked if poll.since is not None), default=None)
    return Health("good", "Healthy", since, f"{len(asked)} of {len(asked)} polls succeed.")


def oldest(sight: DeploymentState, now: float) -> str:
    """Tell the age of the oldest data shown, a dash where there are none."""
    successes = [poll.last_success for poll in sight.polls if poll.last_success]
    return words.ago(min(successes), now) if successes else words.NOTHING


def _waits_for_another(poll: Poll) -> bool:
    """Tell whether it has its turn only once another dataset names the templates in use."""
    return poll.state == "waiting" and poll.dataset == "template-breakdown"


def _first(polls: Sequence[Poll]) -> float | None:
    """Return since when the first of the polls is in its state."""
    return min((poll.since for poll in polls if poll.since is not None), default=None)


def _failing(failing: Sequence[Poll], asked: Sequence[Poll]) -> Health:
    since = _first(failing)
    reasons = " and ".join(sorted({poll.reason.replace("_", " ") for poll in failing}))
    sentence = f"{len(failing)} of {len(asked)} polls fail ({reasons})."
    if not any(poll.state == "good" for poll in asked):
        return Health("bad", "Failing", since, sentence)
    return Health("partly", "Partly failing", since, sentence)


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


def build_problems(sight: DeploymentState) -> tuple[Problem, ...]:
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


def _of_token(sight: DeploymentState) -> Iterator[Problem]:
    if sight.expiry_warning:
        heading = f"Token {sight.token_expiry}"
        yield Problem(URGENT[sight.expiry_urgency], heading, _as_sentence(sight.expiry_warning))


def _as_sentence(text: str) -> str:
    """Return a remedy as a sentence; remedies in the log begin in lower case and have no full stop."""
    return f"{text[:1].upper()}{text[1:]}."
