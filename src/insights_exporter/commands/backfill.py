"""`insights-exporter backfill`: bring Coder's history into Prometheus."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog
import typer
import uvloop

from insights_exporter.backfill.fetch import HistoryFetcher, Include
from insights_exporter.backfill.openmetrics import VerificationError
from insights_exporter.backfill.promtool import ImportFailed, PromtoolSink, require_promtool
from insights_exporter.backfill.remote_write import Receiver, RemoteWriteRejected, RemoteWriteSink
from insights_exporter.backfill.runner import BackfillPlan, Sink, run
from insights_exporter.backfill.state import BackfillState, LockedError
from insights_exporter.backfill.timeline import BackfillRange, latest_end
from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.errors import REMEDIES, ApiError
from insights_exporter.coder.http import ConnectionInfo
from insights_exporter.coder.request import InvalidResponse
from insights_exporter.commands.backfill_progress import (
    BackfillProgress,
    days_to_measure,
    estimate,
    measure_day,
)
from insights_exporter.commands.errors import CommandError
from insights_exporter.commands.flags import NOT_USABLE
from insights_exporter.commands.oneshot import progress
from insights_exporter.commands.serve import load_settings
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import Config, Deployment
from insights_exporter.config.secrets import read_key
from insights_exporter.datasets import template_list
from insights_exporter.datasets.base import PollContext, Template
from insights_exporter.datasets.timerange import midnight
from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.polling.event_log import StateChangeLogger
from insights_exporter.polling.fetch import REFUSALS, ask_in_steps, error_location
from insights_exporter.polling.manager import DeploymentManager
from insights_exporter.polling.metrics import ALL_FAMILIES
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.status import RequestStats


class NamesMissing(Exception):
    """The templates cannot be listed now; the message says why."""

    def __init__(self, problem: Exception) -> None:
        super().__init__(f"cannot list the templates, and history must not be under wrong names: {problem}")
        self.remedy = _remedy(problem)


class Listing(NamedTuple):
    """The templates by id; `whole` if the server refused nothing."""

    templates: Mapping[str, Template]
    whole: bool


async def learn_names(
    coder: CoderClient, request_options: RequestOptions, deployment: Deployment, now: datetime
) -> Listing:
    """List all templates; warn if the server refuses, so that they are called by their ids.

    Raises:
        NamesMissing: There is no response, though there may be one later.
    """
    view = PollContext(deployment, None, now)
    asked = await ask_in_steps(coder, template_list.DATASET, view, request_options, converter=None)
    if asked.failure and asked.failure.reason not in REFUSALS:
        raise NamesMissing(asked.failure)
    if asked.failure:
        warn_of_ids(deployment.name, asked.failure)
    try:
        templates = template_list.convert(view, asked.responses).templates
    except InvalidResponse as odd:
        raise NamesMissing(odd) from None
    return Listing(templates or {}, whole=asked.failure is None)


def warn_of_ids(deployment: str, problem: Exception) -> None:
    """Tell that templates are called by their ids, and why."""
    told = problem if isinstance(problem, ApiError | InvalidResponse) else type(problem).__name__
    structlog.get_logger("insights_exporter").warning(
        "templates without a name are called by their ids, and unused ones are omitted",
        deployment=deployment,
        problem=str(told),
        remedy=_remedy(problem),
    )


def _remedy(problem: Exception) -> str:
    if isinstance(problem, ApiError):
        return problem.remedy
    return REMEDIES[problem.cause if isinstance(problem, InvalidResponse) else "invalid"]


_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 60
_SHARE_OF_LIMIT = 0.5
_STOPPED = 1
_STOPS = (
    ApiError,
    InvalidResponse,
    NamesMissing,
    VerificationError,
    LockedError,
    ImportFailed,
    RemoteWriteRejected,
    OSError,
)
_GO_ON = "what is finished stays; run it again to go on"
_NOT_OF_THE_SERIES = {
    *("token", "token_file", "token_env", "headers", "tls", "proxy", "timeout", "max_response_bytes"),
    *("requests_per_minute", "max_concurrency", "max_age"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the flags of `backfill` say."""

    config_file: Path | None
    since: date
    until: date | None
    deployments: Sequence[str]
    include: Include
    step: int
    labels: Mapping[str, str]
    output: Path
    tsdb: Path | None
    remote_write: Receiver | None
    requests_per_minute: float | None
    resume: bool
    dry_run: bool


def backfill(options: Options) -> int:
    """Write, and if told so import or send, the history of the deployments; give the exit status.

    Raises:
        NotUsable: settings or flags cannot be used.
    """
    config = _chosen(load_settings(options.config_file, os.environ).config, options.deployments)
    if options.tsdb is not None:
        _require_promtool()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_backfill(options, config))
        except asyncio.CancelledError:
            structlog.get_logger("insights_exporter").warning("backfill interrupted", remedy=_GO_ON)
            return _STOPPED


def _require_promtool() -> None:
    try:
        require_promtool()
    except ImportFailed as missing:
        raise CommandError(f"--import: {missing}") from None


async def _backfill(options: Options, config: Config) -> int:
    work = asyncio.create_task(_all(options, config))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    return await work


async def _all(options: Options, config: Config) -> int:
    fleet = DeploymentManager(PageStore(ALL_FAMILIES), os.environ)
    try:
        await fleet.apply(config)
        return max([await _status(options, watch) for watch in fleet.watches.values()])
    except ConfigError as error:
        raise CommandError(str(error)) from None
    finally:
        await fleet.close()


