"""The command line in this process, which saves the start of an interpreter."""

import logging
import os
import signal
import subprocess
from pathlib import Path
from unittest.mock import patch

import structlog
from typer.testing import CliRunner

from insights_exporter.cli import app
from tests.integration.processes import clean_environment


def run_in_process(home: Path, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, and return its exit status and outputs.

    Use a process of its own to test signals, terminals, closed streams or what start-up costs.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with patch.dict(os.environ, clean_environment(home, env), clear=True):
            ended = CliRunner().invoke(app, arguments, prog_name="insights-exporter", catch_exceptions=False)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
        for number, handler in signals.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(arguments, ended.exit_code, ended.stdout, ended.stderr)
