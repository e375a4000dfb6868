"""How a deployment is, in a word and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from insights_exporter.web.status import words
from insights_exporter.web.status.sight import Poll, Sight

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


def health(sight: Sight) -> Health:
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


def oldest(sight: Sight, now: float) -> str:
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
