"""`insights-exporter backfill`: bring Coder's history into Prometheus."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

import structlog
import typer

from insights_exporter.backfill.fetch import HistoryFetcher, restrict_config, select_datasets
from insights_exporter.backfill.openmetrics import VerificationError
from insights_exporter.backfill.promtool import ImportFailed, PromtoolSink, require_promtool
from insights_exporter.backfill.remote_write import RemoteWriteRejected
from insights_exporter.backfill.runner import BackfillPlan, Sink, run
from insights_exporter.backfill.state import BackfillState, LockedError
from insights_exporter.backfill.timeline import BackfillRange, find_latest_end
from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.errors import REMEDIES, ApiError
from insights_exporter.coder.http import ConnectionInfo
from insights_exporter.coder.request import InvalidResponse
from insights_exporter.commands.backfill_options import BackfillOptions
from insights_exporter.commands.backfill_progress import BackfillProgress, estimate
from insights_exporter.commands.errors import (
    EXIT_ERROR,
    EXIT_OK,
    EXIT_PARTIAL,
    CommandError,
    Interrupted,
    explain_os_error,
)
from insights_exporter.commands.oneshot import (
    open_deployments,
    run_interruptible,
    show_progress,
    warn_of_unnamed_templates,
)
from insights_exporter.commands.serve import load_and_warn
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import Config, Deployment
from insights_exporter.config.secrets import read_key
from insights_exporter.datasets.base import Dataset, PollContext, Template
from insights_exporter.datasets.timerange import find_midnight
from insights_exporter.log import describe_exception
from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.polling.event_log import StateChangeLogger
from insights_exporter.polling.fetch import REFUSALS, Fetch
from insights_exporter.polling.status import RequestStats

_SHARE_OF_RATE_LIMIT = 0.5
_MAX_FOLDER_NAME = 60
_RUN_AGAIN = "run it again to continue; finished files are kept"
_NOT_IN_FINGERPRINT = {
    *("token", "token_file", "token_env", "headers", "tls", "proxy", "timeout", "max_response_bytes"),
    *("requests_per_minute", "max_concurrency", "max_age"),
}
"""Parts of a deployment's config that change no series."""


def backfill(options: BackfillOptions, datasets: Mapping[str, Dataset]) -> int:
    """Write the history of the deployments, and import or send it if wanted; return the exit status.

    Raises:
        ConfigError, CommandError: The config or a flag is invalid.
    """
    config = _select_deployments(load_and_warn(options.config_file, datasets).config, options.deployments)
    if options.tsdb is not None:
        try:
            require_promtool()
        except ImportFailed as error:
            raise CommandError(f"--import: {error}") from None
    try:
        return run_interruptible(_backfill_all(options, config, datasets))
    except Interrupted:
        structlog.get_logger("insights_exporter").warning("backfill interrupted", remedy=_RUN_AGAIN)
        return EXIT_PARTIAL


def _select_deployments(config: Config, names: Sequence[str]) -> Config:
    known = {deployment.name: deployment for deployment in config.deployments}
    unknown = [name for name in names if name not in known]
    if unknown:
        remedy = f"the config has {', '.join(known)}"
        raise CommandError(f"--deployment: unknown deployment {unknown[0]!r}; {remedy}")
    return Config(deployments=tuple(known[name] for name in names) or config.deployments)


async def _backfill_all(options: BackfillOptions, config: Config, datasets: Mapping[str, Dataset]) -> int:
    async with open_deployments(config, datasets) as (_, manager):
        return max([await _try_deployment(options, poller, datasets) for poller in manager.pollers.values()])


async def _try_deployment(
    options: BackfillOptions, poller: DeploymentPoller, datasets: Mapping[str, Dataset]
) -> int:
    """Backfill one deployment and return its exit status; errors do not stop the others."""
    log = structlog.get_logger("insights_exporter").bind(deployment=poller.deployment.name)
    try:
        await _backfill_deployment(options, poller, datasets)
    except (CommandError, ConfigError) as error:
        log.error("invalid config", err=str(error))  # noqa: TRY400 -- the cause is in the message
        return EXIT_ERROR
    except OSError as error:
        what, remedy = explain_os_error(error)
        log.warning("backfill stopped", err=what, remedy=f"{remedy}; {_RUN_AGAIN}")
    except (ApiError, InvalidResponse) as error:
        log.warning("backfill stopped", err=str(error), remedy=f"{REMEDIES[error.cause]}; {_RUN_AGAIN}")
    except (VerificationError, LockedError, ImportFailed, RemoteWriteRejected) as error:
        log.warning("backfill stopped", err=str(error), remedy=_RUN_AGAIN)
    except Exception as error:  # noqa: BLE001 -- no response, however odd, may stop the others
        log.error("backfill stopped", err=describe_exception(error), remedy=_RUN_AGAIN)  # noqa: TRY400 -- as above
    else:
        return EXIT_OK
    return EXIT_PARTIAL


