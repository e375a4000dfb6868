"""Rules between values: each looks at a deployment and tells what is wrong with it."""

from collections.abc import Callable, Iterator

from insights_exporter.config.durations import format_duration
from insights_exporter.config.pace import ROLL_UP_SECONDS, written_intervals
from insights_exporter.config.problems import did_you_mean
from insights_exporter.config.settings import Deployment
from insights_exporter.config.translation import Found
from insights_exporter.config.windows import days_of

Rule = Callable[[Deployment], Iterator[Found]]

_TOKEN_KEYS = ("token_file", "token_env", "token")
_SHORTEST_EVERY = 1.0


def one_token(deployment: Deployment) -> Iterator[Found]:
    """Exactly one of the three ways to give a token is used."""
    written = [key for key in _TOKEN_KEYS if getattr(deployment, key) is not None]
    if not written:
        yield (), "has no token", "write one of token_file, token_env and token"
    for key in written[1:]:
        yield (key,), f"is set beside {written[0]}", "keep one of token_file, token_env and token"


def certificate_with_key(deployment: Deployment) -> Iterator[Found]:
    """A certificate comes with its private key."""
    tls = deployment.tls
    if tls.cert_file and not tls.key_file:
        yield ("tls", "cert_file"), "has no private key", "write tls.key_file too"
    if tls.key_file and not tls.cert_file:
        yield ("tls", "key_file"), "has no certificate", "write tls.cert_file too"


def headers_once(deployment: Deployment) -> Iterator[Found]:
    """No header is written twice in different spellings."""
    seen: dict[str, str] = {}
    for name in deployment.headers:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            yield ("headers", name), f"is the same header as {first}", "keep one of them"


def pseudonyms_have_a_key(deployment: Deployment) -> Iterator[Found]:
    """Pseudonyms are made with exactly one key."""
    users = deployment.users
    if users.key is not None and users.key_file is not None:
        yield ("users", "key_file"), "is set beside key", "keep one of the two"
    if users.detail == "pseudonymous" and users.key is None and users.key_file is None:
        remedy = "write users.key_file, a file with some long random text (openssl rand -hex 32)"
        yield ("users", "detail"), "pseudonymous needs a key", remedy


def windows_told_apart(deployment: Deployment) -> Iterator[Found]:
    """No two windows have one name, and none says other days than it has."""
    seen: dict[str, int] = {}
    for index, window in enumerate(deployment.windows):
        first = seen.setdefault(window.name, index)
        if first != index:
            yield (
                ("windows", index),
                f"has the name of windows[{first}], {window.name}",
                "give each its own name",
            )
        if days_of(window.name) not in (None, window.days):
            remedy = f"write {days_of(window.name)}, or choose another name"
            yield ("windows", index, "days"), f"is not what the name {window.name} says", remedy


def named_windows_exist(deployment: Deployment) -> Iterator[Found]:
    """What is shown for windows names windows of the deployment."""
    known = [window.name for window in deployment.windows]
    for part in PARTS_WITH_WINDOWS:
        section = getattr(deployment, part)
        written = section.windows if "windows" in section.model_fields_set else ()
        for index, name in enumerate(written):
            if name not in known:
                yield (part, "windows", index), "is not among the windows", did_you_mean(name, known)


def not_too_fast(deployment: Deployment) -> Iterator[Found]:
    """Polls are at least a second apart."""
    for place, every in written_intervals(deployment):
        if every < _SHORTEST_EVERY:
            yield place, "is too fast", f"write {format_duration(ROLL_UP_SECONDS)} or more, never below 1s"


PARTS_WITH_WINDOWS = ("users", "parameters", "templates")

ERRORS: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (_TOKEN_KEYS, one_token),
    (("tls",), certificate_with_key),
    (("headers",), headers_once),
    (("users",), pseudonyms_have_a_key),
    (("windows",), windows_told_apart),
    (("windows", *PARTS_WITH_WINDOWS), named_windows_exist),
    (("windows", "datasets"), not_too_fast),
)
"""Each rule with the keys that it needs to be right by themselves."""


def without_missing_windows(deployment: Deployment) -> Deployment:
    """Leave out the windows that a default names and the deployment does not have."""
    known = {window.name for window in deployment.windows}
    update = {}
    for part in PARTS_WITH_WINDOWS:
        section = getattr(deployment, part)
        kept = tuple(name for name in section.windows if name in known)
        update[part] = section if kept == section.windows else section.model_copy(update={"windows": kept})
    return deployment.model_copy(update=update)
