"""Config files for the commands, with a high rate limit."""

import json
from pathlib import Path
from typing import Any

from insights_exporter.demo import DEMO_TOKEN

TOKEN = {"TOKEN": DEMO_TOKEN}
"""The environment that the files need."""


def write_config(folder: Path, *urls: str, **more: Any) -> Path:  # noqa: ANN401 -- any value
    """Write a file for deployments at `urls`."""
    deployments = [{"name": f"deployment-{number}", "url": url} for number, url in enumerate(urls, 1)]
    defaults = {"token_env": "TOKEN", "requests_per_minute": 10000} | more
    path = folder / "config.yml"
    path.write_text(json.dumps({"defaults": defaults, "deployments": deployments}), encoding="utf-8")
    return path


def config_flag(folder: Path, *urls: str) -> str:
    """Write a file for deployments at `urls`, and return its flag."""
    return f"--config.file={write_config(folder, *urls)}"
