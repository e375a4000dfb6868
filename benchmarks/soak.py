"""`python -m benchmarks.soak`: random faults, reloads and scrapes for a while, and whether all was borne."""

import argparse
import random
import statistics
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.soaking.checks import MEGABYTE, growth, page_of, renewed, successes, until, unwell, well
from benchmarks.soaking.clients import Report, check, data_of, scrape
from benchmarks.soaking.deployments import USABLE_FAULTS, Town, town

MOST_TOLD = 20
PATIENCE = 150.0
"""Seconds until all is well again: a refusal for the rate holds for 60."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, how many, and the number that all chance comes from."""

    minutes: float = 10.0
    scrapers: int = 20
    seed: int
    faults: tuple[str, ...] = USABLE_FAULTS
    between: tuple[float, float] = (0.5, 4.0)
    """Seconds between two troubles, from and to."""
    longest_p99: float = 0.1
    """Seconds within which 99 of 100 scrapes of the whole page must be answered, as clients see it that
    share the processors with the exporter and its three servers; the longest one is reported."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a soak found; `problems` is empty where all was borne."""

    problems: list[str]
    told: list[str]


def main() -> int:
    """Soak as the flags say, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default 10)")
    parser.add_argument("--scrapers", type=int, default=20, help="how many scrape at once (default 20)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    flags = parser.parse_args()
    say(f"Soaking for {flags.minutes:g} minutes; --seed={flags.seed} chooses the same troubles again.")
    result = soak(Plan(minutes=flags.minutes, scrapers=flags.scrapers, seed=flags.seed))
    for line in (*result.told, *(f"FAILED: {problem}" for problem in result.problems[:MOST_TOLD])):
        say(line)
    return 1 if result.problems else 0


def say(line: str) -> None:
    """Print progress for the terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def soak(plan: Plan) -> Result:
    """Run one soak."""
    fresh = get_context("spawn")
    with (
        TemporaryDirectory() as room,
        town(Path(room)) as made,
        fresh.Manager() as manager,
        ProcessPoolExecutor(2, mp_context=fresh) as pool,
    ):
        if not until(lambda: well(made), PATIENCE):
            return Result(["polls did not even begin well"], [])
        right = data_of(page_of(made))
        all_there, over = manager.Barrier(3), manager.Event()
        clients = [
            pool.submit(scrape, made.url, all_there, over, plan.scrapers, plan.seed),
            pool.submit(check, made.url, all_there, over, right),
        ]
        all_there.wait()
        try:
            happen(made, plan, clients)
        finally:
            over.set()
        reports = [client.result() for client in clients]
        return verdict(made, plan, reports)


def happen(made: Town, plan: Plan, clients: list[Future[Report]]) -> None:
    """Do one thing after the other to the town until the time is over."""
    chance = random.Random(plan.seed)  # noqa: S311 -- it keeps no secret
    end = time.monotonic() + plan.minutes * 60
    while time.monotonic() < end and not any(client.done() for client in clients):
        made.trouble(chance, plan.faults)
        time.sleep(chance.uniform(*plan.between))


def verdict(made: Town, plan: Plan, reports: list[Report]) -> Result:
    """Judge what the clients saw, and see that everything recovers."""
    problems = [problem for found, _, _ in reports for problem in found]
    durations = [each for _, seconds, _ in reports for each in seconds]
    memory = [each for _, _, sizes in reports for each in sizes]
    problems += growth(memory)
    p99 = statistics.quantiles(durations, n=100)[98]
    if p99 > plan.longest_p99:
        problems.append(f"1 of 100 scrapes took longer than {p99 * 1000:.0f} ms")
    made.calm()
    problems += recovery(made)
    made.gather()
    problems += recovery(made)
    if "unexpected" in made.log.read_text():
        problems.append("the log tells of a mistake of ours")
    told = [
        f"done: {', '.join(f'{name} {count}' for name, count in sorted(made.done.items()))}",
        f"scrapes of the whole page: {len(durations)}",
        f"p50 {_ms(statistics.median(durations))}, p99 {_ms(p99)}, longest {_ms(max(durations))}",
        made.processor(),
        f"pages read series by series: {len(memory)}",
        f"memory: {_mb(memory[0])} at first, at most {_mb(max(memory))}, {_mb(memory[-1])} at last",
        f"log: {len(made.log.read_text().splitlines())} lines",
    ]
    return Result(problems, told)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _mb(size: float) -> str:
    return f"{size / MEGABYTE:.0f} MB"


def recovery(made: Town) -> list[str]:
    """Return which polls do not go well again, now that nothing is wrong, or not again and again.

    Settings are not touched before: a new start would hide a job that is lost.
    """
    if not until(lambda: well(made), PATIENCE):
        return [f"polls that did not recover: {unwell(made)}"]
    for _ in range(2):
        before = successes(made)
        if not until(lambda: renewed(made, before), PATIENCE):  # noqa: B023 -- called before the next round
            return ["polls that stand still"]
    return []


if __name__ == "__main__":
    sys.exit(main())
