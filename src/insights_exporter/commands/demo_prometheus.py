"""A Prometheus that scrapes the demo: started on loopback, ended with it."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from insights_exporter.datasets.templates import APP_USAGE
from insights_exporter.datasets.user_latency import CONNECTION_QUALITY

QUERIES: Sequence[tuple[str, str]] = (
    (
        "the most used editors and apps, in hours per week",
        f'topk(5, {APP_USAGE.name}{{window="7d"}} / 3600)',
    ),
    (
        "how many users have a good, fair and poor connection",
        f'{CONNECTION_QUALITY.name}{{percentile="p50",window="7d"}}',
    ),
)
"""Queries to try, each after its description."""

_HOST = "127.0.0.1"
_RULES = Path(__file__).parents[3] / "helm" / "insights-exporter" / "rules"
_TIMEOUT = 20.0
_POLL_INTERVAL = 0.2


class NotStarted(Exception):
    """Prometheus did not become ready; the message says why."""


@asynccontextmanager
async def run_prometheus(target: str) -> AsyncIterator[str]:
    """Run the installed Prometheus, which scrapes `target` (`HOST:PORT`), and yield its URL.

    It evaluates the project's rules if this is a checkout.

    Raises:
        NotStarted: Prometheus is not installed, or does not become ready.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise NotStarted("prometheus is not in PATH")
    with TemporaryDirectory(prefix="insights-exporter-demo-") as name:
        folder, address = Path(name), f"{_HOST}:{_find_free_port()}"
        process = await _start(program, folder, address, target)
        try:
            await _wait_ready(process, f"http://{address}", folder)
            yield f"http://{address}"
        finally:
            with suppress(ProcessLookupError):
                process.kill()  # its data is temporary
            await process.wait()


async def _start(program: str, folder: Path, address: str, target: str) -> asyncio.subprocess.Process:
    config = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": sorted(map(str, _RULES.glob("*.yaml"))),
        "scrape_configs": [{"job_name": "insights-exporter", "static_configs": [{"targets": [target]}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    with (folder / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--log.level=warn",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


async def _wait_ready(process: asyncio.subprocess.Process, url: str, folder: Path) -> None:
    deadline = asyncio.get_running_loop().time() + _TIMEOUT
    async with httpx.AsyncClient(trust_env=False) as client:
        while process.returncode is None and asyncio.get_running_loop().time() < deadline:
            with suppress(httpx.TransportError):
                if (await client.get(f"{url}/-/ready")).is_success:
                    return
            await asyncio.sleep(_POLL_INTERVAL)
    log = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
    raise NotStarted(log.rpartition("\n")[2] or "it did not become ready in time")


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
