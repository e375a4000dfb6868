"""Panels of a new installation: each has data, or shows a reason that is true."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from grafana import reasons
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.grafana.dashboard_files import Json, list_files, list_panels, load
from tests.integration import exporter
from tests.integration.processes import free_port
from tests.integration.prometheus import Prometheus, monitoring, scraping

pytestmark = pytest.mark.timeout(300)

POLLS: Final = "insights_exporter_poll_success"
JOB: Final = "insights-exporter"
HISTORY: Final = timedelta(days=10)

LESS: Final[Mapping[str, Any]] = {
    "templates": {"breakdown": False},
    "parameters": {"values": "none"},
    "users": {"detail": "aggregate"},
}
"""Config that leaves out what it can."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A fresh install: its config, what its `backfill` includes if it was run, and which reasons are true."""

    true: frozenset[str]
    config: Mapping[str, Any] = field(default_factory=dict)
    backfilled: str = ""
    users: int = 40


YOUNG: Final = frozenset({reasons.NEW, reasons.A_WEEK})
OFF: Final = frozenset({reasons.NO_TEMPLATE_USERS, reasons.NO_GROUPS})
"""What is off by default."""

OMITTED: Final = frozenset(
    {
        reasons.NO_BREAKDOWN,
        reasons.NO_TEMPLATES,
        reasons.NO_PARAMETERS,
        reasons.NO_CHOICES,
        reasons.NO_NAMES,
    }
)
"""What `LESS` leaves out."""


QUIET: Final = frozenset(
    {
        reasons.NO_USERS,
        reasons.EARLIER_PERIOD,
        reasons.LAST_MONTH,
        reasons.NO_APPS,
        reasons.NO_CHOICES,
        reasons.NO_GROUPS,
    }
)
"""What a Coder lacks that no user has used yet."""

ALL: Final = {"templates": {"users": True}, "datasets": {"groups": {"enabled": True}}}

INSTALLS: Final = {
    "everything polled": Installation(YOUNG, ALL),
    "no users yet": Installation(YOUNG | QUIET, ALL, users=0),
    "defaults": Installation(YOUNG | OFF),
    "as little as can be": Installation(YOUNG | OFF | OMITTED, LESS),
    "history": Installation(YOUNG | OFF, backfilled="parameters,users"),
}


@dataclass(frozen=True, slots=True)
class WatchedInstallation:
    """An install, and the Prometheus that scrapes it since a moment ago."""

    install: Installation
    prometheus: Prometheus


@pytest.fixture(scope="module")
def installs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, WatchedInstallation]]:
    """Return all installs after their first round of polls, scraped twice or more."""
    with ExitStack() as running:
        started = {
            name: WatchedInstallation(
                install, running.enter_context(run_prometheus(install, tmp_path_factory.mktemp("install")))
            )
            for name, install in INSTALLS.items()
        }
        for each in started.values():
            each.prometheus.wait_for(f"min({POLLS}) == 1 and min({POLLS} offset 3s) == 1", 60)
        yield started


@pytest.fixture(params=INSTALLS, ids=str)
def watched(
    request: pytest.FixtureRequest, installs: Mapping[str, WatchedInstallation]
) -> WatchedInstallation:
    """Return one install."""
    return installs[request.param]


@contextmanager
def run_prometheus(install: Installation, folder: Path) -> Iterator[Prometheus]:
    """Run an embedded Coder, its history if it is brought in, an exporter and Prometheus."""
    coder, port = EmbeddedCoder(population=Population(users=install.users, templates=4)), free_port()
    with ExitStack() as running:
        url = running.enter_context(serve(coder))
        config = folder / "config.yml"
        deployment = {"name": "main", "url": url, "token": DEMO_TOKEN, "requests_per_minute": 6000}
        config.write_text(
            yaml.safe_dump({"deployments": [{**deployment, **install.config}]}), encoding="utf-8"
        )
        config.chmod(0o600)
        if install.backfilled:
            backfill(config, install.backfilled, folder, port)
        serving = exporter.serving(folder / "exporter", f"--config.file={config}", port=port)
        running.enter_context(serving)
        flags = ("--storage.tsdb.retention.time=1y",)
        scrapes = scraping(f"127.0.0.1:{port}", job=JOB)
        yield running.enter_context(monitoring(folder / "prometheus", scrapes, *flags))


def backfill(config: Path, include: str, folder: Path, port: int) -> None:
    """Bring in some days before today as the exporter would have been scraped."""
    data = folder / "prometheus/data"
    data.mkdir(parents=True)
    today = datetime.now(UTC)
    words = (
        f"--since={today - HISTORY:%Y-%m-%d}",
        f"--until={today:%Y-%m-%d}",
        f"--include={include}",
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


def build_panel_request(
    dashboard: Json, panel: Json, expr: str, over_time: bool
) -> tuple[str, dict[str, Any]]:
    """Return the API path and parameters that Grafana sends for a screen 1600 pixels wide."""
    values = {
        one["name"]: one.get("allValue") or one["current"]["value"]
        for one in dashboard["templating"]["list"][1:]
    }
    span = parse_seconds(panel.get("timeFrom") or dashboard["time"]["from"].removeprefix("now-"))
    step = max(parse_seconds(panel.get("interval") or "15s"), round(span / 1440))
    values["__rate_interval"] = f"{max(step + 15, 60)}s"
    query = re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), expr)
    now = int(time.time())
    if over_time:
        return "query_range", {
            "query": query,
            "start": (now - span) // step * step,
            "end": now // step * step,
            "step": step,
        }
    return "query", {"query": query, "time": now}


def parse_seconds(duration: str) -> int:
    """Return the seconds of a duration as dashboards have it."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[duration[-1]]


def is_empty(prometheus: Prometheus, dashboard: Json, panel: Json) -> bool:
    """Return whether no query of a panel has a result."""
    asked = (
        build_panel_request(dashboard, panel, target["expr"], target["range"]) for target in panel["targets"]
    )
    return not any(prometheus.api(path, **parameters)["result"] for path, parameters in asked)


def is_true(text: str, install: Installation) -> bool:
    """Return whether a reason is true, and does not suggest a backfill that was already done."""
    names = any(reason in text for reason in install.true)
    return names and not (install.backfilled and "`insights-exporter backfill" in text)


PANELS: Final = [(file, panel) for file in list_files() for panel in list_panels(load(file))]


@pytest.mark.parametrize(
    ("file", "panel"), PANELS, ids=[f"{file.stem}: {panel['title']}" for file, panel in PANELS]
)
def test_panel_has_data_or_a_true_reason(watched: WatchedInstallation, file: Path, panel: Json) -> None:
    """In the first minutes, each panel has data or a true reason why not."""
    text = panel["fieldConfig"]["defaults"]["noValue"]

    assert not is_empty(watched.prometheus, load(file), panel) or is_true(text, watched.install), text
