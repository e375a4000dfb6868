"""Loading of a config file or the environment, with all problems at once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from insights_exporter.config.env import find_unknown_env_vars, read_environment
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
from insights_exporter.config.proxies import read_proxies
from insights_exporter.config.strict_yaml import MAX_BYTES, YamlError, read_yaml_with_lines
from insights_exporter.config.validation import (
    RULES,
    WARNINGS,
    find_unreadable_files,
    find_unusable_key_log,
    find_world_readable_config,
    find_world_readable_files,
    remove_missing_windows,
)

_EXCLUSIVE_KEYS: Mapping[KeyPath, frozenset[str]] = {
    (): frozenset({"token", "token_file", "token_env"}),
    ("users",): frozenset({"key", "key_file"}),
}
"""Keys of which a deployment's own one replaces the others of `defaults`, by their section."""

_PLACEHOLDER_URL = "http://unknown.invalid"


@dataclass(frozen=True, slots=True)
class RawDeployment:
    """A deployment before it is checked; `locate` returns place and source of the value at a key path."""

    values: Mapping[str, Any]
    locate: Callable[[KeyPath], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A valid config with its warnings; `source` is the file, or empty for the environment."""

    config: Config
    source: str
    warnings: tuple[ConfigIssue, ...]
    raw: tuple[RawDeployment, ...] = field(repr=False)

    def find_source(self, deployment: int, place: KeyPath) -> str | None:
        """Return who set the value at a key path of a deployment, None for a default."""
        raw = self.raw[deployment]
        return raw.locate(place)[1] if _is_set(place, raw.values) else None


def load_config(path: Path | None, environ: Mapping[str, str], datasets: Collection[str]) -> LoadedConfig:
    """Read and check the config: the file if one is given, else the environment.

    The keys of `datasets:` are checked against the names in `datasets`.

    Raises:
        ConfigError: The config is invalid; it has all problems.
    """
    try:
        if path is not None:
            return parse_config(_read_file(path), path, environ, datasets)
        values, variables = read_environment(environ)
        raw = _RawConfig("", (RawDeployment(values, partial(_locate_variable, variables)),))
        return _validate(raw, environ, datasets)
    except ConfigError as error:
        raise ConfigError([*error.problems, *find_unknown_env_vars(environ)]) from None


def parse_config(
    content: bytes, path: Path, environ: Mapping[str, str], datasets: Collection[str]
) -> LoadedConfig:
    """Check the content of a config file; raises ConfigError like `load_config`."""
    try:
        data, lines = read_yaml_with_lines(content)
    except YamlError as error:
        raise ConfigError([ConfigIssue(str(path), error.place, error.what, error.remedy)]) from None
    if not isinstance(data, dict):
        what = "has no config" if data is None else "is not a map of keys and values"
        remedy = (
            "write the servers to poll below deployments: (insights-exporter config init prints an example)"
        )
        raise ConfigError([ConfigIssue(str(path), "", what, remedy)])
    try:
        return _validate(_parse_deployments(data, path, datasets), environ, datasets)
    except ConfigError as error:
        raise ConfigError(_add_lines(error.problems, str(path), lines)) from None


def _add_lines(
    issues: Iterable[ConfigIssue], source: str, lines: Mapping[KeyPath, int]
) -> Iterator[ConfigIssue]:
    """Yield issues, those of the file with the line of their key, or of the nearest key above it."""
    by_place = {format_path(path): line for path, line in lines.items()}
    for issue in issues:
        place = issue.place if issue.source == source else ""
        while place and place not in by_place:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        yield replace(issue, line=by_place.get(place))


def read_example() -> str:
    """Return a commented config file with every key."""
    return files("insights_exporter.config").joinpath("example.yml").read_text(encoding="utf-8")


def _read_file(path: Path) -> bytes:
    """Return the content of a config file, or one byte more than is allowed; raises ConfigError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"cannot be read: {(error.strerror or '').lower()}"
        remedy = "check --config.file and the file's permissions"
        raise ConfigError([ConfigIssue(str(path), "", what, remedy)]) from None


@dataclass(frozen=True, slots=True)
class _RawConfig:
    """All deployments of a file or the environment; `problems` are those outside of the deployments."""

    source: str
    deployments: tuple[RawDeployment, ...]
    problems: tuple[ConfigIssue, ...] = ()


class _Outline(Model):
    """The top level of a file, whose deployments are checked one by one."""

    deployments: Annotated[
        list[dict[str, Any]],
        Field(min_length=1, examples=["[{url: https://coder.example.com, token_file: ...}]"]),
    ]
    defaults: dict[str, Any] = Field(default_factory=dict)


def _parse_deployments(data: Mapping[str, Any], path: Path, datasets: Collection[str]) -> _RawConfig:
    """Return the deployments of a file, with `defaults` merged in."""
    defaults = data.get("defaults")
    shared = defaults if isinstance(defaults, dict) else {}
    deployments = data.get("deployments")
    raw = tuple(
        RawDeployment(merge_defaults(shared, own), partial(_locate_key, index, own, shared))
        for index, own in enumerate(deployments if isinstance(deployments, list) else ())
        if isinstance(own, dict)
    )
    findings = list(validate_model(_Outline, data))
    for place, what, remedy in validate_model(Defaults, shared, datasets):
        findings.append((("defaults", *place), what, remedy))
    problems = (ConfigIssue(str(path), format_path(place), what, remedy) for place, what, remedy in findings)
    return _RawConfig(str(path), raw, tuple(problems))


def merge_defaults(
    defaults: Mapping[str, Any], own: Mapping[str, Any], section: KeyPath = ()
) -> dict[str, Any]:
    """Return `own` with what it does not set taken from `defaults`: maps key by key, lists as a whole."""
    exclusive = _EXCLUSIVE_KEYS.get(section, frozenset())
    replaced = exclusive if any(own.get(key) is not None for key in exclusive) else frozenset()
    merged = {key: value for key, value in defaults.items() if key not in replaced}
    for key, value in own.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = merge_defaults(below, value, (*section, key))
        else:
            merged[key] = value
    return merged


def is_from_defaults(place: KeyPath, own: object, defaults: object) -> bool:
    """Return whether the value at `place` of the merged deployment was set in `defaults`."""
    for step in place:
        if not isinstance(own, dict):
            return False
        below = defaults.get(step) if isinstance(defaults, dict) else None
        if step not in own:
            return below is not None
        own, defaults = own[step], below
    return False


def _locate_key(index: int, own: object, defaults: object, place: KeyPath) -> tuple[str, str]:
    if is_from_defaults(place, own, defaults):
        return format_path(("defaults", *place)), "file, defaults"
    return format_path(("deployments", index, *place)), "file"


def _locate_variable(variables: Mapping[str, str], place: KeyPath) -> tuple[str, str]:
    variable = variables.get(str(place[0]), format_path(place)) if place else ""
    return "" if place == ("token_env",) else variable, variable  # such an error begins with its variable


@dataclass(frozen=True, slots=True)
class _CheckedDeployment:
    """A deployment with what is wrong with it; it lacks the keys in `invalid`."""

    raw: RawDeployment
    deployment: Deployment
    invalid: frozenset[str | int]
    findings: tuple[Finding, ...]


def _validate(raw: _RawConfig, environ: Mapping[str, str], datasets: Collection[str]) -> LoadedConfig:
    """Check all values, and the files and variables that they name; raises ConfigError."""
    context = {"base": Path(raw.source).parent, "datasets": datasets}
    checked = [_check(deployment, context, environ) for deployment in raw.deployments]
    proxies = read_proxies(environ)
    with_proxy_of_environment = [
        each.deployment.url
        for each in checked
        if each.invalid.isdisjoint(("url", "proxy")) and each.deployment.proxy is None
    ]
    problems = [
        *raw.problems,
        *(issue for each in checked for issue in _to_issues(raw.source, each.raw, each.findings)),
        *_find_repeated_names(raw.source, checked),
        *proxies.find_invalid(with_proxy_of_environment),
        *find_unusable_key_log(environ),
    ]
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    warnings = (*_find_warnings(raw.source, checked), *proxies.skipped, *find_unknown_env_vars(environ))
    return LoadedConfig(
        Config(deployments=tuple(remove_missing_windows(each.deployment) for each in checked)),
        raw.source,
        tuple(dict.fromkeys(warnings)),
        raw.deployments,
    )


def _check(raw: RawDeployment, context: Mapping[str, Any], environ: Mapping[str, str]) -> _CheckedDeployment:
    """Check a deployment; rules whose keys are valid apply even if other keys are invalid."""
    invalid: frozenset[str | int] = frozenset()
    findings: list[Finding] = []
    try:
        deployment = Deployment.model_validate(raw.values, context=context)
    except ValidationError as error:
        findings += translate_pydantic_errors(Deployment, error)
        invalid = frozenset(place[0] for place, *_ in findings)
        valid = {key: value for key, value in raw.values.items() if key not in invalid}
        deployment = Deployment.model_validate({"url": _PLACEHOLDER_URL, **valid}, context=context)
    for keys, rule in RULES:
        if invalid.isdisjoint(keys):
            findings += rule(deployment)
    findings += find_unreadable_files(deployment, environ)
    return _CheckedDeployment(raw, deployment, invalid, tuple(findings))


def _to_issues(source: str, raw: RawDeployment, findings: Iterable[Finding]) -> Iterator[ConfigIssue]:
    for place, what, remedy in findings:
        yield ConfigIssue(source, raw.locate(place)[0], what, remedy)


def _find_repeated_names(source: str, checked: Iterable[_CheckedDeployment]) -> Iterator[ConfigIssue]:
    first: dict[str, str] = {}
    for each in checked:
        if each.invalid.isdisjoint(("url", "name")):
            name, (place, _) = each.deployment.name, each.raw.locate(())
            if name in first:
                what = f"has the same name as {first[name]}, {name}"
                yield ConfigIssue(source, place, what, "write a unique name")
            first.setdefault(name, place)


def _find_warnings(source: str, checked: list[_CheckedDeployment]) -> Iterator[ConfigIssue]:
    if source:
        yield from find_world_readable_config(Path(source), [each.deployment for each in checked])
    files_warned_of = set[str]()
    for each in checked:
        findings = [finding for warning in WARNINGS for finding in warning(each.deployment)]
        for place, what, remedy in find_world_readable_files(each.deployment):
            if what not in files_warned_of:
                findings.append((place, what, remedy))
            files_warned_of.add(what)
        yield from _to_issues(source, each.raw, findings)


def _is_set(place: KeyPath, value: Any) -> bool:  # noqa: ANN401 -- data of any type
    """Return whether `value` has something at `place`; a window's short form stands for all of the window."""
    for step in place:
        if not isinstance(value, dict | list):
            break
        parts = value if isinstance(value, dict) else dict(enumerate(value))
        if step not in parts:
            return False
        value = parts[step]
    return True
