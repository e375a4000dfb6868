"""One deployment that is polled: its jobs, from start to stop."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext

import structlog

from insights_exporter.coder.client import CoderClient, SharedTransport
from insights_exporter.coder.clock import ServerClock
from insights_exporter.coder.errors import ApiError
from insights_exporter.config.models import Deployment
from insights_exporter.datasets.base import Dataset, PollContext
from insights_exporter.datasets.summary import PollSummary
from insights_exporter.log import describe_exception
from insights_exporter.polling.jobs import Job, build_jobs
from insights_exporter.polling.poller import Poller
from insights_exporter.polling.publisher import PageStore, Publisher
from insights_exporter.polling.scheduler import Scheduler
from insights_exporter.polling.server_info import INTERVAL, ServerInfoPoller
from insights_exporter.polling.template_index import TemplateIndex

_SERVER_INFO = "server-info"
_SERVER_INFO_REQUESTS = 2
"""Version and token."""
_ONE_SHOT_SECONDS = 60.0
"""Seconds that a poll may take in a one-shot command, since a person or a script waits for it; the time in
which the rate limit admits all requests comes on top."""


@dataclass(frozen=True, slots=True)
class SharedResources:
    """What all deployments of one process share."""

    pages: PageStore
    scheduler: Scheduler
    executor: Executor
    transport: SharedTransport
    datasets: Mapping[str, Dataset]


class DeploymentPoller:
    """Polls one deployment from `start` to `stop`."""

    def __init__(
        self,
        deployment: Deployment,
        token: Callable[[], str],
        pseudonym_key: bytes | None,
        tls: SSLContext,
        shared: SharedResources,
    ) -> None:
        self.deployment = deployment
        self.clock = ServerClock(time.time, asyncio.get_running_loop().time)
        self.publisher = Publisher(deployment.name, deployment.max_series, shared.pages)
        self.coder = CoderClient(deployment, token, tls, self.clock, shared.transport)
        self.jobs = tuple(build_jobs(deployment, shared.datasets))
        self.server_info = ServerInfoPoller(self.coder, token, self.publisher)
        histories = (job.dataset.daily_history for job in self.jobs)
        self.server_info.utc_history = next(
            (history for history in histories if history and not history.covers(deployment)), None
        )
        self._list_job = next((job for job in self.jobs if job.dataset.names_templates), None)
        self._templates = TemplateIndex(partial(self._advance, self._list_job) if self._list_job else None)
        self._poller = Poller(
            deployment=deployment,
            coder=self.coder,
            clock=self.clock,
            templates=self._templates,
            publisher=self.publisher,
            executor=shared.executor,
            pseudonym_key=pseudonym_key,
            jobs=self.jobs,
            advance=self._advance,
        )
        self._scheduler = shared.scheduler
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopped = False
        self._started = asyncio.get_running_loop().time()
        self._is_first_round_logged = False
        self._pages = shared.pages
        self._first_round: int | None = None if self.jobs else 0
        """The version of the snapshot that includes the first round."""
        self._log = structlog.get_logger("insights_exporter").bind(deployment=deployment.name)

    def start(self, after: float = 0.0) -> None:
        """Poll everything on schedule, for the first time in `after` seconds, when the clock is set."""
        self._started = asyncio.get_running_loop().time() + after
        for job in self.jobs:
            self.publisher.register(job.status, job.request_stats)
        self.publisher.publish_statuses(job.dataset.name for job in self.jobs)
        self._schedule(_SERVER_INFO, self.server_info.poll, INTERVAL, after)
        for job in sorted(self.jobs, key=lambda job: job.status.interval.every):
            self._schedule(job.name, partial(self._run, job), job.status.interval.every, after)

    async def poll_once(self) -> None:
        """Poll everything once, regardless of the schedule.

        If nothing comes from the server, nothing else is requested. If it asks
        to wait for long, the poll fails.
        """
        self._limit_polls()
        failure = await self.server_info.probe()
        if failure:
            for job in self.jobs:
                self._poller.mark_unreachable(job, failure)
            return
        await self.server_info.poll_all_but_version()
        independent = [job for job in self.jobs if not job.dataset.depends_on]
        await asyncio.gather(*(self._poller.poll(job) for job in independent))
        self._limit_polls()  # now that the templates are known
        has_report = self._templates.has_report
        dependent = [job for job in self.jobs if job.dataset.depends_on and has_report(job.status.window)]
        await asyncio.gather(*(self._poller.poll(job) for job in dependent))

    async def stop(self) -> None:
        """Stop polling, and remove everything that is exposed."""
        self._is_stopped = True
        for name in (_SERVER_INFO, *(job.name for job in self.jobs)):
            self._scheduler.remove(self._name_job(name))
        self.publisher.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.coder.close()

    def get_summary(self, dataset: str, window: str) -> PollSummary:
        """Return the summary of the newest poll of a dataset and window."""
        return self._poller.get_summary(dataset, window)

    def build_context(self, job: Job) -> PollContext:
        """Return the context of a poll that would start now."""
        return self._poller.build_context(job)

    @property
    def planned_requests(self) -> int:
        """The number of requests of one round, as far as they are known."""
        return (
            sum(len(job.dataset.requests(self.build_context(job))) for job in self.jobs)
            + _SERVER_INFO_REQUESTS
        )

    @property
    def is_tried(self) -> bool:
        """Whether every job that depends on no other was tried once."""
        return all(job.is_tried for job in self.jobs if not job.dataset.depends_on)

    @property
    def is_ready(self) -> bool:
        """Whether the page shows the first try of every job that depends on no other."""
        return self._first_round is not None and self._first_round <= self._pages.page_version

    @property
    def template_list_failure(self) -> ApiError | None:
        """Why templates may be called by their ids, None if all names are known or not wanted."""
        return self._list_job.status.failure if self._list_job else None

    def _schedule(
        self, name: str, work: Callable[[], Coroutine[None, None, None]], every: float, after: float
    ) -> None:
        async def run() -> None:
            if self._is_stopped:  # the scheduler had begun this run when it was removed
                return
            task = asyncio.create_task(work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, Exception):
                self._log.error("job crashed", job=name, err=describe_exception(outcome))

        self._scheduler.add(self._name_job(name), run, every, after)

    async def _run(self, job: Job) -> None:
        await self.server_info.wait_for_clock()
        await self._poller.poll(job)
        if self._first_round is None and self.is_tried:
            self._first_round = self._pages.version
        if not self._is_first_round_logged and all(map(self._is_settled, self.jobs)):
            self._is_first_round_logged = True
            self._log_first_round()

    def _is_settled(self, job: Job) -> bool:
        """Return whether a job was polled, or cannot be because what it depends on has no data yet."""
        is_waiting = bool(job.dataset.depends_on) and not self._templates.has_report(job.status.window)
        return job.is_tried or (is_waiting and self.is_tried)

    def _log_first_round(self) -> None:
        failed = [job for job in self.jobs if job.status.failure and job.request_stats.unavailable is None]
        self._log.info(
            "first round complete",
            polls=len(self.jobs),
            failed=len(failed),
            series=sum(job.status.series for job in self.jobs),
            duration=f"{asyncio.get_running_loop().time() - self._started:.1f}s",
        )

    def _limit_polls(self) -> None:
        """Limit the time of polls in a one-shot command, by the requests that are known so far."""
        seconds = _ONE_SHOT_SECONDS + self.coder.rate_limiter.estimate_seconds(self.planned_requests)
        self._poller.max_seconds = self._poller.lookup_patience = seconds

    def _advance(self, job: Job, after: float = 0.0) -> None:
        self._scheduler.advance(self._name_job(job.name), after)

    def _name_job(self, name: str) -> str:
        return f"{self.deployment.name}/{name}"
