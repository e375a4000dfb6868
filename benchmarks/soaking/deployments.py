"""Three servers, the exporter that polls them, and what happens to them at random."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import EmbeddedCoder, Population, serve
from insights_exporter.demo.faults import FAULTS

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
"""The servers' clock stands still, so that every series has one right value."""
NAMES = ("first", "second", "third")
PATHS = ("daus", "templates", "user-activity", "user-latency", "user-status-counts")
_START = "import sys; from insights_exporter.cli import main; sys.exit(main())"
_HOURLY = {"404-disabled", "404-route"}
"""After these the exporter asks again in an hour only, or may."""
_CLOCKS = {"clock-ahead", "clock-behind", "clock-far-future"}
"""Another day has other values."""
USABLE_FAULTS = tuple(name for name in FAULTS if name not in _HOURLY | _CLOCKS)
WITHOUT_LONG_WAITS = tuple(name for name in USABLE_FAULTS if not name.startswith("429"))
_BROKEN = ("deployments: [", "", "deployments: [{}]")


@dataclass(slots=True)
class Town:
    """What is there while a soak runs; `done` counts what was done to it."""

    coders: dict[str, EmbeddedCoder]
    urls: dict[str, str]
    config: Path
    process: subprocess.Popen[bytes]
    url: str
    log: Path
    done: Counter[str] = field(default_factory=Counter)
    there: dict[str, dict[str, object]] = field(default_factory=lambda: {name: {} for name in NAMES})
    """The deployments that the newest good settings have, and what each has of its own."""

    def healthy(self) -> bool:
        """Return whether the exporter answers; raises RuntimeError if it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the exporter ended with {self.process.returncode}: {self.log.read_text()}")
        try:
            return httpx.get(f"{self.url}/-/healthy", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def processor(self) -> str:
        """Return how long the exporter had a processor and waited for one, where the system tells."""
        try:
            ran, waited, _ = Path(f"/proc/{self.process.pid}/schedstat").read_text().split()
        except OSError:
            return "time with a processor: not known here"
        return (
            f"main thread: {int(ran) / 1e9:.1f} s on a processor, {int(waited) / 1e9:.1f} s waiting for one"
        )

    def calm(self) -> None:
        """End all faults, and leave the settings as they are."""
        for coder in self.coders.values():
            coder.clear_faults()

    def gather(self) -> None:
        """Have all deployments again."""
        self.there = {name: self.there.get(name, {}) for name in NAMES}
        put(self.config, settings(self.urls, self.coders, self.there))
        self._reload_by_request()

    def trouble(self, chance: random.Random, faults: tuple[str, ...]) -> None:
        """Do one thing at random."""
        deeds = [self._fail, self._fail, self._repair, self._change, self._spoil]
        deed = chance.choice(deeds)
        self.done[deed.__name__.strip("_")] += 1
        deed(chance, faults)

    def _fail(self, chance: random.Random, faults: tuple[str, ...]) -> None:
        coder = self.coders[chance.choice(NAMES)]
        paths = [f"/insights/{path}" for path in chance.sample(PATHS, chance.randrange(len(PATHS)))]
        coder.fail(chance.choice(faults), *paths)

    def _repair(self, chance: random.Random, _: tuple[str, ...]) -> None:
        self.coders[chance.choice(NAMES)].clear_faults()

    def _change(self, chance: random.Random, _: tuple[str, ...]) -> None:
        """Take away one deployment, or give one other settings, so that the others must go on undisturbed."""
        name = chance.choice(NAMES)
        if name in self.there and len(self.there) > 1 and chance.random() < 0.5:
            del self.there[name]
        else:
            own = {"timeout": f"{chance.randint(1, 3)}s", "max_concurrency": chance.randint(1, 3)}
            self.there = dict(sorted({**self.there, name: own}.items()))
        put(self.config, settings(self.urls, self.coders, self.there))
        self._reload(chance)

    def _spoil(self, chance: random.Random, _: tuple[str, ...]) -> None:
        put(self.config, chance.choice(_BROKEN))
        self._reload(chance)

    def _reload(self, chance: random.Random) -> None:
        if chance.random() < 0.5:
            self.process.send_signal(signal.SIGHUP)
        else:
            self._reload_by_request()

    def _reload_by_request(self) -> None:
        httpx.post(f"{self.url}/-/reload", timeout=30)


_DEFAULTS: dict[str, Any] = {
    "windows": ["today", "7d"],
    "requests_per_minute": 100_000,
    "timeout": "2s",
    "max_age": "10s",
    "max_response_bytes": 4 * 1024 * 1024,
    "datasets": {name: {"every": "2s"} for name in DATASETS},
}


def settings(
    urls: Mapping[str, str], coders: Mapping[str, EmbeddedCoder], there: Mapping[str, Mapping[str, object]]
) -> str:
    """Return the settings of the deployments that are to be there."""
    deployments = [
        {"name": name, "url": urls[name], "token": coders[name].token, **own} for name, own in there.items()
    ]
    return json.dumps({"defaults": _DEFAULTS, "deployments": deployments})


def put(config: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner alone."""
    new = config.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    new.replace(config)


@contextmanager
def town(room: Path) -> Iterator[Town]:
    """Run three servers and an exporter in `room` until the block ends."""
    with ExitStack() as stack:
        coders = {
            name: EmbeddedCoder(
                population=Population(seed=seed, users=100, templates=5), now=lambda: NOW, rate_limit=-1
            )
            for seed, name in enumerate(NAMES)
        }
        urls = {name: stack.enter_context(serve(coder)) for name, coder in coders.items()}
        config, log = room / "config.yml", room / "log.txt"
        put(config, settings(urls, coders, {name: {} for name in NAMES}))
        process, url = stack.enter_context(_exporter(config, log))
        made = Town(coders, urls, config, process, url, log)
        while not made.healthy():
            time.sleep(0.05)
        yield made


@contextmanager
def _exporter(config: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    words = (f"--config.file={config}", f"--web.listen-address={address}", "--web.enable-lifecycle")
    with log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, *words], stdin=subprocess.DEVNULL, stderr=err, env=dict(os.environ)
        )
    try:
        yield process, f"http://{address}"
        process.terminate()
        status = process.wait(10)
        if status != 0:
            raise RuntimeError(f"the exporter ended with {status}: {log.read_text()}")
    finally:
        process.kill()
        process.wait()
