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

from benchmarks.collectors.configs import Config, build_datadog_instance, build_scrape_config, set_target
from benchmarks.collectors.readers import read_datadog, read_otlp, read_query, read_telegraf
from benchmarks.collectors.series import Received, Series
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
    snippet: str
    target: str
    gauges: bool


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector: the heading of its config in the docs, its command, and the function that runs it."""

    heading: str
    command: str
    run: Callable[[Job], Sequence[Received]]

    @property
    def variable(self) -> str:
        """The environment variable that may name the program's path."""
        return self.command.upper().replace("-", "_")

    def program(self) -> str | None:
        """Return the path of the program, or None if it is not installed."""
        return os.environ.get(self.variable) or find(self.command)


def _run_prometheus(job: Job) -> Sequence[Received]:
    with monitoring(job.directory, _build_scrape_config(job), program=job.program) as prometheus:
        return _wait_until_steady(prometheus.running, lambda: read_query(prometheus.query('{__name__!=""}')))


def _run_agent(job: Job) -> Sequence[Received]:
    with _run_store(job) as store:
        write = {"url": f"{store.url}/api/v1/write", "queue_config": {"batch_send_deadline": "100ms"}}
        config = {**_build_scrape_config(job), "remote_write": [write]}
        file = _write(job.directory / "agent.yml", yaml.safe_dump(config))
        arguments = (
            f"--config.file={file}",
            _find_agent_flag(job.program),
            f"--storage.agent.path={job.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{free_port()}",
        )
        with _start(job, *arguments) as agent:
            return _wait_until_steady(agent, lambda: read_query(store.query('{__name__!=""}')))


def _find_agent_flag(program: str) -> str:
    """Return the flag that makes Prometheus an agent, which version 3 renamed."""
    done = subprocess.run([program, "--help"], check=True, capture_output=True, text=True, timeout=_TIMEOUT)
    return "--agent" if "[no-]agent" in done.stdout + done.stderr else "--enable-feature=agent"


def _run_vmagent(job: Job) -> Sequence[Received]:
    with _run_store(job) as store:
        file = _write(job.directory / "scrape.yml", yaml.safe_dump(_build_scrape_config(job)))
        arguments = (
            f"-promscrape.config={file}",
            f"-httpListenAddr=127.0.0.1:{free_port()}",
            f"-remoteWrite.url={store.url}/api/v1/write",
            f"-remoteWrite.tmpDataPath={job.directory / 'data'}",
        )
        with _start(job, *arguments) as agent:
            return _wait_until_steady(agent, lambda: read_query(store.query('{__name__!=""}')))


def _run_victoria_metrics(job: Job) -> Sequence[Received]:
    file = _write(job.directory / "scrape.yml", yaml.safe_dump(_build_scrape_config(job)))
    port = free_port()
    arguments = (
        f"-promscrape.config={file}",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={job.directory / 'data'}",
        "-search.latencyOffset=0s",
    )

    def query_series() -> Sequence[Received]:
        url, query = f"http://127.0.0.1:{port}/api/v1/query", {"query": '{__name__!=""}'}
        response = httpx.get(url, params=query, trust_env=False, timeout=_TIMEOUT)
        found = response.raise_for_status().json()["data"]["result"]
        return read_query((series["metric"], float(series["value"][1])) for series in found)

    with _start(job, *arguments) as server:
        return _wait_until_steady(server, query_series)


def _run_otel_collector(job: Job) -> Sequence[Received]:
    output = job.directory / "metrics.json"
    config = {
        "receivers": {"prometheus": {"config": _build_scrape_config(job)}},
        "exporters": {"file": {"path": str(output)}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"metrics": {"receivers": ["prometheus"], "exporters": ["file"]}},
        },
    }
    file = _write(job.directory / "config.yml", yaml.safe_dump(config))
    with _start(job, f"--config={file}") as collector:
        return _wait_until_steady(collector, lambda: read_otlp(_read_documents(output)))


def _run_telegraf(job: Job) -> Sequence[Received]:
    output = job.directory / "metrics.json"
    agent = '[agent]\ninterval = "1s"\nflush_interval = "1s"\nomit_hostname = true\n'
    end = f'[[outputs.file]]\nfiles = ["{output}"]\ndata_format = "json"\n'
    snippet = set_target(job.snippet, job.target, gauges=job.gauges)
    file = _write(job.directory / "telegraf.conf", f"{agent}\n{snippet}\n{end}")
    with _start(job, "--config", str(file)) as telegraf:
        return _wait_until_steady(telegraf, lambda: read_telegraf(_read_documents(output)))


def _run_datadog(job: Job, limit: int | None = None) -> Sequence[Received]:
    instance = build_datadog_instance(job.snippet, job.target, gauges=job.gauges)
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
    return read_datadog(map(json.loads, done.stdout.splitlines()))


def _run_datadog_with_default_limit(job: Job) -> Sequence[Received]:
    return _run_datadog(job, limit=2000)


COLLECTORS: Mapping[str, Collector] = {
    "Prometheus": Collector("Prometheus", "prometheus", _run_prometheus),
    "Prometheus agent": Collector("Prometheus agent", "prometheus", _run_agent),
    "VictoriaMetrics": Collector("VictoriaMetrics", "victoria-metrics", _run_victoria_metrics),
    "vmagent": Collector("VictoriaMetrics", "vmagent", _run_vmagent),
    "OpenTelemetry Collector": Collector("OpenTelemetry Collector", "otelcol", _run_otel_collector),
    "Datadog": Collector("Datadog", "datadog-python", _run_datadog),
    "Datadog with its default limit of 2,000": Collector(
        "Datadog", "datadog-python", _run_datadog_with_default_limit
    ),
    "Telegraf": Collector("Telegraf", "telegraf", _run_telegraf),
}


def _build_scrape_config(job: Job) -> Config:
    return {"scrape_configs": [build_scrape_config(job.snippet, job.target, gauges=job.gauges)]}


def _run_store(job: Job) -> AbstractContextManager[Prometheus]:
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


def _read_documents(path: Path) -> Iterator[Any]:
    """Yield the JSON documents of a file that is still written to, up to the last complete line."""
    text = path.read_text(encoding="utf-8")
    return map(json.loads, text[: text.rfind("\n") + 1].splitlines())


def _wait_until_steady(process: Running, read: Callable[[], Sequence[Received]]) -> Sequence[Received]:
    """Return the series of a collector once their set has not changed for the time of two scrapes."""
    state: tuple[frozenset[Series], float] = frozenset(), 0.0

    def read_if_steady() -> Sequence[Received]:
        nonlocal state
        process.check_alive()
        found = read()
        series, now = frozenset(arrival.series for arrival in found), time.monotonic()
        if series != state[0]:
            state = series, now
        return found if len(series) > _SCRAPE_SERIES and now - state[1] > _STEADY else ()

    return eventually(read_if_steady, _TIMEOUT, ignoring=(httpx.TransportError, FileNotFoundError))
