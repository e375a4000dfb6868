"""The command line is quick, since it imports what a command needs when that runs."""

import subprocess
import sys

from tests.integration.exporter import IMPORTED_FROM

HEAVY = frozenset(
    {"apscheduler", "bcrypt", "httpx", "jinja2", "msgspec", "prometheus_client", "pydantic", "starlette"}
    | {"structlog", "uvicorn", "uvloop", "yaml"}
)


def test_command_line_imports_nothing_heavy() -> None:
    """To tell the flags needs none of what polls and serves."""
    program = (
        f"import sys; sys.path.insert(0, {str(IMPORTED_FROM)!r}); "
        "import insights_exporter.cli; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert set() == HEAVY & set(done.stdout.split())
