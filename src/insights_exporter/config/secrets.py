"""Tokens and keys, read anew each time they are asked for."""

from collections.abc import Mapping
from pathlib import Path

from insights_exporter.config.errors import ConfigError, ConfigIssue, InvalidValue
from insights_exporter.config.models import Deployment
from insights_exporter.config.token_text import check_token
from insights_exporter.config.types import check_key

_MAX_BYTES = 64 * 1024
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_token(deployment: Deployment, environ: Mapping[str, str]) -> str:
    """Give the deployment's token as it is now.

    Raises:
        ConfigError: the file or the variable cannot be read or holds none.
    """
    try:
        return current_token(deployment, environ)
    except InvalidValue as wrong:
        raise ConfigError([ConfigIssue("", _token_key(deployment), wrong.what, wrong.remedy)]) from None


def read_key(deployment: Deployment) -> bytes:
    """Give the key of the deployment's pseudonyms.

    Raises:
        ConfigError: its file cannot be read, or there is no key, or it can be guessed.
    """
    users = deployment.users
    try:
        if users.key_file is not None:
            return key_of_file(users.key_file).encode()
    except InvalidValue as wrong:
        raise ConfigError([ConfigIssue("", "users.key_file", wrong.what, wrong.remedy)]) from None
    if users.key is None:
        raise ConfigError([ConfigIssue("", "users", "has no key", "write users.key_file")])
    return users.key.get_secret_value().encode()


def key_of_file(path: Path) -> str:
    """Give the key of pseudonyms that a file holds.

    Raises:
        Wrong: it cannot be read, or its key can be guessed.
    """
    return check_key(file_text(path), f"{path} holds a key that is")


def _token_key(deployment: Deployment) -> str:
    return "token_file" if deployment.token_file else "token_env" if deployment.token_env else "token"


def current_token(deployment: Deployment, environ: Mapping[str, str]) -> str:
    """Do what `read_token` does, raising `Wrong` without the place."""
    if deployment.token_file is not None:
        return _alone(file_text(deployment.token_file), str(deployment.token_file))
    if deployment.token_env is not None:
        text = environ.get(deployment.token_env, "").strip()
        if not text:
            raise InvalidValue(f"{deployment.token_env} is not set or empty", "set it to the token")
        return _alone(text, deployment.token_env)
    if deployment.token is None:
        raise InvalidValue("is not set", "write one of token_file, token_env and token")
    return deployment.token.get_secret_value()


def _alone(text: str, source: str) -> str:
    try:
        return check_token(text)
    except InvalidValue as wrong:
        raise InvalidValue(f"{source} {wrong.what}", wrong.remedy) from None


def file_text(path: Path) -> str:
    """Give the text of a small file, stripped.

    Raises:
        Wrong: it cannot be read, is empty or is no text.
    """
    try:
        if not path.is_file() and path.exists():
            raise InvalidValue(f"{path} is not a regular file", "name the file that holds the text")
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES)
        if raw.startswith(_UTF16_MARKS):
            raise InvalidValue(f"{path} is written in UTF-16", "save it as UTF-8 without a byte order mark")
        text = raw.decode().strip()
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise InvalidValue(f"{path} is not text", "put the text alone there") from None
    if not text:
        raise InvalidValue(f"{path} is empty", "write the text into it")
    return text


def unreadable(path: Path, error: OSError) -> InvalidValue:
    """Say why the system does not give a file."""
    reason = (error.strerror or "cannot be read").lower()
    return InvalidValue(f"{path} cannot be read: {reason}", "check the path and the permissions")
