"""A Prometheus beside the demo: started on loopback, told what to scrape, ended with it."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import httpx

PROGRAM = "prometheus"
_LATENCY = "coder_insights_user_latency_distribution_seconds_bucket"
QUERIES: Sequence[tuple[str, str]] = (
    (
        "the editors and apps that people spend their time in, in hours a week",
        'topk(5, coder_insights_app_usage_seconds{window="7d"} / 3600)',
    ),
    (
        "the median latency that nine of ten users stay below, in seconds",
        f'histogram_quantile(0.9, {_LATENCY}{{percentile="p50",window="7d"}})',
    ),
)
"""What a query shows, and the query."""

_HOST = "127.0.0.1"
_RULES = Path(__file__).parents[3] / "helm" / "insights-exporter" / "rules"
_PATIENCE = 20.0
_LOOK_EVERY = 0.2


class NotStarted(Exception):
    """Prometheus did not get ready; the message says how far it came."""


@asynccontextmanager
async def prometheus_scraping(target: str) -> AsyncIterator[str]:
    """Run the Prometheus that is installed while the context lasts, and give its URL.

    It scrapes `target` (`HOST:PORT`), with the project's rules where they lie
    beside the program, as in a checkout.

    Raises:
        NotStarted: there is none, or it does not get ready.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise NotStarted(f"there is no program {PROGRAM} on the PATH")
    with TemporaryDirectory(prefix="insights-exporter-demo-") as folder:
        process, url = await _started(program, Path(folder), target)
        try:
            await _ready(process, url, Path(folder))
            yield url
        finally:
            await _ended(process)


def graph_of(url: str, query: str) -> str:
    """Give the address of a query in Prometheus' own pages."""
    return f"{url}/graph?g0.expr={quote(query)}&g0.tab=1"


def rule_files() -> list[str]:
    """Name the rules that lie beside the program, none where it is installed without them."""
    return sorted(map(str, _RULES.glob("*.yaml")))


async def _started(program: str, folder: Path, target: str) -> tuple[asyncio.subprocess.Process, str]:
    address = f"{_HOST}:{_free_port()}"
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(_settings(target)), encoding="utf-8")  # JSON is YAML
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--log.level=warn",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return process, f"http://{address}"


def _settings(target: str) -> dict[str, object]:
    return {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": rule_files(),
        "scrape_configs": [{"job_name": "insights-exporter", "static_configs": [{"targets": [target]}]}],
    }


async def _ready(process: asyncio.subprocess.Process, url: str, folder: Path) -> None:
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    async with httpx.AsyncClient(trust_env=False) as client:
        while process.returncode is None and asyncio.get_running_loop().time() < deadline:
            with suppress(httpx.TransportError):
                if (await client.get(f"{url}/-/ready")).is_success:
                    return
            await asyncio.sleep(_LOOK_EVERY)
    said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
    raise NotStarted(said.rpartition("\n")[2] or "it did not get ready in time")


async def _ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
