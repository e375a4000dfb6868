"""`insights-exporter demo`: the exporter with a Coder inside, over real HTTP."""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import typer
import uvloop

from insights_exporter.commands.demo_prometheus import QUERIES, NotStarted, graph_of, prometheus_scraping
from insights_exporter.commands.errors import CommandError
from insights_exporter.commands.serve import Exporter, Options, WebConfigHandle, open_listeners
from insights_exporter.config.errors import did_you_mean
from insights_exporter.config.loader import LoadedConfig, load_config
from insights_exporter.config.models import Config
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo.embedded_coder import EmbeddedCoder
from insights_exporter.demo.faults import FAULTS
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.server import serving
from insights_exporter.demo.versions import SERVER_VERSIONS

_HELP = """\
Sample data of {users} users, from an embedded Coder. Open:
  {url}/          the status page: who uses Coder, how, and how well
  {url}/metrics   what Prometheus scrapes: daily users, app seconds, parameters, activity
  {url}/metrics?name[]=coder_insights_user_latency_seconds   how good connections are, p50 and p95
{faults}Ctrl-C ends it.
"""


@dataclass(frozen=True, slots=True)
class Company:
    """The sample data: its size, the seed it grows from, and how the embedded Coder behaves.

    `server_version` is one of GENERATIONS. `faults` are names of FAULTS,
    each alone or as `name=/path` below `/api/v2`.
    """

    users: int
    templates: int
    seed: int
    rules: Literal["real", "published"]
    server_version: str
    faults: tuple[str, ...] = ()


def demo(
    company: Company,
    listen_addresses: Sequence[str],
    web_config_file: Path | None = None,
    *,
    prometheus: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT, with a Prometheus that scrapes it if wanted.

    Raises:
        NotUsable: the address cannot be had, the flags do not go together, or name what is not there.
    """
    if prometheus and web_config_file:
        raise CommandError("--prometheus: it scrapes without TLS and login; leave --web.config.file out")
    coder = _coder(company)
    options = Options(config_file=None, listen_addresses=listen_addresses, web_config_file=web_config_file)
    protection = WebConfigHandle(web_config_file)
    listeners = open_listeners(options, os.environ)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Demo(company, coder, options, protection).run(listeners, prometheus=prometheus))


def _coder(company: Company) -> EmbeddedCoder:
    population = Population(seed=company.seed, users=company.users, templates=company.templates)
    version = company.server_version
    if version not in SERVER_VERSIONS:
        raise CommandError(
            f"--server-version: unknown version {version!r}; {did_you_mean(version, SERVER_VERSIONS)}"
        )
    coder = EmbeddedCoder(population=population, rules=company.rules, generation=version)
    for fault in company.faults:
        name, _, path = fault.partition("=")
        if name not in FAULTS:
            raise CommandError(f"--fault: there is no fault {name!r}; {did_you_mean(name, FAULTS)}")
        if path and not path.startswith("/"):
            raise CommandError(f"--fault: {path!r} is no path; write it as --fault={name}=/insights/daus")
        coder.fail(name, *([path] if path else []))
    return coder


class _Demo:
    """The exporter, its Coder, and at wish a Prometheus, from start to end."""

    def __init__(
        self, company: Company, coder: EmbeddedCoder, options: Options, protection: WebConfigHandle
    ) -> None:
        self._company = company
        self._coder = coder
        self._options = options
        self._protection = protection
        self._address = asyncio.Queue[str]()

    async def run(self, listeners: Sequence[socket.socket], *, prometheus: bool) -> None:
        """Serve until a signal comes."""
        async with serving(self._coder) as url:
            environ = {"CODER_URL": url, "CODER_SESSION_TOKEN": self._coder.token}
            reread = partial(_settings, environ)
            exporter = Exporter(self._options, reread(), self._protection, environ, reread)
            async with AsyncExitStack() as beside:
                if prometheus:
                    scraped = asyncio.create_task(self._scraped(beside))
                    beside.push_async_callback(_called_off, scraped)
                await exporter.run(listeners, started=self._started)

    def _started(self, address: str) -> None:
        typer.echo(_told(f"{self._protection.scheme}://{address}", self._company), nl=False)
        self._address.put_nowait(address)

    async def _scraped(self, beside: AsyncExitStack) -> None:
        """Start Prometheus once there is something to scrape, and tell where it is."""
        try:
            url = await beside.enter_async_context(prometheus_scraping(await self._address.get()))
        except NotStarted as problem:
            typer.echo(f"Prometheus is not started: {problem}.", err=True)
            return
        typer.echo(f"  {url}   Prometheus, which scrapes it every 5 s. Try:")
        for about, query in QUERIES:
            typer.echo(f"    {about}:\n      {query}\n      {graph_of(url, query)}")


async def _called_off(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _settings(environ: Mapping[str, str]) -> LoadedConfig:
    """Give the settings of the environment, but for a pace that only a Coder of one's own takes."""
    loaded = load_config(None, environ, DATASETS)
    hasty = {"name": "demo", "requests_per_minute": 6000.0}
    deployments = tuple(each.model_copy(update=hasty) for each in loaded.config.deployments)
    return replace(loaded, config=Config(deployments=deployments))


def _told(url: str, company: Company) -> str:
    hit = (f"{FAULTS[fault.partition('=')[0]].about} ({fault})" for fault in company.faults)
    faults = "".join(f"The Coder {each}.\n" for each in hit)
    return _HELP.format(url=url, users=company.users, faults=faults)
