"""Debian's Prometheus, started on loopback with a configuration of the test's own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import httpx
import yaml

from tests.integration.plain_http import NO_AUTHORITIES
from tests.integration.processes import Running, clean_environment, free_port, running
from tests.integration.programs import require
from tests.integration.waiting import eventually


class Sample(NamedTuple):
    """One series of an instant query's result."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus and its address."""

    url: str
    running: Running

    def api(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401  whatever the API says
        """Return `data` of a response of `/api/v1/<path>`."""
        url = f"{self.url}/api/v1/{path}"
        response = httpx.get(url, params=parameters, trust_env=False, verify=NO_AUTHORITIES, timeout=30)
        return response.raise_for_status().json()["data"]

    def query(self, promql: str, at: float | None = None) -> list[Sample]:
        """Evaluate `promql` now, or at a Unix time."""
        when = {} if at is None else {"time": at}
        result = self.api("query", query=promql, **when)["result"]
        return [Sample(series["metric"], float(series["value"][1])) for series in result]

    def wait_for(self, promql: str, seconds: float = 30) -> list[Sample]:
        """Return the first result of `promql` that is not empty."""
        return eventually(lambda: self.query(promql), seconds)

    def ready(self) -> bool:
        """Return whether it responds to queries; raises AssertionError if it has ended."""
        self.running.check_alive()
        response = httpx.get(f"{self.url}/-/ready", trust_env=False, verify=NO_AUTHORITIES)
        return response.status_code == httpx.codes.OK


class StartPrometheus(Protocol):
    """The type of the fixture `start_prometheus`."""

    def __call__(self, config: Mapping[str, Any], *flags: str) -> Prometheus:
        """Start a Prometheus with `config` and wait until it is ready."""


def scraping(*urls: str, interval: str = "1s", job: str = "insights-exporter") -> dict[str, Any]:
    """Return a configuration that scrapes `/metrics` of each of `urls`."""
    targets = [url.removeprefix("http://") for url in urls]
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "scrape_configs": [{"job_name": job, "static_configs": [{"targets": targets}]}],
    }


@contextmanager
def monitoring(
    directory: Path, config: Mapping[str, Any], *flags: str, program: str = ""
) -> Iterator[Prometheus]:
    """Run Prometheus with `config` until the block ends; its data is in `directory/data`."""
    program = program or require("prometheus")
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
    port = free_port()
    words = (
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
        *flags,
    )
    with running(words, directory, clean_environment(directory, {})) as process:
        prometheus = Prometheus(f"http://127.0.0.1:{port}", process)
        eventually(prometheus.ready, ignoring=(httpx.TransportError,))
        yield prometheus
        process.stop()
