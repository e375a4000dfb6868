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
from tests.faults.cases import CASES, DATASETS, Case
from tests.faults.echo import echoing
from tests.faults.pages import Observation, Polling, observe
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter

MAX_AGE = 24.0
"""Seconds for which the last good data is served, longer than a poll with all its tries."""
LARGEST_ANSWER = 1024 * 1024
WELL = "well"
PATIENCE = 90.0
BETWEEN_OBSERVATIONS = 0.5
OPENMETRICS = "application/openmetrics-text"

DEFAULTS = {
    "windows": ["today"],
    "requests_per_minute": 100_000,
    "timeout": "4s",
    "max_age": f"{MAX_AGE:g}s",
    "max_response_bytes": LARGEST_ANSWER,
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
    """The secrets of all deployments, in the three places where a token may stand."""

    room: Path
    all: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def fresh(self, of: str) -> str:
        """Return a new secret, in the form of a token."""
        name = "".join(filter(str.isalnum, of))
        secret = f"{len(self.all):010d}-{name:x<12.12}secretpart"
        self.all.append(secret)
        return secret

    def token(self, number: int, token: str) -> dict[str, str]:
        """Return a setting that says `token`, in another way for each number."""
        if number % 3 == 0:
            return {"token": token}
        if number % 3 == 1:
            self.environ[f"TOKEN_{number}"] = token
            return {"token_env": f"TOKEN_{number}"}
        path = self.room / f"token-{number}"
        path.write_text(f"{token}\n", encoding="utf-8")
        path.chmod(0o600)
        return {"token_file": str(path)}


@dataclass(slots=True)
class Scene:
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

    def during(self, deployment: str, dataset: str) -> list[tuple[float, Polling]]:
        """Return what was seen of a dataset while there were faults."""
        return [
            (one.at, one.polls[deployment, dataset]) for one in self.observations[self.began : self.ended]
        ]

    def always(self, deployment: str, dataset: str) -> list[Polling]:
        """Return what was seen of a dataset since all was well for the first time."""
        return [one.polls[deployment, dataset] for one in self.observations[self.began :]]


def well(scene: Scene, case: Case) -> bool:
    """Return whether all datasets of the case's deployment have data and were polled well."""
    newest = scene.observations[-1].polls
    polls = [newest[case.deployment, name] for name in DATASETS]
    return all(poll.success == 1 and poll.data for poll in polls)


def settled(scene: Scene, case: Case) -> bool:
    """Return whether the fault has its full effect: the data expired, or many requests succeeded."""
    poll = scene.observations[-1].polls[case.deployment, case.dataset]
    if not case.reason:
        before = scene.observations[scene.began].polls[case.deployment, case.dataset]
        return poll.success == 1 and poll.requests > before.requests + 5
    return poll.success != 1 and not poll.data


@contextmanager
def staged(room: Path) -> Iterator[Scene]:
    """Run all cases at once and yield what was seen."""
    authority, secrets = Authority(room), Secrets(room)
    with ExitStack() as stack:
        names, people = (WELL, *(case.deployment for case in CASES)), company()
        coders = {name: coder_of(people, secrets, name) for name in names}
        settings = [
            stack.enter_context(deployed(name, number, coder, authority, secrets))
            for number, (name, coder) in enumerate(coders.items())
        ]
        settings += stack.enter_context(echoing(secrets.fresh))
        config = room / "config.yml"
        config.write_text(json.dumps({"defaults": DEFAULTS, "deployments": settings}), encoding="utf-8")
        config.chmod(0o600)
        scene = Scene(secrets.all)
        words = (f"--config.file={config}", "--log.level=debug", "--web.enable-lifecycle")
        with exporter_peer.serving(room / "exporter", *words, env=secrets.environ) as exporter:
            play(scene, exporter, coders, authority, [each["name"] for each in settings])
            scene.output = exporter.running.output()
        yield scene


def company() -> Population:
    """Return users with a history computed before: thirty servers share them, and none may be slow."""
    people = Population(seed=1, users=5, templates=2)
    send_request(EmbeddedCoder(population=people), "/insights/daus")
    return people


def coder_of(people: Population, secrets: Secrets, name: str) -> EmbeddedCoder:
    """Return a server with a token of its own."""
    return EmbeddedCoder(population=people, token=secrets.fresh(name), rate_limit=-1)


@contextmanager
def deployed(
    name: str, number: int, coder: EmbeddedCoder, authority: Authority, secrets: Secrets
) -> Iterator[dict[str, Any]]:
    """Serve a deployment and yield its config."""
    certificate = authority.good() if "certificate" in name else None
    with serve(coder, certificate=certificate) as url:
        settings: dict[str, Any] = {"name": name, "url": url, **secrets.token(number, coder.token)}
        settings["headers"] = {"X-Gateway": f"Bearer {secrets.fresh('gateway')}"}
        if certificate:
            settings["tls"] = {"ca_file": str(authority.ca_file)}
        if name == "dns":
            settings["url"] = "http://coder.invalid"
        yield settings


def play(
    scene: Scene,
    exporter: Exporter,
    coders: dict[str, EmbeddedCoder],
    authority: Authority,
    deployments: list[str],
) -> None:
    """Have all well, then all faults, then all well again; each goes on as soon as it can."""
    until(lambda: look(scene, exporter) and all(well(scene, case) for case in CASES if not case.from_start))
    scene.began = len(scene.observations)
    for case in CASES:
        case.begin(coders[case.deployment], authority)
    until(lambda: look(scene, exporter) and all(settled(scene, case) for case in CASES))
    scene.ended = len(scene.observations)
    scene.failing = {name: exporter.page(f"/?{urlencode({'deployment': name})}") for name in deployments}
    scene.failing[""] = exporter.page("/")
    for case in CASES:
        coders[case.deployment].clear_faults()
        coders[case.deployment].set_certificate(authority.good())
    until(lambda: look(scene, exporter) and all(well(scene, case) for case in CASES if not case.patient))
    scene.pages = {
        "/": exporter.page("/"),
        "/config": exporter.page("/config"),
        "/metrics": exporter.page(),
        "openmetrics": exporter.page(accept=OPENMETRICS),
        "reload": httpx.post(f"{exporter.url}/-/reload").text,
    }


def look(scene: Scene, exporter: Exporter) -> bool:
    """Take one page into the scene."""
    now = time.time()
    scene.observations.append(observe(exporter.page(), now))
    return True


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; where it does not come, the tests tell what is missing."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(BETWEEN_OBSERVATIONS)
