"""`insights-exporter check`: what the token may read in each deployment, and how to fix what it may not."""

import asyncio
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import typer

from insights_exporter.commands.check_report import print_reports
from insights_exporter.commands.deployment_report import DeploymentReport, build_report, is_reachable
from insights_exporter.commands.once import polled_once
from insights_exporter.commands.serve import load_settings
from insights_exporter.commands.verdict import NOT_USABLE
from insights_exporter.commands.witness import Witness
from insights_exporter.config.settings import Deployment, Settings
from insights_exporter.polling.board import Board
from insights_exporter.polling.fleet import Fleet
from insights_exporter.polling.watch import Watch


def check(config_file: Path | None, form: Literal["table", "json"]) -> int:
    """Poll each deployment once, print what came of it, and return the exit status.

    Of the templates in use one is requested, which is enough to know the permission.

    Raises:
        NotUsable: the config is invalid.
    """
    loaded = load_settings(config_file, os.environ)
    configured = {deployment.name: deployment for deployment in loaded.settings.deployments}
    connections = {name: Witness() for name in configured}

    def attend(fleet: Fleet) -> None:
        for name, watch in fleet.watches.items():
            watch.exchange.add_response_hook(connections[name].look)

    async def look(_: Board, fleet: Fleet) -> list[DeploymentReport]:
        users = await asyncio.gather(*map(_token_user, fleet.watches.values()))
        pairs = zip(fleet.watches.items(), users, strict=True)
        return [
            build_report(watch, configured[name], connections[name], user) for (name, watch), user in pairs
        ]

    limited = Settings(deployments=tuple(map(_limit_to_one_template, configured.values())))
    reports = polled_once(limited, os.environ, look, attend)
    _PRINTERS[form](reports)
    return max((report.status for report in reports), default=NOT_USABLE)


def _limit_to_one_template(deployment: Deployment) -> Deployment:
    limit = min(1, deployment.templates.limit)
    templates = deployment.templates.model_copy(update={"limit": limit})
    return deployment.model_copy(update={"templates": templates})


async def _token_user(watch: Watch) -> str | None:
    return await watch.facts.user() if is_reachable(watch) else None


def _print_json(reports: Iterable[DeploymentReport]) -> None:
    typer.echo(json.dumps([asdict(each) for each in reports], indent=2))


_PRINTERS = {"table": print_reports, "json": _print_json}
