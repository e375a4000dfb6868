"""Rules over several keys, warnings, and the files that a config names."""

import os
import ssl
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from insights_exporter.config.errors import ConfigIssue, Finding, InvalidValue, KeyPath, did_you_mean
from insights_exporter.config.intervals import ROLLUP_INTERVAL, choose_poll_interval, list_intervals
from insights_exporter.config.models import DatasetOptions, Deployment, TLSConfig, parse_window_days
from insights_exporter.config.secrets import describe_unreadable, load_token, read_key_file, read_text_file
from insights_exporter.config.types import format_duration

Rule = Callable[[Deployment], Iterator[Finding]]

_TOKEN_KEYS = ("token_file", "token_env", "token")
_SECTIONS_WITH_WINDOWS = ("users", "parameters", "templates", "groups")
_MIN_INTERVAL = 1.0


def require_one_token(deployment: Deployment) -> Iterator[Finding]:
    """Require exactly one of the three sources of a token."""
    present = [key for key in _TOKEN_KEYS if getattr(deployment, key) is not None]
    if not present:
        yield (), "has no token", "write one of token_file, token_env and token"
    for key in present[1:]:
        what = f"is mutually exclusive with {present[0]}"
        yield (key,), what, "keep one of token_file, token_env and token"


def require_key_of_certificate(deployment: Deployment) -> Iterator[Finding]:
    """Require the private key of a certificate."""
    tls = deployment.tls
    if tls.cert_file and not tls.key_file:
        yield ("tls", "cert_file"), "has no private key", "write tls.key_file too"
    if tls.key_file and not tls.cert_file:
        yield ("tls", "key_file"), "has no certificate", "write tls.cert_file too"


def refuse_repeated_headers(deployment: Deployment) -> Iterator[Finding]:
    """Refuse a header that is repeated in another case."""
    seen: dict[str, str] = {}
    for name in deployment.headers:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            yield ("headers", name), f"is the same header as {first}", "keep one of them"


def require_pseudonym_key(deployment: Deployment) -> Iterator[Finding]:
    """Require exactly one key for pseudonyms."""
    users = deployment.users
    if users.key is not None and users.key_file is not None:
        yield ("users", "key_file"), "is mutually exclusive with key", "keep one of the two"
    if users.detail == "pseudonymous" and users.key is None and users.key_file is None:
        remedy = "write users.key_file, a file with some long random text (openssl rand -hex 32)"
        yield ("users", "detail"), "pseudonymous needs a key", remedy


def refuse_contradictory_windows(deployment: Deployment) -> Iterator[Finding]:
    """Refuse windows with the same name, or with a name that contradicts their days."""
    seen: dict[str, int] = {}
    for index, window in enumerate(deployment.windows):
        first = seen.setdefault(window.name, index)
        if first != index:
            what = f"has the same name as windows[{first}], {window.name}"
            yield ("windows", index), what, "write a unique name"
        if parse_window_days(window.name) not in (None, window.days):
            remedy = f"write {parse_window_days(window.name)}, or choose another name"
            yield ("windows", index, "days"), f"contradicts the name {window.name}", remedy


def refuse_unknown_windows(deployment: Deployment) -> Iterator[Finding]:
    """Refuse names of windows that the deployment does not have."""
    known = [window.name for window in deployment.windows]
    for section in _SECTIONS_WITH_WINDOWS:
        options = getattr(deployment, section)
        names = options.windows if "windows" in options.model_fields_set else ()
        for index, name in enumerate(names):
            if name not in known:
                yield (section, "windows", index), "is not a configured window", did_you_mean(name, known)


def require_minimum_interval(deployment: Deployment) -> Iterator[Finding]:
    """Require a second between polls."""
    for place, every in list_intervals(deployment):
        if every < _MIN_INTERVAL:
            yield place, "is too short", f"write {format_duration(ROLLUP_INTERVAL)} or more (at least 1s)"


RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (_TOKEN_KEYS, require_one_token),
    (("tls",), require_key_of_certificate),
    (("headers",), refuse_repeated_headers),
    (("users",), require_pseudonym_key),
    (("windows",), refuse_contradictory_windows),
    (("windows", *_SECTIONS_WITH_WINDOWS), refuse_unknown_windows),
    (("windows", "datasets"), require_minimum_interval),
)
"""Each rule with the keys that must be valid by themselves."""


def remove_missing_windows(deployment: Deployment) -> Deployment:
    """Remove windows that are named by default but that the deployment does not have."""
    known = {window.name for window in deployment.windows}
    update = {}
    for section in _SECTIONS_WITH_WINDOWS:
        options = getattr(deployment, section)
        kept = tuple(name for name in options.windows if name in known)
        update[section] = options.model_copy(update={"windows": kept}) if kept != options.windows else options
    return deployment.model_copy(update=update)


