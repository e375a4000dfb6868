"""Tokens and keys, re-read when they are used."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import Deployment, UserOptions
from insights_exporter.config.secrets import read_key, read_token
from tests.config.folder import HIDDEN, create_files

UNREADABLE = "cannot be read: no such file or directory; check the path and the permissions"
URL = "https://coder.example.com"
KEY = f"{HIDDEN} {HIDDEN}"


def test_token_file_is_read_again(tmp_path: Path) -> None:
    """A rotated token is used from the next read on."""
    path = tmp_path / "token"
    deployment = Deployment(url=URL, token_file=path)
    tokens = []
    for content in ("first-one\n", "  second-one"):
        path.write_text(content)
        tokens.append(read_token(deployment, {}))

    assert ["first-one", "second-one"] == tokens


def test_token_of_a_variable() -> None:
    """The environment is read each time."""
    deployment = Deployment.model_validate({"url": URL, "token_env": "TOKEN"})

    assert "a-b" == read_token(deployment, {"TOKEN": " a-b\n"})
    assert "c-d" == read_token(deployment, {"TOKEN": "c-d"})


def test_token_in_the_config() -> None:
    """It is returned unchanged."""
    assert HIDDEN == read_token(Deployment(url=URL, token=SecretStr(HIDDEN)), {})


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"token_file": "missing"}, "token_file: {folder}/missing cannot be read: no such file or directory"),
        ({"token_file": "empty"}, "token_file: {folder}/empty is empty"),
        ({"token_file": "letter"}, "token_file: {folder}/letter contains spaces or line breaks"),
        ({"token_file": "binary"}, "token_file: {folder}/binary is not text"),
        ({"token_file": ""}, "token_file: {folder} is not a regular file"),
        ({"token_env": "OTHER"}, "token_env: OTHER is not set or is empty"),
        ({"token_env": "LETTER"}, "token_env: LETTER contains spaces or line breaks"),
        ({}, "token: is not set"),
    ],
    ids=["missing", "empty", "letter", "binary", "folder", "unset", "two words", "nothing"],
)
def test_unusable_token_is_an_error(config: dict[str, str], line: str, tmp_path: Path) -> None:
    """The error has the place and not the content."""
    create_files(tmp_path)
    given = {key: tmp_path / value if key == "token_file" else value for key, value in config.items()}
    with pytest.raises(ConfigError) as caught:
        read_token(Deployment.model_validate({"url": URL, **given}), {"LETTER": f"{HIDDEN} {HIDDEN}"})

    assert line.format(folder=tmp_path) == str(caught.value).partition(";")[0]
    assert HIDDEN not in str(caught.value)


def test_key_of_a_file_or_the_config(tmp_path: Path) -> None:
    """White space around a key in a file is ignored."""
    create_files(tmp_path)

    assert KEY.encode() == read_key(Deployment(url=URL, users=UserOptions(key_file=tmp_path / "key")))
    assert KEY.encode() == read_key(Deployment(url=URL, users=UserOptions(key=SecretStr(KEY))))


def test_key_that_became_short_is_refused(tmp_path: Path) -> None:
    """Its file is re-read when it is used, and may have changed since the config was checked."""
    create_files(tmp_path)
    users = UserOptions(key_file=tmp_path / "short-key")
    with pytest.raises(ConfigError, match=r"^users\.key_file: .* shorter than 16 characters") as caught:
        read_key(Deployment(url=URL, users=users))

    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize(
    ("users", "line"),
    [
        (UserOptions(), "users: has no key; write users.key_file"),
        (
            UserOptions(key_file=Path("/nowhere/key")),
            f"users.key_file: /nowhere/key {UNREADABLE}",
        ),
    ],
    ids=["none", "missing"],
)
def test_unusable_key_is_an_error(users: UserOptions, line: str) -> None:
    """The error has the place and the remedy."""
    with pytest.raises(ConfigError) as caught:
        read_key(Deployment(url=URL, users=users))

    assert line == str(caught.value)
