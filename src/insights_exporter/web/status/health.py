"""The health of a deployment, and the problems that need attention."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from insights_exporter.polling.causes import Urgency
from insights_exporter.web.status.format import DASH, format_age
from insights_exporter.web.status.state import DeploymentState, Poll

Level = Literal["good", "partly", "bad", "off", "waiting"]

LEVELS: Mapping[Level, str] = MappingProxyType(
    {
        "bad": "failing",
        "partly": "partly failing",
        "off": "with statistics off",
        "waiting": "starting",
        "good": "healthy",
    }
)
"""The levels, worst first, with what the overview calls deployments of that level."""

URGENCY_CLASSES: Mapping[Urgency, str] = MappingProxyType({"none": "", "info": "partly", "warning": "bad"})
"""CSS class of a token by the urgency of replacing it."""

STATISTICS_OFF = "Usage statistics are switched off in Coder."

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "unauthorized": "Coder refuses the token",
        "forbidden": "The token may not read this data",
        "not_permitted": "The token may not see this data",
        "not_found": "There is no Coder API at this address",
        "disabled": STATISTICS_OFF.rstrip("."),
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
        "invalid": "A response cannot be decoded",
    }
)
"""Heading of a problem by failure reason."""


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a deployment: `since` is in Unix seconds, `sentence` says what it follows from."""

    level: Level
    word: str
    since: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: its heading and remedy, what Coder responded, and the affected datasets."""

    kind: str
    heading: str
    remedy: str
    detail: str = ""
    datasets: str = ""


def assess_health(state: DeploymentState) -> Health:
    """Return the health of a deployment by its last polls.

    Datasets that the server does not have do not count, nor does a breakdown that waits for its templates.
    """
    polls = [
        poll
        for poll in state.polls
        if poll.state not in {"off", "unavailable"}
        and not (poll.state == "waiting" and poll.dataset == "template-breakdown")
    ]
    failing = [poll for poll in polls if poll.state == "failing"]
    if failing:
        reasons = " and ".join(sorted({poll.reason.replace("_", " ") for poll in failing}))
        sentence = f"{len(failing)} of {len(polls)} polls fail ({reasons})."
        if any(poll.state == "good" for poll in polls):
            return Health("partly", "Partly failing", _earliest(failing), sentence)
        return Health("bad", "Failing", _earliest(failing), sentence)
    off = [poll for poll in state.polls if poll.state == "off"]
    if off:
        return Health("off", "Statistics off", _earliest(off), STATISTICS_OFF)
    waiting = sum(poll.state == "waiting" for poll in polls)
    if waiting:
        return Health("waiting", "Starting", None, f"{waiting} of {len(polls)} polls have yet to end.")
    since = max((poll.since for poll in polls if poll.since is not None), default=None)
    return Health("good", "Healthy", since, f"{len(polls)} of {len(polls)} polls succeed.")


def _earliest(polls: Sequence[Poll]) -> float | None:
    return min((poll.since for poll in polls if poll.since is not None), default=None)


def format_data_age(state: DeploymentState, now: float) -> str:
    """Return the age of the oldest data shown, a dash if there is none."""
    successes = [poll.last_success for poll in state.polls if poll.last_success]
    return format_age(min(successes), now) if successes else DASH


def find_problems(state: DeploymentState) -> Iterator[Problem]:
    """Yield what needs attention: failures first, then a token that expires soon."""
    for cause in state.causes:
        yield Problem(
            kind="off" if cause.reason == "disabled" else "failing",
            heading=HEADINGS[cause.reason],
            remedy=_as_sentence(cause.remedy),
            detail=cause.detail,
            datasets=f"{cause.reason}: {', '.join(cause.datasets)}",
        )
    if state.expiry_warning:
        kind = URGENCY_CLASSES[state.expiry_urgency]
        yield Problem(kind, f"Token {state.token_expiry}", _as_sentence(state.expiry_warning))


def _as_sentence(remedy: str) -> str:
    """Return a remedy, which the log shows in lower case, as a sentence."""
    return f"{remedy[:1].upper()}{remedy[1:]}."
