"""A deployment set by the environment, or by the session that `coder login` left."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from insights_exporter.config.drafts import Draft, Drafts
from insights_exporter.config.problems import ConfigError, Place, Problem, spell

_LOGIN = "coder login"


@dataclass(frozen=True, slots=True)
class Session:
    """What `coder login` left: the server, and the file that holds the token."""

    url: str
    token_file: Path


def environment_drafts(environ: Mapping[str, str]) -> Drafts:
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
        raise ConfigError([Problem("", "CODER_SESSION_TOKEN_FILE", what, "unset one of the two")])
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


def _no_url(has_token: bool) -> Problem:  # noqa: FBT001 - one yes or no, named at the call
    if has_token:
        return Problem(
            "", "CODER_URL", "is not set", "set it to Coder's address, as https://coder.example.com"
        )
    remedy = (
        f"set CODER_URL and CODER_SESSION_TOKEN, or run {_LOGIN}, or write a file "
        "(insights-exporter config init) and give it by --config.file"
    )
    return Problem("", "", "no deployment is set", remedy)


def _no_token(session: Session | None) -> Problem:
    other = f"; the session that coder login left is for {session.url}" if session else ""
    remedy = f"set it or CODER_SESSION_TOKEN_FILE, or run {_LOGIN}{other}"
    return Problem("", "CODER_SESSION_TOKEN", "is not set", remedy)


def _drafts(values: Mapping[str, str], names: Mapping[str, str]) -> Drafts:
    def origin(place: Place) -> str:
        return names[str(place[0])]

    def spelled(place: Place) -> str:
        return names.get(str(place[0]), spell(place)) if place and place != ("token_env",) else ""

    return Drafts("", Path(), (Draft(values, spelled, origin),))
