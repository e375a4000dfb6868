"""Configs of the measured exporters."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from insights_exporter.datasets.registry import DATASETS

_OTHERS = tuple(name for name in DATASETS if name != "user-latency")
_ENOUGH = 10_000_000
_INTERVAL = "5m"


def write_latency_config(path: Path, urls: Mapping[str, str], every: str = "1h") -> Path:
    """Write a config that polls only the latencies of all users from each URL; return the path."""
    off: dict[str, object] = {dataset: {"enabled": False} for dataset in _OTHERS}
    defaults = {
        "token": "no-token",
        "windows": ["7d"],
        "requests_per_minute": 600_000,
        "max_series": _ENOUGH,
        "users": {"limit": _ENOUGH},
        "datasets": off | {"user-latency": {"every": every}},
    }
    return _write(path, defaults, urls)


def write_full_config(
    path: Path, urls: Mapping[str, str], token: str, tls: Mapping[str, object] | None = None
) -> Path:
    """Write a config that polls all datasets from each URL at one interval; return the path."""
    datasets = {dataset: {"every": _INTERVAL} for dataset in (*_OTHERS, "user-latency")}
    defaults = {"token": token, "requests_per_minute": 6000, "tls": dict(tls or {}), "datasets": datasets}
    return _write(path, defaults, urls)


def _write(path: Path, defaults: Mapping[str, object], urls: Mapping[str, str]) -> Path:
    deployments: Iterable[Mapping[str, str]] = [{"name": name, "url": url} for name, url in urls.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({"defaults": dict(defaults), "deployments": list(deployments)})
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path
