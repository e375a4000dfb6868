"""Defaults under deployments."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.config.raw import from_defaults, merge

KEYS = st.sampled_from("abc")
MAPS = st.recursive(
    st.dictionaries(KEYS, st.integers() | st.lists(st.integers())),
    lambda part: st.dictionaries(KEYS, st.integers() | st.lists(part) | part),
    max_leaves=8,
)


@given(MAPS)
def test_nothing_changes_nothing(written: dict[str, Any]) -> None:
    """Empty defaults and an empty deployment leave the other as it is."""
    assert written == merge({}, written)
    assert written == merge(written, {})


@given(MAPS, MAPS)
def test_own_values_are_kept(defaults: dict[str, Any], own: dict[str, Any]) -> None:
    """What a deployment writes holds whatever the defaults are; what it leaves out comes from them."""
    merged = merge(defaults, own)

    assert merged == merge(merged, own)
    assert own.keys() | defaults.keys() == merged.keys()


def test_own_token_displaces_the_others() -> None:
    """Of two ways to give a token, the deployment's own is meant."""
    defaults = {"token_file": "a", "users": {"key_file": "b", "limit": 1}}

    assert {"token_env": "T", "users": {"key": "k", "limit": 1}} == merge(
        defaults, {"token_env": "T", "users": {"key": "k"}}
    )


def test_empty_own_token_displaces_nothing() -> None:
    """A key without a value is no way to give a token."""
    assert {"token_file": "a", "token": None} == merge({"token_file": "a"}, {"token": None})


def test_place_is_where_the_value_was_written() -> None:
    """A problem in `defaults` is told there, all others at the deployment."""
    defaults = {"users": {"limit": 1}, "windows": [{"name": "a"}], "timezone": "UTC"}
    own = {"users": {"detail": "named"}, "windows": [{"days": 1}]}
    places = [("users", "limit"), ("timezone",), ("users", "detail"), ("windows", 0, "name"), ("url",), ()]

    assert [True, True, False, False, False, False] == [
        from_defaults(place, own, defaults) for place in places
    ]
