"""Tokens that are wrapped in something, found at the start and named as what they are."""

import json
from base64 import b64encode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.config.errors import ConfigError, InvalidValue
from insights_exporter.config.loader import load_config
from insights_exporter.config.models import Deployment
from insights_exporter.config.secrets import read_token
from insights_exporter.config.types import check_token
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import make_private

URL = "https://coder.example.com"
TOKEN = "0123456789-abcdefghijklmnopqrstuv"  # noqa: S105 - no token of any server
LETTERS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=22)

WRAPPED = {
    "double quotes": (f'"{TOKEN}"', "is wrapped in quotes"),
    "single quotes": (f"'{TOKEN}'", "is wrapped in quotes"),
    "typographic quotes": (
        f"\N{LEFT DOUBLE QUOTATION MARK}{TOKEN}\N{RIGHT DOUBLE QUOTATION MARK}",
        "is wrapped in quotes",
    ),
    "backticks": (f"`{TOKEN}`", "is wrapped in quotes"),
    "one quote": (f'{TOKEN}"', "is wrapped in quotes"),
    "variable": (f"CODER_SESSION_TOKEN={TOKEN}", "is written as NAME=TOKEN"),
    "variable in quotes": (f'CODER_SESSION_TOKEN="{TOKEN}"', "is wrapped in quotes"),
    "export": (f"export CODER_SESSION_TOKEN={TOKEN}", "is written as NAME=TOKEN"),
    "environment file": (f"CODER_URL={URL}\nCODER_SESSION_TOKEN={TOKEN}", "is written as NAME=TOKEN"),
    "header": (f"Coder-Session-Token: {TOKEN}", "is written as NAME: TOKEN"),
    "YAML": (f"token: {TOKEN}", "is written as NAME: TOKEN"),
    "JSON": (f'{{"key":"{TOKEN}"}}', "is wrapped in JSON or brackets"),
    "angle brackets": (f"<{TOKEN}>", "is wrapped in angle brackets"),
    "bearer": (f"Bearer {TOKEN}", "begins with the scheme of an Authorization header"),
    "base64": (b64encode(TOKEN.encode()).decode(), "is encoded in base64"),
    "base64 of a line": (b64encode(f"{TOKEN}\n".encode()).decode(), "is encoded in base64"),
    "base64 without padding": (b64encode(f"{TOKEN}\n".encode()).decode().rstrip("="), "is encoded in base64"),
    "base64 of a quoted token": (b64encode(f'"{TOKEN}"'.encode()).decode(), "is encoded in base64"),
    "base64 for URLs": (urlsafe_b64encode(f"{TOKEN}???>>>".encode()).decode(), "is encoded in base64"),
    "base64 twice": (b64encode(b64encode(f"{TOKEN}\n".encode())).decode(), "is encoded in base64"),
    "base64 of UTF-8 with a BOM": (b64encode(f"\ufeff{TOKEN}".encode()).decode(), "is encoded in base64"),
    "base64 of UTF-16": (b64encode(TOKEN.encode("utf-16-le")).decode(), "is encoded in base64"),
    "base64 of something else": ("c29tZXRoaW5nIGVsc2U=", "is not a token of the form ID-SECRET"),
    "name without a token": ("CODER_SESSION_TOKEN=", "is not a token of the form ID-SECRET"),
    "BOM": (f"\ufeff{TOKEN}", "begins with a byte order mark (BOM)"),
    "reference": ("${CODER_SESSION_TOKEN}", "is a reference, which is not expanded here"),
    "URL": (f"{URL}/cli-auth", "is a URL"),
    "two lines": (f"{TOKEN}\n{TOKEN}", "contains spaces or line breaks"),
    "escaped line end": (f"{TOKEN}\\n", "ends with an escape sequence such as \\n"),
    "no dash": ("0123456789abcdef", "is not a token of the form ID-SECRET"),
    "ID alone": ("0123456789", "is not a token of the form ID-SECRET"),
    "no secret": ("0123456789-", "is not a token of the form ID-SECRET"),
    "two dashes": (f"{TOKEN}-x", "is not a token of the form ID-SECRET"),
    "other letters": (f"{TOKEN}ü", "is not a token of the form ID-SECRET"),
    "control character": (f"{TOKEN}\x07x", "is not a token of the form ID-SECRET"),
}


def find_problem(environ: dict[str, str], path: Path | None = None) -> str:
    """Load a config with one error and return it."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ, DATASETS)
    (one,) = caught.value.problems
    assert one.remedy
    assert TOKEN not in str(caught.value)
    assert "create a" not in str(caught.value)
    assert "new token" not in str(caught.value)
    return one.what


@pytest.mark.parametrize(("text", "what"), WRAPPED.values(), ids=WRAPPED)
def test_wrapped_token_of_the_environment(text: str, what: str) -> None:
    """The error names the variable and what the token is wrapped in."""
    environ = {"CODER_URL": URL, "CODER_SESSION_TOKEN": text}

    assert f"CODER_SESSION_TOKEN {what}" == find_problem(environ)


@pytest.mark.parametrize(("text", "what"), WRAPPED.values(), ids=WRAPPED)
def test_wrapped_token_of_a_file(text: str, what: str, tmp_path: Path) -> None:
    """The error names the file and what the token is wrapped in."""
    file = make_private(tmp_path / "token", text.encode())

    assert f"{file} {what}" == find_problem({"CODER_URL": URL, "CODER_SESSION_TOKEN_FILE": str(file)})


@pytest.mark.parametrize(("text", "what"), WRAPPED.values(), ids=WRAPPED)
def test_wrapped_token_of_the_config(text: str, what: str, tmp_path: Path) -> None:
    """A token in the config is checked in the same way."""
    config = json.dumps({"deployments": [{"url": URL, "token": text}]})
    file = make_private(tmp_path / "config.yml", config.encode())

    assert what == find_problem({}, file)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_file_in_utf_16(tmp_path: Path, encoding: str) -> None:
    """What PowerShell writes by `>` is named as such."""
    mark = "" if encoding == "utf-16" else "\ufeff"
    file = make_private(tmp_path / "token", f"{mark}{TOKEN}\r\n".encode(encoding))

    assert f"{file} is written in UTF-16" == find_problem(
        {"CODER_URL": URL, "CODER_SESSION_TOKEN_FILE": str(file)}
    )


def test_file_that_becomes_wrapped_is_found_when_it_is_read_again(tmp_path: Path) -> None:
    """A file is checked at each reading, as it may have changed since the start."""
    deployment = Deployment(url=URL, token_file=make_private(tmp_path / "token", TOKEN.encode()))
    assert TOKEN == read_token(deployment, {})
    (tmp_path / "token").write_text(f'"{TOKEN}"', encoding="utf-8")

    with pytest.raises(
        ConfigError, match=r"^token_file: .*/token is wrapped in quotes; write the token alone"
    ):
        read_token(deployment, {})


@given(LETTERS, LETTERS, st.text(" \t\r\n", max_size=3))
def test_token_alone_is_accepted(identifier: str, secret: str, space: str) -> None:
    """Every ID-SECRET is accepted, also with surrounding white space."""
    assert f"{identifier}-{secret}" == check_token(f"{space}{identifier}-{secret}{space}")


@given(st.text(max_size=40))
def test_any_text_is_accepted_or_rejected(text: str) -> None:
    """Any text is either accepted or rejected with a config error."""
    with suppress(InvalidValue):
        assert check_token(text) == text.strip()
