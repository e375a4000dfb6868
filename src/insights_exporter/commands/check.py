"""`insights-exporter check`: what the token may do, and how to mend what it may not."""

import asyncio
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import typer

from insights_exporter.commands.findings import Finding, finding, reachable
from insights_exporter.commands.once import polled_once
from insights_exporter.commands.report import print_report
from insights_exporter.commands.serve import load_settings
from insights_exporter.commands.verdict import NOT_USABLE
from insights_exporter.commands.witness import Witness
from insights_exporter.polling.board import Board
from insights_exporter.polling.fleet import Fleet
from insights_exporter.polling.watch import Watch


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
        users = await asyncio.gather(*map(_user, fleet.watches.values()))
        pairs = zip(fleet.watches.items(), users, strict=True)
        return [finding(watch, witnesses[name], user) for (name, watch), user in pairs]

    findings = polled_once(loaded.settings, os.environ, look, attend)
    _PRINTERS[form](findings)
    return max((each.status for each in findings), default=NOT_USABLE)


async def _user(watch: Watch) -> str | None:
    return await watch.facts.user() if reachable(watch) else None


def _print_json(findings: Iterable[Finding]) -> None:
    typer.echo(json.dumps([asdict(each) for each in findings], indent=2))


_PRINTERS = {"table": print_report, "json": _print_json}
