"""Memory and response times of an exporter while it is attacked over the loopback interface."""

import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.attacks.attackers import Effort
from benchmarks.attacks.catalog import ATTACKS, Attack
from benchmarks.attacks.exporters import AttackedExporter, run_exporter
from benchmarks.attacks.probes import (
    HEALTH_NEW,
    HEALTH_OPEN,
    SCRAPE_NEW,
    SCRAPE_OPEN,
    Target,
    compute_median,
    count_failures,
    count_status,
    run_probes,
)
from benchmarks.attacks.variants import Case, list_cases
from benchmarks.config import write_latency_config
from benchmarks.measure import read_peak, read_resident, reset_peak
from benchmarks.results import MEBIBYTE, Section, Verdict, format_mib, format_ms
from benchmarks.servers import build_environment, run_module
from benchmarks.sizes import Sizes

_PROCESSES = 2
"""Attackers share this many processes, as many as there are cores."""
_LOWEST_PRIORITY = 19
"""Attackers and exporter share the cores; on a server the attackers have their own."""
_WARM_UP = 20
_PEAK, _AFTERWARDS, _FAILED, _LIMITED, _LINES = (
    "peak memory",
    "memory afterwards",
    "failed",
    "429",
    "log lines",
)


class Limit(NamedTuple):
    """A measured value: its target, the maximum allowed, and the function that formats it."""

    target: str
    most: float
    format: Callable[[float], str]


def _format_number(number: float) -> str:
    return f"{number:.0f}"


