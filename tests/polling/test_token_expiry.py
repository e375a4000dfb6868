"""How urgent the expiry of a token is, and how it is written."""

import re
from pathlib import Path

import pytest

from insights_exporter.coder.resources import TokenLifetime
from insights_exporter.polling.problems import (
    LIMITS,
    Urgency,
    format_remaining,
    rate_token,
    warn_of_token,
)

DAY = 86400.0
NOW = 1_800_000_000.0
RULES = Path(__file__).resolve().parents[2] / "helm" / "insights-exporter" / "rules" / "alerts.yaml"


@pytest.mark.parametrize(
    ("left", "lifetime", "expected"),
    [
        pytest.param(None, None, "none", id="expiry unknown"),
        pytest.param(15 * DAY, 365 * DAY, "none", id="long token, above 14 days"),
        pytest.param(13 * DAY, 365 * DAY, "info", id="long token, below 14 days"),
        pytest.param(2 * DAY, 365 * DAY, "warning", id="long token, below 3 days"),
        pytest.param(3 * DAY, 7 * DAY, "none", id="short token, above a quarter"),
        pytest.param(1.5 * DAY, 7 * DAY, "info", id="short token, below a quarter"),
        pytest.param(0.5 * DAY, 7 * DAY, "warning", id="short token, below a tenth"),
        pytest.param(13 * DAY, None, "info", id="lifetime unknown"),
        pytest.param(-1.0, 7 * DAY, "warning", id="expired"),
    ],
)
def test_urgency(left: float | None, lifetime: float | None, expected: Urgency) -> None:
    """An urgency applies below both a share of the lifetime and an absolute time."""
    token = TokenLifetime(None if left is None else NOW + left, lifetime)

    assert expected == rate_token(token, NOW)
    assert (expected != "none") == bool(warn_of_token(token, NOW))


def test_limits_are_those_of_the_alert() -> None:
    """The status page and `check` warn at the same time as the alert."""
    rules = RULES.read_text(encoding="utf-8")
    found = {name: float(value) for value, name in re.findall(r"< ([\d.]+)  # ((?:info|warning)\w+)", rules)}

    for urgency, share, seconds in LIMITS:
        assert (found[f"{urgency}Share"], found[f"{urgency}Days"]) == (share, seconds / DAY)


def test_warning_states_time_and_remedy() -> None:
    """The warning states how long the token is still valid, or that it has expired, and the remedy."""
    assert "the token expires in 1d 0h; create a new one" in warn_of_token(
        TokenLifetime(NOW + DAY, None), NOW
    )
    assert "the token has expired; create a new one" in warn_of_token(TokenLifetime(NOW - 1, None), NOW)


@pytest.mark.parametrize(
    ("seconds", "text"), [(533_000, "6d 4h"), (11_520, "3h 12m"), (330, "5m"), (-1, "0m")], ids=str
)
def test_durations(seconds: float, text: str) -> None:
    """A duration is written in its two largest units."""
    assert text == format_remaining(seconds)
