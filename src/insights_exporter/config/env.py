"""The config from environment variables, and from a session that `coder login` left."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from insights_exporter.config.errors import ConfigError, ConfigIssue, KeyPath, format_path
from insights_exporter.config.raw import RawConfig, RawDeployment

OWN_PREFIX = "INSIGHTS_EXPORTER_"

FLAG_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
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
)
"""Flags that may be given by the environment; the command line wins."""

CODER_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "CODER_URL": "Where Coder is.",
        "CODER_SESSION_TOKEN": "The token. Read anew at each poll.",
        "CODER_SESSION_TOKEN_FILE": "File that holds the token, instead; read anew at each poll.",
        "CODER_CONFIG_DIR": "Where Coder's own CLI keeps the session that `coder login` made.",
    }
)
"""What sets a deployment where no file is given."""

_MEANT = MappingProxyType(
    {
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
)
_CODERS_OWN = re.compile(
    "CODER_(ACCESS_URL|AGENT_.*|PROXY_.*|PROVISIONER_.*|WORKSPACE_.*|USER_.*|CONFIG_PATH|SESSION_DURATION|.*_LIFETIME)"
)
_BY_KUBERNETES = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)")
_LIKE_ENOUGH = 0.85


def unknown_env_vars(environ: Mapping[str, str]) -> Iterator[ConfigIssue]:
    """Warn of variables that nothing reads and that were most likely meant for the exporter."""
    for name, value in sorted(environ.items()):
        if _BY_KUBERNETES.fullmatch(name) or value.startswith(("tcp://", "udp://")):
            continue
        if name.startswith(OWN_PREFIX) and name not in FLAG_VARIABLES:
            near = difflib.get_close_matches(name, FLAG_VARIABLES, n=1, cutoff=0.8)
            remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(FLAG_VARIABLES)}"
            yield ConfigIssue("", name, "is not a known variable", remedy)
        elif meant := _meant_for_coder(name):
            yield ConfigIssue("", name, "is not read", f"did you mean {meant}?")


def _meant_for_coder(name: str) -> str | None:
    if not name.startswith("CODER_") or name in CODER_VARIABLES or _CODERS_OWN.fullmatch(name):
        return None
    names = {**{known: known for known in CODER_VARIABLES}, **_MEANT}
    near = difflib.get_close_matches(name, names, n=1, cutoff=_LIKE_ENOUGH)
    return names[near[0]] if near else None


_LOGIN = "coder login"


@dataclass(frozen=True, slots=True)
class Session:
    """What `coder login` left: the server, and the file that holds the token."""

    url: str
    token_file: Path


def read_environment(environ: Mapping[str, str]) -> RawConfig:
    """Give the one deployment that the environment names.

    Raises:
        ConfigError: it names none, or one without a token.
    """
    url, token, token_file = (
        environ.get(name, "").strip()
        for name in ("CODER_URL", "CODER_SESSION_TOKEN", "CODER_SESSION_TOKEN_FILE")
    )
    session = stored_session(environ)
    chosen = _token(token, token_file) or _session_token(url, session)
    if not url and not (chosen and session):
        raise ConfigError([_no_url(bool(chosen))])
    if not chosen:
        raise ConfigError([_no_token(session)])
    address, source = (session.url, _LOGIN) if session and not url else (url, "CODER_URL")
    key, value, name = chosen
    return _drafts({"url": address, key: value}, {"url": source, key: name})


def stored_session(environ: Mapping[str, str]) -> Session | None:
    """Give the session that Coder's own CLI keeps, if there is one."""
    for folder in _cli_folders(environ):
        try:
            url = (folder / "url").read_text("utf-8", errors="replace").strip()
            found = (folder / "session").is_file()
        except OSError:
            continue
        if url and found:
            return Session(url, folder / "session")
    return None


def _cli_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    if own := environ.get("CODER_CONFIG_DIR"):
        return (Path(own),)
    home = environ.get("HOME", "")
    base = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    macos = (Path(home, "Library/Application Support/coderv2"),) if home else ()
    return ((Path(base, "coderv2"),) if base else ()) + macos


def _token(token: str, token_file: str) -> tuple[str, str, str] | None:
    if token and token_file:
        what = "is set beside CODER_SESSION_TOKEN"
        raise ConfigError([ConfigIssue("", "CODER_SESSION_TOKEN_FILE", what, "unset one of the two")])
    if token:
        return "token_env", "CODER_SESSION_TOKEN", "CODER_SESSION_TOKEN"
    return ("token_file", token_file, "CODER_SESSION_TOKEN_FILE") if token_file else None


def _session_token(url: str, session: Session | None) -> tuple[str, str, str] | None:
    """Take the stored token for the server it was made for, and for no other."""
    if session is None or (url and _plain(url) != _plain(session.url)):
        return None
    return "token_file", str(session.token_file), _LOGIN


def _plain(url: str) -> str:
    return url.rstrip("/").lower()


def _no_url(has_token: bool) -> ConfigIssue:  # noqa: FBT001 - one yes or no, named at the call
    if has_token:
        return ConfigIssue(
            "", "CODER_URL", "is not set", "set it to Coder's address, as https://coder.example.com"
        )
    remedy = (
        f"set CODER_URL and CODER_SESSION_TOKEN, or run {_LOGIN}, or write a file "
        "(insights-exporter config init) and give it by --config.file"
    )
    return ConfigIssue("", "", "no deployment is set", remedy)


def _no_token(session: Session | None) -> ConfigIssue:
    other = f"; the session that coder login left is for {session.url}" if session else ""
    remedy = f"set it or CODER_SESSION_TOKEN_FILE, or run {_LOGIN}{other}"
    return ConfigIssue("", "CODER_SESSION_TOKEN", "is not set", remedy)


def _drafts(values: Mapping[str, str], names: Mapping[str, str]) -> RawConfig:
    def origin(place: KeyPath) -> str:
        return names[str(place[0])]

    def spelled(place: KeyPath) -> str:
        return names.get(str(place[0]), format_path(place)) if place and place != ("token_env",) else ""

    return RawConfig("", Path(), (RawDeployment(values, spelled, origin),))
