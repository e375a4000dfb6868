"""The config from environment variables, or from the session that `coder login` left."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

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
    "CODER_SESSION_TOKEN": "The token; re-read at each poll.",
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
_SET_BY_KUBERNETES = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)")


def unknown_env_vars(environ: Mapping[str, str]) -> Iterator[ConfigIssue]:
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


class _Session(NamedTuple):
    """The session of `coder login`: the server, and the file with the token."""

    url: str
    token_file: Path


def read_environment(environ: Mapping[str, str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the values of the deployment that the environment sets, and the variable of each.

    Raises:
        ConfigError: It sets none, or one without a token.
    """
    url, token, token_file = (
        environ.get(name, "").strip()
        for name in ("CODER_URL", "CODER_SESSION_TOKEN", "CODER_SESSION_TOKEN_FILE")
    )
    session = _find_session(environ)
    if token and token_file:
        what = "is mutually exclusive with CODER_SESSION_TOKEN"
        raise ConfigError([ConfigIssue("", "CODER_SESSION_TOKEN_FILE", what, "unset one of them")])
    if token:
        key, value, variable = "token_env", "CODER_SESSION_TOKEN", "CODER_SESSION_TOKEN"
    elif token_file:
        key, value, variable = "token_file", token_file, "CODER_SESSION_TOKEN_FILE"
    elif session and (
        not url or _normalize(url) == _normalize(session.url)
    ):  # no other server gets its token
        key, value, variable = "token_file", str(session.token_file), "coder login"
    else:
        raise ConfigError([_missing_token(session) if url else _missing_deployment()])
    if url:
        return {"url": url, key: value}, {"url": "CODER_URL", key: variable}
    if session:
        return {"url": session.url, key: value}, {"url": "coder login", key: variable}
    remedy = "set it to Coder's address, such as https://coder.example.com"
    raise ConfigError([ConfigIssue("", "CODER_URL", "is not set", remedy)])


def _missing_deployment() -> ConfigIssue:
    remedy = (
        "set CODER_URL and CODER_SESSION_TOKEN, or run coder login, or write a file "
        "(insights-exporter config init) and pass it with --config.file"
    )
    return ConfigIssue("", "", "no deployment is configured", remedy)


def _missing_token(session: _Session | None) -> ConfigIssue:
    other = f"; the session of coder login is for {session.url}" if session else ""
    remedy = f"set it or CODER_SESSION_TOKEN_FILE, or run coder login{other}"
    return ConfigIssue("", "CODER_SESSION_TOKEN", "is not set", remedy)


def _find_session(environ: Mapping[str, str]) -> _Session | None:
    """Return the session that Coder's own CLI stored, if there is one."""
    for folder in _cli_folders(environ):
        try:
            url = (folder / "url").read_text("utf-8", errors="replace").strip()
            has_token = (folder / "session").is_file()
        except OSError:
            continue
        if url and has_token:
            return _Session(url, folder / "session")
    return None


def _cli_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    if own := environ.get("CODER_CONFIG_DIR"):
        return (Path(own),)
    home = environ.get("HOME", "")
    base = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    macos = (Path(home, "Library/Application Support/coderv2"),) if home else ()
    return ((Path(base, "coderv2"),) if base else ()) + macos


def _normalize(url: str) -> str:
    return url.rstrip("/").lower()
