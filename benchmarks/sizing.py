"""Costs of one Coder deployment by its numbers of users and templates, and its series by config.

A new process polls each deployment once, with the default config except for the request rate. The
embedded Coder's clock stands still, so that series and requests are the same each day.
"""

import gzip
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from resource import struct_rusage
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.results import Section, format_mib
from benchmarks.servers import build_environment
from benchmarks.sizes import Sizes
from insights_exporter.demo import EmbeddedCoder, Population, serve

BY_SIZE, BY_CONFIG = "Deployments by size", "Series by config"
HEADER = (
    "users",
    "templates",
    "series",
    "with `users.detail: aggregate`",
    "response",
    "gzip",
    "requests of the first round",
    "CPU time",
    "peak memory",
)
AGGREGATE: Mapping[str, Any] = {"users": {"detail": "aggregate"}}
_NO_BREAKDOWN: Mapping[str, Any] = {"templates": {"breakdown": False}}
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "`templates: {breakdown: false}`": _NO_BREAKDOWN,
    "and `users: {detail: aggregate}`": {**_NO_BREAKDOWN, **AGGREGATE},
    "and `parameters: {values: none}`": {
        **_NO_BREAKDOWN,
        **AGGREGATE,
        "parameters": {"values": "none"},
    },
}
"""By their names in the table; each is in addition to those above it."""
NOW = datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
PROGRAM = """\
import atexit, os, pathlib
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: pathlib.Path(os.environ["STATUS_FILE"]).write_text(status.read_text()))
from insights_exporter.cli import main
main()
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of one poll of all datasets: bytes, CPU seconds, and peak memory in bytes."""

    series: int
    requests: int
    response: int
    compressed: int
    cpu: float
    peak: int


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Poll deployments of several sizes, then one with several configs."""
    yield _measure_sizes(sizes, directory)
    yield _measure_configs(sizes, directory)


def _measure_sizes(sizes: Sizes, directory: Path) -> Section:
    rows = [_measure_size(directory, *size) for size in sizes.deployment_sizes]
    note = (
        "One poll of all datasets with the default config, in a new process. CPU time includes the "
        "start of the process."
    )
    return Section(BY_SIZE, [HEADER, *rows], [note])


def _measure_size(directory: Path, users: int, templates: int) -> Sequence[str]:
    """Return the row of a deployment."""
    population = Population(seed=1, users=users, templates=templates)
    costs, aggregate = (poll(directory, population, config) for config in ({}, AGGREGATE))
    return (
        f"{users}",
        f"{templates}",
        f"{costs.series}",
        f"{aggregate.series}",
        f"{costs.response / 1024:.0f} KiB",
        f"{costs.compressed / 1024:.0f} KiB",
        f"{costs.requests}",
        f"{costs.cpu:.1f} s",
        format_mib(costs.peak),
    )


def _measure_configs(sizes: Sizes, directory: Path) -> Section:
    users, templates = sizes.config_size
    population = Population(seed=1, users=users, templates=templates)
    rows = [(name, f"{poll(directory, population, config).series}") for name, config in CONFIGS.items()]
    header = ("config", f"series with {users} users and {templates} templates")
    return Section(BY_CONFIG, [header, *rows], ["Each config is in addition to those above it."])


def poll(directory: Path, population: Population, config: Mapping[str, Any]) -> Costs:
    """Poll a deployment once in a new process, with this config, and return its costs.

    Raises:
        RuntimeError: The exporter failed; its log contains the reason.
    """
    coder = EmbeddedCoder(population=population, rate_limit=-1, now=lambda: NOW)
    with TemporaryDirectory(dir=directory) as temporary, serve(coder) as url:
        folder = Path(temporary)
        _write_config(folder / "config.yml", url, coder.token, config)
        usage = _run_scrape(folder)
        response = (folder / "metrics").read_bytes()
        status = (folder / "status").read_text(encoding="utf-8")
    return Costs(
        series=sum(1 for line in response.splitlines() if line and not line.startswith(b"#")),
        requests=len(coder.requests),
        response=len(response),
        compressed=len(gzip.compress(response, 1)),
        cpu=usage.ru_utime + usage.ru_stime,
        peak=_parse_peak(status),
    )


def _write_config(path: Path, url: str, token: str, config: Mapping[str, Any]) -> None:
    deployment = {"name": "sized", "url": url, "token": token, "requests_per_minute": 100_000}
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump({"deployments": [{**deployment, "timeout": "10m", **config}]}), "utf-8")


def _run_scrape(folder: Path) -> struct_rusage:
    command = [sys.executable, "-c", PROGRAM, "scrape"]
    files = [f"--config.file={folder / 'config.yml'}", f"--output={folder / 'metrics'}"]
    environment = {**build_environment(folder), "STATUS_FILE": str(folder / "status")}
    child = os.posix_spawn(sys.executable, [*command, *files], environment)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"the exporter exited with status {os.waitstatus_to_exitcode(status)}")
    return usage


def _parse_peak(status: str) -> int:
    """Return the peak in bytes from the text of /proc/PID/status.

    `ru_maxrss` is not used: it contains the peak of the process that started the child.
    """
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
