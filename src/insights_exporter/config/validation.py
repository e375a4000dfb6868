"""Rules over several keys, warnings, and the files that a config names."""

import os
import ssl
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from insights_exporter.config.errors import ConfigIssue, Finding, InvalidValue, KeyPath, did_you_mean
from insights_exporter.config.intervals import ROLLUP_INTERVAL, configured_intervals, poll_interval
from insights_exporter.config.models import DatasetOptions, Deployment, TLSConfig, window_days
from insights_exporter.config.secrets import current_token, file_text, key_of_file, unreadable
from insights_exporter.config.types import format_duration

Rule = Callable[[Deployment], Iterator[Finding]]

_TOKEN_KEYS = ("token_file", "token_env", "token")
_SHORTEST_EVERY = 1.0


def one_token(deployment: Deployment) -> Iterator[Finding]:
    """Exactly one of the three ways to give a token is used."""
    written = [key for key in _TOKEN_KEYS if getattr(deployment, key) is not None]
    if not written:
        yield (), "has no token", "write one of token_file, token_env and token"
    for key in written[1:]:
        yield (key,), f"is set beside {written[0]}", "keep one of token_file, token_env and token"


def certificate_with_key(deployment: Deployment) -> Iterator[Finding]:
    """A certificate comes with its private key."""
    tls = deployment.tls
    if tls.cert_file and not tls.key_file:
        yield ("tls", "cert_file"), "has no private key", "write tls.key_file too"
    if tls.key_file and not tls.cert_file:
        yield ("tls", "key_file"), "has no certificate", "write tls.cert_file too"


def headers_once(deployment: Deployment) -> Iterator[Finding]:
    """No header is written twice in different spellings."""
    seen: dict[str, str] = {}
    for name in deployment.headers:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            yield ("headers", name), f"is the same header as {first}", "keep one of them"


def pseudonyms_have_a_key(deployment: Deployment) -> Iterator[Finding]:
    """Pseudonyms are made with exactly one key."""
    users = deployment.users
    if users.key is not None and users.key_file is not None:
        yield ("users", "key_file"), "is set beside key", "keep one of the two"
    if users.detail == "pseudonymous" and users.key is None and users.key_file is None:
        remedy = "write users.key_file, a file with some long random text (openssl rand -hex 32)"
        yield ("users", "detail"), "pseudonymous needs a key", remedy


def windows_told_apart(deployment: Deployment) -> Iterator[Finding]:
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
        if window_days(window.name) not in (None, window.days):
            remedy = f"write {window_days(window.name)}, or choose another name"
            yield ("windows", index, "days"), f"is not what the name {window.name} says", remedy


def named_windows_exist(deployment: Deployment) -> Iterator[Finding]:
    """What is shown for windows names windows of the deployment."""
    known = [window.name for window in deployment.windows]
    for part in PARTS_WITH_WINDOWS:
        section = getattr(deployment, part)
        written = section.windows if "windows" in section.model_fields_set else ()
        for index, name in enumerate(written):
            if name not in known:
                yield (part, "windows", index), "is not among the windows", did_you_mean(name, known)


def not_too_fast(deployment: Deployment) -> Iterator[Finding]:
    """Polls are at least a second apart."""
    for place, every in configured_intervals(deployment):
        if every < _SHORTEST_EVERY:
            yield place, "is too fast", f"write {format_duration(ROLLUP_INTERVAL)} or more, never below 1s"


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


def interval_below_rollup(deployment: Deployment) -> Iterator[Finding]:
    """Polls that bring nothing new, with what they cost."""
    for place, every in configured_intervals(deployment):
        if every < ROLLUP_INTERVAL:
            cost, enough = (f"{3600 / seconds:.0f}" for seconds in (every, ROLLUP_INTERVAL))
            what = f"{format_duration(every)} costs Coder {cost} polls an hour where {enough} tell as much"
            yield place, what, f"it renews its statistics every {format_duration(ROLLUP_INTERVAL)}"


