"""Config files of the exporters under test."""

import json
from pathlib import Path
from typing import Any

TOO_COSTLY = ("template-breakdown", "periods", "user-activity", "user-latency", "template-list", "license")

HASTY: dict[str, Any] = {
    "windows": ["today"],
    "requests_per_minute": 100_000,
    "timeout": "2s",
    "max_age": "3s",
    "datasets": {
        "daus": {"every": "1s"},
        "templates": {"every": "1s"},
        "user-status-counts": {"every": "1s"},
        **{name: {"enabled": False} for name in TOO_COSTLY},
    },
}
"""Poll all the time what is cheap, and nothing else."""


def write_config(path: Path, deployments: list[dict[str, Any]], **defaults: object) -> Path:
    """Write a config file that only its owner can read, atomically."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"defaults": HASTY | defaults, "deployments": deployments}), encoding="utf-8")
    new.chmod(0o600)
    return new.replace(path)
