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

from insights_exporter.backfill.fetch import Include, Past
from insights_exporter.backfill.openmetrics import BadFile
from insights_exporter.backfill.promtool import ImportFailed, Importing, require_promtool
from insights_exporter.backfill.remote_write import Receiver, Refused, Sending
from insights_exporter.backfill.runner import Place, Plan, run
from insights_exporter.backfill.state import Busy, Journal
from insights_exporter.backfill.timeline import Range, latest_end
from insights_exporter.coder.client import Coder, Errand
from insights_exporter.coder.errors import REMEDIES, RequestFailed
from insights_exporter.coder.http import Witness
from insights_exporter.coder.request import InvalidAnswer
from insights_exporter.commands.backfill_progress import Telling, days_to_measure, estimate, measure_day
from insights_exporter.commands.errors import NotUsable
from insights_exporter.commands.flags import NOT_USABLE
from insights_exporter.commands.oneshot import progress
from insights_exporter.commands.serve import load_settings
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import Deployment, Settings
from insights_exporter.config.secrets import read_key
from insights_exporter.datasets import template_list
from insights_exporter.datasets.base import Template, View
from insights_exporter.datasets.timerange import midnight
from insights_exporter.polling.deployment import Watch
from insights_exporter.polling.event_log import News
from insights_exporter.polling.fetch import REFUSALS, ask_in_steps, whereabouts
from insights_exporter.polling.manager import Fleet
from insights_exporter.polling.metrics import PAGE_FAMILIES
from insights_exporter.polling.publisher import Board
from insights_exporter.polling.status import RequestHealth


class NamesMissing(Exception):
    """The templates cannot be listed now; the message says why."""

    def __init__(self, problem: Exception) -> None:
        super().__init__(f"cannot list the templates, and history must not be under wrong names: {problem}")
        self.remedy = _remedy(problem)


class Listing(NamedTuple):
    """The templates by id; `whole` if the server refused nothing."""

    templates: Mapping[str, Template]
    whole: bool


async def learn_names(coder: Coder, errand: Errand, deployment: Deployment, now: datetime) -> Listing:
    """List all templates; warn if the server refuses, so that they are called by their ids.

    Raises:
        NamesMissing: There is no response, though there may be one later.
    """
    view = View(deployment, None, now)
    asked = await ask_in_steps(coder, template_list.DATASET, view, errand, converter=None)
    if asked.failure and asked.failure.reason not in REFUSALS:
        raise NamesMissing(asked.failure)
    if asked.failure:
        warn_of_ids(deployment.name, asked.failure)
    try:
        templates = template_list.convert(view, asked.answers).templates
    except InvalidAnswer as odd:
        raise NamesMissing(odd) from None
    return Listing(templates or {}, whole=asked.failure is None)


def warn_of_ids(deployment: str, problem: Exception) -> None:
    """Tell that templates are called by their ids, and why."""
    told = problem if isinstance(problem, RequestFailed | InvalidAnswer) else type(problem).__name__
    structlog.get_logger("insights_exporter").warning(
        "templates without a name are called by their ids, and unused ones are omitted",
        deployment=deployment,
        problem=str(told),
        remedy=_remedy(problem),
    )


def _remedy(problem: Exception) -> str:
    if isinstance(problem, RequestFailed):
        return problem.remedy
    return REMEDIES[problem.cause if isinstance(problem, InvalidAnswer) else "invalid"]


_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 60
_SHARE_OF_LIMIT = 0.5
_STOPPED = 1
_STOPS = (RequestFailed, InvalidAnswer, NamesMissing, BadFile, Busy, ImportFailed, Refused, OSError)
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
    settings = _chosen(load_settings(options.config_file, os.environ).settings, options.deployments)
    if options.tsdb is not None:
        _require_promtool()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_backfill(options, settings))
        except asyncio.CancelledError:
            structlog.get_logger("insights_exporter").warning("backfill interrupted", remedy=_GO_ON)
            return _STOPPED


def _require_promtool() -> None:
    try:
        require_promtool()
    except ImportFailed as missing:
        raise NotUsable(f"--import: {missing}") from None


