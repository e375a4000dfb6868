"""One exporter that polls a deployment per state of an installation, and the Prometheus that scrapes it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.integration import exporter
from tests.integration.processes import free_port
from tests.integration.prometheus import Prometheus, monitoring, scraping

JOB: Final = "insights-exporter"
HISTORY: Final = timedelta(days=10)

ALL: Final = {"templates": {"users": True}, "datasets": {"groups": {"enabled": True}}}
LESS: Final = {
    "templates": {"breakdown": False},
    "parameters": {"exclude": ["*"]},
    "users": {"detail": "aggregate"},
}
"""Config that switches off what it can."""
ONLY_DAYS: Final = {"datasets": {name: {"enabled": False} for name in DATASETS if name != "daus"}}


@dataclass(frozen=True, slots=True)
class Installation:
    """A deployment: its config, its Coder's users, templates, version and fault."""

    config: Mapping[str, Any] = field(default_factory=lambda: ALL)
    users: int = 40
    templates: int = 4
    version: str = "2026-bounded"
    fault: str = ""
    fault_paths: tuple[str, ...] = ()
    usage_stats: bool = True
    responds: bool = True


INSTALLATIONS: Final = {
    "everything": Installation(),
    "history": Installation(),
    "defaults": Installation({}),
    "30 days": Installation({**ALL, "templates": {"users": True, "windows": ["7d", "30d"]}}),
    "excluded": Installation({**ALL, "parameters": {"exclude": ["*"]}, "groups": {"exclude": ["*"]}}),
    "reduced": Installation(LESS),
    "no users": Installation(users=0),
    "no templates": Installation(users=0, templates=0),
    "not licensed": Installation(fault="not-licensed"),
    "open source": Installation(
        {"templates": {"users": True}}, fault="404-route", fault_paths=("/entitlements",)
    ),
    "statistics off": Installation(usage_stats=False),
    "datasets disabled": Installation(ONLY_DAYS),
    "groups not licensed": Installation(fault="groups-not-licensed"),
    "seats not licensed": Installation(fault="seats-not-licensed"),
    "builds not computed": Installation(fault="no-build-times"),
    "few series": Installation({**ALL, "max_series": 10}),
    "old": Installation(version="2023"),
    "not polled yet": Installation({**ALL, "timeout": "5m"}, fault="no-response", responds=False),
    "polls fail": Installation(fault="refused", responds=False),
}
BACKFILLED: Final = "history"


@contextmanager
def run_installations(folder: Path) -> Iterator[Prometheus]:
    """Yield a Prometheus with two scrapes or more after the first round of polls of all deployments."""
    config, port, started = folder / "config.yml", free_port(), datetime.now(UTC)
    with ExitStack() as running:
        clock = build_clock(started)
        coders = {name: create_coder(one, clock) for name, one in INSTALLATIONS.items()}
        deployments = [
            build_deployment(name, running.enter_context(serve(coder))) for name, coder in coders.items()
        ]
        config.write_text(yaml.safe_dump({"deployments": deployments}), encoding="utf-8")
        config.chmod(0o600)
        backfill(config, folder, port, started)
        running.enter_context(exporter.serving(folder / "exporter", f"--config.file={config}", port=port))
        flags = ("--storage.tsdb.retention.time=1y",)
        scrapes = scraping(f"127.0.0.1:{port}", job=JOB)
        prometheus = running.enter_context(monitoring(folder / "prometheus", scrapes, *flags))
        wait_for_polls(prometheus)
        yield prometheus


def build_clock(started: datetime) -> Callable[[], datetime]:
    """Return a clock that begins at noon of the same day: daily values expire at the server's midnight."""
    noon = started.replace(hour=12, minute=0, second=0, microsecond=0)
    return lambda: noon + (datetime.now(UTC) - started)


def create_coder(installation: Installation, clock: Callable[[], datetime]) -> EmbeddedCoder:
    """Return the embedded Coder of an installation."""
    coder = EmbeddedCoder(
        population=Population(users=installation.users, templates=installation.templates),
        server_version=installation.version,
        usage_stats=installation.usage_stats,
        now=clock,
    )
    if installation.fault:
        coder.fail(installation.fault, *installation.fault_paths)
    return coder


def build_deployment(name: str, url: str) -> dict[str, Any]:
    """Return the config of a deployment."""
    common = {"name": name, "url": url, "token": DEMO_TOKEN, "requests_per_minute": 6000}
    return {**common, **INSTALLATIONS[name].config}


def backfill(config: Path, folder: Path, port: int, today: datetime) -> None:
    """Import some days before today as the exporter would have been scraped."""
    data = folder / "prometheus/data"
    data.mkdir(parents=True)
    words = (
        f"--since={today - HISTORY:%Y-%m-%d}",
        f"--until={today:%Y-%m-%d}",
        f"--deployment={BACKFILLED}",
        "--include=parameters,users",
        f"--label=job={JOB}",
        f"--label=instance=127.0.0.1:{port}",
        f"--output={folder / 'history'}",
        "--import",
        f"--tsdb={data}",
        "--requests-per-minute=6000",
        f"--config.file={config}",
    )
    done = exporter.run(folder / "backfill", "backfill", *words, seconds=200)
    assert 0 == done.returncode, done.stderr


def wait_for_polls(prometheus: Prometheus) -> None:
    """Wait until each deployment is in its state, and was for three seconds."""
    success = "insights_exporter_poll_success"
    requests = 'insights_exporter_requests_total{deployment="polls fail"}'
    for name, installation in INSTALLATIONS.items():
        if installation.responds:
            of = f'{success}{{deployment="{name}"}}'
            prometheus.wait_for(f"min({of}) == 1 and min({of} offset 3s) == 1", 120)
    prometheus.wait_for(f"min({requests} > 0) and min({requests} offset 3s > 0)", 120)
