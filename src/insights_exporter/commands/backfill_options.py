"""What the flags of `backfill` say, and what is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from insights_exporter.backfill.fetch import Include
from insights_exporter.backfill.remote_write import Receiver
from insights_exporter.coder.http import tls_context
from insights_exporter.commands.errors import CommandError
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import TLSConfig
from insights_exporter.config.proxies import read_proxies
from insights_exporter.config.types import parse_duration
from insights_exporter.config.validation import unusable_certificates
from insights_exporter.datasets.registry import FAMILIES

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LOOKBACK = 300
_TAKEN = {label for family in FAMILIES for label in family.labels} | {"le"}
_VALUE = re.compile(r"[ -~]+")
_HEADER = re.compile(rf"([A-Za-z0-9-]+)=(@?)({_VALUE.pattern})")


def parse_include(text: str) -> Include:
    """Read `parameters,users`, one of them or nothing; raises NotUsable."""
    words = {word.strip() for word in text.split(",") if word.strip()}
    unknown = words - {"parameters", "users"}
    if unknown:
        raise CommandError(f"--include: {unknown.pop()!r} is not known; write parameters, users or both")
    return Include(parameters="parameters" in words, users="users" in words)


def parse_step(text: str) -> int:
    """Read the step, in whole seconds; raises NotUsable."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise CommandError(f"--step: {error}") from None
    if not 1 <= seconds < _LOOKBACK or seconds % 1:
        raise CommandError("--step: write whole seconds below 5m, as far as Prometheus looks back")
    return int(seconds)


def parse_labels(texts: Sequence[str]) -> Mapping[str, str]:
    """Read labels, each `name=value`; raises NotUsable."""
    labels = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value or not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
            raise CommandError(
                f"--label: {text!r} is not a label; write NAME=VALUE, such as job=insights-exporter"
            )
        if name in _TAKEN or name in labels:
            what = "is already a label of the series; use one that the scrape adds, such as job"
            raise CommandError(f"--label: {name!r} {what}")
        labels[name] = value
    return labels


def parse_tsdb(path: Path | None, *, wanted: bool) -> Path | None:
    """Return the folder to import into, None without an import; raises NotUsable."""
    if wanted == (path is None):
        raise CommandError("--import and --tsdb go together: name the data folder of Prometheus with --tsdb")
    return path


def parse_receiver(
    url: str | None, headers: Mapping[str, str], tls: TLSConfig, environ: Mapping[str, str]
) -> Receiver | None:
    """Return the receiver of remote write, None without a URL; raises NotUsable."""
    if url is None:
        if tls.ca_file or tls.cert_file:
            raise CommandError("--remote-write-ca-file, --remote-write-cert-file: set --remote-write too")
        return None
    parsed = _parse_url(url)
    try:
        proxy = read_proxies(environ).proxy_for(str(parsed))
    except ConfigError as error:
        raise CommandError(str(error)) from None
    return Receiver(parsed, tls_context(tls), proxy, headers)


def _parse_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise CommandError(
            "--remote-write: is not a URL; write one such as http://prometheus:9090/api/v1/write"
        )
    return url


def parse_certificates(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> TLSConfig:
    """Return whom to trust and which certificate to show; raises NotUsable."""
    if (cert_file is None) != (key_file is None):
        raise CommandError("--remote-write-cert-file and --remote-write-key-file: set both or none")
    tls = TLSConfig.model_construct(ca_file=ca_file, cert_file=cert_file, key_file=key_file)
    problems = [
        f"--remote-write-{str(key).replace('_', '-')}: {what}; {remedy}"
        for (key, *_), what, remedy in unusable_certificates(tls)
    ]
    if problems:
        raise CommandError("\n".join(problems))
    return tls


def parse_headers(texts: Sequence[str]) -> Mapping[str, str]:
    """Read headers, each `Name=value` or `Name=@file`; raises NotUsable, or OSError for the file."""
    headers = {}
    for text in texts:
        found = _HEADER.fullmatch(text)
        if found is None:
            raise CommandError("--remote-write-header: write Name=value, or Name=@FILE for what is secret")
        name, from_file, value = found.groups()
        headers[name] = _header_in(Path(value)) if from_file else value
    return headers


def _header_in(path: Path) -> str:
    """Read the value of a header; errors hold nothing of it, as it may be secret."""
    value = path.read_bytes().strip().decode("ascii", errors="replace")
    if not _VALUE.fullmatch(value):
        raise CommandError(
            f"--remote-write-header: {path} has no value of a header; write one line of plain ASCII there"
        )
    return value
