"""The settings in force, as text that anybody may see."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from insights_exporter.config.errors import KeyPath
from insights_exporter.config.loader import LoadedConfig
from insights_exporter.config.models import Deployment

MASK = "**********"
BUILT_IN = "built in"

_PLAIN = re.compile(r"[A-Za-z/_]([\w./:+-]*[\w./+-])?|([0-9]+[a-z]+)+")
_NOT_TEXT = re.compile("true|false|yes|no|on|off|y|n|null|[0-9]+e[0-9]+", re.IGNORECASE)
_FIRST = ("name", "url")


def dump_config(loaded: LoadedConfig) -> str:
    """Give the settings as YAML, each value with who set it, secrets masked.

    What is not set and has no default is left out.
    """
    deployments = [_shown(deployment) for deployment in loaded.config.deployments]
    lines = _lines({"deployments": deployments}, (), "", loaded.sources)
    return "".join(f"{line}\n" for line in (f"# From {loaded.source or 'the environment'}", *lines))


def masked_proxy(url: str) -> str:
    """Give a proxy's URL without its user and password."""
    user, at, _host = urlsplit(url).netloc.rpartition("@")
    return url.replace(f"{user}{at}", f"{MASK}@", 1) if at else url


def _shown(deployment: Deployment) -> dict[str, Any]:
    values = deployment.model_dump(mode="json", exclude_none=True)
    if deployment.proxy is not None:
        values["proxy"] = masked_proxy(deployment.proxy.get_secret_value())
    return {key: values.pop(key) for key in _FIRST} | values


def _lines(
    value: dict[str, Any] | list[Any], place: KeyPath, indent: str, sources: Mapping[KeyPath, str]
) -> Iterator[str]:
    for step, part in value.items() if isinstance(value, dict) else enumerate(value):
        lead = f"{indent}{_scalar(step)}:" if isinstance(step, str) else f"{indent}-"
        below = (*place, step)
        if isinstance(part, dict | list) and part:
            inner = list(_lines(part, below, f"{indent}  ", sources))
            if isinstance(step, int):
                yield f"{lead} {inner.pop(0).lstrip()}"
            else:
                yield lead
            yield from inner
        else:
            yield f"{lead} {_scalar(part)}  # {_source(below, sources)}"


def _source(place: KeyPath, sources: Mapping[KeyPath, str]) -> str:
    """Find who wrote the value, or the short form that it comes from."""
    prefixes = (place[:length] for length in range(len(place), 0, -1))
    return next((sources[prefix] for prefix in prefixes if prefix in sources), BUILT_IN)


def _scalar(value: object) -> str:
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value)
    return str(value) if plain else json.dumps(value, ensure_ascii=False)
