"""`insights-exporter check`: what the token may do, and how to mend what it may not."""

import asyncio
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from insights_exporter.commands.findings import DatasetFinding, Finding, finding
from insights_exporter.commands.once import polled_once
from insights_exporter.commands.serve import load_settings
from insights_exporter.commands.verdict import NOT_USABLE
from insights_exporter.commands.witness import Witness
from insights_exporter.polling.board import Board
from insights_exporter.polling.fleet import Fleet

_COLOURS = {
    "allowed": "green",
    "refused": "red",
    "failed": "red",
    "unavailable": "dim",
    "not asked": "yellow",
}


def check(config_file: Path | None, form: Literal["table", "json"]) -> int:
    """Ask each deployment for everything once, print what came of it, and give the exit status.

    Raises:
        NotUsable: the settings cannot be used.
    """
    loaded = load_settings(config_file, os.environ)
    witnesses = {deployment.name: Witness() for deployment in loaded.settings.deployments}

    def attend(fleet: Fleet) -> None:
        for name, watch in fleet.watches.items():
            watch.exchange.show(witnesses[name].look)

    async def look(_: Board, fleet: Fleet) -> list[Finding]:
        users = await asyncio.gather(*(watch.facts.user() for watch in fleet.watches.values()))
        pairs = zip(fleet.watches.items(), users, strict=True)
        return [finding(watch, witnesses[name], user) for (name, watch), user in pairs]

    findings = polled_once(loaded.settings, os.environ, look, attend)
    _PRINTERS[form](findings)
    return max((each.status for each in findings), default=NOT_USABLE)


def _print_json(findings: Iterable[Finding]) -> None:
    typer.echo(json.dumps([asdict(each) for each in findings], indent=2))


def _print_table(findings: Iterable[Finding]) -> None:
    console = Console(highlight=False)
    for each in findings:
        console.print(Text(f"{each.deployment} ({each.url})", style="bold"))
        facts = Table.grid(padding=(0, 2))
        for name, value in _facts(each):
            facts.add_row(f"  {name}", value)
        console.print(facts)
        console.print(_datasets(each.datasets))


def _facts(one: Finding) -> Iterable[tuple[str, str]]:
    yield "reachable", "yes" if one.reachable else "no"
    yield "TLS", f"{one.tls}, certificate until {_day(one.certificate_expires)}" if one.tls else "none"
    yield "version", one.version or "unknown"
    yield "dialect", one.dialect or "unknown"
    yield "clock", "unknown" if one.clock_skew is None else f"{one.clock_skew:+.0f} s against this machine"
    yield "token", f"of {one.user or 'an unknown user'}, until {_day(one.token_expires)}"
    yield (
        "rate limit",
        "unknown" if one.rate_limit is None else f"{one.rate_limit:.0f} requests a minute and path",
    )
    yield "will give", f"{one.series} series for {one.requests_per_minute:.1f} requests a minute"


def _day(seconds: float | None) -> str:
    return (
        "an unknown day"
        if seconds is None
        else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    )


def _datasets(datasets: Iterable[DatasetFinding]) -> Table:
    table = Table("dataset", "window", "state", Column("series", justify="right"), "what, and how to mend it")
    for each in datasets:
        state = Text(each.state, style=_COLOURS[each.state])
        table.add_row(each.dataset, each.window, state, str(each.series), Text(_mend(each)))
    return table


def _mend(one: DatasetFinding) -> str:
    if one.state == "not asked":
        return "templates has to be allowed first"
    roles = f" Roles that may: {', '.join(one.roles)}." if one.roles else ""
    return f"{one.detail}\n{one.remedy}.{roles}" if one.detail else ""


_PRINTERS = {"table": _print_table, "json": _print_json}
