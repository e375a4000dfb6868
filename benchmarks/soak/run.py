"""A soak: random faults and reloads while clients scrape, and the evaluation of what they saw."""

import random
import statistics
import time
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.results import format_mib
from benchmarks.soak.checks import (
    check_memory_growth,
    fetch_exposition,
    fetch_last_successes,
    has_all_renewed,
    has_all_succeeding,
    list_failing_polls,
    wait_until,
)
from benchmarks.soak.clients import Report, check, parse_data, scrape
from benchmarks.soak.deployments import USABLE_FAULTS, Environment, run_environment

PATIENCE = 150.0
"""Seconds until every poll must succeed again: a rate limit blocks requests for 60."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Options of a soak: duration, number of scrapers and seed of the random choices."""

    minutes: float = 10.0
    scrapers: int = 20
    seed: int
    faults: tuple[str, ...] = USABLE_FAULTS
    between: tuple[float, float] = (0.5, 4.0)
    """Minimum and maximum seconds between two disturbances."""
    longest_p99: float = 0.1
    """Maximum 99th percentile of the scrape duration in seconds, as seen by clients that share the CPUs
    with the exporter and its three servers."""


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of a soak; `problems` is empty if it passed."""

    problems: list[str]
    summary: list[str]


def soak(plan: Plan) -> Result:
    """Disturb an exporter while clients scrape it; return the problems found and a summary."""
    fresh = get_context("spawn")
    with (
        TemporaryDirectory() as directory,
        run_environment(Path(directory)) as env,
        fresh.Manager() as manager,
        ProcessPoolExecutor(2, mp_context=fresh) as pool,
    ):
        if not wait_until(lambda: has_all_succeeding(env), PATIENCE):
            return Result(["polls did not succeed before the first disturbance"], [])
        expected = parse_data(fetch_exposition(env))
        all_started, stop = manager.Barrier(3), manager.Event()
        clients = [
            pool.submit(scrape, env.url, all_started, stop, plan.scrapers, plan.seed),
            pool.submit(check, env.url, all_started, stop, expected),
        ]
        all_started.wait()
        try:
            disturb_until_end(env, plan, clients)
        finally:
            stop.set()
        reports = [client.result() for client in clients]
        return evaluate(env, plan, reports)


def disturb_until_end(env: Environment, plan: Plan, clients: list[Future[Report]]) -> None:
    """Cause random disturbances until the time is over or a client has ended."""
    rng = random.Random(plan.seed)  # noqa: S311 -- not used for security
    end = time.monotonic() + plan.minutes * 60
    while time.monotonic() < end and not any(client.done() for client in clients):
        env.disturb(rng, plan.faults)
        time.sleep(rng.uniform(*plan.between))


def evaluate(env: Environment, plan: Plan, reports: list[Report]) -> Result:
    """Evaluate the clients' reports and check that all polls recover."""
    problems = [problem for found, _, _ in reports for problem in found]
    durations = [each for _, seconds, _ in reports for each in seconds]
    memory = [each for _, _, sizes in reports for each in sizes]
    problems += check_memory_growth(memory)
    p99 = statistics.quantiles(durations, n=100)[98]
    if p99 > plan.longest_p99:
        problems.append(f"1 of 100 scrapes took longer than {p99 * 1000:.0f} ms")
    env.clear_faults()
    problems += check_recovery(env)
    env.restore_deployments()
    problems += check_recovery(env)
    if "unexpected" in env.log.read_text():
        problems.append("the log reports an unexpected error")
    summary = [
        f"done: {', '.join(f'{name} {count}' for name, count in sorted(env.done.items()))}",
        f"scrapes of all metrics: {len(durations)}",
        f"median {_format_ms(statistics.median(durations))}, 99th percentile {_format_ms(p99)}",
        f"longest {_format_ms(max(durations))}",
        env.describe_cpu_time(),
        f"expositions checked: {len(memory)}",
        f"memory at start, peak, end: {', '.join(map(format_mib, (memory[0], max(memory), memory[-1])))}",
        f"log: {len(env.log.read_text().splitlines())} lines",
    ]
    return Result(problems, summary)


def _format_ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def check_recovery(env: Environment) -> list[str]:
    """Return a problem if polls do not recover, or do not repeat, after all faults are cleared.

    The config must not be reloaded before: a restart of the pollers would hide a lost job.
    """
    if not wait_until(lambda: has_all_succeeding(env), PATIENCE):
        return [f"polls that did not recover: {list_failing_polls(env)}"]
    for _ in range(2):
        before = fetch_last_successes(env)
        if not wait_until(lambda: has_all_renewed(env, before), PATIENCE):  # noqa: B023 -- called before the next round
            return ["polls that do not repeat"]
    return []
