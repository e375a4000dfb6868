"""What the flags of `backfill` say, and what is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from insights_exporter.backfill.past import Include
from insights_exporter.commands.errors import NotUsable
from insights_exporter.config.durations import parse_duration

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LOOKBACK = 300


def parse_include(text: str) -> Include:
    """Read `parameters,users`, one of them or nothing; raises NotUsable."""
    words = {word.strip() for word in text.split(",") if word.strip()}
    unknown = words - {"parameters", "users"}
    if unknown:
        raise NotUsable(f"--include: {unknown.pop()!r} is not known; write parameters, users or both")
    return Include(parameters="parameters" in words, users="users" in words)


def parse_step(text: str) -> int:
    """Read the step, in whole seconds; raises NotUsable."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise NotUsable(f"--step: {error}") from None
    if not 1 <= seconds < _LOOKBACK or seconds % 1:
        raise NotUsable("--step: write whole seconds below 5m, as far as Prometheus looks back")
    return int(seconds)


def parse_labels(texts: Sequence[str]) -> Mapping[str, str]:
    """Read labels, each `name=value`; raises NotUsable."""
    labels = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value or not _LABEL_NAME.fullmatch(name) or name == "deployment":
            raise NotUsable(f"--label: {text!r} is no label; write name=value, as job=insights-exporter")
        labels[name] = value
    return labels


def parse_tsdb(path: Path | None, *, wanted: bool) -> Path | None:
    """Give the folder to import into, None where nothing is to be imported; raises NotUsable."""
    if wanted == (path is None):
        raise NotUsable("--import and --tsdb go together: name the data folder of Prometheus with --tsdb")
    return path


def parse_until(moment: datetime | None) -> datetime | None:
    """Take a day as its first instant in UTC."""
    return moment.replace(tzinfo=UTC) if moment else None
