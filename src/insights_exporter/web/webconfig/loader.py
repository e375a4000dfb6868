"""The web config file is read, checked, and read again when it changes."""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog

from insights_exporter.config.errors import (
    ConfigError,
    ConfigIssue,
    Finding,
    InvalidValue,
    format_path,
    validate_model,
)
from insights_exporter.config.strict_yaml import NotYaml, read_yaml
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.web.webconfig.files import Files, Stamps, changed
from insights_exporter.web.webconfig.model import TLSSection, WebConfigModel
from insights_exporter.web.webconfig.rules import HTTP_RULES, TLS_RULES, http_warnings, tls_warnings
from insights_exporter.web.webconfig.tls import ServerSSLContext, TLSMismatch, newest_context, server_context

_TLS = "tls_server_config"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `burst` requests at once, and one more each `interval` seconds."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """What a web config file says, checked and ready for use.

    Without `tls` the exporter speaks plain HTTP; without `users` everybody
    may ask; without `rate_limit` as often as they like. `users` are names
    and bcrypt hashes. `warnings` are worth a log line each. `stamps` tell
    what the files were when they were read.
    """

    tls: ServerSSLContext | None
    headers: tuple[tuple[str, str], ...]
    users: Mapping[bytes, bytes] = field(repr=False)
    rate_limit: RateLimit | None
    warnings: tuple[ConfigIssue, ...]
    stamps: Stamps = field(repr=False)


class WebConfigError(ConfigError):
    """The file cannot be used, for all of `problems`; `stamps` as in `WebConfig`."""

    def __init__(self, problems: Iterable[ConfigIssue], stamps: Stamps) -> None:
        super().__init__(problems)
        self.stamps = stamps


def load_web_config(path: Path) -> WebConfig:
    """Read and check a web config file and the files that it names.

    Raises:
        WebConfigError: something is wrong; tells all of it at once.
    """
    files = Files(path.parent)
    try:
        return _web_config(path, files)
    except ConfigError as error:
        raise WebConfigError(error.problems, files.stamps) from None
    except OSError as error:
        problem = ConfigIssue(
            str(path), "", f"cannot be used now: {error.strerror or error}", "look at the system's log"
        )
        raise WebConfigError([problem], files.stamps) from None


def _web_config(path: Path, files: Files) -> WebConfig:
    file, context = _checked(path, _data(path, files), files)
    limit = file.rate_limit
    return WebConfig(
        tls=context,
        headers=tuple((name, value) for name, value in file.http_server_config.headers.items() if value),
        users=MappingProxyType(
            {name.encode(): text.encode() for name, text in file.basic_auth_users.items()}
        ),
        rate_limit=RateLimit(limit.interval, limit.burst) if limit.interval else None,
        warnings=tuple(_problems(path, _warnings(file))),
        stamps=MappingProxyType(files.stamps),
    )


def _data(path: Path, files: Files) -> dict[str, Any]:
    """Give what the file says; an empty file, and empty TLS settings, say nothing."""
    try:
        data = read_yaml(files.read(path.name))
    except NotYaml as wrong:
        raise ConfigError([ConfigIssue(str(path), wrong.place, wrong.what, wrong.remedy)]) from None
    except InvalidValue as wrong:
        raise ConfigError([ConfigIssue("", "", wrong.what, wrong.remedy)]) from None
    if not isinstance(data, dict | None):
        remedy = "write tls_server_config: or another section, and its keys below it"
        raise ConfigError([ConfigIssue(str(path), "", "is not a map of keys and values", remedy)])
    return {key: value for key, value in (data or {}).items() if (key, value) != (_TLS, {})}


def _checked(
    path: Path, data: dict[str, Any], files: Files
) -> tuple[WebConfigModel, ServerSSLContext | None]:
    """Return what the file says and its TLS context; raises ConfigError with the faults of all sections."""
    found = list(validate_model(WebConfigModel, data))
    wrong = {place[0] for place, *_ in found}
    file = WebConfigModel.model_validate({key: value for key, value in data.items() if key not in wrong})
    context, tls_faults = _context(file.tls_server_config, files)
    found += [*_below_tls(tls_faults), *(fault for rule in HTTP_RULES for fault in rule(file))]
    if found:
        raise ConfigError(_problems(path, found))
    return file, context


def _context(section: TLSSection | None, files: Files) -> tuple[ServerSSLContext | None, list[Finding]]:
    """Return the context of a section, or all that is wrong with it."""
    if section is None:
        return None, []
    if found := [fault for rule in TLS_RULES for fault in rule(section, files)]:
        return None, found
    try:
        return server_context(section, files), []
    except TLSMismatch as wrong:
        return None, [((wrong.key,), wrong.what, wrong.remedy)]


def _warnings(file: WebConfigModel) -> Iterator[Finding]:
    if file.tls_server_config:
        yield from _below_tls(tls_warnings(file.tls_server_config))
    yield from http_warnings(file)


def _below_tls(found: Iterable[Finding]) -> Iterator[Finding]:
    for place, what, remedy in found:
        yield (_TLS, *place), what, remedy


def _problems(path: Path, found: Iterable[Finding]) -> list[ConfigIssue]:
    return [ConfigIssue(str(path), format_path(place), what, remedy) for place, what, remedy in found]


LOOK_EVERY = 1.0
"""Seconds between two looks at the files."""

TURNOVER = 300.0
"""Seconds after a change in which connections end with the answer they are at: longer than any stays idle."""

_RESTART = "restart the exporter if that is meant"


class ReloadingConfig:
    """A web config file and what holds of it now.

    `reload_failures` counts new files that could not be used. Not to be
    used by several threads at once.

    Raises:
        WebConfigError: the file cannot be used at the start.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.reload_failures = 0
        self._path = path
        self._clock = clock
        self._log = structlog.get_logger("insights_exporter").bind(file=str(path))
        self._config = load_web_config(path)
        self._stamps = self._config.stamps
        self._refused: tuple[ConfigIssue, ...] = ()
        self._next_look = clock() + LOOK_EVERY
        self._turnover_until = clock()
        self._warn(self._config.warnings)

    def now(self) -> WebConfig:
        """Give what holds now, after a look at the files if the last one was a second ago."""
        if self._clock() >= self._next_look:
            self.look()
        return self._config

    def look(self) -> tuple[ConfigIssue, ...]:
        """Look at the files at once; give what keeps them as they are from being used, if anything does."""
        self._next_look = self._clock() + LOOK_EVERY
        if changed(self._stamps):
            self._reload()
        return self._refused

    def turning_over(self) -> bool:
        """Tell whether connections may still hold what was replaced, so that they had better end."""
        return self._clock() < self._turnover_until

    def _reload(self) -> None:
        try:
            config = load_web_config(self._path)
            _check_nothing_opens(self._path, self._config, config)
        except WebConfigError as error:
            self._stamps, self._refused = error.stamps, error.problems
            self.reload_failures += 1
            problems = [str(problem) for problem in error.problems]
            self._log.error("web config file refused, the settings before stay in use", problems=problems)
        else:
            self._stamps, self._config, self._refused = config.stamps, config, ()
            self._turnover_until = self._clock() + TURNOVER
            self._log.info("web config reloaded")
            self._warn(config.warnings)

    def _warn(self, warnings: tuple[ConfigIssue, ...]) -> None:
        for warning in warnings:
            self._log.warning("web config", place=warning.place, detail=warning.what, remedy=warning.remedy)


