"""One exporter with a deployment for each fault, and all that was seen of it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.demo.certificates import Authority
from tests.demo.client import send_request
from tests.faults.cases import CASES, DATASETS, FaultCase
from tests.faults.echo_server import serve_echo
from tests.faults.observation import Observation, PollState, observe
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter

MAX_AGE = 24.0
"""Seconds for which the last good data is served, longer than a poll with all its tries."""
MAX_RESPONSE_BYTES = 1024 * 1024
HEALTHY = "well"
PATIENCE = 90.0
BETWEEN_OBSERVATIONS = 0.5
OPENMETRICS = "application/openmetrics-text"

DEFAULTS = {
    "windows": ["today"],
    "requests_per_minute": 100_000,
    "timeout": "4s",
    "max_age": f"{MAX_AGE:g}s",
    "max_response_bytes": MAX_RESPONSE_BYTES,
    "datasets": {
        "daus": {"every": "4s"},
        "templates": {"every": "8s"},
        "user-status-counts": {"every": "8s"},
        **{
            name: {"enabled": False}
            for name in (
                "template-breakdown",
                "periods",
                "user-activity",
                "user-latency",
                "template-list",
                "license",
            )
        },
    },
}


@dataclass(slots=True)
class Secrets:
    """The secrets of all deployments, in the three places that can have a token."""

    directory: Path
    all: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def fresh(self, of: str) -> str:
        """Return a new secret, in the form of a token."""
        name = "".join(filter(str.isalnum, of))
        secret = f"{len(self.all):010d}-{name:x<12.12}secretpart"
        self.all.append(secret)
        return secret

    def token(self, number: int, token: str) -> dict[str, str]:
        """Return the config of `token`, as one of the three token keys."""
        if number % 3 == 0:
            return {"token": token}
        if number % 3 == 1:
            self.environ[f"TOKEN_{number}"] = token
            return {"token_env": f"TOKEN_{number}"}
        path = self.directory / f"token-{number}"
        path.write_text(f"{token}\n", encoding="utf-8")
        path.chmod(0o600)
        return {"token_file": str(path)}


@dataclass(slots=True)
class FaultRun:
    """Everything that was seen from before the first fault until after the last."""

    secrets: list[str]
    observations: list[Observation] = field(default_factory=list)
    began: int = 0
    """The index of the first observation with faults."""
    ended: int = 0
    """The index of the first observation after them."""
    output: str = ""
    failing: dict[str, str] = field(default_factory=dict)
    """The status page of each deployment before the faults end, and that of all without a name."""
    pages: dict[str, str] = field(default_factory=dict)

    def during(self, deployment: str, dataset: str) -> list[tuple[float, PollState]]:
        """Return what was seen of a dataset while there were faults."""
        return [
            (one.at, one.polls[deployment, dataset]) for one in self.observations[self.began : self.ended]
        ]

    def always(self, deployment: str, dataset: str) -> list[PollState]:
        """Return the observations of a dataset since everything worked for the first time."""
        return [one.polls[deployment, dataset] for one in self.observations[self.began :]]


def is_healthy(run: FaultRun, case: FaultCase) -> bool:
    """Return whether all datasets of the case's deployment have data and their polls succeed."""
    newest = run.observations[-1].polls
    polls = [newest[case.deployment, name] for name in DATASETS]
    return all(poll.success == 1 and poll.data for poll in polls)


def has_full_effect(run: FaultRun, case: FaultCase) -> bool:
    """Return whether the fault has its full effect: the data expired, or many requests succeeded."""
    poll = run.observations[-1].polls[case.deployment, case.dataset]
    if not case.reason:
        before = run.observations[run.began].polls[case.deployment, case.dataset]
        return poll.success == 1 and poll.requests > before.requests + 5
    return poll.success != 1 and not poll.data


