"""Deployments as they are written, before anything is checked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from insights_exporter.config.errors import ConfigIssue, KeyPath

RawMapping = Mapping[str, Any]

_RIVALS: Mapping[KeyPath, tuple[str, ...]] = MappingProxyType(
    {(): ("token", "token_file", "token_env"), ("users",): ("key", "key_file")}
)
"""Keys of which a deployment's own one displaces the others of `defaults`."""


@dataclass(frozen=True, slots=True)
class RawDeployment:
    """A deployment as it is written.

    `place` spells where a value stands, `origin` who set it, both by the
    value's place in `values`.
    """

    values: RawMapping
    place: Callable[[KeyPath], str]
    origin: Callable[[KeyPath], str]


@dataclass(frozen=True, slots=True)
class RawConfig:
    """All deployments of one source: a file, or the environment (an empty `source`).

    Paths of files are relative to `base`. `problems` are those outside the
    deployments.
    """

    source: str
    base: Path
    deployments: tuple[RawDeployment, ...]
    problems: tuple[ConfigIssue, ...] = ()


def merge(defaults: RawMapping, own: RawMapping, at: KeyPath = ()) -> dict[str, Any]:
    """Give `own` over `defaults`: maps key by key, everything else replaced."""
    rivals = _RIVALS.get(at, ())
    displaced = set(rivals) if any(own.get(key) is not None for key in rivals) else set()
    merged = {key: value for key, value in defaults.items() if key not in displaced}
    for key, value in own.items():
        merged[key] = _over(merged.get(key), value, (*at, key))
    return merged


def _over(below: object, value: object, at: KeyPath) -> object:
    return merge(below, value, at) if isinstance(below, dict) and isinstance(value, dict) else value


def from_defaults(place: KeyPath, own: object, defaults: object) -> bool:
    """Say whether the value at `place` of the merged deployment was written in `defaults`."""
    for step in place:
        if not isinstance(own, dict):
            return False
        below = defaults.get(step) if isinstance(defaults, dict) else None
        if step not in own:
            return below is not None
        own, defaults = own[step], below
    return False


def sources(drafts: RawConfig) -> dict[KeyPath, str]:
    """Give who wrote each value, by its place in the settings."""
    return {
        ("deployments", index, *place): draft.origin(place)
        for index, draft in enumerate(drafts.deployments)
        for place in _leaves(draft.values)
    }


def _leaves(value: object, place: KeyPath = ()) -> Iterator[KeyPath]:
    parts: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    if not value or not parts:
        yield place
    for step, part in parts:
        yield from _leaves(part, (*place, step))
