"""Reading, checking and reloading of the web config file."""

import ssl
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import structlog

from insights_exporter.config.errors import (
    ConfigError,
    ConfigIssue,
    Finding,
    InvalidValue,
    format_path,
    validate_model,
)
from insights_exporter.config.strict_yaml import YamlError, read_yaml
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.web.webconfig.files import Files, Stamps, have_changed
from insights_exporter.web.webconfig.model import RateLimitSection, TLSSection, WebConfigModel
from insights_exporter.web.webconfig.rules import check_http, check_tls, warn_of_http, warn_of_tls
from insights_exporter.web.webconfig.tls import (
    ReloadingSSLContext,
    ServerSSLContext,
    TLSMismatch,
    create_context,
)

CHECK_INTERVAL = 1.0
"""Seconds between two checks whether the files have changed."""

DRAIN_SECONDS = 300.0
"""Seconds after a change in which connections close after their response: longer than any stays idle."""

_TLS = "tls_server_config"
_RESTART = "restart the exporter if this is intended"

RELOAD_FAILURES = MetricFamily(
    name="insights_exporter_web_config_reload_failures_total",
    type="counter",
    help="Total number of invalid changes of the web config file, or of a file it names; the previous "
    "config stays in use.",
    absent="without --web.config.file",
    example="increase(insights_exporter_web_config_reload_failures_total[1h]) > 0",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """A checked web config file: None for `tls` means plain HTTP, no `users` no login.

    `users` are names and bcrypt hashes; `warnings` are worth a log line each.
    """

    tls: ServerSSLContext | None
    headers: tuple[tuple[str, str], ...]
    users: Mapping[bytes, bytes] = field(repr=False)
    rate_limit: RateLimitSection
    warnings: tuple[ConfigIssue, ...]


def load_web_config(path: Path, files: Files) -> WebConfig:
    """Read and check a web config file and the files that it names.

    Raises:
        ConfigError: It is invalid; contains all issues at once.
    """
    data = _read_data(path, files)
    findings = list(validate_model(WebConfigModel, data))
    invalid = {place[0] for place, *_ in findings}
    file = WebConfigModel.model_validate({key: value for key, value in data.items() if key not in invalid})
    section, context = file.tls_server_config, None
    if section:
        context, tls_findings = _create_context(section, files)
        findings += _place_below_tls(tls_findings)
    findings += check_http(file)
    if findings:
        raise ConfigError(_to_issues(path, findings))
    tls_warnings = _place_below_tls(warn_of_tls(section)) if section else []
    return WebConfig(
        tls=context,
        headers=tuple((name, value) for name, value in file.http_server_config.headers.items() if value),
        users={name.encode(): text.encode() for name, text in file.basic_auth_users.items()},
        rate_limit=file.rate_limit,
        warnings=tuple(_to_issues(path, [*tls_warnings, *warn_of_http(file)])),
    )


def _read_data(path: Path, files: Files) -> dict[str, Any]:
    """Return the content of the file; an empty file, and an empty TLS section, have no keys."""
    try:
        data = read_yaml(files.read(path.name))
    except YamlError as error:
        raise ConfigError([ConfigIssue(str(path), error.place, error.what, error.remedy)]) from None
    except InvalidValue as error:
        raise ConfigError([ConfigIssue("", "", error.what, error.remedy)]) from None
    if not isinstance(data, dict | None):
        remedy = "write tls_server_config: or another section, and its keys below it"
        raise ConfigError([ConfigIssue(str(path), "", "is not a map of keys and values", remedy)])
    return {key: value for key, value in (data or {}).items() if (key, value) != (_TLS, {})}


def _create_context(section: TLSSection, files: Files) -> tuple[ServerSSLContext | None, list[Finding]]:
    """Return the context of a section, or all that is wrong with it."""
    if findings := list(check_tls(section, files)):
        return None, findings
    try:
        return create_context(section, files), []
    except TLSMismatch as error:
        return None, [((error.key,), error.what, error.remedy)]
    except OSError as error:
        return None, [((), f"cannot be used now: {error.strerror or error}", "see the system log")]


def _place_below_tls(findings: Iterable[Finding]) -> list[Finding]:
    return [((_TLS, *place), what, remedy) for place, what, remedy in findings]


def _to_issues(path: Path, findings: Iterable[Finding]) -> list[ConfigIssue]:
    return [ConfigIssue(str(path), format_path(place), what, remedy) for place, what, remedy in findings]


class ReloadingConfig:
    """A web config file that is reloaded when it changes; not thread-safe.

    Raises:
        ConfigError: It is invalid at the start.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.reload_failures = 0
        """Number of changes that were invalid."""
        self._path = path
        self._clock = clock
        self._log = structlog.get_logger("insights_exporter").bind(file=str(path))
        files = Files(path.parent)
        self._config = load_web_config(path, files)
        self._stamps: Stamps = files.stamps
        self._issues: tuple[ConfigIssue, ...] = ()
        self._next_check = clock() + CHECK_INTERVAL
        self._draining_until = clock()
        self._replaced_context: Callable[[], ServerSSLContext | None] = lambda: None
        """Returns the context that `_forget_sessions` replaced, while connections keep it."""
        self._log_warnings()

    @property
    def is_draining(self) -> bool:
        """Whether connections may still use the previous config, so that they should end."""
        return self._clock() < self._draining_until

    def get_current(self) -> WebConfig:
        """Return the current config, after a check for changes if the last one was a second ago."""
        if self._clock() >= self._next_check:
            self.reload_if_changed()
        return self._config

    def reload_if_changed(self) -> tuple[ConfigIssue, ...]:
        """Check for changes now; return the issues that prevent the files from being used, if any."""
        self._next_check = self._clock() + CHECK_INTERVAL
        if have_changed(self._stamps):
            self._reload()
        else:
            self._forget_sessions()
        return self._issues

    def collect_samples(self) -> Samples:
        """Return the number of failed reloads."""
        return Samples(RELOAD_FAILURES, [((), float(self.reload_failures))])

    def _reload(self) -> None:
        files = Files(self._path.parent)
        try:
            config = load_web_config(self._path, files)
            self._issues = tuple(_to_issues(self._path, _find_removed_protections(self._config, config)))
        except ConfigError as error:
            self._issues = error.problems
        self._stamps = files.stamps
        if self._issues:
            self.reload_failures += 1
            err = list(map(str, self._issues))
            self._log.error("web config reload failed, keeping previous config", err=err)
            return
        self._config = config
        self._draining_until = self._clock() + DRAIN_SECONDS
        self._log.info("web config reloaded")
        self._log_warnings()

    def _forget_sessions(self) -> None:
        """Replace a context with too many sessions.

        An open connection keeps its context and all sessions of it. So connections are drained, and the
        next replacement waits until the last one took effect.
        """
        old = self._config.tls
        if old is None or not old.has_too_many_sessions or self._replaced_context() is not None:
            return
        try:
            new = old.recreate()
        except OSError:  # such as no free file descriptor: tried again at the next check
            return
        new.refusals = old.refusals
        self._config = replace(self._config, tls=new)
        self._replaced_context = weakref.ref(old)
        self._draining_until = self._clock() + DRAIN_SECONDS

    def _log_warnings(self) -> None:
        for issue in self._config.warnings:
            self._log.warning("web config warning", place=issue.place, err=issue.what, remedy=issue.remedy)


def _find_removed_protections(before: WebConfig, after: WebConfig) -> Iterator[Finding]:
    """Yield the protections that a change, maybe of a half-written file, removes, or TLS that it adds."""
    if before.tls and not after.tls:
        yield (_TLS,), "was removed, but TLS cannot be turned off while running", _RESTART
    if after.tls and not before.tls:
        yield (_TLS,), "is new, but TLS cannot be turned on while running", _RESTART
    if before.tls and after.tls:
        for key in sorted(before.tls.restrictions - after.tls.restrictions):
            yield (_TLS, key), "would let in clients that are refused now", _RESTART
    if before.users and not after.users:
        yield ("basic_auth_users",), "were all removed, which would let anyone in", _RESTART


def create_listening_context(config: ReloadingConfig) -> ssl.SSLContext | None:
    """Return a context for the life of a server, which uses the current config for each new connection.

    None if the file has no TLS.
    """
    if config.get_current().tls is None:
        return None
    context = ReloadingSSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.current = lambda: cast("ServerSSLContext", config.get_current().tls)  # no reload turns TLS off
    return context