async def _status(options: Options, watch: DeploymentPoller) -> int:
    """Do one deployment; what stops it does not stop the others."""
    log = structlog.get_logger("insights_exporter").bind(deployment=watch.deployment.name)
    try:
        await _deployment(options, watch)
    except (CommandError, ConfigError) as error:
        log.error("invalid config", problem=str(error))  # noqa: TRY400 -- the matter is in the message
        return NOT_USABLE
    except _STOPS as error:
        log.warning("backfill stopped", problem=str(error), remedy=_backfill_remedy(error))
        return _STOPPED
    except Exception as error:  # noqa: BLE001 -- no answer, however odd, may stop the others
        log.error("backfill stopped", problem=error_location(error), remedy=_GO_ON)  # noqa: TRY400 -- as above
        return _STOPPED
    return 0


def _backfill_remedy(error: Exception) -> str:
    if isinstance(error, InvalidResponse):
        return f"{REMEDIES[error.cause]}; {_GO_ON}"
    return f"{error.remedy}; {_GO_ON}" if isinstance(error, ApiError | NamesMissing) else _GO_ON


async def _deployment(options: Options, watch: DeploymentPoller) -> None:
    """Do one deployment, at the pace that its rate limit allows."""
    witness = ConnectionInfo()
    watch.exchange.add_response_hook(witness.look)
    request_options = RequestOptions(RequestStats("backfill"), float("inf"))
    deployment = watch.deployment
    listing = await learn_names(watch.coder, request_options, deployment, watch.clock.now())
    watch.exchange.gate.per_minute = options.requests_per_minute or _pace(deployment, witness)
    span = _span(options, deployment, watch.clock.now())
    key = read_key(deployment) if deployment.users.detail == "pseudonymous" else b""
    known = PollContext(deployment, None, span.until, listing.templates, pseudonym_key=key or None)
    past = HistoryFetcher(
        known, options.include, watch.coder, StateChangeLogger(deployment.name).rows_invalid
    )
    if options.dry_run:
        await _estimate(options, past, span, request_options, watch)
        return
    folder = options.output / _folder_name(deployment.name)
    state = BackfillState(folder, _fingerprint(options, deployment, key, listing), resume=options.resume)
    try:
        await _run(options, span, past, state, request_options)
    finally:
        state.close()


async def _run(
    options: Options,
    span: BackfillRange,
    past: HistoryFetcher,
    state: BackfillState,
    request_options: RequestOptions,
) -> None:
    places = tuple(_places(options))
    with progress(f"{state.folder.name}: days", lambda: len(span.days)) as advance:
        telling = BackfillProgress(len(span.days), advance, by_hand=not places)
        await run(
            BackfillPlan(span, options.labels, state.folder, places, listener=telling),
            past,
            state,
            request_options,
        )


def _places(options: Options) -> Iterator[Sink]:
    """Give where the files are to be brought."""
    if options.remote_write is not None:
        yield RemoteWriteSink(options.remote_write)
    if options.tsdb is not None:
        yield PromtoolSink(options.tsdb)


async def _estimate(
    options: Options,
    past: HistoryFetcher,
    span: BackfillRange,
    request_options: RequestOptions,
    watch: DeploymentPoller,
) -> None:
    """Request a few of the days, and print what all of them will take."""
    stats = RequestStats("backfill")
    sizes = {
        number: measure_day(await past.lines(span.days[number], replace(request_options, observer=stats)))
        for number in days_to_measure(len(span.days))
    }
    added = sum(len(f'{name}="{value}",') for name, value in options.labels.items())
    said = estimate(span, sizes, stats.requests, watch.exchange.gate.per_minute, added)
    typer.echo(f"{watch.deployment.name}: {said}")


def _fingerprint(options: Options, deployment: Deployment, key: bytes, listing: Listing) -> str:
    """Give a text that is another one where other series would be written."""
    shape = deployment.model_dump_json(exclude=_NOT_OF_THE_SERIES)
    pseudonyms = blake2b(key).hexdigest()
    labels = sorted(options.labels.items())
    return repr((shape, pseudonyms, options.include, options.since, options.step, labels, listing.whole))


def _pace(deployment: Deployment, witness: ConnectionInfo) -> float:
    """Give half of what the server allows, if that is more than is set."""
    return max(deployment.requests_per_minute, (witness.rate_limit or 0.0) * _SHARE_OF_LIMIT)


def _span(options: Options, deployment: Deployment, now: datetime) -> BackfillRange:
    """Give the days of the deployment's zone; raises NotUsable where there are none."""
    zone = ZoneInfo(deployment.timezone)
    latest = latest_end(now)
    until = min(midnight(options.until, zone), latest) if options.until else latest
    span = BackfillRange(options.since, until, zone, options.step)
    if not span.days:
        raise CommandError(f"--since: {options.since} is not before {until:%Y-%m-%d %H:%M %Z}, where it ends")
    return span


def _chosen(config: Config, names: Sequence[str]) -> Config:
    known = {deployment.name: deployment for deployment in config.deployments}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CommandError(f"--deployment: there is no {unknown[0]!r}; there are {', '.join(known)}")
    return Config(deployments=tuple(known[name] for name in names) or config.deployments)


def _folder_name(deployment: str) -> str:
    """Give a name that is safe for a folder, and its own for each deployment."""
    safe = _UNSAFE.sub("-", deployment)[:_LONGEST_NAME]
    return safe if safe == deployment else f"{safe}-{blake2b(deployment.encode(), digest_size=4).hexdigest()}"
