"""Which users are shown, and as whom."""

import json
from itertools import groupby

import pytest

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.user_activity import ActiveUser
from insights_exporter.datasets.users import latest_usernames, names_users, pseudonym, user_labels
from tests.datasets.cases import answered, view_of
from tests.datasets.responses import EDGES

KEY = b"a key of some length"
COMPANY = 30

SHOWN = {
    "named": ("7d", {}, True),
    "pseudonymous": ("7d", {"detail": "pseudonymous", "key": KEY.decode()}, True),
    "aggregate": ("7d", {"detail": "aggregate"}, False),
    "another window": ("30d", {}, False),
    "windows as set": ("30d", {"windows": ["30d"]}, True),
    "no window": ("7d", {"windows": []}, False),
}


@pytest.mark.parametrize(("window", "users", "expected"), SHOWN.values(), ids=SHOWN)
def test_users_are_shown_where_they_are_to_be(window: str, users: dict[str, object], expected: bool) -> None:
    """By detail and by window."""
    assert expected == names_users(view_of(window, deployment={"users": users}))


def test_named_users_are_shown_as_they_are() -> None:
    """Id and name."""
    assert (["1"], ["1"], ["anna"]) == user_labels(view_of("7d"), ["1"], {"1": "anna"})


def test_pseudonym_stands_for_id_and_name() -> None:
    """Both labels show the same, which is neither."""
    context = view_of(
        "7d",
        pseudonym_key=KEY.decode(),
        deployment={"users": {"detail": "pseudonymous", "key": KEY.decode()}},
    )
    hidden = pseudonym("1", KEY)

    assert (["1"], [hidden], [hidden]) == user_labels(context, ["1"], {"1": "anna"})


def test_pseudonyms_without_a_key_are_refused() -> None:
    """Rather than names shown by mistake."""
    context = view_of("7d", deployment={"users": {"detail": "pseudonymous", "key": KEY.decode()}})

    with pytest.raises(ValueError, match=r"pseudonymous needs users\.key"):
        user_labels(context, ["1"], {"1": "anna"})


def test_pseudonym_is_the_same_after_a_restart() -> None:
    """It depends on the key and the id alone; this one was written down."""
    assert "050d79bb" == pseudonym("00000000-0000-4000-8000-000000000001", KEY)[:8]


def test_pseudonyms_differ_by_key_and_id() -> None:
    """Keys may have any length."""
    keys = [KEY, KEY + b"!", b"k" * 64, b"k" * 65, b"k" * 1000]
    pseudonyms = {pseudonym(user, key) for user in ("1", "2") for key in keys}

    assert 10 == len(pseudonyms)
    assert {32} == {len(each) for each in pseudonyms}


@pytest.mark.parametrize("limit", [20, 500], ids=["beyond the limit", "all shown"])
@pytest.mark.parametrize("name", ["user-activity", "user-latency"])
def test_order_of_pseudonyms_tells_nothing_of_the_ids(name: str, limit: int) -> None:
    """Whether they come in the order of ids, as Coder sends them, or of their values, as the limit does."""
    users = {"detail": "pseudonymous", "key": KEY.decode(), "limit": limit}
    context = view_of("7d", pseudonym_key=KEY.decode(), deployment={"users": users})
    dataset = DATASETS[name]
    body = json.dumps({"report": {"users": [user(number) for number in range(COMPANY)], **EDGES}}).encode()

    shown = dataset.convert(context, *answered(dataset, context, body)).samples[0].rows
    by_percentile = [list(rows) for _, rows in groupby(shown, key=lambda row: row[0][3:])]

    for rows in by_percentile:
        assert min(limit, COMPANY) == len(rows)
        assert sorted(rows) == rows


def user(number: int) -> dict[str, object]:
    """Give a row of either report: the higher the id, the less active and the faster."""
    left = COMPANY - number
    return {
        "user_id": f"{number:08}",
        "username": f"user{number}",
        "seconds": left,
        "latency_ms": {"p50": left, "p95": 2 * left},
    }


def test_of_several_names_the_first_in_the_alphabet_stays() -> None:
    """Names that are missing or empty do not count, whatever the order."""
    users = [ActiveUser("1", 0.0, name) for name in ("zoe", None, "anna", "")]

    assert {"1": "anna"} == latest_usernames(users)
    assert {"1": "anna"} == latest_usernames(users[::-1])
