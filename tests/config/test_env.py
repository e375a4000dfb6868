"""A deployment from variables, or from the session of `coder login`."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from insights_exporter.config.env import CODER_VARIABLES, FLAG_VARIABLES, find_unknown_env_vars
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.loader import load_config
from insights_exporter.config.secrets import read_token
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import HIDDEN, make_private

URL = "https://coder.example.com"
UNREADABLE = "cannot be read: no such file or directory; check the path and the permissions"
NEITHER = (
    "no deployment is configured; set CODER_URL and CODER_SESSION_TOKEN, or run coder login, or write a file "
    "(insights-exporter config init) and pass it with --config.file"
)


def log_in(folder: Path, url: str = URL) -> Path:
    """Write the files of `coder login`."""
    folder.mkdir(parents=True)
    make_private(folder / "url", f"{url}\n".encode())
    make_private(folder / "session", HIDDEN.encode())
    return folder


def load_environment(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return URL and token of the deployment that the environment configures."""
    (deployment,) = load_config(None, environ, DATASETS).config.deployments
    return deployment.url, read_token(deployment, environ)


def load_invalid_environment(environ: Mapping[str, str]) -> str:
    """Return the error of an environment that configures no deployment."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, environ, DATASETS)
    return str(caught.value)


def test_url_and_token_are_enough() -> None:
    """Two variables configure a deployment."""
    assert (URL, "a-bc") == load_environment({"CODER_URL": f" {URL}/ ", "CODER_SESSION_TOKEN": "a-bc\n"})


def test_token_may_be_in_a_file(tmp_path: Path) -> None:
    """A variable names the file."""
    token = make_private(tmp_path / "token", b"a-bc")

    assert (URL, "a-bc") == load_environment({"CODER_URL": URL, "CODER_SESSION_TOKEN_FILE": str(token)})


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
    """Without variables the stored session of Coder's own CLI is used."""
    log_in(tmp_path / folder)
    environ = {name: value.format(home=tmp_path) for name, value in variables.items()}

    assert (URL, HIDDEN) == load_environment(environ)
    assert "coder login" == load_config(None, environ, DATASETS).find_source(0, ("url",))


@pytest.mark.parametrize("url", [URL, f"{URL}/", "HTTPS://Coder.Example.com"])
def test_stored_token_is_used_for_its_server(url: str, tmp_path: Path) -> None:
    """The URL may also be set by a variable, and may be written differently."""
    assert (
        HIDDEN == load_environment({"CODER_URL": url, "CODER_CONFIG_DIR": str(log_in(tmp_path / "own"))})[1]
    )


def test_stored_token_is_not_used_for_another_server(tmp_path: Path) -> None:
    """A token is never sent to another server; the error names the session's server."""
    line = load_invalid_environment(
        {"CODER_URL": "https://other.example.com", "CODER_CONFIG_DIR": str(log_in(tmp_path / "own"))}
    )

    assert (
        "CODER_SESSION_TOKEN: is not set; set it or CODER_SESSION_TOKEN_FILE, or run coder login; "
        f"the session of coder login is for {URL}"
    ) == line


def test_token_variable_overrides_the_stored_token(tmp_path: Path) -> None:
    """If the variable is set, only the URL is read from the session."""
    assert (URL, "a-bc") == load_environment(
        {"CODER_SESSION_TOKEN": "a-bc", "CODER_CONFIG_DIR": str(log_in(tmp_path / "own"))}
    )


