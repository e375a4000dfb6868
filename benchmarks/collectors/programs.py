"""Collectors: how each is run for a scrape, and what it has then."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.collectors.readers import from_datadog, from_otlp, from_remote, from_telegraf
from benchmarks.collectors.recipes import Config, aim, datadog_instance, scrape_config
from benchmarks.collectors.series import Arrival, Series
from scripts.install_test_deps import find
from tests.integration.processes import Running, clean_environment, free_port, running
from tests.integration.prometheus import Prometheus, monitoring
from tests.integration.waiting import eventually

_PATIENCE = 60.0
_STEADY = 3.0
_SCRAPE_SERIES = 20
"""More series than a collector makes of its own for a scrape."""
_CHECK = Path(__file__).with_name("datadog_check.py")


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one collector: its program, a directory of its own, its config, what to scrape and how."""

    program: str
    directory: Path
    recipe: str
    target: str
    gauges: bool


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector: the heading of its config in the docs, its command, and how it is run."""

    heading: str
    command: str
    run: Callable[[Job], Sequence[Arrival]]

    @property
    def variable(self) -> str:
        """The environment variable that may name the program's path."""
        return self.command.upper().replace("-", "_")

    def program(self) -> str | None:
        """Return the path of the program, or None if this machine does not have it."""
        return os.environ.get(self.variable) or find(self.command)


def _prometheus(job: Job) -> Sequence[Arrival]:
    with monitoring(job.directory, _scraping(job), program=job.program) as prometheus:
        return _settled(prometheus.running, lambda: from_remote(prometheus.query('{__name__!=""}')))


def _agent(job: Job) -> Sequence[Arrival]:
    with _store(job) as store:
        write = {"url": f"{store.url}/api/v1/write", "queue_config": {"batch_send_deadline": "100ms"}}
        config = {**_scraping(job), "remote_write": [write]}
        file = _written(job.directory / "agent.yml", yaml.safe_dump(config))
        words = (
            f"--config.file={file}",
            _agent_flag(job.program),
            f"--storage.agent.path={job.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{free_port()}",
        )
        with _started(job, *words) as agent:
            return _settled(agent, lambda: from_remote(store.query('{__name__!=""}')))


def _agent_flag(program: str) -> str:
    """Return the flag that makes Prometheus an agent, which version 3 renamed."""
    done = subprocess.run([program, "--help"], check=True, capture_output=True, text=True, timeout=_PATIENCE)
    return "--agent" if "[no-]agent" in done.stdout + done.stderr else "--enable-feature=agent"


def _vmagent(job: Job) -> Sequence[Arrival]:
    with _store(job) as store:
        words = (
            f"-promscrape.config={_written(job.directory / 'scrape.yml', yaml.safe_dump(_scraping(job)))}",
            f"-httpListenAddr=127.0.0.1:{free_port()}",
            f"-remoteWrite.url={store.url}/api/v1/write",
            f"-remoteWrite.tmpDataPath={job.directory / 'data'}",
        )
        with _started(job, *words) as agent:
            return _settled(agent, lambda: from_remote(store.query('{__name__!=""}')))


def _victoria_metrics(job: Job) -> Sequence[Arrival]:
    file = _written(job.directory / "scrape.yml", yaml.safe_dump(_scraping(job)))
    port = free_port()
    words = (
        f"-promscrape.config={file}",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={job.directory / 'data'}",
        "-search.latencyOffset=0s",
    )

    def stored() -> Sequence[Arrival]:
        url, query = f"http://127.0.0.1:{port}/api/v1/query", {"query": '{__name__!=""}'}
        answer = httpx.get(url, params=query, trust_env=False, timeout=_PATIENCE)
        found = answer.raise_for_status().json()["data"]["result"]
        return from_remote((series["metric"], float(series["value"][1])) for series in found)

    with _started(job, *words) as server:
        return _settled(server, stored)