LIMITS: Mapping[str, Limit] = {
    _PEAK: Limit("peak memory at most 30 MiB above that before", 30 * MEBIBYTE, format_mib),
    _AFTERWARDS: Limit(
        "memory 30 s after the last round at most 10 MiB above that after the first",
        10 * MEBIBYTE,
        format_mib,
    ),
    SCRAPE_OPEN: Limit("scrapes over an open connection: median of 50 ms", 0.05, format_ms),
    SCRAPE_NEW: Limit("scrapes over new connections: median of 500 ms", 0.5, format_ms),
    HEALTH_OPEN: Limit("/-/healthy over an open connection: median of 50 ms", 0.05, format_ms),
    HEALTH_NEW: Limit("/-/healthy over new connections: median of 500 ms", 0.5, format_ms),
    _FAILED: Limit(
        "every request gets a response with status 200, or 429 from the rate limit", 0, _format_number
    ),
    _LIMITED: Limit("", math.inf, _format_number),
    _LINES: Limit("at most 100 lines in the log", 100, _format_number),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The values measured in one attack, by name of the limit."""

    attack: str
    variant: str
    values: Mapping[str, float]

    def __str__(self) -> str:
        """Return a progress line."""
        values = ", ".join(f"{name} {LIMITS[name].format(value)}" for name, value in self.values.items())
        return f"{self.attack} ({self.variant}): {values}"

    @property
    def good(self) -> bool:
        """Whether no limit was exceeded."""
        return all(self.values[name] <= limit.most for name, limit in LIMITS.items())


@dataclass(frozen=True, slots=True)
class _Setup:
    """Parameters shared by all attacks of a run."""

    sizes: Sizes
    directory: Path
    config: Path
    pool: ThreadPoolExecutor


class _Started(NamedTuple):
    exporter: AttackedExporter
    running: ExitStack
    """Stops the exporter when closed."""


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Attack new exporters of each variant; after each attack, yield a section of all complete outcomes."""
    with ExitStack() as stack:
        coder = stack.enter_context(run_module(directory / "coder", "static_coder", str(sizes.attack_users)))
        config = write_latency_config(directory / "config.yml", {"coder": coder.url})
        setup = _Setup(sizes, directory, config, stack.enter_context(ThreadPoolExecutor()))
        outcomes = list[Future[Outcome]]()
        for outcome in _run_cases(setup, select_cases(sizes)):
            outcomes.append(outcome)
            if complete := [each.result() for each in outcomes if each.done()]:
                yield build_section(sizes, complete)
        yield build_section(sizes, [each.result() for each in outcomes])


def select_cases(sizes: Sizes) -> Sequence[Case]:
    """Return the attacks of a run, each with its variants of the exporter."""
    attacks = [each for each in ATTACKS if sizes.attacks is None or each.name in sizes.attacks]
    return list_cases(attacks)[: sizes.attack_cases]


def _run_cases(setup: _Setup, cases: Sequence[Case]) -> Iterator[Future[Outcome]]:
    """Attack one exporter after the other; start the next one early, so that its memory has settled."""
    upcoming = setup.pool.submit(_start, setup, cases[0])
    for number, case in enumerate(cases, 1):
        started = upcoming.result()
        if number < len(cases):
            upcoming = setup.pool.submit(_start, setup, cases[number])
        try:
            yield _run_case(setup, started, case)
        except BaseException:
            for each in (started, upcoming.result()):
                each.running.close()
            raise


def _start(setup: _Setup, case: Case) -> _Started:
    attack, variant = case
    with ExitStack() as stack:
        ours = stack.enter_context(
            run_exporter(setup.directory / f"{attack.name}, {variant.name}", setup.config, variant)
        )
        with closing(ours.target.connect()) as connection:
            for _ in range(_WARM_UP):
                ours.target.get(connection, "/metrics")
        return _Started(ours, stack.pop_all())


def _run_case(setup: _Setup, started: _Started, case: Case) -> Future[Outcome]:
    """Attack an exporter; the outcome is complete once its memory has settled, during the next attack."""
    (attack, variant), sizes, ours = case, setup.sizes, started.exporter
    before, lines = read_resident(ours.pid), ours.log_lines
    reset_peak(ours.pid)
    rounds = [
        _run_round(setup.directory, ours, attack, Effort(clients, sizes.attack_seconds))
        for clients in sizes.attack_clients
    ]
    values = {key: max(found[key] for found, _ in rounds) for key in rounds[0][0]}
    values |= {_PEAK: read_peak(ours.pid) - before, _LINES: ours.log_lines - lines}

    def complete() -> Outcome:
        with started.running:
            time.sleep(sizes.attack_rest_seconds)
            values[_AFTERWARDS] = read_resident(ours.pid) - rounds[0][1]
        outcome = Outcome(attack.name, variant.name, values)
        sys.stderr.write(f"{outcome}\n")
        return outcome

    return setup.pool.submit(complete)


def _run_round(
    directory: Path, ours: AttackedExporter, attack: Attack, effort: Effort
) -> tuple[dict[str, float], int]:
    """Attack for one round; return the values measured by the probes, and the memory afterwards."""
    with run_probes(ours.target) as seen:
        run_attackers(directory, ours.target, attack, effort, _LOWEST_PRIORITY)
    medians = {kind: compute_median(each) for kind, each in seen.items()}
    statuses = {_FAILED: count_failures(seen), _LIMITED: count_status(seen, 429)}
    return medians | statuses, read_resident(ours.pid)


def run_attackers(directory: Path, target: Target, attack: Attack, effort: Effort, niceness: int = 0) -> None:
    """Attack from several processes until each script of the attack has done its work.

    Raises:
        RuntimeError: An attacker failed, or could not do its work.
    """
    command = ("nice", "-n", f"{niceness}", sys.executable, "-m", "benchmarks.attacks.attackers")
    where = (attack.name, f"{target.port}", target.scheme, target.attackers_certificate)
    each, rest = divmod(effort.clients, _PROCESSES)
    shares = [effort._replace(clients=each + (number < rest)) for number in range(_PROCESSES)]
    processes = [
        subprocess.Popen(
            (*command, *where, *map(str, share)),
            env=build_environment(directory),
            stderr=subprocess.PIPE,
            text=True,
        )
        for share in shares
        if share.clients
    ]
    errors = "".join(process.communicate()[1] for process in processes)
    if any(process.returncode for process in processes):
        raise RuntimeError(f"the attack {attack.name!r} failed:\n{errors}")


def build_section(sizes: Sizes, outcomes: Sequence[Outcome]) -> Section:
    """Return a row for each attack, with the worst values of all variants."""
    rows = [("attack", *LIMITS, "exceeded with")]
    for name in dict.fromkeys(each.attack for each in outcomes):
        same = [each for each in outcomes if each.attack == name]
        worst = (limit.format(max(each.values[key] for each in same)) for key, limit in LIMITS.items())
        rows.append((name, *worst, "; ".join(each.variant for each in same if not each.good)))
    clients = ", ".join(map(str, sizes.attack_clients))
    variants = "; ".join(dict.fromkeys(each.variant for each in outcomes))
    note = (
        f"Worst values of rounds of {sizes.attack_seconds:g} s with {clients} clients of low priority, over "
        f"the variants {variants}. Peak memory is relative to the memory before the attack; memory "
        f"afterwards is that {sizes.attack_rest_seconds:g} s after the last round, relative to the memory "
        "after the first. A rate limit applies to the requests of all clients together; its response has "
        "status 429. Attackers have no login, and no client certificate with an allowed name."
    )
    verdicts = [_build_verdict(key, limit, outcomes) for key, limit in LIMITS.items() if limit.target]
    return Section("Attacks", rows, [note], verdicts)


def _build_verdict(key: str, limit: Limit, outcomes: Sequence[Outcome]) -> Verdict:
    worst = max(outcomes, key=lambda each: each.values[key])
    reached = f"{limit.format(worst.values[key])} ({worst.attack}; {worst.variant})"
    return Verdict(f"under attack: {limit.target}", reached, worst.values[key] <= limit.most)
