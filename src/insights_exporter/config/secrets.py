"""Tokens and keys, re-read each time they are used."""

from collections.abc import Callable, Mapping
from pathlib import Path

from insights_exporter.config.errors import ConfigError, ConfigIssue, InvalidValue
from insights_exporter.config.models import Deployment
from insights_exporter.config.types import check_key, check_token

_MAX_BYTES = 64 * 1024
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_token(deployment: Deployment, environ: Mapping[str, str]) -> str:
    """Return the current token of a deployment.

    Raises:
        ConfigError: The file or variable cannot be read, or has no token.
    """
    try:
        return load_token(deployment, environ)
    except InvalidValue as wrong:
        key = next((key for key in ("token_file", "token_env") if getattr(deployment, key)), "token")
        raise ConfigError([ConfigIssue("", key, wrong.what, wrong.remedy)]) from None


def read_key(deployment: Deployment) -> bytes:
    """Return the key for pseudonyms of a deployment.

    Raises:
        ConfigError: There is no key, its file cannot be read, or it can be guessed.
    """
    users = deployment.users
    try:
        if users.key_file is not None:
            return read_key_file(users.key_file).encode()
    except InvalidValue as wrong:
        raise ConfigError([ConfigIssue("", "users.key_file", wrong.what, wrong.remedy)]) from None
    if users.key is None:
        raise ConfigError([ConfigIssue("", "users", "has no key", "write users.key_file")])
    return users.key.get_secret_value().encode()


def read_key_file(path: Path) -> str:
    """Return the key for pseudonyms in a file; raises InvalidValue."""
    return _check(check_key, read_text_file(path), f"the key in {path}")


def load_token(deployment: Deployment, environ: Mapping[str, str]) -> str:
    """Return the token like `read_token`, but raise InvalidValue, without the key."""
    if deployment.token_file is not None:
        return _check(check_token, read_text_file(deployment.token_file), str(deployment.token_file))
    if deployment.token_env is not None:
        text = environ.get(deployment.token_env, "").strip()
        if not text:
            raise InvalidValue(f"{deployment.token_env} is not set or is empty", "set it to the token")
        return _check(check_token, text, deployment.token_env)
    if deployment.token is None:
        raise InvalidValue("is not set", "write one of token_file, token_env and token")
    return deployment.token.get_secret_value()


def _check(check: Callable[[str], str], text: str, source: str) -> str:
    try:
        return check(text)
    except InvalidValue as wrong:
        raise InvalidValue(f"{source} {wrong.what}", wrong.remedy) from None


def read_text_file(path: Path) -> str:
    """Return the text of a small file, stripped; raises InvalidValue if it is empty or not text."""
    try:
        if not path.is_file() and path.exists():
            raise InvalidValue(f"{path} is not a regular file", "name a regular file")
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES)
        if raw.startswith(_UTF16_MARKS):
            raise InvalidValue(f"{path} is written in UTF-16", "save it as UTF-8 without a byte order mark")
        text = raw.decode().strip()
    except OSError as error:
        raise describe_unreadable(path, error) from None
    except UnicodeDecodeError:
        raise InvalidValue(f"{path} is not text", "save it as plain text") from None
    if not text:
        raise InvalidValue(f"{path} is empty", "write the value into it")
    return text


def describe_unreadable(path: Path, error: OSError) -> InvalidValue:
    """Return the error of a file that cannot be read."""
    reason = (error.strerror or "cannot be read").lower()
    return InvalidValue(f"{path} cannot be read: {reason}", "check the path and the permissions")
