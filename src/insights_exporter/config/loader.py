"""A config file or the environment becomes a Config, with all issues at once."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from insights_exporter.config.env import read_environment, unknown_env_vars
from insights_exporter.config.errors import (
    ConfigError,
    ConfigIssue,
    Finding,
    KeyPath,
    format_path,
    translate_pydantic_errors,
    validate_model,
)
from insights_exporter.config.models import Config, Defaults, Deployment, Model
from insights_exporter.config.proxies import Proxies, read_proxies
from insights_exporter.config.raw import RawConfig, RawDeployment, RawMapping, from_defaults, merge, sources
from insights_exporter.config.strict_yaml import MAX_BYTES, YamlError, read_yaml
from insights_exporter.config.validation import (
    ERRORS,
    WARNINGS,
    unreadable_files,
    unusable_key_log,
    without_missing_windows,
    world_readable_config,
    world_readable_files,
)


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
        raise ConfigError([ConfigIssue(str(path), "", f"cannot be read: {reason}", remedy)]) from None


def read_config_file(raw: bytes, path: Path, datasets: Collection[str]) -> RawConfig:
    """Give the deployments that the file's bytes name, `defaults` merged in.

    Raises:
        ConfigError: nothing in it can be looked at.
    """
    source = str(path)
    try:
        data = read_yaml(raw)
    except YamlError as wrong:
        raise ConfigError([ConfigIssue(source, wrong.place, wrong.what, wrong.remedy)]) from None
    if not isinstance(data, dict):
        what = "has no settings" if data is None else "is not a map of keys and values"
        remedy = "write deployments: and below it what to poll (insights-exporter config init shows how)"
        raise ConfigError([ConfigIssue(source, "", what, remedy)])
    defaults = data.get("defaults")
    shared = defaults if isinstance(defaults, dict) else {}
    outside = _wrong_outside(data, shared, datasets)
    problems = [ConfigIssue(source, format_path(place), *words) for place, *words in outside]
    return RawConfig(source, path.parent, tuple(_drafts(data, shared)), tuple(problems))


def _wrong_outside(data: RawMapping, shared: RawMapping, datasets: Collection[str]) -> Iterator[Finding]:
    """Tell what is wrong outside the deployments."""
    yield from validate_model(_Outline, data)
    for place, what, remedy in validate_model(Defaults, shared, datasets):
        yield ("defaults", *place), what, remedy


def _drafts(data: RawMapping, shared: RawMapping) -> Iterator[RawDeployment]:
    deployments = data.get("deployments")
    for index, own in enumerate(deployments if isinstance(deployments, list) else ()):
        if isinstance(own, dict):
            in_defaults = partial(from_defaults, own=own, defaults=shared)
            yield RawDeployment(
                merge(shared, own), partial(_spell, index, in_defaults), partial(_origin, in_defaults)
            )


def _spell(index: int, in_defaults: Callable[[KeyPath], bool], place: KeyPath) -> str:
    return format_path(("defaults", *place) if in_defaults(place) else ("deployments", index, *place))


def _origin(in_defaults: Callable[[KeyPath], bool], place: KeyPath) -> str:
    return "file, defaults" if in_defaults(place) else "file"


_STAND_IN_URL = "http://not-known.invalid"


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """Settings that can be used, and what is told beside them.

    `sources` says who set a value, by its place; what is not there is built
    in. `source` is the file, or empty.
    """

    config: Config
    source: str
    sources: Mapping[KeyPath, str]
    warnings: tuple[ConfigIssue, ...]


@dataclass(frozen=True, slots=True)
class _Checked:
    """A deployment with what is wrong with it; `bad` are the keys that had to be left out."""

    draft: RawDeployment
    deployment: Deployment
    bad: frozenset[str | int]
    problems: tuple[Finding, ...]


def load_config(path: Path | None, environ: Mapping[str, str], datasets: Collection[str]) -> LoadedConfig:
    """Read and check the config: the file if one is given, else the environment.

    The keys of `datasets:` are checked against the names in `datasets`.

    Raises:
        ConfigError: they cannot be used; it holds every problem there is.
    """
    try:
        if path is None:
            return validate(read_environment(environ), environ, datasets)
        return validate(read_config_file(read_file(path), path, datasets), environ, datasets)
    except ConfigError as error:
        raise ConfigError([*error.problems, *unknown_env_vars(environ)]) from None


def validate(drafts: RawConfig, environ: Mapping[str, str], datasets: Collection[str]) -> LoadedConfig:
    """Check what is written, with the files and variables that it names.

    Raises:
        ConfigError: it cannot be used; it holds every problem there is.
    """
    context = {"base": drafts.base, "datasets": datasets}
    checked = [_check(draft, context, environ) for draft in drafts.deployments]
    proxies = read_proxies(environ)
    problems = [*drafts.problems, *_problems(drafts.source, checked)]
    problems += [*_unusable_proxies(checked, proxies), *unusable_key_log(environ)]
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    deployments = tuple(without_missing_windows(one.deployment) for one in checked)
    warnings = (*_warnings(drafts.source, checked), *proxies.skipped, *unknown_env_vars(environ))
    return LoadedConfig(
        Config(deployments=deployments), drafts.source, sources(drafts), tuple(dict.fromkeys(warnings))
    )


def _check(draft: RawDeployment, context: Mapping[str, Any], environ: Mapping[str, str]) -> _Checked:
    deployment, bad, wrong = _validate_partially(draft, context)
    broken = [found for keys, rule in ERRORS if bad.isdisjoint(keys) for found in rule(deployment)]
    return _Checked(draft, deployment, bad, (*wrong, *broken, *unreadable_files(deployment, environ)))


def _validate_partially(
    draft: RawDeployment, context: Mapping[str, Any]
) -> tuple[Deployment, frozenset[str | int], tuple[Finding, ...]]:
    """Make the deployment, at need without its bad keys, so that the rules can look at the others."""
    try:
        return Deployment.model_validate(draft.values, context=context), frozenset(), ()
    except ValidationError as error:
        wrong = tuple(translate_pydantic_errors(Deployment, error))
    bad = frozenset(place[0] for place, *_ in wrong)
    good = {key: value for key, value in draft.values.items() if key not in bad}
    return Deployment.model_validate({"url": _STAND_IN_URL, **good}, context=context), bad, wrong


def _problems(source: str, checked: list[_Checked]) -> Iterator[ConfigIssue]:
    for one in checked:
        for place, what, remedy in one.problems:
            yield ConfigIssue(source, one.draft.place(place), what, remedy)
    first: dict[str, str] = {}
    for one in checked:
        if one.bad.isdisjoint(("url", "name")):
            name, here = one.deployment.name, one.draft.place(())
            if name in first:
                yield ConfigIssue(
                    source, here, f"has the name of {first[name]}, {name}", "write another name"
                )
            first.setdefault(name, here)


def _unusable_proxies(checked: list[_Checked], proxies: Proxies) -> Iterator[ConfigIssue]:
    """Return which proxies of the environment cannot be used by deployments without their own."""
    good = [one for one in checked if one.bad.isdisjoint(("url", "proxy"))]
    return proxies.invalid(one.deployment.url for one in good if one.deployment.proxy is None)


def _warnings(source: str, checked: list[_Checked]) -> Iterator[ConfigIssue]:
    if source:
        for _, what, remedy in world_readable_config(Path(source), [one.deployment for one in checked]):
            yield ConfigIssue(source, "", what, remedy)
    told: set[str] = set()
    for one in checked:
        for caution in WARNINGS:
            for place, what, remedy in caution(one.deployment):
                yield ConfigIssue(source, one.draft.place(place), what, remedy)
        for place, what, remedy in world_readable_files(one.deployment):
            if what not in told:
                yield ConfigIssue(source, one.draft.place(place), what, remedy)
            told.add(what)


def example() -> str:
    """Give a commented file in which every key stands."""
    return files("insights_exporter.config").joinpath("example.yml").read_text(encoding="utf-8")
