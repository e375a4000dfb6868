"""Three Coder servers, an exporter that polls them, and random disturbances."""

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
"""The servers' clock does not advance, so every series has exactly one correct value."""
NAMES = ("first", "second", "third")
PATHS = ("daus", "templates", "user-activity", "user-latency", "user-status-counts")
_START = "import sys; from insights_exporter.cli import main; sys.exit(main())"
_HOURLY = {"404-disabled", "404-route"}
"""The exporter may wait an hour before it polls again after these."""
_CLOCKS = {"clock-ahead", "clock-behind", "clock-far-future"}
"""Values change with the day."""
USABLE_FAULTS = tuple(name for name in FAULTS if name not in _HOURLY | _CLOCKS)
WITHOUT_LONG_WAITS = tuple(name for name in USABLE_FAULTS if not name.startswith("429"))
_BROKEN = ("deployments: [", "", "deployments: [{}]")


@dataclass(slots=True)
class Environment:
    """Servers, exporter and config of one soak run; `done` counts the disturbances by kind."""

    coders: dict[str, EmbeddedCoder]
    urls: dict[str, str]
    config: Path
    process: subprocess.Popen[bytes]
    url: str
    log: Path
    done: Counter[str] = field(default_factory=Counter)
    configured: dict[str, dict[str, object]] = field(default_factory=lambda: {name: {} for name in NAMES})
    """The deployments in the newest valid config, each with its overrides."""

    def is_healthy(self) -> bool:
        """Return whether the exporter responds.

        Raises:
            RuntimeError: The exporter has exited.
        """
        if self.process.poll() is not None:
            raise RuntimeError(f"the exporter exited with {self.process.returncode}: {self.log.read_text()}")
        try:
            return httpx.get(f"{self.url}/-/healthy", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def describe_cpu_time(self) -> str:
        """Describe how long the main thread ran and waited for a CPU, if the system reports it."""
        try:
            ran, waited, _ = Path(f"/proc/{self.process.pid}/schedstat").read_text().split()
        except OSError:
            return "main thread: CPU time not available"
        return f"main thread: {int(ran) / 1e9:.1f} s on a CPU, {int(waited) / 1e9:.1f} s waiting for one"

    def clear_faults(self) -> None:
        """Clear all faults without a change of the config."""
        for coder in self.coders.values():
            coder.clear_faults()

    def restore_deployments(self) -> None:
        """Put all deployments back into the config and reload it."""
        self.configured = {name: self.configured.get(name, {}) for name in NAMES}
        write_atomically(self.config, render_config(self.urls, self.coders, self.configured))
        self._reload_by_request()

    def disturb(self, rng: random.Random, faults: tuple[str, ...]) -> None:
        """Cause one random disturbance."""
        actions = [self._fail, self._fail, self._repair, self._change, self._spoil]
        action = rng.choice(actions)
        self.done[action.__name__.strip("_")] += 1
        action(rng, faults)

    def _fail(self, rng: random.Random, faults: tuple[str, ...]) -> None:
        coder = self.coders[rng.choice(NAMES)]
        paths = [f"/insights/{path}" for path in rng.sample(PATHS, rng.randrange(len(PATHS)))]
        coder.fail(rng.choice(faults), *paths)

    def _repair(self, rng: random.Random, _: tuple[str, ...]) -> None:
        self.coders[rng.choice(NAMES)].clear_faults()

    def _change(self, rng: random.Random, _: tuple[str, ...]) -> None:
        """Remove one deployment from the config or change its options; the others must not be affected."""
        name = rng.choice(NAMES)
        if name in self.configured and len(self.configured) > 1 and rng.random() < 0.5:
            del self.configured[name]
        else:
            overrides = {"timeout": f"{rng.randint(1, 3)}s", "max_concurrency": rng.randint(1, 3)}
            self.configured = dict(sorted({**self.configured, name: overrides}.items()))
        write_atomically(self.config, render_config(self.urls, self.coders, self.configured))
        self._reload(rng)

    def _spoil(self, rng: random.Random, _: tuple[str, ...]) -> None:
        write_atomically(self.config, rng.choice(_BROKEN))
        self._reload(rng)

    def _reload(self, rng: random.Random) -> None:
        if rng.random() < 0.5:
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


def render_config(
    urls: Mapping[str, str],
    coders: Mapping[str, EmbeddedCoder],
    configured: Mapping[str, Mapping[str, object]],
) -> str:
    """Return a config with the given deployments and their overrides."""
    deployments = [
        {"name": name, "url": urls[name], "token": coders[name].token, **overrides}
        for name, overrides in configured.items()
    ]
    return json.dumps({"defaults": _DEFAULTS, "deployments": deployments})


def write_atomically(config: Path, text: str) -> None:
    """Replace a file atomically, readable for its owner only."""
    new = config.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    new.replace(config)


@contextmanager
def run_environment(directory: Path) -> Iterator[Environment]:
    """Run three servers and an exporter until the block ends, with their files in `directory`."""
    with ExitStack() as stack:
        coders = {
            name: EmbeddedCoder(
                population=Population(seed=seed, users=100, templates=5), now=lambda: NOW, rate_limit=-1
            )
            for seed, name in enumerate(NAMES)
        }
        urls = {name: stack.enter_context(serve(coder)) for name, coder in coders.items()}
        config, log = directory / "config.yml", directory / "log.txt"
        write_atomically(config, render_config(urls, coders, {name: {} for name in NAMES}))
        process, url = stack.enter_context(_run_exporter(config, log))
        env = Environment(coders, urls, config, process, url, log)
        while not env.is_healthy():
            time.sleep(0.05)
        yield env


@contextmanager
def _run_exporter(config: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
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
            raise RuntimeError(f"the exporter exited with {status}: {log.read_text()}")
    finally:
        process.kill()
        process.wait()