def _check_nothing_opens(path: Path, before: WebConfig, after: WebConfig) -> None:
    """See that a change, maybe a file caught half written, does not take a protection away as a whole.

    Raises:
        WebConfigError: it does, or turns TLS on, for which the server is not set up.
    """
    problems = []
    if bool(before.tls) != bool(after.tls):
        what = "is gone, and TLS is not turned off" if before.tls else "is new, and TLS is not turned on"
        problems.append(ConfigIssue(str(path), "tls_server_config", f"{what} while running", _RESTART))
    if before.users and not after.users:
        what = "are all gone, which would let in everybody"
        problems.append(ConfigIssue(str(path), "basic_auth_users", what, _RESTART))
    if problems:
        raise WebConfigError(problems, after.stamps)


def listening_context(live: ReloadingConfig) -> ssl.SSLContext | None:
    """Give a context for a server's whole life, or none where the file has no TLS.

    Each new connection gets what the file says at that moment.
    """
    first = live.now().tls
    return newest_context(lambda: live.now().tls or first) if first else None


RELOAD_FAILURES = MetricFamily(
    name="insights_exporter_web_config_reload_failures_total",
    kind="counter",
    help="Times that the web config file, or a file it names, had changed and could not be used; "
    "the settings before stay in use.",
    source="the exporter itself",
    absent="without --web.config.file",
    example="increase(insights_exporter_web_config_reload_failures_total[1h]) > 0",
)


def web_config_samples(live: ReloadingConfig) -> Samples:
    """Give the count of `live` as samples."""
    return Samples(RELOAD_FAILURES, [((), float(live.reload_failures))])
