"""The window of a card, and the text of an empty card."""

import pytest

from insights_exporter.datasets.summary import PollSummary, Ranking
from insights_exporter.web.status.details import build_cards, select_window
from insights_exporter.web.status.state import STATISTICS_OFF, Poll, State
from tests.web.status.states import deployment, failing, poll, switched_off


@pytest.mark.parametrize(
    ("chosen", "available", "expected"),
    [
        pytest.param("30d", ("7d", "30d"), "30d", id="the chosen one"),
        pytest.param("today", ("30d", "7d"), "7d", id="a week"),
        pytest.param("today", ("90d", "30d"), "90d", id="the first"),
        pytest.param("today", (), "", id="none"),
    ],
)
def test_select_window(chosen: str, available: tuple[str, ...], expected: str) -> None:
    """A card shows the chosen window if it has the data, else another that has."""
    assert expected == select_window(chosen, available)


def test_card_names_its_window() -> None:
    """Templates and parameters are shown for the window that has them, which the card names."""
    cards = build_cards(deployment(), "30d")

    assert ("last 30 days", "") == (cards["apps"].period, cards["apps"].remark)
    for name in ("templates", "parameters"):
        expected = ("last 7 days", "Not polled for last 30 days.")
        assert expected == (cards[name].period, cards[name].remark)


@pytest.mark.parametrize(
    ("polls", "expected"),
    [
        pytest.param((switched_off("user-activity", window="7d"),), STATISTICS_OFF, id="switched off"),
        pytest.param(
            (failing("user-activity", window="7d"),), "No data: the last poll failed.", id="failing"
        ),
        pytest.param((poll("user-activity", "7d", state="waiting"),), "Not polled yet.", id="waiting"),
        pytest.param(
            (poll("user-activity", "7d", state="unavailable"),),
            "This Coder server does not have this data.",
            id="not on this server",
        ),
        pytest.param((poll("user-activity", "7d"),), "No user was active.", id="no users"),
        pytest.param((), "Disabled in the config (`datasets.user-activity`).", id="not polled"),
    ],
)
def test_empty_card(polls: tuple[Poll, ...], expected: str) -> None:
    """An empty card shows the reason."""
    assert expected == build_cards(deployment(polls=polls), "7d")["activity"].empty


USED = PollSummary(templates_in_use=7)
UNUSED = PollSummary(templates_in_use=0)
UNKNOWN = PollSummary(active_users=3.0)
NO_USERS = PollSummary(templates=Ranking(()))


@pytest.mark.parametrize(
    ("state", "summaries", "expected"),
    [
        pytest.param("good", {("templates", "7d"): UNUSED}, "No template was used.", id="nothing used"),
        pytest.param(
            "good",
            {("templates", "7d"): UNKNOWN, ("template-breakdown", "7d"): NO_USERS},
            "No report names the templates in use.",
            id="templates in use unknown",
        ),
        pytest.param(
            "failing",
            {("templates", "7d"): USED},
            "7 templates in use; their users are not available. No data: the last poll failed.",
            id="breakdown fails",
        ),
        pytest.param(
            "good",
            {("templates", "7d"): USED},
            "7 templates in use; their users are not available.",
            id="breakdown has no data",
        ),
        pytest.param(
            "good",
            {("templates", "7d"): USED, ("template-breakdown", "7d"): NO_USERS},
            "No template was used.",
            id="no users",
        ),
    ],
)
def test_templates_without_users(
    state: State, summaries: dict[tuple[str, str], PollSummary], expected: str
) -> None:
    """The page does not claim that no template was used if only the breakdown is unavailable."""
    deployment_state = deployment(polls=(poll("template-breakdown", "7d", state=state),), summaries=summaries)

    assert expected == build_cards(deployment_state, "7d")["templates"].empty
