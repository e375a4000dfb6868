"""The collectors: how to run each for a scrape, and how to read its series."""

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

_TIMEOUT = 60.0
_STEADY = 3.0
_SCRAPE_SERIES = 20
"""More series than a collector itself adds to a scrape."""
_CHECK = Path(__file__).with_name("datadog_check.py")


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a collector: program, working directory, config, target and format."""

    program: str
    directory: Path
    recipe: str
    target: str
    gauges: bool


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector: the heading of its config in the docs, its command, and the function that runs it."""

    heading: str
    command: str
    run: Callable[[Job], Sequence[Arrival]]

    @property
    def variable(self) -> str:
        """The environment variable that may name the program's path."""
        return self.command.upper().replace("-", "_")

    def program(self) -> str | None:
        """Return the path of the program, or None if it is not installed."""
        return os.environ.get(self.variable) or find(self.command)


def _prometheus(job: Job) -> Sequence[Arrival]:
    with monitoring(job.directory, _scrape_config(job), program=job.program) as prometheus:
        return _wait_until_steady(prometheus.running, lambda: from_remote(prometheus.query('{__name__!=""}')))


def _agent(job: Job) -> Sequence[Arrival]:
    with _store(job) as store:
        write = {"url": f"{store.url}/api/v1/write", "queue_config": {"batch_send_deadline": "100ms"}}
        config = {**_scrape_config(job), "remote_write": [write]}
        file = _write(job.directory / "agent.yml", yaml.safe_dump(config))
        arguments = (
            f"--config.file={file}",
            _agent_flag(job.program),
            f"--storage.agent.path={job.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{free_port()}",
        )
        with _start(job, *arguments) as agent:
            return _wait_until_steady(agent, lambda: from_remote(store.query('{__name__!=""}')))


def _agent_flag(program: str) -> str:
    """Return the flag that makes Prometheus an agent, which version 3 renamed."""
    done = subprocess.run([program, "--help"], check=True, capture_output=True, text=True, timeout=_TIMEOUT)
    return "--agent" if "[no-]agent" in done.stdout + done.stderr else "--enable-feature=agent"


def _vmagent(job: Job) -> Sequence[Arrival]:
    with _store(job) as store:
        arguments = (
            f"-promscrape.config={_write(job.directory / 'scrape.yml', yaml.safe_dump(_scrape_config(job)))}",
            f"-httpListenAddr=127.0.0.1:{free_port()}",
            f"-remoteWrite.url={store.url}/api/v1/write",
            f"-remoteWrite.tmpDataPath={job.directory / 'data'}",
        )
        with _start(job, *arguments) as agent:
            return _wait_until_steady(agent, lambda: from_remote(store.query('{__name__!=""}')))


def _victoria_metrics(job: Job) -> Sequence[Arrival]:
    file = _write(job.directory / "scrape.yml", yaml.safe_dump(_scrape_config(job)))
    port = free_port()
    arguments = (
        f"-promscrape.config={file}",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={job.directory / 'data'}",
        "-search.latencyOffset=0s",
    )

    def query_series() -> Sequence[Arrival]:
        url, query = f"http://127.0.0.1:{port}/api/v1/query", {"query": '{__name__!=""}'}
        response = httpx.get(url, params=query, trust_env=False, timeout=_TIMEOUT)
        found = response.raise_for_status().json()["data"]["result"]
        return from_remote((series["metric"], float(series["value"][1])) for series in found)

    with _start(job, *arguments) as server:
        return _wait_until_steady(server, query_series)


def _otel_collector(job: Job) -> Sequence[Arrival]:
    output = job.directory / "metrics.json"
    config = {
        "receivers": {"prometheus": {"config": _scrape_config(job)}},
        "exporters": {"file": {"path": str(output)}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"metrics": {"receivers": ["prometheus"], "exporters": ["file"]}},
        },
    }
    file = _write(job.directory / "config.yml", yaml.safe_dump(config))
    with _start(job, f"--config={file}") as collector:
        return _wait_until_steady(collector, lambda: from_otlp(_documents(output)))


def _telegraf(job: Job) -> Sequence[Arrival]:
    output = job.directory / "metrics.json"
    agent = '[agent]\ninterval = "1s"\nflush_interval = "1s"\nomit_hostname = true\n'
    end = f'[[outputs.file]]\nfiles = ["{output}"]\ndata_format = "json"\n'
    recipe = aim(job.recipe, job.target, gauges=job.gauges)
    file = _write(job.directory / "telegraf.conf", f"{agent}\n{recipe}\n{end}")
    with _start(job, "--config", str(file)) as telegraf:
        return _wait_until_steady(telegraf, lambda: from_telegraf(_documents(output)))


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
        timeout=_TIMEOUT,
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


def _scrape_config(job: Job) -> Config:
    return {"scrape_configs": [scrape_config(job.recipe, job.target, gauges=job.gauges)]}


def _store(job: Job) -> AbstractContextManager[Prometheus]:
    """Run a Prometheus that receives the remote writes of an agent."""
    return monitoring(job.directory / "store", {}, "--web.enable-remote-write-receiver")


@contextmanager
def _start(job: Job, *arguments: str) -> Iterator[Running]:
    with running((job.program, *arguments), job.directory, clean_environment(job.directory, {})) as process:
        yield process
        process.stop()


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _documents(path: Path) -> Iterator[Any]:
    """Yield the JSON documents of a file that is still written to, up to the last complete line."""
    text = path.read_text(encoding="utf-8")
    return map(json.loads, text[: text.rfind("\n") + 1].splitlines())


def _wait_until_steady(process: Running, read: Callable[[], Sequence[Arrival]]) -> Sequence[Arrival]:
    """Return the series of a collector once their set has not changed for the time of two scrapes."""
    state: tuple[frozenset[Series], float] = frozenset(), 0.0

    def read_if_steady() -> Sequence[Arrival]:
        nonlocal state
        process.check_alive()
        found = read()
        series, now = frozenset(arrival.series for arrival in found), time.monotonic()
        if series != state[0]:
            state = series, now
        return found if len(series) > _SCRAPE_SERIES and now - state[1] > _STEADY else ()

    return eventually(read_if_steady, _TIMEOUT, ignoring=(httpx.TransportError, FileNotFoundError))
