"""`insights-exporter demo`: the exporter with a Coder inside, over real HTTP."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import typer
import uvloop

from insights_exporter.commands.protection import Protection
from insights_exporter.commands.serve import Exporter, Options, opened
from insights_exporter.config.loading import Loaded, load
from insights_exporter.config.settings import Settings
from insights_exporter.demo.coder import EmbeddedCoder
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.server import serving

_HELP = """\
The demo serves on http://{address}/metrics, from a Coder inside with {users} users.
  coder_insights_daily_active_users   how many use Coder, today so far and yesterday
  coder_insights_app_usage_seconds    in which editors, and for how long, by window
  coder_insights_user_latency_seconds how good their connections are, p50 and p95
Ctrl-C ends it.
"""


@dataclass(frozen=True, slots=True)
class Company:
    """The made-up company: its size, the seed it grows from, and how its Coder behaves."""

    users: int
    templates: int
    seed: int
    rules: Literal["real", "published"]


def demo(company: Company, listen_address: str, web_config_file: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        NotUsable: the address cannot be had, or the web config file cannot be used.
    """
    options = Options(config_file=None, listen_address=listen_address, web_config_file=web_config_file)
    protection = Protection(web_config_file)
    listener = opened(listen_address)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_demo(company, options, protection, listener))


async def _demo(company: Company, options: Options, protection: Protection, listener: socket.socket) -> None:
    population = Population(seed=company.seed, users=company.users, templates=company.templates)
    coder = EmbeddedCoder(population=population, rules=company.rules)
    async with serving(coder) as url:
        environ = {"CODER_URL": url, "CODER_SESSION_TOKEN": coder.token}
        exporter = Exporter(options, _settings(environ), protection, environ)
        await exporter.run(listener, started=lambda address: typer.echo(_told(address, company)))


def _settings(environ: Mapping[str, str]) -> Loaded:
    """Give the settings of the environment, but for a pace that only a Coder of one's own takes."""
    loaded = load(None, environ)
    hasty = {"name": "demo", "requests_per_minute": 6000.0}
    deployments = tuple(each.model_copy(update=hasty) for each in loaded.settings.deployments)
    return replace(loaded, settings=Settings(deployments=deployments))


def _told(address: str, company: Company) -> str:
    return _HELP.format(address=address, users=company.users)