async def _backfill_deployment(
    options: BackfillOptions, poller: DeploymentPoller, datasets: Mapping[str, Dataset]
) -> None:
    deployment = poller.deployment
    connection = ConnectionInfo()
    poller.coder.add_response_hook(connection.observe)
    stats = RequestStats("backfill")
    request_options = RequestOptions(stats.record_request, float("inf"), missing_route="not_found")
    templates, complete = await _list_templates(
        poller.coder, request_options, PollContext(deployment, None, poller.clock.now()), datasets
    )
    _print_missing_history(deployment, datasets)
    allowed = (connection.rate_limit or 0.0) * _SHARE_OF_RATE_LIMIT
    per_minute = options.requests_per_minute or max(deployment.requests_per_minute, allowed)
    poller.coder.rate_limiter.per_minute = per_minute
    span = _find_range(options, deployment, poller.clock.now())
    key = read_key(deployment) if deployment.users.detail == "pseudonymous" else b""
    historic = restrict_config(deployment, options.include)
    fetcher = HistoryFetcher(
        PollContext(historic, None, span.until, templates, pseudonym_key=key or None),
        select_datasets(historic, options.include, datasets),
        poller.coder,
        request_options,
        StateChangeLogger(deployment.name).log_invalid_rows,
    )
    if options.dry_run:
        before = stats.requests
        first_middle_last = {span.days[0], span.days[len(span.days) // 2], span.days[-1]}
        measured = [await fetcher.fetch(day) for day in sorted(first_middle_last)]
        estimated = estimate(span, measured, stats.requests - before, per_minute, options.labels)
        typer.echo(f"{deployment.name}: {estimated}")
        return
    fingerprint = _fingerprint(options, deployment, key, complete=complete)
    state = BackfillState(options.output / _name_folder(deployment.name), fingerprint, resume=options.resume)
    try:
        await _run(options, span, fetcher, state, datasets)
    finally:
        state.close()


def _print_missing_history(deployment: Deployment, datasets: Mapping[str, Dataset]) -> None:
    enabled = [dataset for dataset in datasets.values() if dataset.is_enabled(deployment)]
    if missing := [dataset.name for dataset in enabled if dataset.backfill == "never"]:
        what = f"no history of {', '.join(missing)}: Coder reports their current state only"
        typer.echo(f"{deployment.name}: {what}", err=True)


async def _list_templates(
    coder: CoderClient, request_options: RequestOptions, context: PollContext, datasets: Mapping[str, Dataset]
) -> tuple[Mapping[str, Template], bool]:
    """Return all templates by id, and whether the server lists them; warn if it does not.

    Raises:
        ApiError: A request failed, though it may succeed later.
    """
    dataset = next(each for each in datasets.values() if each.names_templates)
    fetch = Fetch(dataset, context, coder, request_options)
    outcomes = await fetch.send(dataset.requests(context))
    if failure := fetch.failure:
        if failure.reason not in REFUSALS:
            what = "cannot list the templates, so their names are unknown"
            raise ApiError(failure.cause, f"{what}: {failure.detail}")
        warn_of_unnamed_templates(context.deployment.name, failure)
    lists = (outcome.converted.result.templates for outcome in outcomes if outcome.converted)
    templates = {name: template for listed in lists if listed for name, template in listed.items()}
    return templates, fetch.failure is None


def _find_range(options: BackfillOptions, deployment: Deployment, now: datetime) -> BackfillRange:
    """Return the days of the history in the deployment's time zone; raises CommandError if there are none."""
    zone = ZoneInfo(deployment.timezone)
    latest = find_latest_end(now)
    until = min(find_midnight(options.until, zone), latest) if options.until else latest
    span = BackfillRange(options.since, until, zone, options.step)
    if not span.days:
        raise CommandError(
            f"--since: {options.since} is not before the end of the history, {until:%Y-%m-%d %H:%M %Z}"
        )
    return span


def _fingerprint(options: BackfillOptions, deployment: Deployment, key: bytes, *, complete: bool) -> str:
    """Return a text that differs if other series would be written; `complete` is whether names are known."""
    config = deployment.model_dump_json(exclude=_NOT_IN_FINGERPRINT)
    pseudonyms = blake2b(key).hexdigest()
    labels = sorted(options.labels.items())
    return repr((config, pseudonyms, options.include, options.since, options.step, labels, complete))


def _name_folder(deployment: str) -> str:
    """Return a name that is safe for a folder, and unique for the deployment."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", deployment)[:_MAX_FOLDER_NAME]
    return safe if safe == deployment else f"{safe}-{blake2b(deployment.encode(), digest_size=4).hexdigest()}"


async def _run(
    options: BackfillOptions,
    span: BackfillRange,
    fetcher: HistoryFetcher,
    state: BackfillState,
    datasets: Mapping[str, Dataset],
) -> None:
    sinks: list[Sink] = [options.receiver] if options.receiver else []
    if options.tsdb is not None:
        sinks.append(PromtoolSink(options.tsdb))
    with show_progress(f"{state.folder.name}: days", lambda: len(span.days)) as advance:
        listener = BackfillProgress(len(span.days), advance, print_commands=not sinks)
        plan = BackfillPlan(span, options.labels, datasets, state.folder, sinks, listener=listener)
        await run(plan, fetcher, state)
