"""The configs in docs/collectors.md, changed to scrape an exporter of this run."""

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

PAGE = Path(__file__).parents[2] / "docs" / "collectors.md"
ADDRESS = "insights-exporter:12112"
"""The exporter's address in all configs of the docs."""
PARAMETER, VALUE = "gauge_histograms", "gauges"
_QUERY = f"?{PARAMETER}={VALUE}"
_BLOCK = re.compile(r"^```(?:yaml|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Config = dict[str, Any]


def read_snippets(text: str) -> Mapping[str, str]:
    """Return the first config below each heading of the second level."""
    return dict(_iter_snippets(text))


def _iter_snippets(text: str) -> Iterator[tuple[str, str]]:
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        block = _BLOCK.search(body)
        if block:
            yield heading.strip(), block.group(1)


def build_scrape_config(snippet: str, target: str, *, gauges: bool) -> Config:
    """Return the scrape config of a snippet for `target`, with or without the parameter, once a second."""
    loaded = yaml.safe_load(snippet)
    collector = loaded.get("receivers", {}).get("prometheus", {}).get("config", loaded)
    (config,) = copy.deepcopy(collector["scrape_configs"])
    _check(config["static_configs"] == [{"targets": [ADDRESS]}], snippet)
    config |= {"static_configs": [{"targets": [target]}], "scrape_interval": "1s", "scrape_timeout": "1s"}
    config["params"] = {PARAMETER: [VALUE]} if gauges else {}
    return dict(config)


def build_datadog_instance(snippet: str, target: str, *, gauges: bool) -> Config:
    """Return the instance of a snippet for `target`, with or without the parameter."""
    (instance,) = yaml.safe_load(snippet)["instances"]
    endpoint = "openmetrics_endpoint"
    return {**instance, endpoint: set_target(instance[endpoint], target, gauges=gauges)}


def set_target(text: str, target: str, *, gauges: bool) -> str:
    """Return a text with the exporter's URL replaced by that of `target`, with or without the parameter."""
    _check(text.count(ADDRESS) == 1, text)
    plain = text.replace(_QUERY, "").replace(ADDRESS, target)
    return plain.replace("/metrics", f"/metrics{_QUERY}") if gauges else plain


def _check(aimed: bool, text: str) -> None:  # noqa: FBT001  a condition
    if not aimed:
        raise ValueError(f"docs/collectors.md: a config must name {ADDRESS} once:\n{text}")
