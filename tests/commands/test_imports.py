"""The command line starts quickly, since commands import what they need when they run."""

import subprocess
import sys

from tests.integration.exporter import IMPORTED_FROM

HEAVY = frozenset(
    {"apscheduler", "bcrypt", "httpx", "jinja2", "msgspec", "prometheus_client", "pydantic", "starlette"}
    | {"structlog", "uvicorn", "uvloop", "yaml"}
)


def test_command_line_imports_nothing_heavy() -> None:
    """Parsing flags needs no library for polling and serving."""
    program = (
        f"import sys; sys.path.insert(0, {str(IMPORTED_FROM)!r}); "
        "import insights_exporter.cli; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert set() == HEAVY & set(done.stdout.split())
