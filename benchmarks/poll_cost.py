"""What a poll costs from Coder's answer to bodies that are ready, in a process of its own.

`python -m benchmarks.poll_cost USERS ROUNDS [usual]` prints the processor's seconds and
the bytes of memory as JSON.
"""

import json
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from benchmarks.baseline import published
from benchmarks.measure import forget_peak, peak, resident
from insights_exporter.coder.request import Response
from insights_exporter.config.models import Deployment, UserOptions
from insights_exporter.datasets.base import PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.exposition.page import Page, build_page
from insights_exporter.exposition.store import Snapshot
from insights_exporter.polling.fetch import convert
from insights_exporter.polling.metrics import exposed_families

VERSIONS = 2
_MOST_OF_THE_USUAL = 3
_SOURCE = ("coder", "user-latency", "7d", "")


class Costs(msgspec.Struct):
    """Processor seconds of each round, and how far the memory rose above what it was before the first."""

    ours: list[float]
    memory: int
    usual: list[float] = []
    usual_both: list[float] = []


class Published:
    """A page that polls are published on, without network and threads."""

    def __init__(self, deployment: Deployment) -> None:
        window = next(window for window in deployment.windows if window.name == "7d")
        self._view = PollContext(deployment=deployment, window=window, now=datetime(2024, 5, 8, tzinfo=UTC))
        self._dataset = DATASETS["user-latency"]
        self._snapshot = Snapshot.empty(exposed_families(DATASETS))
        self.page: Page = build_page(self._snapshot)

    def poll(self, response: bytes) -> None:
        """Convert an answer and make both formats' bodies, plain and compressed."""
        (request,) = self._dataset.requests(self._view)
        converted = convert(self._dataset, self._view, Response(request, response))
        changes = {each.family.name: {_SOURCE: each} for each in converted.families}
        self._snapshot = self._snapshot.updated(changes)
        self.page = build_page(self._snapshot, self.page)


def measured(users: int, rounds: int, *, usual: bool) -> Costs:
    """Convert and publish in turns with the usual way."""
    responses = [_answer(users, version) for version in range(VERSIONS)]
    page = Published(_deployment(users))
    process = os.getpid()
    before = resident(process)
    forget_peak(process)
    page.poll(responses[-1])
    turns = [responses[number % VERSIONS] for number in range(rounds)]
    ours = [_seconds(page.poll, response) for response in turns]
    costs = Costs(ours, max(peak(process) - before, mmap.PAGESIZE))
    for response in turns[:_MOST_OF_THE_USUAL] if usual else ():
        costs.usual.append(_seconds(published, response))
        costs.usual_both.append(_seconds(published, response, generate_latest, generate_openmetrics))
    return costs


def _answer(users: int, version: int) -> bytes:
    """Return an answer that was made elsewhere, so that its making leaves no memory behind."""
    return subprocess.check_output([sys.executable, "-m", "benchmarks.users", str(users), str(version)])


def _deployment(users: int) -> Deployment:
    return Deployment(name="coder", url="http://127.0.0.1", users=UserOptions(limit=users))


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started


def main(arguments: Sequence[str]) -> None:
    """Measure as the arguments say."""
    users, rounds, *usual = arguments
    costs = measured(int(users), int(rounds), usual=bool(usual))
    print(json.dumps(msgspec.to_builtins(costs)))  # noqa: T201 -- read by the one who started it


if __name__ == "__main__":
    main(sys.argv[1:])
