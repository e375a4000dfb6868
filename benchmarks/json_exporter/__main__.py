"""Show what json_exporter makes of the Insights API: `make json-exporter`.

Runs json_exporter, which must be in PATH, with `config.yml` against the embedded Coder, and prints the
result of one probe for each difference that docs/comparison.md states. Fails if the page differs.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from benchmarks.results import render_table
from insights_exporter.demo import EmbeddedCoder, Population, serve
from scripts.install_test_deps import find
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.waiting import eventually

COMMAND = "json_exporter"
_CONFIG = Path(__file__).with_name("config.yml")
_PAGE = Path("docs/comparison.md")
_HEADER = ("probe", "HTTP status", "series", "series of value -1", "error")
_NOW = datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
_WEEK = "start_time=2026-06-09T00:00:00Z&end_time=2026-06-15T13:00:00Z"
_TEMPLATE = "start_time={{now}}&end_time={{now}}"


@dataclass(frozen=True, slots=True)
class Probe:
    """A request to json_exporter: the module of its config, and the target's path and query."""

    name: str
    module: str
    path: str
    query: str = _WEEK


PROBES = (
    Probe("apps by type and slug", "apps", "templates"),
    Probe("apps by type, slug, name and icon", "apps_with_names", "templates"),
    Probe("latencies of users", "latencies", "user-latency"),
    Probe("latencies of at least 0", "latencies_filtered", "user-latency"),
    Probe("dates computed in the URL", "apps", "templates", _TEMPLATE),
    Probe("dates computed in a body", "body_with_dates", "templates"),
)


def main() -> None:
    """Print a table of all probes, and compare it with the page."""
    program = find(COMMAND)
    if not program:
        sys.exit(f"{COMMAND} is not in PATH; see CONTRIBUTING.md")
    with tempfile.TemporaryDirectory() as directory:
        rows = list(run_probes(program, Path(directory)))
    table = render_table([_HEADER, *rows])
    sys.stdout.write(f"{table}\n")
    if table not in _PAGE.read_text(encoding="utf-8"):
        sys.exit(f"{_PAGE} has another table; replace it")


def run_probes(program: str, directory: Path) -> Iterator[Sequence[str]]:
    """Yield a row for each probe."""
    coder = EmbeddedCoder(population=Population(seed=1, users=60), now=lambda: _NOW)
    with serve(coder) as coder_url, _run_json_exporter(program, directory) as url:
        for probe in PROBES:
            target = f"{coder_url}/api/v2/insights/{probe.path}?{probe.query}"
            query = {"module": probe.module, "target": target}
            yield probe.name, *_describe(httpx.get(f"{url}/probe", params=query, trust_env=False, timeout=60))


@contextmanager
def _run_json_exporter(program: str, directory: Path) -> Iterator[str]:
    port = free_port()
    command = (program, f"--config.file={_CONFIG}", f"--web.listen-address=127.0.0.1:{port}")
    with running(command, directory, clean_environment(directory, {})) as process:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: httpx.get(url, trust_env=False).is_success, 60, ignoring=(httpx.TransportError,))
        yield url
        process.stop()


def _describe(reply: httpx.Response) -> Sequence[str]:
    """Return the cells of a response: status, numbers of series, and the end of the error."""
    if not reply.is_success:
        error = reply.text.strip()
        return f"{reply.status_code}", "", "", error.rpartition("ERROR: ")[2].rpartition("} ")[2]
    series = [line for line in reply.text.splitlines() if not line.startswith("#")]
    unknown = [line for line in series if line.endswith(" -1")]
    return f"{reply.status_code}", f"{len(series)}", f"{len(unknown)}", ""


if __name__ == "__main__":
    main()
