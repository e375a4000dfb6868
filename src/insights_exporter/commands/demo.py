"""`insights-exporter demo`: the exporter with an embedded Coder, over real HTTP."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import typer
import uvloop

from insights_exporter.commands.demo_prometheus import QUERIES, NotStarted, run_prometheus
from insights_exporter.commands.errors import CommandError
from insights_exporter.commands.serve import Exporter, ServeOptions
from insights_exporter.config.errors import did_you_mean
from insights_exporter.config.loader import parse_config
from insights_exporter.datasets import user_latency
from insights_exporter.datasets.base import Dataset
from insights_exporter.demo.context import SERVER_VERSIONS
from insights_exporter.demo.embedded_coder import EmbeddedCoder
from insights_exporter.demo.faults import FAULTS
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.server import serve

_WELCOME = """\
Sample data of {users} users, from an embedded Coder. Open:
  http://{address}/          the status page
  http://{address}/metrics   the metrics
  http://{address}/metrics?name[]={latency}   one metric: connection latency of users
{faults}Press Ctrl-C to stop.
"""

_CONFIG = """\
deployments:
  - name: demo
    url: {url}
    token_env: TOKEN
    requests_per_minute: 6000
    datasets: {{groups: {{enabled: true}}}}
    templates: {{users: true}}
"""
"""All datasets, also those that are off by default, with many requests per minute."""

_LIST = "list"
"""In place of a fault: list all of them."""


@dataclass(frozen=True, slots=True)
class SampleData:
    """Size and seed of the sample data, and how the embedded Coder behaves.

    `server_version` is one of SERVER_VERSIONS. `faults` are names of FAULTS,
    each alone or as `name=/path` below `/api/v2`, or `list`.
    """

    users: int
    templates: int
    seed: int
    rules: Literal["real", "published"]
    server_version: str
    faults: tuple[str, ...] = ()


def run_demo(
    data: SampleData,
    listen_addresses: Sequence[str],
    datasets: Mapping[str, Dataset],
    *,
    prometheus: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT, scraped by a Prometheus if wanted; print the faults for `--fault=list`.

    Raises:
        CommandError: The address cannot be used, or a flag is invalid.
    """
    if _LIST in data.faults:
        typer.echo(_list_faults())
        return
    coder = create_coder(data)
    options = ServeOptions(config_file=None, listen_addresses=listen_addresses)
    tasks: list[asyncio.Task[None]] = []

    def on_started(address: str) -> None:
        abouts = ((FAULTS[fault.partition("=")[0]].about, fault) for fault in data.faults)
        faults = "".join(f"The embedded Coder {about} ({fault}).\n" for about, fault in abouts)
        latency = user_latency.USER_LATENCY.name
        text = _WELCOME.format(address=address, users=data.users, latency=latency, faults=faults)
        typer.echo(text, nl=False)
        if prometheus:
            tasks.append(asyncio.create_task(_run_prometheus(address)))

    async def run(coder_url: str) -> None:
        environ = {"TOKEN": coder.token}
        content = _CONFIG.format(url=coder_url).encode()
        read_config = partial(parse_config, content, Path("demo config"), environ, datasets)
        try:
            await Exporter(options, read_config(), environ, read_config, datasets).run(on_started)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    with serve(coder) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(url))


def _list_faults() -> str:
    width = max(map(len, FAULTS))
    return "\n".join(f"{name:<{width}}  The embedded Coder {each.about}." for name, each in FAULTS.items())


def create_coder(data: SampleData) -> EmbeddedCoder:
    """Return an embedded Coder with the sample data; raises CommandError for unknown versions or faults."""
    population = Population(seed=data.seed, users=data.users, templates=data.templates)
    version = data.server_version
    if version not in SERVER_VERSIONS:
        remedy = did_you_mean(version, SERVER_VERSIONS)
        raise CommandError(f"--server-version: unknown version {version!r}; {remedy}")
    coder = EmbeddedCoder(population=population, rules=data.rules, server_version=version)
    for fault in data.faults:
        name, _, path = fault.partition("=")
        if name not in FAULTS:
            raise CommandError(f"--fault: unknown fault {name!r}; {did_you_mean(name, FAULTS)}")
        if path and not path.startswith("/"):
            raise CommandError(f"--fault: {path!r} is not a path; write it as --fault={name}=/insights/daus")
        coder.fail(name, *([path] if path else []))
    return coder


async def _run_prometheus(target: str) -> None:
    """Run a Prometheus until this is cancelled, and print how to use it."""
    try:
        async with run_prometheus(target) as url:
            typer.echo(f"  {url}   Prometheus, which scrapes it every 5 s. Try:")
            for description, query in QUERIES:
                graph = f"{url}/graph?g0.expr={quote(query)}&g0.tab=1"
                typer.echo(f"    {description}:\n      {query}\n      {graph}")
            await asyncio.Event().wait()
    except NotStarted as error:
        typer.echo(f"Prometheus was not started: {error}.", err=True)
