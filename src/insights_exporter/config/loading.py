"""From a file or the environment to settings that can be used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from insights_exporter.config.cautions import CAUTIONS
from insights_exporter.config.drafts import Draft, Drafts, sources
from insights_exporter.config.environment import environment_drafts
from insights_exporter.config.files import file_drafts, read_file
from insights_exporter.config.named_files import open_files, open_settings, unusable_files, unusable_key_log
from insights_exporter.config.problems import ConfigError, Place, Problem
from insights_exporter.config.proxies import Proxies, read_proxies
from insights_exporter.config.rules import ERRORS, without_missing_windows
from insights_exporter.config.settings import Deployment, Settings
from insights_exporter.config.translation import Found, translate
from insights_exporter.config.variables import unknown_variables

_STAND_IN_URL = "http://not-known.invalid"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings that can be used, and what is told beside them.

    `sources` says who set a value, by its place; what is not there is built
    in. `source` is the file, or empty.
    """

    settings: Settings
    source: str
    sources: Mapping[Place, str]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Checked:
    """A deployment with what is wrong with it; `bad` are the keys that had to be left out."""

    draft: Draft
    deployment: Deployment
    bad: frozenset[str | int]
    problems: tuple[Found, ...]


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Read and check the settings: those of the file if one is given, else those of the environment.

    Raises:
        ConfigError: they cannot be used; it holds every problem there is.
    """
    try:
        drafts = environment_drafts(environ) if path is None else file_drafts(read_file(path), path)
        return examine(drafts, environ)
    except ConfigError as error:
        raise ConfigError([*error.problems, *unknown_variables(environ)]) from None


def examine(drafts: Drafts, environ: Mapping[str, str]) -> Loaded:
    """Check what is written, with the files and variables that it names.

    Raises:
        ConfigError: it cannot be used; it holds every problem there is.
    """
    checked = [_check(draft, drafts.base, environ) for draft in drafts.deployments]
    proxies = read_proxies(environ)
    problems = [*drafts.problems, *_problems(drafts.source, checked)]
    problems += [*_unusable_proxies(checked, proxies), *unusable_key_log(environ)]
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    deployments = tuple(without_missing_windows(one.deployment) for one in checked)
    warnings = (*_warnings(drafts.source, checked), *proxies.skipped, *unknown_variables(environ))
    return Loaded(
        Settings(deployments=deployments), drafts.source, sources(drafts), tuple(dict.fromkeys(warnings))
    )


def _check(draft: Draft, base: Path, environ: Mapping[str, str]) -> _Checked:
    deployment, bad, wrong = _salvage(draft, base)
    broken = [found for keys, rule in ERRORS if bad.isdisjoint(keys) for found in rule(deployment)]
    return _Checked(draft, deployment, bad, (*wrong, *broken, *unusable_files(deployment, environ)))


def _salvage(draft: Draft, base: Path) -> tuple[Deployment, frozenset[str | int], tuple[Found, ...]]:
    """Make the deployment, at need without its bad keys, so that the rules can look at the others."""
    context = {"base": base}
    try:
        return Deployment.model_validate(draft.values, context=context), frozenset(), ()
    except ValidationError as error:
        wrong = tuple(translate(Deployment, error))
    bad = frozenset(place[0] for place, *_ in wrong)
    good = {key: value for key, value in draft.values.items() if key not in bad}
    return Deployment.model_validate({"url": _STAND_IN_URL, **good}, context=context), bad, wrong


def _problems(source: str, checked: list[_Checked]) -> Iterator[Problem]:
    for one in checked:
        for place, what, remedy in one.problems:
            yield Problem(source, one.draft.place(place), what, remedy)
    first: dict[str, str] = {}
    for one in checked:
        if one.bad.isdisjoint(("url", "name")):
            name, here = one.deployment.name, one.draft.place(())
            if name in first:
                yield Problem(source, here, f"has the name of {first[name]}, {name}", "write another name")
            first.setdefault(name, here)


def _unusable_proxies(checked: list[_Checked], proxies: Proxies) -> Iterator[Problem]:
    """Return which proxies of the environment cannot be used by deployments without their own."""
    good = [one for one in checked if one.bad.isdisjoint(("url", "proxy"))]
    return proxies.invalid(one.deployment.url for one in good if one.deployment.proxy is None)


def _warnings(source: str, checked: list[_Checked]) -> Iterator[Problem]:
    if source:
        for _, what, remedy in open_settings(Path(source), [one.deployment for one in checked]):
            yield Problem(source, "", what, remedy)
    told: set[str] = set()
    for one in checked:
        for caution in CAUTIONS:
            for place, what, remedy in caution(one.deployment):
                yield Problem(source, one.draft.place(place), what, remedy)
        for place, what, remedy in open_files(one.deployment):
            if what not in told:
                yield Problem(source, one.draft.place(place), what, remedy)
            told.add(what)
