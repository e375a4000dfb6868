"""The config from environment variables, or from the session that `coder login` left."""

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from insights_exporter.config.errors import ConfigError, ConfigIssue

OWN_PREFIX = "INSIGHTS_EXPORTER_"

FLAG_VARIABLES: Mapping[str, str] = {
    "INSIGHTS_EXPORTER_CONFIG_FILE": "--config.file",
    "INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS": "--web.listen-address",
    "INSIGHTS_EXPORTER_WEB_SYSTEMD_SOCKET": "--web.systemd-socket",
    "INSIGHTS_EXPORTER_WEB_CONFIG_FILE": "--web.config.file",
    "INSIGHTS_EXPORTER_WEB_TELEMETRY_PATH": "--web.telemetry-path",
    "INSIGHTS_EXPORTER_WEB_EXTERNAL_URL": "--web.external-url",
    "INSIGHTS_EXPORTER_WEB_ROUTE_PREFIX": "--web.route-prefix",
    "INSIGHTS_EXPORTER_WEB_ENABLE_LIFECYCLE": "--web.enable-lifecycle",
    "INSIGHTS_EXPORTER_WEB_MAX_REQUESTS": "--web.max-requests",
    "INSIGHTS_EXPORTER_LOG_LEVEL": "--log.level",
    "INSIGHTS_EXPORTER_LOG_FORMAT": "--log.format",
    "INSIGHTS_EXPORTER_SHARD": "--shard",
    "INSIGHTS_EXPORTER_TOTAL_SHARDS": "--total-shards",
}
"""Flags that environment variables may set; the command line wins."""

CODER_VARIABLES: Mapping[str, str] = {
    "CODER_URL": "URL of Coder.",
    "CODER_SESSION_TOKEN": "The token.",
    "CODER_SESSION_TOKEN_FILE": "File with the token, instead of the token itself; re-read at each poll.",
    "CODER_CONFIG_DIR": "Folder in which Coder's CLI stores the session of `coder login`.",
}
"""Variables that configure a deployment if no file is given."""

_SYNONYMS: Mapping[str, str] = {
    "CODER_URI": "CODER_URL",
    "CODER_ENDPOINT": "CODER_URL",
    "CODER_SERVER_URL": "CODER_URL",
    "CODER_HOST": "CODER_URL",
    "CODER_SESSION": "CODER_SESSION_TOKEN",
    "CODER_TOKEN": "CODER_SESSION_TOKEN",
    "CODER_API_TOKEN": "CODER_SESSION_TOKEN",
    "CODER_API_KEY": "CODER_SESSION_TOKEN",
    "CODER_TOKEN_FILE": "CODER_SESSION_TOKEN_FILE",
}
_USED_BY_CODER = re.compile(
    "CODER_(ACCESS_URL|AGENT_.*|PROXY_.*|PROVISIONER_.*|WORKSPACE_.*|USER_.*|CONFIG_PATH|SESSION_DURATION|.*_LIFETIME)"
)
_HOW_TO_CONFIGURE = (
    "set CODER_URL and CODER_SESSION_TOKEN, or run coder login, or write a file "
    "(insights-exporter config init) and pass it with --config.file"
)
_SET_BY_KUBERNETES = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)")


def find_unknown_env_vars(environ: Mapping[str, str]) -> Iterator[ConfigIssue]:
    """Warn of variables that are not read, but most likely were meant for the exporter."""
    for name, value in sorted(environ.items()):
        if _SET_BY_KUBERNETES.fullmatch(name) or value.startswith(("tcp://", "udp://")):
            continue
        if name.startswith(OWN_PREFIX) and name not in FLAG_VARIABLES:
            near = difflib.get_close_matches(name, FLAG_VARIABLES, n=1, cutoff=0.8)
            remedy = f"did you mean {near[0]}?" if near else f"known names are {', '.join(FLAG_VARIABLES)}"
            yield ConfigIssue("", name, "is not a known variable", remedy)
        elif name.startswith("CODER_") and name not in CODER_VARIABLES and not _USED_BY_CODER.fullmatch(name):
            names = {**{known: known for known in CODER_VARIABLES}, **_SYNONYMS}
            if near := difflib.get_close_matches(name, names, n=1, cutoff=0.85):
                yield ConfigIssue("", name, "is not read", f"did you mean {names[near[0]]}?")


def read_environment(environ: Mapping[str, str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the values of the deployment that the environment sets, and the variable of each.

    Raises:
        ConfigError: It sets none, or one without a token.
    """
    url, token, token_file = (
        environ.get(name, "").strip()
        for name in ("CODER_URL", "CODER_SESSION_TOKEN", "CODER_SESSION_TOKEN_FILE")
    )
    if token and token_file:
        what = "is mutually exclusive with CODER_SESSION_TOKEN"
        raise _build_error("CODER_SESSION_TOKEN_FILE", what, "unset one of them")
    session_url, session_file = _find_session(environ)
    url_source = "CODER_URL" if url else "coder login"
    url = url or session_url
    is_same_server = _normalize(url) == _normalize(session_url)  # no other server gets its token
    tokens = (
        ("token_env", "CODER_SESSION_TOKEN" if token else "", "CODER_SESSION_TOKEN"),
        ("token_file", token_file, "CODER_SESSION_TOKEN_FILE"),
        ("token_file", session_file if is_same_server else "", "coder login"),
    )
    key, value, token_source = next((each for each in tokens if each[1]), ("", "", ""))
    if not url and not value:
        raise _build_error("", "no deployment is configured", _HOW_TO_CONFIGURE)
    if not url:
        remedy = "set it to Coder's address, such as https://coder.example.com"
        raise _build_error("CODER_URL", "is not set", remedy)
    if not value:
        other = f"; the session of coder login is for {session_url}" if session_url else ""
        remedy = f"set it or CODER_SESSION_TOKEN_FILE, or run coder login{other}"
        raise _build_error("CODER_SESSION_TOKEN", "is not set", remedy)
    return {"url": url, key: value}, {"url": url_source, key: token_source}


def _build_error(variable: str, what: str, remedy: str) -> ConfigError:
    return ConfigError([ConfigIssue("", variable, what, remedy)])


def _find_session(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the server of the session of `coder login` and the file with its token, empty without one."""
    for folder in _list_cli_folders(environ):
        with suppress(OSError):
            url = (folder / "url").read_text("utf-8", errors="replace").strip()
            if url and (folder / "session").is_file():
                return url, str(folder / "session")
    return "", ""


def _list_cli_folders(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield where Coder's CLI may keep its session, on Linux and on macOS."""
    home, config_home = environ.get("HOME"), environ.get("XDG_CONFIG_HOME")
    if own := environ.get("CODER_CONFIG_DIR"):
        yield Path(own)
        return
    if config_home or home:
        yield Path(config_home or f"{home}/.config", "coderv2")
    if home:
        yield Path(home, "Library/Application Support/coderv2")


def _normalize(url: str) -> str:
    return url.rstrip("/").lower()
