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
from insights_exporter.polling.fetch import error_location
from insights_exporter.polling.jobs import Job, build_jobs
from insights_exporter.polling.poller import Poller, PollerContext
from insights_exporter.polling.publisher import PageStore, Publisher
from insights_exporter.polling.scheduler import Scheduler
from insights_exporter.polling.server_info import EVERY, ServerInfoPoller, TemplateIndex

_FACTS = "facts"
_ONCE_PATIENCE = 60.0
"""Seconds that a poll may take in a command that ends by itself, since a person or a script waits for it."""
_FACTS_REQUESTS = 2
"""Version, token."""


@dataclass(frozen=True, slots=True)
class SharedResources:
    """What all deployments of one process share."""

    board: PageStore
    schedule: Scheduler
    converter: Executor
    outlet: SharedTransport
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
        self.publisher = Publisher(deployment.name, deployment.max_series, shared.board)
        self._schedule = shared.schedule
        self.coder = CoderClient(deployment, token, tls, self.clock, shared.outlet)
        self.jobs = tuple(build_jobs(deployment, shared.datasets))
        self._list_job = next((job for job in self.jobs if job.dataset.names_templates), None)
        self.names = TemplateIndex(self._list_templates_soon)
        if self._list_job is None:
            self.names.listed(None)
        bench = PollerContext(
            deployment=deployment,
            coder=self.coder,
            clock=self.clock,
            names=self.names,
            publisher=self.publisher,
            converter=shared.converter,
            pseudonym_key=pseudonym_key,
        )
        self.facts = ServerInfoPoller(self.coder, token, self.publisher)
        histories = (job.dataset.daily_history for job in self.jobs)
        self.facts.utc_history = next(
            (history for history in histories if history and not history.covers(deployment)), None
        )
        self._poller = Poller(bench, self.jobs, self._advance)
        self._under_way: set[asyncio.Task[None]] = set()
        self._started = asyncio.get_running_loop().time()
        self._first_round_logged = False
        self._log = structlog.get_logger("insights_exporter").bind(deployment=deployment.name)

    def start(self, after: float = 0.0) -> None:
        """Learn the server's clock, then poll everything, in `after` seconds and again and again."""
        self._started = asyncio.get_running_loop().time() + after
        for job in self.jobs:
            self.publisher.register(job.poll, job.requests)
        self.publisher.publish({}, statuses=[job.dataset.name for job in self.jobs])
        self._add(_FACTS, self.facts.poll, EVERY, after)
        for job in sorted(self.jobs, key=lambda job: job.poll.pace.every):
            self._add(job.name, partial(self._run, job), job.poll.pace.every, after)

    async def once(self) -> None:
        """Poll everything once, whatever the schedule.

        Of a server from which nothing comes, nothing more is asked, and of
        one that asks to wait for long, nothing is waited for.
        """
        self._poller.patience = _ONCE_PATIENCE
        silent = await self.facts.silence()
        if silent:
            for job in self.jobs:
                self._poller.give_up(job, silent)
            return
        await self.facts.poll_all_but_version()
        independent = [job for job in self.jobs if not job.dataset.depends_on]
        await asyncio.gather(*(self._poller.poll(job) for job in independent))
        ready = [
            job for job in self.jobs if job.dataset.depends_on and self.names.reported_for(job.poll.window)
        ]
        await asyncio.gather(*(self._poller.poll(job) for job in ready))

    async def stop(self) -> None:
        """Poll nothing more, and take everything off the board."""
        for name in (_FACTS, *(job.name for job in self.jobs)):
            self._schedule.remove(self._id(name))
        self.publisher.close()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self.coder.close()

    def summary(self, dataset: str, window: str) -> PollSummary:
        """Return what the newest polls of a dataset and window said, in short."""
        return self._poller.summary(dataset, window)

    def context(self, job: Job) -> PollContext:
        """Return what the next poll of a job would go by."""
        return self._poller.context(job)

    @property
    def planned_requests(self) -> int:
        """Count the requests of one round, as far as they are known by now."""
        return sum(len(job.dataset.requests(self.context(job))) for job in self.jobs) + _FACTS_REQUESTS

    @property
    def tried(self) -> bool:
        """Whether every job but the breakdown has been tried once."""
        return all(job.tried for job in self.jobs if not job.dataset.depends_on)

    def _add(
        self, name: str, work: Callable[[], Coroutine[None, None, None]], every: float, after: float
    ) -> None:
        async def run() -> None:
            task = asyncio.create_task(work())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, Exception):
                self._log.error("job crashed", job=name, detail=error_location(outcome))

        self._schedule.add(self._id(name), run, every, after)

    async def _run(self, job: Job) -> None:
        await self.facts.clock_known()
        await self._poller.poll(job)
        self._log_first_round()

    def _log_first_round(self) -> None:
        """Log once how the first poll of every job went, as soon as no job still waits for its first."""
        if self._first_round_logged or not all(map(self._is_settled, self.jobs)):
            return
        self._first_round_logged = True
        self._log.info(
            "first round complete",
            polls=len(self.jobs),
            failed=sum(
                job.poll.failure is not None and job.requests.unavailable is None for job in self.jobs
            ),
            series=sum(job.poll.series for job in self.jobs),
            duration=f"{asyncio.get_running_loop().time() - self._started:.1f}s",
        )

    def _is_settled(self, job: Job) -> bool:
        """Return whether a job was polled, or cannot be because what it depends on has no data yet."""
        waits_in_vain = job.dataset.depends_on and not self.names.reported_for(job.poll.window)
        return job.tried or bool(waits_in_vain and self.tried)

    @property
    def unnamed(self) -> ApiError | None:
        """Why templates may be called by their ids, None if all names are known or not wanted."""
        return self._list_job.poll.failure if self._list_job else None

    def _list_templates_soon(self) -> None:
        if self._list_job:
            self._advance(self._list_job)

    def _advance(self, job: Job, after: float = 0.0) -> None:
        self._schedule.advance(self._id(job.name), after)

    def _id(self, job: str) -> str:
        return f"{self.deployment.name}/{job}"