def max_age_below_interval(deployment: Deployment) -> Iterator[Finding]:
    """Values that are gone before the next poll can bring new ones."""
    for index, window in enumerate(deployment.windows):
        chosen = poll_interval(deployment, DatasetOptions(), window)
        if chosen.max_age < chosen.every:
            served = f"serves {window.name} for {format_duration(chosen.max_age)}"
            what = f"{served} while it is polled every {format_duration(chosen.every)}"
            place = ("windows", index, "max_age") if window.max_age else ("max_age",)
            yield place, what, "its series come and go; write more"
    for name, dataset in deployment.datasets.items():
        max_age = dataset.max_age or deployment.max_age
        if max_age and dataset.every and max_age < dataset.every:
            key: KeyPath = ("datasets", name, "max_age") if dataset.max_age else ("max_age",)
            what = "is less than every" if dataset.max_age else f"is less than every of {name}"
            yield key, what, "its series come and go; write more"


WARNINGS: tuple[Callable[[Deployment], Iterator[Finding]], ...] = (
    interval_below_rollup,
    max_age_below_interval,
)


def unreadable_files(deployment: Deployment, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Return which files and variables of `deployment` cannot be used now."""
    if deployment.token_file or deployment.token_env:
        key = "token_file" if deployment.token_file else "token_env"
        yield from _tried((key,), lambda: current_token(deployment, environ))
    if key_file := deployment.users.key_file:
        yield from _tried(("users", "key_file"), lambda: key_of_file(key_file))
    for place, what, remedy in unusable_certificates(deployment.tls):
        yield ("tls", *place), what, remedy


def unusable_certificates(tls: TLSConfig) -> Iterator[Finding]:
    """Return which files of `tls` cannot be used now, by their keys."""
    if ca_file := tls.ca_file:
        yield from _tried(("ca_file",), lambda: _load_authorities(ca_file))
    if (cert_file := tls.cert_file) and (own_key := tls.key_file):
        yield from _tried(("cert_file",), lambda: _load_certificate(cert_file, own_key))


def unusable_key_log(environ: Mapping[str, str]) -> Iterator[ConfigIssue]:
    """Return what is wrong with the file that Python writes TLS keys to when it makes a context."""
    if path := environ.get("SSLKEYLOGFILE"):
        try:
            Path(path).open("ab").close()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or "not a path").lower()
            yield ConfigIssue(
                "", "SSLKEYLOGFILE", f"cannot be written: {reason}", "unset it, or name another file"
            )


def world_readable_files(deployment: Deployment) -> Iterator[Finding]:
    """Warn of files with secrets that others can read."""
    named = {
        ("token_file",): deployment.token_file,
        ("users", "key_file"): deployment.users.key_file,
        ("tls", "key_file"): deployment.tls.key_file,
    }
    for place, path in named.items():
        if path is not None and (mode := _open_mode(path)):
            yield place, f"{path} is open to others (mode {mode:04o})", f"chmod 600 {path}"


def world_readable_config(path: Path, deployments: Iterable[Deployment]) -> Iterator[Finding]:
    """Warn of a settings file that holds secrets itself and that others can read."""
    held = any(one.token or one.users.key or one.headers or one.proxy for one in deployments)
    if held and (mode := _open_mode(path)):
        what = f"holds secrets and is open to others (mode {mode:04o})"
        yield (), what, f"chmod 600 {path}, or keep them in files of their own"


def _load_authorities(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise InvalidValue(f"{path} holds no certificates", "name a file in PEM form") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _load_certificate(cert_file: Path, key_file: Path) -> None:
    for path in (cert_file, key_file):
        file_text(path)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(cert_file, key_file, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError):
        what = f"{cert_file} and {key_file} are not a certificate and its unencrypted key"
        raise InvalidValue(what, "name two PEM files that belong together") from None


def _tried(place: KeyPath, attempt: Callable[[], object]) -> Iterator[Finding]:
    try:
        attempt()
    except InvalidValue as wrong:
        yield place, wrong.what, wrong.remedy


def _open_mode(path: Path) -> int:
    """Give the mode of a file that more people can use than must, else 0.

    A group is in order where the file belongs to somebody else: then it is
    by the group that the exporter may read it, as with Kubernetes' secrets.
    """
    try:
        status = path.stat()
    except OSError:
        return 0
    theirs = stat.S_IRWXO | (stat.S_IRWXG if status.st_uid == os.geteuid() else 0)
    return stat.S_IMODE(status.st_mode) if status.st_mode & theirs else 0
