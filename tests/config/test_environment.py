"""A deployment from variables, or from the session that `coder login` left."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from insights_exporter.config.errors import ConfigError
from insights_exporter.config.loader import load_config
from insights_exporter.config.secrets import read_token
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import HIDDEN, private

URL = "https://coder.example.com"
UNREADABLE = "cannot be read: no such file or directory; check the path and the permissions"
NEITHER = (
    "no deployment is set; set CODER_URL and CODER_SESSION_TOKEN, or run coder login, or write a file "
    "(insights-exporter config init) and give it by --config.file"
)


def log_in(folder: Path, url: str = URL) -> Path:
    """Leave what `coder login` leaves."""
    folder.mkdir(parents=True)
    private(folder / "url", f"{url}\n".encode())
    private(folder / "session", HIDDEN.encode())
    return folder


def found(environ: Mapping[str, str]) -> tuple[str, str]:
    """Give URL and token of the deployment that the environment sets."""
    (deployment,) = load_config(None, environ, DATASETS).config.deployments
    return deployment.url, read_token(deployment, environ)


def refused(environ: Mapping[str, str]) -> str:
    """Give what is told of an environment that sets no deployment."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, environ, DATASETS)
    return str(caught.value)


def test_url_and_token_are_enough() -> None:
    """Two variables set a deployment."""
    assert (URL, "a-bc") == found({"CODER_URL": f" {URL}/ ", "CODER_SESSION_TOKEN": "a-bc\n"})


def test_token_may_be_in_a_file(tmp_path: Path) -> None:
    """A variable names the file."""
    token = private(tmp_path / "token", b"a-bc")

    assert (URL, "a-bc") == found({"CODER_URL": URL, "CODER_SESSION_TOKEN_FILE": str(token)})


@pytest.mark.parametrize(
    ("folder", "variables"),
    [
        ("own", {"CODER_CONFIG_DIR": "{home}/own"}),
        ("xdg/coderv2", {"HOME": "{home}", "XDG_CONFIG_HOME": "{home}/xdg"}),
        (".config/coderv2", {"HOME": "{home}"}),
        ("Library/Application Support/coderv2", {"HOME": "{home}"}),
    ],
    ids=["CODER_CONFIG_DIR", "XDG_CONFIG_HOME", "home", "macOS"],
)
def test_stored_session_is_found(folder: str, variables: dict[str, str], tmp_path: Path) -> None:
    """Without variables the session of Coder's own CLI is taken, from where it keeps it."""
    log_in(tmp_path / folder)
    environ = {name: value.format(home=tmp_path) for name, value in variables.items()}

    assert (URL, HIDDEN) == found(environ)
    assert {"coder login"} == set(load_config(None, environ, DATASETS).sources.values())


@pytest.mark.parametrize("url", [URL, f"{URL}/", "HTTPS://Coder.Example.com"])
def test_stored_token_serves_the_server_it_is_for(url: str, tmp_path: Path) -> None:
    """The URL may be set beside the session, in another spelling."""
    assert HIDDEN == found({"CODER_URL": url, "CODER_CONFIG_DIR": str(log_in(tmp_path / "own"))})[1]


def test_stored_token_goes_to_no_other_server(tmp_path: Path) -> None:
    """A token of one server is never sent to another; the error says whose it is."""
    line = refused(
        {"CODER_URL": "https://other.example.com", "CODER_CONFIG_DIR": str(log_in(tmp_path / "own"))}
    )

    assert (
        "CODER_SESSION_TOKEN: is not set; set it or CODER_SESSION_TOKEN_FILE, or run coder login; "
        f"the session that coder login left is for {URL}"
    ) == line


def test_token_that_is_set_wins_over_the_stored_one(tmp_path: Path) -> None:
    """The session then gives the URL alone."""
    assert (URL, "a-bc") == found(
        {"CODER_SESSION_TOKEN": "a-bc", "CODER_CONFIG_DIR": str(log_in(tmp_path / "own"))}
    )


@pytest.mark.parametrize("missing", ["url", "session"])
def test_half_a_session_is_none(missing: str, tmp_path: Path) -> None:
    """After `coder logout` nothing is taken."""
    (log_in(tmp_path / "own") / missing).unlink()

    assert refused({"CODER_CONFIG_DIR": str(tmp_path / "own")}) == NEITHER


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, NEITHER),
        ({"CODER_URL": "  "}, NEITHER),
        (
            {"CODER_URL": URL},
            "CODER_SESSION_TOKEN: is not set; set it or CODER_SESSION_TOKEN_FILE, or run coder login",
        ),
        ({"CODER_SESSION_TOKEN": HIDDEN}, f"CODER_URL: is not set; set it to Coder's address, as {URL}"),
        (
            {"CODER_URL": URL, "CODER_SESSION_TOKEN": HIDDEN, "CODER_SESSION_TOKEN_FILE": "/token"},
            "CODER_SESSION_TOKEN_FILE: is set beside CODER_SESSION_TOKEN; unset one of the two",
        ),
        (
            {"CODER_URL": "coder.example.com", "CODER_SESSION_TOKEN": HIDDEN},
            f"CODER_URL: is not the URL of an HTTP server; write it as {URL}",
        ),
        (
            {"CODER_URL": URL, "CODER_SESSION_TOKEN": f"{HIDDEN} {HIDDEN}"},
            (
                "CODER_SESSION_TOKEN contains spaces or line breaks; "
                "write the token alone, as `coder tokens create` printed it"
            ),
        ),
        (
            {"CODER_URL": URL, "CODER_SESSION_TOKEN_FILE": "/nowhere/token"},
            f"CODER_SESSION_TOKEN_FILE: /nowhere/token {UNREADABLE}",
        ),
    ],
    ids=["nothing", "blank", "no token", "no URL", "two tokens", "bad URL", "bad token", "no file"],
)
def test_what_is_missing_is_told_by_its_variable(environ: dict[str, str], line: str) -> None:
    """The error names the variable, what is wrong and what would be right."""
    assert line == refused(environ)


def test_value_tells_its_variable() -> None:
    """Each value has the variable it comes from as its source."""
    sources = load_config(None, {"CODER_URL": URL, "CODER_SESSION_TOKEN": HIDDEN}, DATASETS).sources

    assert {
        ("deployments", 0, "url"): "CODER_URL",
        ("deployments", 0, "token_env"): "CODER_SESSION_TOKEN",
    } == sources
