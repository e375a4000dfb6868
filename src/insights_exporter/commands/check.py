"""`insights-exporter check`: what the token may read in each deployment, and how to fix what it may not."""

import asyncio
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import typer
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from insights_exporter.coder.http import ConnectionInfo
from insights_exporter.commands.deployment_report import (
    DatasetResult,
    DeploymentReport,
    build_report,
    is_reachable,
)
from insights_exporter.commands.oneshot import EXIT_ERROR, poll_once
from insights_exporter.commands.serve import load_settings
from insights_exporter.config.models import Config, Deployment
from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.polling.manager import DeploymentManager
from insights_exporter.polling.publisher import PageStore

_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "allowed": "green",
        "refused": "red",
        "failed": "red",
        "switched off": "yellow",
        "unavailable": "dim",
        "not asked": "yellow",
    }
)


def print_reports(reports: Iterable[DeploymentReport]) -> None:
    """Print what is known of each deployment."""
    console = Console(highlight=False, markup=False, emoji=False)
    for report in reports:
        console.print(_heading(report))
        for line in _problems(report):
            console.print(line)
        console.print(_facts_table(report))
        console.print(_datasets_table(report.datasets))


def _heading(report: DeploymentReport) -> Text:
    verdict, colour = _verdict(report)
    name = (_printable(report.deployment), "bold")
    return Text.assemble(name, f" ({_printable(report.url)}): ", (verdict, colour))


def _verdict(report: DeploymentReport) -> tuple[str, str]:
    if not report.reachable:
        return "not reachable", "red"
    if report.causes:
        count = len(report.causes)
        return f"{count} problem{'' if count == 1 else 's'}", "red"
    if not any(each.state == "allowed" for each in report.datasets):
        return "no data", "red"
    return ("readable, with warnings", "yellow") if report.warnings else ("all good", "green")


def _problems(report: DeploymentReport) -> Iterator[Padding]:
    for cause in report.causes:
        names = ", ".join(cause.datasets)
        text = Text.assemble((cause.reason, "bold"), f" ({names}): {_printable(cause.detail)}")
        yield Padding(text, (0, 0, 0, 2))
        yield Padding(Text.assemble(("To fix: ", "bold"), cause.remedy), (0, 0, 1, 4))
    for remedy, datasets in _unavailable(report.datasets).items():
        yield Padding(f"unavailable ({', '.join(datasets)}): {remedy}", (0, 0, 1, 2))
    for warning in report.warnings:
        yield Padding(Text.assemble(("warning: ", "bold yellow"), warning), (0, 0, 1, 2))


def _unavailable(datasets: Iterable[DatasetResult]) -> Mapping[str, Iterable[str]]:
    """Return the datasets that the server does not have by what is said of it, each once."""
    names: dict[str, dict[str, None]] = {}
    for each in datasets:
        if each.state == "unavailable" and each.remedy:
            names.setdefault(each.remedy, {})[each.dataset] = None
    return names


def _facts_table(report: DeploymentReport) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in _facts(report):
        table.add_row(f"  {name}", _printable(value))
    return table


def _facts(report: DeploymentReport) -> Iterator[tuple[str, str]]:
    yield "TLS", _tls(report)
    yield "version", report.version or "unknown"
    yield "dialect", report.dialect or "unknown"
    yield "clock", _clock(report.clock_skew)
    yield "token", _token(report)
    yield "rate limit", _rate_limit(report.rate_limit)
    about = "about " if report.estimated else ""
    yield "cost", f"{about}{report.series:,} series, {report.requests_per_minute:.1f} requests per minute"


def _tls(report: DeploymentReport) -> str:
    if report.tls:
        return f"{report.tls}, certificate expires {_moment(report.certificate_expires)}"
    return "unknown" if report.url.startswith("https:") else "none: the token is sent in plain text"


def _clock(skew: float | None) -> str:
    return "unknown" if skew is None else f"{skew:+.0f} s compared with this machine"


def _token(report: DeploymentReport) -> str:
    if report.user is None and report.token_expires is None:
        return "user and expiry unknown"
    user = f"of {report.user}" if report.user else "user unknown"
    expiry = "expiry unknown" if report.token_expires is None else f"expires {_moment(report.token_expires)}"
    return f"{user}, {expiry}"


def _rate_limit(limit: float | None) -> str:
    return "unknown" if limit is None else f"{limit:.0f} requests per minute and path"


def _moment(seconds: float | None) -> str:
    moment = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "at an unknown time"


def _datasets_table(datasets: Iterable[DatasetResult]) -> Table:
    series = Column("series", justify="right")
    table = Table("dataset", "windows", "state", series, "allowed for", box=box.SIMPLE_HEAD, pad_edge=True)
    for alike in _group_windows(datasets):
        first = alike[0]
        about = "about " if any(each.estimated for each in alike) else ""
        table.add_row(
            first.dataset,
            _printable(", ".join(each.window for each in alike if each.window)),
            Text(first.state, style=_COLOURS[first.state]),
            f"{about}{sum(each.series for each in alike):,}",
            ", ".join(first.roles),
        )
    return table


def _group_windows(datasets: Iterable[DatasetResult]) -> Iterable[list[DatasetResult]]:
    """Return the windows of each dataset that came out the same, together."""
    groups: dict[tuple[str, str, str], list[DatasetResult]] = {}
    for each in datasets:
        groups.setdefault((each.dataset, each.state, each.reason), []).append(each)
    return groups.values()


def _printable(text: str) -> str:
    """Return `text` with a mark for each character that would steer a terminal."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def check(config_file: Path | None, format_: Literal["table", "json"]) -> int:
    """Poll each deployment once, print what came of it, and return the exit status.

    Of the templates in use one is requested, which is enough to know the permission.

    Raises:
        NotUsable: the config is invalid.
    """
    loaded = load_settings(config_file, os.environ)
    configured = {deployment.name: deployment for deployment in loaded.config.deployments}
    connections = {name: ConnectionInfo() for name in configured}

    def attend(fleet: DeploymentManager) -> None:
        for name, watch in fleet.watches.items():
            watch.exchange.add_response_hook(connections[name].look)

    async def look(_: PageStore, fleet: DeploymentManager) -> list[DeploymentReport]:
        users = await asyncio.gather(*map(_token_user, fleet.watches.values()))
        pairs = zip(fleet.watches.items(), users, strict=True)
        return [
            build_report(watch, configured[name], connections[name], user) for (name, watch), user in pairs
        ]

    limited = Config(deployments=tuple(map(_limit_to_one_template, configured.values())))
    reports = poll_once(limited, os.environ, look, attend)
    _PRINTERS[format_](reports)
    return max((report.status for report in reports), default=EXIT_ERROR)


def _limit_to_one_template(deployment: Deployment) -> Deployment:
    limit = min(1, deployment.templates.limit)
    templates = deployment.templates.model_copy(update={"limit": limit})
    return deployment.model_copy(update={"templates": templates})


async def _token_user(watch: DeploymentPoller) -> str | None:
    return await watch.facts.user() if is_reachable(watch) else None


def _print_json(reports: Iterable[DeploymentReport]) -> None:
    typer.echo(json.dumps([asdict(each) for each in reports], indent=2))


_PRINTERS = {"table": print_reports, "json": _print_json}
