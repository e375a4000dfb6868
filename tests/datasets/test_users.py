"""Which users are exposed, and under which labels."""

import json
from hashlib import blake2b
from itertools import groupby

import pytest

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.user_activity import ActiveUser
from insights_exporter.datasets.users import build_user_labels, index_usernames, names_users
from tests.datasets.cases import load_context, load_responses
from tests.datasets.responses import EDGES

KEY = b"a key of some length"
NUMBER_OF_USERS = 30

EXPOSED = {
    "named": ("7d", {}, True),
    "pseudonymous": ("7d", {"detail": "pseudonymous", "key": KEY.decode()}, True),
    "aggregate": ("7d", {"detail": "aggregate"}, False),
    "another window": ("30d", {}, False),
    "windows as set": ("30d", {"windows": ["30d"]}, True),
    "no window": ("7d", {"windows": []}, False),
}


@pytest.mark.parametrize(("window", "users", "expected"), EXPOSED.values(), ids=EXPOSED)
def test_users_are_named_by_detail_and_window(window: str, users: dict[str, object], expected: bool) -> None:
    """Series that name users depend on `users.detail` and `users.windows`."""
    assert expected == names_users(load_context(window, deployment={"users": users}))


def test_named_users_have_their_own_labels() -> None:
    """Id and name are those of Coder."""
    assert (["1"], ["1"], ["anna"]) == build_user_labels(load_context("7d"), ["1"], {"1": "anna"})


def pseudonym(user: str, key: bytes) -> str:
    """Return the pseudonym of a user, which both of its labels have."""
    context = load_context(
        "7d",
        pseudonym_key=key.decode(),
        deployment={"users": {"detail": "pseudonymous", "key": key.decode()}},
    )
    users, ids, names = build_user_labels(context, [user], {user: "anna"})

    assert [user] == users
    assert ids == names
    return ids[0]


def test_pseudonym_is_a_keyed_hash_of_the_id() -> None:
    """Both labels have it, in place of the id and the name."""
    hidden = blake2b(b"1", key=blake2b(KEY).digest(), digest_size=16).hexdigest()

    assert hidden == pseudonym("1", KEY)


def test_pseudonyms_need_a_key() -> None:
    """Without a key, an error prevents accidental exposure of names."""
    context = load_context("7d", deployment={"users": {"detail": "pseudonymous", "key": KEY.decode()}})

    with pytest.raises(ValueError, match=r"pseudonymous needs users\.key"):
        build_user_labels(context, ["1"], {"1": "anna"})


def test_pseudonym_is_the_same_after_a_restart() -> None:
    """A pseudonym depends on the key and the id alone."""
    assert "050d79bb" == pseudonym("00000000-0000-4000-8000-000000000001", KEY)[:8]


def test_pseudonyms_differ_by_key_and_id() -> None:
    """Keys may have any length."""
    keys = [KEY, KEY + b"!", b"k" * 64, b"k" * 65, b"k" * 1000]
    pseudonyms = {pseudonym(user, key) for user in ("1", "2") for key in keys}

    assert 10 == len(pseudonyms)
    assert {32} == {len(each) for each in pseudonyms}


@pytest.mark.parametrize("limit", [20, 500], ids=["beyond the limit", "all shown"])
@pytest.mark.parametrize("name", ["user-activity", "user-latency"])
def test_order_of_pseudonyms_does_not_follow_the_ids(name: str, limit: int) -> None:
    """Users are in the order of their pseudonyms, whether Coder or the limit ordered them before."""
    users = {"detail": "pseudonymous", "key": KEY.decode(), "limit": limit}
    context = load_context("7d", pseudonym_key=KEY.decode(), deployment={"users": users})
    dataset = DATASETS[name]
    body = json.dumps(
        {"report": {"users": [user(number) for number in range(NUMBER_OF_USERS)], **EDGES}}
    ).encode()

    shown = dataset.convert(context, *load_responses(dataset, context, body)).samples[0].rows
    by_percentile = [list(rows) for _, rows in groupby(shown, key=lambda row: row[0][3:])]

    for rows in by_percentile:
        assert min(limit, NUMBER_OF_USERS) == len(rows)
        assert sorted(rows) == rows


def user(number: int) -> dict[str, object]:
    """Return a row of either report: the higher the id, the less active and the faster."""
    left = NUMBER_OF_USERS - number
    return {
        "user_id": f"{number:08}",
        "username": f"user{number}",
        "seconds": left,
        "latency_ms": {"p50": left, "p95": 2 * left},
    }


def test_first_name_in_the_alphabet_is_used() -> None:
    """Missing and empty names are ignored, in any order."""
    users = [ActiveUser("1", 0.0, name) for name in ("zoe", None, "anna", "")]

    assert {"1": "anna"} == index_usernames(users)
    assert {"1": "anna"} == index_usernames(users[::-1])
