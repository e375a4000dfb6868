"""Cost of a poll, from Coder's response to complete response bodies, measured in a separate process.

`python -m benchmarks.poll_cost USERS ROUNDS` prints CPU seconds and bytes of memory
as JSON; with `baseline` after them, the CPU seconds of prometheus_client.
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

from benchmarks.baseline import render_with_client
from benchmarks.measure import read_peak, read_resident, reset_peak
from insights_exporter.coder.request import Response
from insights_exporter.config.models import Deployment, UserOptions
from insights_exporter.datasets.base import PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.exposition.page import Page, build_page
from insights_exporter.exposition.store import Snapshot
from insights_exporter.polling.fetch import convert
from insights_exporter.polling.status import list_exposed_families
from insights_exporter.runtime import tune_malloc

VERSIONS = 2
_MAX_BASELINE_ROUNDS = 3
_SOURCE = ("coder", "user-latency", "7d", "")


class Costs(msgspec.Struct):
    """CPU seconds of each round, and the peak memory above that before the first round, in bytes."""

    seconds: list[float]
    memory: int


class BaselineCosts(msgspec.Struct):
    """CPU seconds of each round of prometheus_client: for the text format alone, and for both formats."""

    text: list[float]
    both: list[float]


class PollPublisher:
    """Publishes polls to an exposition without network or threads."""

    def __init__(self, deployment: Deployment) -> None:
        window = next(window for window in deployment.windows if window.name == "7d")
        self._context = PollContext(
            deployment=deployment, window=window, now=datetime(2024, 5, 8, tzinfo=UTC)
        )
        self._dataset = DATASETS["user-latency"]
        self._snapshot = Snapshot.create_empty(list_exposed_families(DATASETS))
        self.page: Page = build_page(self._snapshot)

    def poll(self, response: bytes) -> None:
        """Convert a response and build the bodies of both formats, plain and compressed."""
        (request,) = self._dataset.requests(self._context)
        converted = convert(self._dataset, self._context, Response(request, response))
        changes = {each.family.name: {_SOURCE: each} for each in converted.families}
        self._snapshot = self._snapshot.apply(changes)
        self.page = build_page(self._snapshot, self.page)


def measure(users: int, rounds: int) -> Costs:
    """Measure polls."""
    responses = _generate_responses(users)
    page = PollPublisher(_create_deployment(users))
    tune_malloc()  # as the exporter does
    process = os.getpid()
    before = read_resident(process)
    reset_peak(process)
    page.poll(responses[-1])
    seconds = [_time(page.poll, responses[number % VERSIONS]) for number in range(rounds)]
    return Costs(seconds, max(read_peak(process) - before, mmap.PAGESIZE))


def measure_baseline(users: int, rounds: int) -> BaselineCosts:
    """Measure prometheus_client, in few rounds; malloc has its default options, as in other exporters."""
    responses, costs = _generate_responses(users), BaselineCosts([], [])
    for number in range(min(rounds, _MAX_BASELINE_ROUNDS)):
        response = responses[number % VERSIONS]
        costs.text.append(_time(render_with_client, response))
        costs.both.append(_time(render_with_client, response, generate_latest, generate_openmetrics))
    return costs


def _generate_responses(users: int) -> Sequence[bytes]:
    return [_generate_response(users, version) for version in range(VERSIONS)]


def _generate_response(users: int, version: int) -> bytes:
    """Generate a response in another process, so that its memory is not counted here."""
    return subprocess.check_output([sys.executable, "-m", "benchmarks.users", str(users), str(version)])


def _create_deployment(users: int) -> Deployment:
    return Deployment(name="coder", url="http://127.0.0.1", users=UserOptions(limit=users))


def _time(work: Callable[..., object], *arguments: object) -> float:
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started


def main(arguments: Sequence[str]) -> None:
    """Print the costs for the given arguments."""
    users, rounds, *baseline = arguments
    costs = (measure_baseline if baseline else measure)(int(users), int(rounds))
    print(json.dumps(msgspec.to_builtins(costs)))  # noqa: T201 -- the parent process reads it


if __name__ == "__main__":
    main(sys.argv[1:])
