"""The settings file: from its bytes to deployments as they are written."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from insights_exporter.config.drafts import Draft, Drafts, Written, from_defaults, merge
from insights_exporter.config.model import Model
from insights_exporter.config.problems import ConfigError, Place, Problem, spell
from insights_exporter.config.settings import Defaults
from insights_exporter.config.translation import Found, wrong_fields
from insights_exporter.config.yaml_reader import MAX_BYTES, NotYaml, read_yaml


class _Outline(Model):
    """The file's top: what is below is looked at one deployment at a time."""

    deployments: Annotated[
        list[dict[str, Any]],
        Field(min_length=1, examples=["[{url: https://coder.example.com, token_file: ...}]"]),
    ]
    defaults: dict[str, Any] = Field(default_factory=dict)


def read_file(path: Path) -> bytes:
    """Give the bytes of a settings file, or one more than are allowed.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
        remedy = "check --config.file and the file's permissions"
        raise ConfigError([Problem(str(path), "", f"cannot be read: {reason}", remedy)]) from None


def file_drafts(raw: bytes, path: Path) -> Drafts:
    """Give the deployments that the file's bytes name, `defaults` merged in.

    Raises:
        ConfigError: nothing in it can be looked at.
    """
    source = str(path)
    try:
        data = read_yaml(raw)
    except NotYaml as wrong:
        raise ConfigError([Problem(source, wrong.place, wrong.what, wrong.remedy)]) from None
    if not isinstance(data, dict):
        what = "has no settings" if data is None else "is not a map of keys and values"
        remedy = "write deployments: and below it what to poll (insights-exporter config init shows how)"
        raise ConfigError([Problem(source, "", what, remedy)])
    defaults = data.get("defaults")
    shared = defaults if isinstance(defaults, dict) else {}
    problems = [Problem(source, spell(place), *words) for place, *words in _wrong_outside(data, shared)]
    return Drafts(source, path.parent, tuple(_drafts(data, shared)), tuple(problems))


def _wrong_outside(data: Written, shared: Written) -> Iterator[Found]:
    """Tell what is wrong outside the deployments."""
    yield from wrong_fields(_Outline, data)
    for place, what, remedy in wrong_fields(Defaults, shared):
        yield ("defaults", *place), what, remedy


def _drafts(data: Written, shared: Written) -> Iterator[Draft]:
    deployments = data.get("deployments")
    for index, own in enumerate(deployments if isinstance(deployments, list) else ()):
        if isinstance(own, dict):
            in_defaults = partial(from_defaults, own=own, defaults=shared)
            yield Draft(
                merge(shared, own), partial(_spell, index, in_defaults), partial(_origin, in_defaults)
            )


def _spell(index: int, in_defaults: Callable[[Place], bool], place: Place) -> str:
    return spell(("defaults", *place) if in_defaults(place) else ("deployments", index, *place))


def _origin(in_defaults: Callable[[Place], bool], place: Place) -> str:
    return "file, defaults" if in_defaults(place) else "file"
