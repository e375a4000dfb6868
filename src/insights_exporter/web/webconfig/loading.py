"""From the web config file to what holds, or all that is wrong with it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from insights_exporter.config.problems import ConfigError, Problem, Wrong, spell
from insights_exporter.config.translation import Found, wrong_fields
from insights_exporter.config.yaml_reader import NotYaml, read_yaml
from insights_exporter.web.webconfig import http_rules, tls_rules
from insights_exporter.web.webconfig.files import Files, Stamps
from insights_exporter.web.webconfig.handshake import ServerContext
from insights_exporter.web.webconfig.tls import Misfit, server_context
from insights_exporter.web.webconfig.written import TlsSection, WebFile

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

    tls: ServerContext | None
    headers: tuple[tuple[str, str], ...]
    users: Mapping[bytes, bytes] = field(repr=False)
    rate_limit: RateLimit | None
    warnings: tuple[Problem, ...]
    stamps: Stamps = field(repr=False)


class WebConfigError(ConfigError):
    """The file cannot be used, for all of `problems`; `stamps` as in `WebConfig`."""

    def __init__(self, problems: Iterable[Problem], stamps: Stamps) -> None:
        super().__init__(problems)
        self.stamps = stamps


def load(path: Path) -> WebConfig:
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
        problem = Problem(
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
        raise ConfigError([Problem(str(path), wrong.place, wrong.what, wrong.remedy)]) from None
    except Wrong as wrong:
        raise ConfigError([Problem("", "", wrong.what, wrong.remedy)]) from None
    if not isinstance(data, dict | None):
        remedy = "write tls_server_config: or another section, and its keys below it"
        raise ConfigError([Problem(str(path), "", "is not a map of keys and values", remedy)])
    return {key: value for key, value in (data or {}).items() if (key, value) != (_TLS, {})}


def _checked(path: Path, data: dict[str, Any], files: Files) -> tuple[WebFile, ServerContext | None]:
    """Return what the file says and its TLS context; raises ConfigError with the faults of all sections."""
    found = list(wrong_fields(WebFile, data))
    wrong = {place[0] for place, *_ in found}
    file = WebFile.model_validate({key: value for key, value in data.items() if key not in wrong})
    context, tls_faults = _context(file.tls_server_config, files)
    found += [*_below_tls(tls_faults), *(fault for rule in http_rules.RULES for fault in rule(file))]
    if found:
        raise ConfigError(_problems(path, found))
    return file, context


def _context(section: TlsSection | None, files: Files) -> tuple[ServerContext | None, list[Found]]:
    """Return the context of a section, or all that is wrong with it."""
    if section is None:
        return None, []
    if found := [fault for rule in tls_rules.RULES for fault in rule(section, files)]:
        return None, found
    try:
        return server_context(section, files), []
    except Misfit as wrong:
        return None, [((wrong.key,), wrong.what, wrong.remedy)]


def _warnings(file: WebFile) -> Iterator[Found]:
    if file.tls_server_config:
        yield from _below_tls(tls_rules.warnings(file.tls_server_config))
    yield from http_rules.warnings(file)


def _below_tls(found: Iterable[Found]) -> Iterator[Found]:
    for place, what, remedy in found:
        yield (_TLS, *place), what, remedy


def _problems(path: Path, found: Iterable[Found]) -> list[Problem]:
    return [Problem(str(path), spell(place), what, remedy) for place, what, remedy in found]