async def _backfill(options: Options, settings: Settings) -> int:
    work = asyncio.create_task(_all(options, settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    return await work


async def _all(options: Options, settings: Settings) -> int:
    fleet = Fleet(Board(PAGE_FAMILIES), os.environ)
    try:
        await fleet.apply(settings)
        return max([await _status(options, watch) for watch in fleet.watches.values()])
    except ConfigError as error:
        raise NotUsable(str(error)) from None
    finally:
        await fleet.close()


async def _status(options: Options, watch: Watch) -> int:
    """Do one deployment; what stops it does not stop the others."""
    log = structlog.get_logger("insights_exporter").bind(deployment=watch.deployment.name)
    try:
        await _deployment(options, watch)
    except (NotUsable, ConfigError) as error:
        log.error("invalid config", problem=str(error))  # noqa: TRY400 -- the matter is in the message
        return NOT_USABLE
    except _STOPS as error:
        log.warning("backfill stopped", problem=str(error), remedy=_backfill_remedy(error))
        return _STOPPED
    except Exception as error:  # noqa: BLE001 -- no answer, however odd, may stop the others
        log.error("backfill stopped", problem=whereabouts(error), remedy=_GO_ON)  # noqa: TRY400 -- as above
        return _STOPPED
    return 0


def _backfill_remedy(error: Exception) -> str:
    if isinstance(error, InvalidAnswer):
        return f"{REMEDIES[error.cause]}; {_GO_ON}"
    return f"{error.remedy}; {_GO_ON}" if isinstance(error, RequestFailed | NamesMissing) else _GO_ON


async def _deployment(options: Options, watch: Watch) -> None:
    """Do one deployment, at the pace that its rate limit allows."""
    witness = Witness()
    watch.exchange.add_response_hook(witness.look)
    errand = Errand(RequestHealth("backfill"), float("inf"))
    deployment = watch.deployment
    listing = await learn_names(watch.coder, errand, deployment, watch.clock.now())
    watch.exchange.gate.per_minute = options.requests_per_minute or _pace(deployment, witness)
    span = _span(options, deployment, watch.clock.now())
    key = read_key(deployment) if deployment.users.detail == "pseudonymous" else b""
    known = View(deployment, None, span.until, listing.templates, pseudonym_key=key or None)
    past = Past(known, options.include, watch.coder, News(deployment.name).rows_invalid)
    if options.dry_run:
        await _estimate(options, past, span, errand, watch)
        return
    folder = options.output / _folder_name(deployment.name)
    journal = Journal(folder, _fingerprint(options, deployment, key, listing), resume=options.resume)
    try:
        await _run(options, span, past, journal, errand)
    finally:
        journal.close()


async def _run(options: Options, span: Range, past: Past, journal: Journal, errand: Errand) -> None:
    places = tuple(_places(options))
    with progress(f"{journal.folder.name}: days", lambda: len(span.days)) as advance:
        telling = Telling(len(span.days), advance, by_hand=not places)
        await run(Plan(span, options.labels, journal.folder, places, listener=telling), past, journal, errand)


def _places(options: Options) -> Iterator[Place]:
    """Give where the files are to be brought."""
    if options.remote_write is not None:
        yield Sending(options.remote_write)
    if options.tsdb is not None:
        yield Importing(options.tsdb)


async def _estimate(options: Options, past: Past, span: Range, errand: Errand, watch: Watch) -> None:
    """Request a few of the days, and print what all of them will take."""
    stats = RequestHealth("backfill")
    sizes = {
        number: measure_day(await past.lines(span.days[number], replace(errand, observer=stats)))
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


def _pace(deployment: Deployment, witness: Witness) -> float:
    """Give half of what the server allows, if that is more than is set."""
    return max(deployment.requests_per_minute, (witness.rate_limit or 0.0) * _SHARE_OF_LIMIT)


def _span(options: Options, deployment: Deployment, now: datetime) -> Range:
    """Give the days of the deployment's zone; raises NotUsable where there are none."""
    zone = ZoneInfo(deployment.timezone)
    latest = latest_end(now)
    until = min(midnight(options.until, zone), latest) if options.until else latest
    span = Range(options.since, until, zone, options.step)
    if not span.days:
        raise NotUsable(f"--since: {options.since} is not before {until:%Y-%m-%d %H:%M %Z}, where it ends")
    return span


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
