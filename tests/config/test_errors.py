"""The text of problems."""

from typing import Annotated

import pytest
from pydantic import Field

from insights_exporter.config.errors import (
    ConfigError,
    ConfigIssue,
    did_you_mean,
    format_path,
    truncate_key,
    validate_model,
)
from insights_exporter.config.models import Model


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (
            ConfigIssue("s.yml", "a[0].b", "is wrong", "write it right"),
            "s.yml: a[0].b: is wrong; write it right",
        ),
        (ConfigIssue("s.yml", "a[0]", "is wrong", line=3), "s.yml: line 3: a[0]: is wrong"),
        (ConfigIssue("", "CODER_URL", "is not set"), "CODER_URL: is not set"),
        (ConfigIssue("", "", "nothing is set", "set it"), "nothing is set; set it"),
    ],
)
def test_problem_is_one_line(problem: ConfigIssue, line: str) -> None:
    """Source, line, place, problem and remedy, as far as there are any."""
    assert line == str(problem)


def test_error_has_one_line_per_problem() -> None:
    """All problems are in the error's text."""
    assert "a: is wrong\nb: is wrong" == str(
        ConfigError(ConfigIssue("", place, "is wrong") for place in "ab")
    )


def test_key_path_as_text() -> None:
    """Keys are separated by dots, indexes are in brackets."""
    assert "deployments[0].windows[2].days" == format_path(("deployments", 0, "windows", 2, "days"))


@pytest.mark.parametrize(
    ("key", "shown"),
    [("token_file", "token_file"), ("X-Key", "X-Key"), ("token:hidden", "token..."), ("", ""), ("\n", "...")],
)
def test_unsafe_part_of_a_key_is_hidden(key: str, shown: str) -> None:
    """The text after a missing space may be secret."""
    assert shown == truncate_key(key)


@pytest.mark.parametrize(
    ("name", "known"), [("time_zone", "timezone"), ("tokenFile", "token_file"), ("URL", "url")]
)
def test_nearest_name_ignores_case_and_dashes(name: str, known: str) -> None:
    """Spellings of other programs lead to the right name."""
    assert f"did you mean {known}?" == did_you_mean(name, ["timezone", "token_file", "token", "url"])


def test_known_names_are_listed_if_none_is_near() -> None:
    """Without a near name all of them are shown."""
    assert "known names are a, b" == did_you_mean("xyzzy", "ba")


class Pairs(Model):
    """A model with a constraint that has no message of its own."""

    shoes: Annotated[int, Field(multiple_of=2)]


def test_constraint_without_a_message_has_that_of_pydantic() -> None:
    """Unknown kinds of errors keep pydantic's message."""
    assert [(("shoes",), "Input should be a multiple of 2", "")] == list(validate_model(Pairs, {"shoes": 3}))


def test_valid_values_have_no_findings() -> None:
    """Valid values yield nothing."""
    assert [] == list(validate_model(Pairs, {"shoes": 4}))
