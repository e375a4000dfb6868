"""`insights-exporter backfill`: bring Coder's history into Prometheus."""

import asyncio
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import structlog
import typer
import uvloop

from insights_exporter.backfill import importing, remote_write
from insights_exporter.backfill.calendar import Range, latest_end
from insights_exporter.backfill.checking import BadFile
from insights_exporter.backfill.day import Past
from insights_exporter.backfill.journal import Journal
from insights_exporter.backfill.past import Include
from insights_exporter.backfill.run import Plan, run
from insights_exporter.backfill.writing import Written
from insights_exporter.coder.exchange import Errand
from insights_exporter.coder.failures import RequestFailed
from insights_exporter.commands.errors import NotUsable
from insights_exporter.commands.families import PAGE_FAMILIES
from insights_exporter.commands.progress import progress
from insights_exporter.commands.serve import load_settings
from insights_exporter.commands.witness import Witness
from insights_exporter.config.settings import Deployment, Settings
from insights_exporter.config.tokens import read_key
from insights_exporter.datasets.dataset import InvalidAnswer
from insights_exporter.polling.board import Board
from insights_exporter.polling.fleet import Fleet
from insights_exporter.polling.health import RequestHealth
from insights_exporter.polling.watch import Watch

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 60
_SHARE_OF_LIMIT = 0.5
_STOPS = (RequestFailed, InvalidAnswer, BadFile, importing.ImportFailed, remote_write.Refused, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the flags of `backfill` say."""

    config_file: Path | None
    since: date
    until: datetime | None
    deployments: Sequence[str]
    include: Include
    step: int
    labels: Mapping[str, str]
    output: Path
    tsdb: Path | None
    remote_write: str | None
    requests_per_minute: float | None
    resume: bool
    dry_run: bool


def backfill(options: Options) -> int:
    """Write, and if told so import or send, the history of the deployments; give the exit status.

    Raises:
        NotUsable: settings or flags cannot be used.
    """
    settings = _chosen(load_settings(options.config_file, os.environ).settings, options.deployments)
    if options.tsdb is not None:
        importing.require_promtool()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_backfill(options, settings))


async def _backfill(options: Options, settings: Settings) -> int:
    fleet = Fleet(Board(PAGE_FAMILIES), os.environ)
    await fleet.apply(settings)
    try:
        return max([await _status(options, watch) for watch in fleet.watches.values()])
    finally:
        await fleet.close()


async def _status(options: Options, watch: Watch) -> int:
    """Do one deployment; what stops it does not stop the others."""
    try:
        await _deployment(options, watch)
    except _STOPS as error:
        log = structlog.get_logger("insights_exporter").bind(deployment=watch.deployment.name)
        log.warning("backfill stopped; run it again to go on", problem=str(error))
        return 1
    return 0


async def _deployment(options: Options, watch: Watch) -> None:
    """Do one deployment, at the pace that its rate limit allows."""
    witness = Witness()
    watch.exchange.show(witness.look)
    await watch.facts.poll()
    deployment = watch.deployment
    watch.exchange.gate.per_minute = options.requests_per_minute or _pace(deployment, witness)
    span = _span(options, deployment, watch.clock.now())
    pseudonymous = deployment.users.detail == "pseudonymous"
    key = read_key(deployment) if pseudonymous else None
    past = Past(deployment, options.include, watch.coder, watch.names.templates, key)
    errand = Errand(RequestHealth("backfill"), float("inf"))
    if options.dry_run:
        await _estimate(past, span, errand, watch)
        return
    folder = options.output / _folder_name(deployment.name)
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder, _fingerprint(options, deployment), resume=options.resume)
    with progress(f"{deployment.name}: days", len(span.days)) as advance:
        plan = Plan(deployment.name, span, options.labels, folder, _finish(options))
        await run(plan, past, journal, errand, lambda _: advance())


def _finish(options: Options) -> Callable[[Written], None]:
    """Give what is done with a finished file."""

    def finish(written: Written) -> None:
        typer.echo(f"{written.path}: {written.series} series, {written.samples} samples", err=True)
        if options.remote_write is not None:
            with httpx.Client(timeout=60) as client:
                remote_write.send_file(written.path, options.remote_write, client)
        if options.tsdb is not None:
            importing.import_file(written, options.tsdb)
            written.path.unlink()
        elif options.remote_write is None:
            typer.echo(shlex.join(importing.command(written.path, Path("/path/to/prometheus/data"))))

    return finish


async def _estimate(past: Past, span: Range, errand: Errand, watch: Watch) -> None:
    """Ask for the newest day alone, and say what all of them will take."""
    lines = await past.lines(span.days[-1], errand)
    health = errand.observer
    requests = health.requests * len(span.days) if isinstance(health, RequestHealth) else 0
    series = sum(block.count("\n") for block in lines.values())
    samples = series * sum(len(span.times(day)) for day in span.days)
    size = sum(len(block.encode()) for block in lines.values()) / max(series, 1) + len(" 1700000000")
    minutes = requests / watch.exchange.gate.per_minute
    typer.echo(
        f"{watch.deployment.name}: {len(span.days)} days, at most {requests} requests in {minutes:.0f} min, "
        f"{samples} samples, {samples * size / 1e9:.1f} GB of text"
    )


def _fingerprint(options: Options, deployment: Deployment) -> str:
    """Give a text that is another one where other series would be written."""
    shape = deployment.model_dump_json(exclude={"token", "requests_per_minute", "timeout", "proxy"})
    return repr((shape, options.include, options.since, options.step, sorted(options.labels.items())))


def _pace(deployment: Deployment, witness: Witness) -> float:
    """Give half of what the server allows, if that is more than is set."""
    return max(deployment.requests_per_minute, (witness.rate_limit or 0.0) * _SHARE_OF_LIMIT)


def _span(options: Options, deployment: Deployment, now: datetime) -> Range:
    latest = latest_end(now)
    until = min(options.until or latest, latest)
    zone = ZoneInfo(deployment.timezone)
    if options.since > until.astimezone(zone).date():
        raise NotUsable(f"--since: {options.since} is not before {until:%Y-%m-%d %H:%M} UTC, the end")
    return Range(options.since, until, zone, options.step)


def _chosen(settings: Settings, names: Sequence[str]) -> Settings:
    known = {deployment.name: deployment for deployment in settings.deployments}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NotUsable(f"--deployment: there is no {unknown[0]!r}; there are {', '.join(known)}")
    return Settings(deployments=tuple(known[name] for name in names) or settings.deployments)


def _folder_name(deployment: str) -> str:
    """Give a name that is safe for a folder, and its own for each deployment."""
    safe = _UNSAFE.sub("-", deployment)[:_LONGEST_NAME]
    return safe if safe == deployment else f"{safe}-{blake2b(deployment.encode(), digest_size=4).hexdigest()}"
