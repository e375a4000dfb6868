"""Evaluate recording rules over the history, as Prometheus would have done at that time."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import yaml

from grafana.rules.model import Group, Recording
from tests.integration.programs import require
from tests.integration.prometheus import Prometheus, monitoring

INTERVAL: Final = "5m"
"""Time between samples. Prometheus looks back five minutes, so longer intervals would leave gaps."""

RETENTION: Final = "--storage.tsdb.retention.time=100y"

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def serve_history(folder: Path) -> AbstractContextManager[Prometheus]:
    """Run a Prometheus on the blocks in `folder/data`."""
    return monitoring(folder, {}, RETENTION)


def write_rules(rules: Iterable[Recording], folder: Path, start: datetime, end: datetime) -> None:
    """Evaluate `rules` from `start` to `end` over the blocks in `folder/data`, and add the results as blocks.

    Prometheus is started for each stage, so it has loaded the blocks of the stages before.
    """
    for stage in sort_into_stages(rules):
        with serve_history(folder) as prometheus:
            _evaluate(stage, prometheus.url, folder, start, end)


def sort_into_stages(rules: Iterable[Recording]) -> Iterator[list[Recording]]:
    """Yield the rules in stages: a rule reads raw series, and series that rules of earlier stages record."""
    by_name = {rule.record: rule for rule in rules}
    sorter = TopologicalSorter(
        {name: by_name.keys() & set(_NAME.findall(rule.expr)) for name, rule in by_name.items()}
    )
    sorter.prepare()
    while sorter.is_active():
        names = sorter.get_ready()
        yield [by_name[name] for name in names]
        sorter.done(*names)


def _evaluate(rules: Sequence[Recording], url: str, folder: Path, start: datetime, end: datetime) -> None:
    """Evaluate `rules` over the Prometheus at `url`.

    Without a block duration, promtool writes a block for each rule and two hours, and needs
    minutes instead of seconds for three months. The times of the samples depend on the
    names of file and group, which therefore stay the same.
    """
    file = "rules.yml"
    group = Group("recording", rules)
    (folder / file).write_text(yaml.safe_dump({"groups": [group.mapping()]}), encoding="utf-8")
    arguments = (
        "tsdb",
        "create-blocks-from",
        "--max-block-duration=744h",
        "rules",
        f"--eval-interval={INTERVAL}",
        f"--url={url}",
        "--output-dir=data",
        f"--start={start.timestamp():.0f}",
        f"--end={end.timestamp():.0f}",
    )
    subprocess.run([require("promtool"), *arguments, file], check=True, cwd=folder)
