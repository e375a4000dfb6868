"""Settings files for the commands, of one deployment that may be asked as fast as it answers."""

import json
from pathlib import Path
from typing import Any

from insights_exporter.demo import DEMO_TOKEN

TOKEN = {"TOKEN": DEMO_TOKEN}
"""The environment that the files need."""


def settings_file(folder: Path, *urls: str, **more: Any) -> str:  # noqa: ANN401 -- any setting
    """Write a file for deployments at `urls`, and give the flag that names it."""
    deployments = [{"name": f"deployment-{number}", "url": url} for number, url in enumerate(urls, 1)]
    defaults = {"token_env": "TOKEN", "requests_per_minute": 10000} | more
    path = folder / "config.yml"
    path.write_text(json.dumps({"defaults": defaults, "deployments": deployments}), encoding="utf-8")
    return f"--config.file={path}"
