"""The effective config as YAML, without secrets."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from insights_exporter.config.errors import KeyPath
from insights_exporter.config.loader import LoadedConfig
from insights_exporter.config.models import Deployment

MASK = "**********"
DEFAULT = "default"

_PLAIN = re.compile(r"[A-Za-z/_]([\w./:+-]*[\w./+-])?|([0-9]+[a-z]+)+")
_NOT_TEXT = re.compile("true|false|yes|no|on|off|y|n|null|[0-9]+e[0-9]+", re.IGNORECASE)
_FIRST = ("name", "url")


def dump_config(loaded: LoadedConfig) -> str:
    """Return the config as YAML, each value with its source, secrets masked.

    Keys without a value and a default are omitted.
    """
    deployments = [_dump_deployment(deployment) for deployment in loaded.config.deployments]
    lines = _format_lines({"deployments": deployments}, (), "", loaded.sources)
    return "".join(f"{line}\n" for line in (f"# From {loaded.source or 'the environment'}", *lines))


def mask_proxy(url: str) -> str:
    """Return a proxy's URL without its user and password."""
    user, at, _host = urlsplit(url).netloc.rpartition("@")
    return url.replace(f"{user}{at}", f"{MASK}@", 1) if at else url


def _dump_deployment(deployment: Deployment) -> dict[str, Any]:
    values = deployment.model_dump(mode="json", exclude_none=True)
    if deployment.proxy is not None:
        values["proxy"] = mask_proxy(deployment.proxy.get_secret_value())
    return {key: values.pop(key) for key in _FIRST} | values


def _format_lines(
    value: dict[str, Any] | list[Any], place: KeyPath, indent: str, sources: Mapping[KeyPath, str]
) -> Iterator[str]:
    for step, part in value.items() if isinstance(value, dict) else enumerate(value):
        lead = f"{indent}{_format_scalar(step)}:" if isinstance(step, str) else f"{indent}-"
        below = (*place, step)
        if isinstance(part, dict | list) and part:
            inner = list(_format_lines(part, below, f"{indent}  ", sources))
            if isinstance(step, int):
                yield f"{lead} {inner.pop(0).lstrip()}"
            else:
                yield lead
            yield from inner
        else:
            yield f"{lead} {_format_scalar(part)}  # {_find_source(below, sources)}"


def _find_source(place: KeyPath, sources: Mapping[KeyPath, str]) -> str:
    """Return the source of a value, or of the short form that it comes from."""
    prefixes = (place[:length] for length in range(len(place), 0, -1))
    return next((sources[prefix] for prefix in prefixes if prefix in sources), DEFAULT)


def _format_scalar(value: object) -> str:
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value)
    return str(value) if plain else json.dumps(value, ensure_ascii=False)