@contextmanager
def run_cases(directory: Path) -> Iterator[FaultRun]:
    """Run all cases at once and yield the observations."""
    authority, secrets = Authority(directory), Secrets(directory)
    with ExitStack() as stack:
        names, population = (HEALTHY, *(case.deployment for case in CASES)), create_population()
        coders = {name: create_coder(population, secrets, name) for name in names}
        deployments = [
            stack.enter_context(serve_deployment(name, number, coder, authority, secrets))
            for number, (name, coder) in enumerate(coders.items())
        ]
        deployments += stack.enter_context(serve_echo(secrets.fresh))
        config = directory / "config.yml"
        config.write_text(json.dumps({"defaults": DEFAULTS, "deployments": deployments}), encoding="utf-8")
        config.chmod(0o600)
        run = FaultRun(secrets.all)
        words = (f"--config.file={config}", "--log.level=debug", "--web.enable-lifecycle")
        with exporter_peer.serving(directory / "exporter", *words, env=secrets.environ) as exporter:
            run_phases(run, exporter, coders, authority, [each["name"] for each in deployments])
            run.output = exporter.running.output()
        yield run


def create_population() -> Population:
    """Return users with a history computed before: thirty servers share them, and none may be slow."""
    population = Population(seed=1, users=5, templates=2)
    send_request(EmbeddedCoder(population=population), "/insights/daus")
    return population


def create_coder(population: Population, secrets: Secrets, name: str) -> EmbeddedCoder:
    """Return a server with a token of its own."""
    return EmbeddedCoder(population=population, token=secrets.fresh(name), rate_limit=-1)


@contextmanager
def serve_deployment(
    name: str, number: int, coder: EmbeddedCoder, authority: Authority, secrets: Secrets
) -> Iterator[dict[str, Any]]:
    """Serve a deployment and yield its config."""
    certificate = authority.good() if "certificate" in name else None
    with serve(coder, certificate=certificate) as url:
        config: dict[str, Any] = {"name": name, "url": url, **secrets.token(number, coder.token)}
        config["headers"] = {"X-Gateway": f"Bearer {secrets.fresh('gateway')}"}
        if certificate:
            config["tls"] = {"ca_file": str(authority.ca_file)}
        if name == "dns":
            config["url"] = "http://coder.invalid"
        yield config


def run_phases(
    run: FaultRun,
    exporter: Exporter,
    coders: dict[str, EmbeddedCoder],
    authority: Authority,
    deployments: list[str],
) -> None:
    """Wait until everything works, start all faults, end them, and wait until everything works again."""
    wait_until(
        lambda: (
            record_observation(run, exporter)
            and all(is_healthy(run, case) for case in CASES if not case.from_start)
        )
    )
    run.began = len(run.observations)
    for case in CASES:
        case.begin(coders[case.deployment], authority)
    wait_until(
        lambda: record_observation(run, exporter) and all(has_full_effect(run, case) for case in CASES)
    )
    run.ended = len(run.observations)
    run.failing = {name: exporter.page(f"/?{urlencode({'deployment': name})}") for name in deployments}
    run.failing[""] = exporter.page("/")
    for case in CASES:
        coders[case.deployment].clear_faults()
        if "certificate" in case.name:
            authority.install(authority.good(), coders[case.deployment])
    wait_until(
        lambda: (
            record_observation(run, exporter)
            and all(is_healthy(run, case) for case in CASES if not case.patient)
        )
    )
    run.pages = {
        "/": exporter.page("/"),
        "/config": exporter.page("/config"),
        "/metrics": exporter.page(),
        "openmetrics": exporter.page(accept=OPENMETRICS),
        "reload": httpx.post(f"{exporter.url}/-/reload").text,
    }


def record_observation(run: FaultRun, exporter: Exporter) -> bool:
    """Take one page into the run."""
    now = time.time()
    run.observations.append(observe(exporter.page(), now))
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition or a time limit; the tests report what is missing."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(BETWEEN_OBSERVATIONS)
