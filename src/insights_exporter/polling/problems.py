"""What needs attention: the problems behind failing polls, each once, and tokens that expire soon."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.resources import TokenLifetime
from insights_exporter.polling.jobs import Job


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, with the datasets that it hits and what to do about it."""

    reason: str
    datasets: tuple[str, ...]
    detail: str
    remedy: str


def find_problems(jobs: Iterable[Job]) -> tuple[Problem, ...]:
    """Return each problem once: failures with the same remedy are one, named by its first reason.

    A role that is missing is `forbidden` on some paths and `not_permitted` on others.
    """
    alike: dict[str, list[tuple[str, ApiError]]] = {}
    for job in jobs:
        failure = job.status.failure
        if failure and job.request_stats.unavailable in {None, "disabled"}:
            alike.setdefault(failure.remedy, []).append((job.status.dataset, failure))
    return tuple(
        Problem(
            hit[0][1].reason, tuple(dict.fromkeys(dataset for dataset, _ in hit)), hit[0][1].detail, remedy
        )
        for remedy, hit in alike.items()
    )


Urgency = Literal["none", "info", "warning"]

_DAY = 86400.0


LIMITS: tuple[tuple[Urgency, float, float], ...] = (("warning", 0.1, 3 * _DAY), ("info", 0.25, 14 * _DAY))
"""An urgency applies below both a share of the token's lifetime and seconds; the most urgent first."""


def rate_token(token: TokenLifetime, now: float) -> Urgency:
    """Return how urgent it is to replace a token; times are Unix seconds.

    Without a known lifetime the seconds alone decide.
    """
    if token.expires is None:
        return "none"
    left = token.expires - now
    for urgency, share, seconds in LIMITS:
        if left < min(seconds, math.inf if token.lifetime is None else share * token.lifetime):
            return urgency
    return "none"


def describe_expiry(expires: float, now: float) -> str:
    """Return when a token expires: `expires in 6d 4h` or `has expired`."""
    return f"expires in {format_remaining(expires - now)}" if expires > now else "has expired"


def warn_of_token(token: TokenLifetime, now: float) -> str:
    """Return a warning with its remedy if a token is near its end, else an empty text."""
    if token.expires is None or rate_token(token, now) == "none":
        return ""
    if token.expires <= now:
        return "the token has expired; create a new one with `coder tokens create` and set it"
    return (
        f"the token {describe_expiry(token.expires, now)}; create a new one with `coder tokens create` "
        "and set it before then"
    )


def format_remaining(seconds: float) -> str:
    """Return a duration in its two largest units: `6d 4h`, `3h 12m`, `5m`."""
    minutes = max(int(seconds // 60), 0)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes}m" if hours else f"{minutes}m"