def find_unreadable_files(deployment: Deployment, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check the files and variables that a deployment names."""
    if deployment.token_file or deployment.token_env:
        key = "token_file" if deployment.token_file else "token_env"
        yield from _try((key,), lambda: load_token(deployment, environ))
    if key_file := deployment.users.key_file:
        yield from _try(("users", "key_file"), lambda: read_key_file(key_file))
    for place, what, remedy in find_unusable_certificates(deployment.tls):
        yield ("tls", *place), what, remedy


def find_unusable_certificates(tls: TLSConfig) -> Iterator[Finding]:
    """Check the files of `tls`."""
    if ca_file := tls.ca_file:
        yield from _try(("ca_file",), lambda: _load_authorities(ca_file))
    if (cert_file := tls.cert_file) and (key_file := tls.key_file):
        yield from _try(("cert_file",), lambda: _load_certificate(cert_file, key_file))


def _try(place: KeyPath, check: Callable[[], object]) -> Iterator[Finding]:
    try:
        check()
    except InvalidValue as error:
        yield place, error.what, error.remedy


def _load_authorities(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise InvalidValue(f"{path} contains no certificates", "name a file in PEM format") from None
    except OSError as error:
        raise describe_unreadable(path, error) from None


def _load_certificate(cert_file: Path, key_file: Path) -> None:
    for path in (cert_file, key_file):
        read_text_file(path)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(cert_file, key_file, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError):
        what = f"{cert_file} and {key_file} are not a certificate and its unencrypted key"
        raise InvalidValue(what, "name two matching PEM files") from None


def find_unusable_key_log(environ: Mapping[str, str]) -> Iterator[ConfigIssue]:
    """Check the file to which Python writes TLS keys when it creates a context."""
    if path := environ.get("SSLKEYLOGFILE"):
        try:
            Path(path).open("ab").close()
        except OSError as error:
            what = f"cannot be written: {(error.strerror or '').lower()}"
            yield ConfigIssue("", "SSLKEYLOGFILE", what, "unset it, or name another file")


def find_world_readable_files(deployment: Deployment) -> Iterator[Finding]:
    """Warn of files with secrets that other users can read."""
    secret_files = {
        ("token_file",): deployment.token_file,
        ("users", "key_file"): deployment.users.key_file,
        ("tls", "key_file"): deployment.tls.key_file,
    }
    for place, path in secret_files.items():
        if path is not None and (mode := _read_open_mode(path)):
            yield place, f"{path} is readable by other users (mode {mode:04o})", f"chmod 600 {path}"


def find_intervals_below_rollup(deployment: Deployment) -> Iterator[Finding]:
    """Warn of polls that return nothing new, with their cost."""
    remedy = f"Coder updates its statistics every {format_duration(ROLLUP_INTERVAL)}"
    for place, every in list_intervals(deployment):
        if every < ROLLUP_INTERVAL:
            cost, enough = round(3600 / every), round(3600 / ROLLUP_INTERVAL)
            polls = f"{cost} polls per hour, while {enough} return the same data"
            yield place, f"{format_duration(every)} means {polls}", remedy


def find_max_age_below_interval(deployment: Deployment) -> Iterator[Finding]:
    """Warn of values that expire before the next poll."""
    remedy = "its series would expire between polls; write more"
    for index, window in enumerate(deployment.windows):
        interval = choose_poll_interval(deployment, DatasetOptions(), window)
        if interval.max_age < interval.every:
            served = f"serves {window.name} for {format_duration(interval.max_age)}"
            what = f"{served}, but it is polled every {format_duration(interval.every)}"
            yield ("windows", index, "max_age") if window.max_age else ("max_age",), what, remedy
    for name, dataset in deployment.datasets.items():
        max_age = dataset.max_age or deployment.max_age
        if max_age and dataset.every and max_age < dataset.every:
            place: KeyPath = ("datasets", name, "max_age") if dataset.max_age else ("max_age",)
            what = "is less than every" if dataset.max_age else f"is less than every of {name}"
            yield place, what, remedy


WARNINGS: tuple[Rule, ...] = (find_intervals_below_rollup, find_max_age_below_interval)


def find_world_readable_config(path: Path, deployments: Iterable[Deployment]) -> Iterator[ConfigIssue]:
    """Warn of a config file with secrets that other users can read."""
    has_secrets = any(each.token or each.users.key or each.headers or each.proxy for each in deployments)
    if has_secrets and (mode := _read_open_mode(path)):
        what = f"contains secrets and is readable by other users (mode {mode:04o})"
        yield ConfigIssue(str(path), "", what, f"chmod 600 {path}, or keep them in files of their own")


def _read_open_mode(path: Path) -> int:
    """Return the mode of a file that too many users can access, else 0.

    Access by the group is fine if another user owns the file: then the
    exporter reads it as a member of the group, as with Kubernetes' secrets.
    """
    try:
        status = path.stat()
    except OSError:
        return 0
    others = stat.S_IRWXO | (stat.S_IRWXG if status.st_uid == os.geteuid() else 0)
    return stat.S_IMODE(status.st_mode) if status.st_mode & others else 0
