"""The effective config as YAML, without secrets."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from insights_exporter.config.errors import KeyPath
from insights_exporter.config.loader import LoadedConfig

MASK = "**********"
DEFAULT = "default"

_PLAIN = re.compile(r"[A-Za-z/_]([\w./:+-]*[\w./+-])?|([0-9]+[a-z]+)+")
_NOT_TEXT = re.compile("true|false|yes|no|on|off|y|n|null|[0-9]+e[0-9]+", re.IGNORECASE)
_FIRST = ("name", "url")


def dump_config(loaded: LoadedConfig) -> str:
    """Return the config as YAML, each value with its source, secrets masked.

    Keys without a value and a default are omitted.
    """
    lines = [f"# From {loaded.source or 'the environment'}", "deployments:"]
    for index, deployment in enumerate(loaded.config.deployments):
        values = deployment.model_dump(mode="json", exclude_none=True)
        if deployment.proxy is not None:
            values["proxy"] = mask_proxy(deployment.proxy.get_secret_value())
        values = {key: values.pop(key) for key in _FIRST} | values
        first, *others = _format_lines(values, (), partial(loaded.find_source, index))
        lines += [f"  - {first}", *(f"    {line}" for line in others)]
    return "".join(f"{line}\n" for line in lines)


def mask_proxy(url: str) -> str:
    """Return a proxy's URL without its user and password."""
    user, at, _host = urlsplit(url).netloc.rpartition("@")
    return url.replace(f"{user}{at}", f"{MASK}@", 1) if at else url


def _format_lines(
    value: dict[str, Any] | list[Any], place: KeyPath, find_source: Callable[[KeyPath], str | None]
) -> Iterator[str]:
    for step, part in value.items() if isinstance(value, dict) else enumerate(value):
        lead = f"{_format_scalar(step)}:" if isinstance(step, str) else "-"
        below = (*place, step)
        if not isinstance(part, dict | list) or not part:
            yield f"{lead} {_format_scalar(part)}  # {find_source(below) or DEFAULT}"
            continue
        first, *others = _format_lines(part, below, find_source)
        yield from (f"{lead} {first}",) if lead == "-" else (lead, f"  {first}")
        yield from (f"  {line}" for line in others)


def _format_scalar(value: object) -> str:
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value)
    return str(value) if plain else json.dumps(value, ensure_ascii=False)
