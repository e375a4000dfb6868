"""Words for problems."""

import pytest

from insights_exporter.config.errors import (
    ConfigError,
    ConfigIssue,
    did_you_mean,
    format_path,
    nearest,
    safe_key,
)


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (
            ConfigIssue("s.yml", "a[0].b", "is wrong", "write it right"),
            "s.yml: a[0].b: is wrong; write it right",
        ),
        (ConfigIssue("", "CODER_URL", "is not set"), "CODER_URL: is not set"),
        (ConfigIssue("", "", "nothing is set", "set it"), "nothing is set; set it"),
    ],
)
def test_problem_is_one_line(problem: ConfigIssue, line: str) -> None:
    """Source, place, what is wrong and what would be right, as far as there are any."""
    assert line == str(problem)


def test_error_tells_a_line_a_problem() -> None:
    """All problems are in the error's text."""
    assert "a: is wrong\nb: is wrong" == str(
        ConfigError(ConfigIssue("", place, "is wrong") for place in "ab")
    )


def test_place_is_spelled_as_users_write_it() -> None:
    """Keys with dots between, indexes in brackets."""
    assert "deployments[0].windows[2].days" == format_path(("deployments", 0, "windows", 2, "days"))


@pytest.mark.parametrize(
    ("key", "shown"),
    [("token_file", "token_file"), ("X-Key", "X-Key"), ("token:hidden", "token..."), ("", ""), ("\n", "...")],
)
def test_key_is_shown_as_far_as_it_is_one(key: str, shown: str) -> None:
    """What follows a forgotten space may be a secret."""
    assert shown == safe_key(key)


@pytest.mark.parametrize(
    ("name", "known"),
    [("time_zone", "timezone"), ("tokenFile", "token_file"), ("URL", "url"), ("xyzzy", None)],
)
def test_nearest_name_disregards_case_and_dashes(name: str, known: str | None) -> None:
    """Spellings of other programs lead to the right name."""
    assert known == nearest(name, ["timezone", "token_file", "token", "url"])


def test_known_names_are_listed_where_none_is_near() -> None:
    """Who is far off sees what there is."""
    assert "known are a, b" == did_you_mean("xyzzy", "ba")