@pytest.mark.parametrize("missing", ["url", "session"])
def test_incomplete_session_is_ignored(missing: str, tmp_path: Path) -> None:
    """After `coder logout` there is no session."""
    (log_in(tmp_path / "own") / missing).unlink()

    assert load_invalid_environment({"CODER_CONFIG_DIR": str(tmp_path / "own")}) == NEITHER


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, NEITHER),
        ({"CODER_URL": "  "}, NEITHER),
        (
            {"CODER_URL": URL},
            "CODER_SESSION_TOKEN: is not set; set it or CODER_SESSION_TOKEN_FILE, or run coder login",
        ),
        ({"CODER_SESSION_TOKEN": HIDDEN}, f"CODER_URL: is not set; set it to Coder's address, such as {URL}"),
        (
            {"CODER_URL": URL, "CODER_SESSION_TOKEN": HIDDEN, "CODER_SESSION_TOKEN_FILE": "/token"},
            "CODER_SESSION_TOKEN_FILE: is mutually exclusive with CODER_SESSION_TOKEN; unset one of them",
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
def test_error_names_the_variable(environ: dict[str, str], line: str) -> None:
    """The error has the variable, what is wrong and what to do."""
    assert line == load_invalid_environment(environ)


def test_source_of_a_value_is_its_variable() -> None:
    """Each value has the variable it comes from as its source."""
    config = load_config(None, {"CODER_URL": URL, "CODER_SESSION_TOKEN": HIDDEN}, DATASETS)

    assert ["CODER_URL", "CODER_SESSION_TOKEN", None] == [
        config.find_source(0, (key,)) for key in ("url", "token_env", "timezone")
    ]


USED_BY_CODER = (
    "CODER_ACCESS_URL",
    "CODER_ADDRESS",
    "CODER_AGENT_AUTH",
    "CODER_AGENT_NAME",
    "CODER_AGENT_TOKEN",
    "CODER_AGENT_TOKEN_FILE",
    "CODER_AGENT_URL",
    "CODER_API_RATE_LIMIT",
    "CODER_BLOCK_DIRECT",
    "CODER_CACHE_DIRECTORY",
    "CODER_CONFIG_PATH",
    "CODER_DERP_CONFIG_URL",
    "CODER_DERP_SERVER_RELAY_URL",
    "CODER_DISABLE_DIRECT_CONNECTIONS",
    "CODER_DISABLE_NETWORK_TELEMETRY",
    "CODER_DISABLE_SESSION_EXPIRY_REFRESH",
    "CODER_DOCS_URL",
    "CODER_EXPERIMENTS",
    "CODER_FIRST_USER_EMAIL",
    "CODER_FORCE_TTY",
    "CODER_HEADER",
    "CODER_HEADER_COMMAND",
    "CODER_HTTP_ADDRESS",
    "CODER_MAX_TOKEN_LIFETIME",
    "CODER_NO_FEATURE_WARNING",
    "CODER_NO_VERSION_WARNING",
    "CODER_OAUTH2_GITHUB_CLIENT_ID",
    "CODER_OIDC_ISSUER_URL",
    "CODER_PG_CONNECTION_URL",
    "CODER_PRIMARY_ACCESS_URL",
    "CODER_PROMETHEUS_ADDRESS",
    "CODER_PROMETHEUS_ENABLE",
    "CODER_PROVISIONER_DAEMON_PSK",
    "CODER_PROXY_SESSION_TOKEN",
    "CODER_REDIRECT_TO_ACCESS_URL",
    "CODER_SCIM_AUTH_HEADER",
    "CODER_SESSION_DURATION",
    "CODER_STATS_COLLECTION_USAGE_STATS_ENABLE",
    "CODER_TELEMETRY_URL",
    "CODER_TLS_ADDRESS",
    "CODER_TLS_CERT_FILE",
    "CODER_TLS_CLIENT_CA_FILE",
    "CODER_TLS_KEY_FILE",
    "CODER_USER_TOKEN",
    "CODER_USE_KEYRING",
    "CODER_VERBOSE",
    "CODER_WILDCARD_ACCESS_URL",
    "CODER_WORKSPACE_NAME",
    "CODER_WORKSPACE_OWNER_SESSION_TOKEN",
)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CODER_TOKN", "CODER_SESSION_TOKEN"),
        ("CODER_TOKEN", "CODER_SESSION_TOKEN"),
        ("CODER_SESION_TOKEN", "CODER_SESSION_TOKEN"),
        ("CODER_API_KEY", "CODER_SESSION_TOKEN"),
        ("CODER_TOKEN_FILE", "CODER_SESSION_TOKEN_FILE"),
        ("CODER_SESSION_TOKENFILE", "CODER_SESSION_TOKEN_FILE"),
        ("CODER_URI", "CODER_URL"),
        ("CODER_ULR", "CODER_URL"),
        ("CODER_CONFIGDIR", "CODER_CONFIG_DIR"),
        ("INSIGHTS_EXPORTER_CONFIG", "INSIGHTS_EXPORTER_CONFIG_FILE"),
        ("INSIGHTS_EXPORTER_WEB_LISTEN_ADRESS", "INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS"),
    ],
)
def test_misspelled_variable_has_a_suggestion(variable: str, meant: str) -> None:
    """The warning has the nearest name, and not the value."""
    (problem,) = find_unknown_env_vars({variable: "hidden-secret"})

    assert (variable, f"did you mean {meant}?") == (problem.place, problem.remedy)


def test_unknown_variable_with_the_prefix_lists_all() -> None:
    """A variable with the prefix is intended for the exporter."""
    (problem,) = find_unknown_env_vars({"INSIGHTS_EXPORTER_XYZZY": "1"})

    assert problem.remedy.startswith("known names are INSIGHTS_EXPORTER_CONFIG_FILE, ")


@pytest.mark.parametrize(
    "variable", [*USED_BY_CODER, *CODER_VARIABLES, *FLAG_VARIABLES, "PATH", "CODERS", "OTHER_URL"]
)
def test_variables_of_other_programs_are_ignored(variable: str) -> None:
    """Variables that the exporter or Coder's own programs read cause no warning."""
    assert [] == list(find_unknown_env_vars({variable: "1"}))


@pytest.mark.parametrize("service", ["INSIGHTS_EXPORTER", "INSIGHTS_EXPORTER_WEB", "CODER", "CODER_URL_2"])
def test_variables_of_kubernetes_are_ignored(service: str) -> None:
    """A service with the exporter's name sets variables with the prefix in every pod of the namespace."""
    environ = {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": "12112",
        f"{service}_SERVICE_PORT_HTTP_METRICS": "12112",
        f"{service}_PORT": "tcp://10.0.0.1:12112",
        f"{service}_PORT_12112_TCP": "tcp://10.0.0.1:12112",
        f"{service}_PORT_12112_TCP_PROTO": "tcp",
        f"{service}_PORT_12112_TCP_PORT": "12112",
        f"{service}_PORT_12112_TCP_ADDR": "10.0.0.1",
    }

    assert [] == list(find_unknown_env_vars(environ))
