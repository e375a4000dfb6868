"""Flags of `backfill`, parsed and checked. All functions raise CommandError for invalid flags."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx

from insights_exporter.backfill.fetch import Include
from insights_exporter.backfill.remote_write import Receiver
from insights_exporter.coder.http import create_tls_context
from insights_exporter.commands.errors import CommandError
from insights_exporter.config.models import TLSConfig
from insights_exporter.config.proxies import read_proxies
from insights_exporter.config.secrets import describe_unreadable
from insights_exporter.config.types import parse_duration
from insights_exporter.config.validation import find_unusable_certificates
from insights_exporter.exposition.family import MetricFamily

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_FIRST_YEAR = 2021
_LOOKBACK = 300
"""Seconds that Prometheus looks back for a sample."""
_HEADER_VALUE = re.compile(r"[ -~]+")
_HEADER = re.compile(rf"([A-Za-z0-9-]+)=(@?)({_HEADER_VALUE.pattern})")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOptions:
    """Flags of `backfill`."""

    config_file: Path | None
    since: date
    until: date | None
    deployments: Sequence[str]
    include: Include
    step: int
    labels: Mapping[str, str]
    output: Path
    tsdb: Path | None
    receiver: Receiver | None
    requests_per_minute: float | None
    resume: bool
    dry_run: bool


def parse_include(text: str) -> Include:
    """Parse `parameters,users`, one of them or nothing."""
    words = {word.strip() for word in text.split(",") if word.strip()}
    unknown = words - {"parameters", "users"}
    if unknown:
        raise CommandError(f"--include: {unknown.pop()!r} is unknown; write parameters, users or both")
    return Include(parameters="parameters" in words, users="users" in words)


def check_since(since: date) -> date:
    """Return the first day; raises CommandError if it is earlier than any history of Coder."""
    if since.year < _FIRST_YEAR:
        remedy = f"write {_FIRST_YEAR}-01-01 or later"
        raise CommandError(f"--since: {since} is before the first release of Coder; {remedy}")
    return since


def parse_step(text: str) -> int:
    """Parse the step, in whole seconds."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise CommandError(f"--step: {error}") from None
    if not 1 <= seconds < _LOOKBACK or seconds % 1:
        raise CommandError("--step: write whole seconds below 5m, as far as Prometheus looks back")
    return int(seconds)


def parse_labels(texts: Sequence[str], families: Iterable[MetricFamily]) -> Mapping[str, str]:
    """Parse labels, each `name=value`; none may be a label of `families`."""
    existing = {"le"}.union(*(family.labels for family in families))
    labels: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not value or not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
            remedy = "write NAME=VALUE, such as job=insights-exporter"
            raise CommandError(f"--label: {text!r} is not a label; {remedy}")
        if name in existing or name in labels:
            what = "is already a label of the series; use one that the scrape adds, such as job"
            raise CommandError(f"--label: {name!r} {what}")
        labels[name] = value
    return labels


def parse_tsdb(path: Path | None, *, wanted: bool) -> Path | None:
    """Return the folder to import into, None without an import."""
    if wanted == (path is None):
        raise CommandError("--import, --tsdb: need each other; set --tsdb to the data folder of Prometheus")
    return path


def parse_receiver(
    url: str | None, headers: Mapping[str, str], tls: TLSConfig, environ: Mapping[str, str]
) -> Receiver | None:
    """Return the remote-write receiver, None without a URL; raises ConfigError for an invalid proxy."""
    if url is None:
        if tls.ca_file or tls.cert_file:
            raise CommandError("--remote-write-ca-file, --remote-write-cert-file: set --remote-write too")
        return None
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        remedy = "write one such as http://prometheus:9090/api/v1/write"
        raise CommandError(f"--remote-write: is not a URL; {remedy}")
    return Receiver(parsed, create_tls_context(tls), read_proxies(environ).select_proxy(str(parsed)), headers)


def parse_certificates(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> TLSConfig:
    """Return the authorities to trust and the client certificate, which are checked."""
    if (cert_file is None) != (key_file is None):
        raise CommandError("--remote-write-cert-file and --remote-write-key-file: set both or none")
    tls = TLSConfig.model_construct(ca_file=ca_file, cert_file=cert_file, key_file=key_file)
    problems = [
        f"--remote-write-{str(key).replace('_', '-')}: {what}; {remedy}"
        for (key, *_), what, remedy in find_unusable_certificates(tls)
    ]
    if problems:
        raise CommandError("\n".join(problems))
    return tls


def parse_headers(texts: Sequence[str]) -> Mapping[str, str]:
    """Parse headers, each `Name=value` or `Name=@file`.

    Errors contain no values, which may be secret.
    """
    headers = {}
    for text in texts:
        found = _HEADER.fullmatch(text)
        if found is None:
            raise CommandError("--remote-write-header: write Name=value, or Name=@FILE for what is secret")
        name, is_file, value = found.groups()
        headers[name] = _read_header_value(Path(value)) if is_file else value
    return headers


def _read_header_value(path: Path) -> str:
    try:
        value = path.read_bytes().strip().decode("ascii", errors="replace")
    except OSError as error:
        raise CommandError(f"--remote-write-header: {describe_unreadable(path, error)}") from None
    if not _HEADER_VALUE.fullmatch(value):
        what = "has no value of a header; write one line of plain ASCII there"
        raise CommandError(f"--remote-write-header: {path} {what}")
    return value
