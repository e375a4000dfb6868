"""`insights-exporter check`: what the token may read in each deployment, and how to fix the others."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
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
)
from insights_exporter.commands.errors import EXIT_ERROR
from insights_exporter.commands.oneshot import open_deployments, poll_once, run_interruptible
from insights_exporter.commands.serve import load_and_warn
from insights_exporter.config.models import Config
from insights_exporter.datasets.base import Dataset


def check(
    config_file: Path | None, format_: Literal["table", "json"], datasets: Mapping[str, Dataset]
) -> int:
    """Poll each deployment once, print a report, and return the exit status.

    Of the templates in use only one is requested, which is enough to check the permission.

    Raises:
        ConfigError: The config is invalid.
    """
    configured = {
        deployment.name: deployment for deployment in load_and_warn(config_file, datasets).config.deployments
    }
    limited = []
    for each in configured.values():
        templates = each.templates.model_copy(update={"limit": min(1, each.templates.limit)})
        limited.append(each.model_copy(update={"templates": templates}))

    async def poll() -> list[DeploymentReport]:
        async with open_deployments(Config(deployments=tuple(limited)), datasets) as (_, manager):
            connections = {name: ConnectionInfo() for name in manager.pollers}
            for name, poller in manager.pollers.items():
                poller.coder.add_response_hook(connections[name].observe)
            await poll_once(manager.pollers.values())
            reports = (
                build_report(poller, configured[name], connections[name], datasets)
                for name, poller in manager.pollers.items()
            )
            return await asyncio.gather(*reports)

    reports = run_interruptible(poll())
    if format_ == "json":
        typer.echo(json.dumps([_build_document(each) for each in reports], indent=2))
    else:
        print_reports(reports)
    return max((report.status for report in reports), default=EXIT_ERROR)


_COLORS: Mapping[str, str] = {
    "allowed": "green",
    "denied": "red",
    "failed": "red",
    "switched off": "yellow",
    "unavailable": "dim",
    "not polled": "yellow",
    "not enabled": "dim",
}


def _build_document(report: DeploymentReport) -> dict[str, object]:
    """Return a report as JSON has it; the published key of problems is `causes`."""
    return {"causes" if name == "problems" else name: value for name, value in asdict(report).items()}


def print_reports(reports: Iterable[DeploymentReport]) -> None:
    """Print the report of each deployment."""
    console = Console(highlight=False, markup=False, emoji=False)
    for report in reports:
        name, url = _escape_controls(report.deployment), _escape_controls(report.url)
        console.print(Text.assemble((name, "bold"), f" ({url}): ", _summarize(report)))
        for paragraph in _describe_problems(report):
            console.print(paragraph)
        details = Table.grid(padding=(0, 2))
        for label, value in _describe_details(report):
            details.add_row(f"  {label}", _escape_controls(value))
        console.print(details)
        console.print(_build_datasets_table(report.datasets))


def _summarize(report: DeploymentReport) -> tuple[str, str]:
    if not report.reachable:
        return "not reachable", "red"
    if report.problems:
        count = len(report.problems)
        return f"{count} problem{'' if count == 1 else 's'}", "red"
    if not any(each.state == "allowed" for each in report.datasets):
        return "no data", "red"
    return ("readable, with warnings", "yellow") if report.warnings else ("everything readable", "green")


def _describe_problems(report: DeploymentReport) -> Iterator[Padding]:
    for problem in report.problems:
        names = ", ".join(problem.datasets)
        text = Text.assemble((problem.reason, "bold"), f" ({names}): {_escape_controls(problem.detail)}")
        yield Padding(text, (0, 0, 0, 2))
        yield Padding(Text.assemble(("To fix: ", "bold"), problem.remedy), (0, 0, 1, 4))
    unavailable: dict[str, dict[str, None]] = {}
    has_coder = not any(problem.reason == "not_found" for problem in report.problems)
    for each in report.datasets:
        if has_coder and each.state == "unavailable" and each.remedy:
            unavailable.setdefault(each.remedy, {})[each.dataset] = None
    for remedy, datasets in unavailable.items():
        yield Padding(f"unavailable ({', '.join(datasets)}): {remedy}", (0, 0, 1, 2))
    for warning in report.warnings:
        yield Padding(Text.assemble(("warning: ", "bold yellow"), warning), (0, 0, 1, 2))


def _describe_details(report: DeploymentReport) -> Iterator[tuple[str, str]]:
    yield "TLS", _describe_tls(report)
    yield "version", report.version or "unknown"
    yield "dialect", report.dialect or "unknown"
    skew, limit = report.clock_skew, report.rate_limit
    yield "clock", "unknown" if skew is None else f"{round(skew):+d} s relative to this machine"
    yield "token", _describe_token(report)
    yield "rate limit", "unknown" if limit is None else f"{limit:.0f} requests per minute and path"
    yield "cost", _describe_cost(report)


def _describe_cost(report: DeploymentReport) -> str:
    if report.series is None or report.requests_per_minute is None:
        return "unknown"
    about = "about " if report.estimated else ""
    return f"{about}{report.series:,} series, {report.requests_per_minute:.1f} requests per minute"


def _describe_tls(report: DeploymentReport) -> str:
    if report.tls:
        return f"{report.tls}, certificate expires {_format_time(report.certificate_expires)}"
    return "unknown" if report.url.startswith("https:") else "none: the token is sent in plain text"


def _describe_token(report: DeploymentReport) -> str:
    if report.user is None and report.token_expires is None:
        return "user and expiry unknown"
    user = f"of {report.user}" if report.user else "user unknown"
    expires = report.token_expires
    return f"{user}, {'expiry unknown' if expires is None else f'expires {_format_time(expires)}'}"


def _format_time(seconds: float | None) -> str:
    moment = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "at an unknown time"


def _build_datasets_table(datasets: Iterable[DatasetResult]) -> Table:
    """Return a table with one row for the windows of a dataset that came out alike."""
    table = Table(
        Column("dataset", no_wrap=True),
        "windows",
        Column("state", no_wrap=True),
        Column("series", no_wrap=True, justify="right"),
        "needs",
        box=box.SIMPLE_HEAD,
        pad_edge=True,
    )
    groups: dict[tuple[str, str, str], list[DatasetResult]] = {}
    for each in datasets:
        groups.setdefault((each.dataset, each.state, each.reason), []).append(each)
    for (dataset, state, _), alike in groups.items():
        about = "about " if any(each.estimated for each in alike) else ""
        license_ = "Premium license" if alike[0].needs_license else ""
        table.add_row(
            dataset,
            _escape_controls(", ".join(each.window for each in alike if each.window)),
            Text(state, style=_COLORS[state]),
            f"{about}{sum(each.series for each in alike):,}",
            "; ".join(filter(None, (license_, ", ".join(alike[0].roles)))),
        )
    return table


def _escape_controls(text: str) -> str:
    """Return `text` with a mark for each character that would control a terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
