"""Commands import what they need when they run, which keeps them quick and small."""

import re
import subprocess
import sys

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, serve
from tests.integration.exporter import IMPORTED_FROM, StartExporter
from tests.integration.waiting import eventually

HEAVY = frozenset(
    {"apscheduler", "bcrypt", "httpx", "jinja2", "msgspec", "prometheus_client", "pydantic", "starlette"}
    | {"structlog", "uvicorn", "uvloop", "yaml"}
)
NOT_SERVING = frozenset(
    {"bcrypt", "click.core", "cramjam", "greenlet._greenlet", "jinja2", "pygments", "rich.console", "uvicorn"}
    | {f"insights_exporter.{name}" for name in ("backfill", "demo", "web.status", "web.webconfig")}
)
"""What only other commands, the status page and the web config file need. Python lists failed imports too, so
of hidden packages a module stands here."""


def test_command_line_imports_nothing_heavy() -> None:
    """Parsing flags needs no library for polling and serving."""
    program = (
        f"import sys; sys.path.insert(0, {str(IMPORTED_FROM)!r}); "
        "import insights_exporter.cli; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert set() == HEAVY & set(done.stdout.split())


def test_serving_imports_only_what_it_needs(start_exporter: StartExporter) -> None:
    """An exporter that has polled all datasets has loaded no module for anything else."""
    with serve(EmbeddedCoder()) as url:
        env = {"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN, "PYTHONPROFILEIMPORTTIME": "1"}
        exporter = start_exporter(env=env)
        eventually(exporter.ready)

    imported = set(re.findall(r"^import time:.*\| +(\S+)$", exporter.running.output(), re.MULTILINE))
    assert HEAVY - NOT_SERVING <= imported
    assert set() == NOT_SERVING & imported