def _otel_collector(job: Job) -> Sequence[Arrival]:
    output = job.directory / "metrics.json"
    config = {
        "receivers": {"prometheus": {"config": _scraping(job)}},
        "exporters": {"file": {"path": str(output)}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"metrics": {"receivers": ["prometheus"], "exporters": ["file"]}},
        },
    }
    file = _written(job.directory / "config.yml", yaml.safe_dump(config))
    with _started(job, f"--config={file}") as collector:
        return _settled(collector, lambda: from_otlp(_documents(output)))


def _telegraf(job: Job) -> Sequence[Arrival]:
    output = job.directory / "metrics.json"
    agent = '[agent]\ninterval = "1s"\nflush_interval = "1s"\nomit_hostname = true\n'
    end = f'[[outputs.file]]\nfiles = ["{output}"]\ndata_format = "json"\n'
    recipe = aim(job.recipe, job.target, gauges=job.gauges)
    file = _written(job.directory / "telegraf.conf", f"{agent}\n{recipe}\n{end}")
    with _started(job, "--config", str(file)) as telegraf:
        return _settled(telegraf, lambda: from_telegraf(_documents(output)))


def _datadog(job: Job, limit: int | None = None) -> Sequence[Arrival]:
    instance = datadog_instance(job.recipe, job.target, gauges=job.gauges)
    if limit:
        instance["max_returned_metrics"] = limit
    done = subprocess.run(
        [job.program, str(_CHECK), json.dumps(instance)],
        env=clean_environment(job.directory, {"DDEV_SKIP_GENERIC_TAGS_CHECK": "true"}),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PATIENCE,
    )
    return from_datadog(map(json.loads, done.stdout.splitlines()))


def _datadog_as_delivered(job: Job) -> Sequence[Arrival]:
    return _datadog(job, limit=2000)


COLLECTORS: Mapping[str, Collector] = {
    "Prometheus": Collector("Prometheus", "prometheus", _prometheus),
    "Prometheus agent": Collector("Prometheus agent", "prometheus", _agent),
    "VictoriaMetrics": Collector("VictoriaMetrics", "victoria-metrics", _victoria_metrics),
    "vmagent": Collector("VictoriaMetrics", "vmagent", _vmagent),
    "OpenTelemetry Collector": Collector("OpenTelemetry Collector", "otelcol", _otel_collector),
    "Datadog": Collector("Datadog", "datadog-python", _datadog),
    "Datadog, 2,000 metrics": Collector("Datadog", "datadog-python", _datadog_as_delivered),
    "Telegraf": Collector("Telegraf", "telegraf", _telegraf),
}


def _scraping(job: Job) -> Config:
    return {"scrape_configs": [scrape_config(job.recipe, job.target, gauges=job.gauges)]}


def _store(job: Job) -> AbstractContextManager[Prometheus]:
    """Run a Prometheus that takes what an agent writes."""
    return monitoring(job.directory / "store", {}, "--web.enable-remote-write-receiver")


@contextmanager
def _started(job: Job, *arguments: str) -> Iterator[Running]:
    with running((job.program, *arguments), job.directory, clean_environment(job.directory, {})) as process:
        yield process
        process.stop()


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _documents(path: Path) -> Iterator[Any]:
    """Yield the JSON documents of a file that is still written to, up to the last whole line."""
    text = path.read_text(encoding="utf-8")
    return map(json.loads, text[: text.rfind("\n") + 1].splitlines())


def _settled(process: Running, read: Callable[[], Sequence[Arrival]]) -> Sequence[Arrival]:
    """Return what a collector has once the series have been the same for as long as two scrapes take."""
    state: tuple[frozenset[Series], float] = frozenset(), 0.0

    def arrived() -> Sequence[Arrival]:
        nonlocal state
        process.check_alive()
        found = read()
        series, now = frozenset(arrival.series for arrival in found), time.monotonic()
        if series != state[0]:
            state = series, now
        return found if len(series) > _SCRAPE_SERIES and now - state[1] > _STEADY else ()

    return eventually(arrived, _PATIENCE, ignoring=(httpx.TransportError, FileNotFoundError))
