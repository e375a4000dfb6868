"""Problems of a config: each with place, cause and remedy."""

import difflib
import re
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

KeyPath = tuple[str | int, ...]
"""The keys of maps and indexes of lists that lead to a value."""


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """An error or a warning.

    `source` is the file (empty for the environment), `place` the key or the
    variable, `what` the problem, `remedy` what to do.
    """

    source: str
    place: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return it as one line."""
        text = f"{self.what}; {self.remedy}" if self.remedy else self.what
        return ": ".join(part for part in (self.source, self.place, text) if part)


class ConfigError(Exception):
    """A config is invalid, because of all of `problems`."""

    def __init__(self, problems: Iterable[ConfigIssue]) -> None:
        self.problems = tuple(problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        """Return one line per problem."""
        return "\n".join(map(str, self.problems))


class InvalidValue(ValueError):
    """A value is invalid: what is wrong with it, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}; {remedy}")


def format_path(place: KeyPath) -> str:
    """Return a key path as text: `deployments[0].windows[2].days`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{safe_key(step)}" for step in place)
    return "".join(steps).removeprefix(".")


def safe_key(key: str) -> str:
    """Return the start of a mistyped key that cannot be a secret next to it (`token:abc`)."""
    found = re.match(r"[\w.-]{1,40}", key)
    start = found[0] if found else ""
    return start if start == key else f"{start}..."


def find_nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be."""
    by_normalized = {_normalize(each): each for each in known}
    close = difflib.get_close_matches(_normalize(name), by_normalized, n=1)
    return by_normalized[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a remedy with the nearest known name, or all of them if none is near."""
    names = sorted(known)
    near = find_nearest(name, names)
    return f"did you mean {near}?" if near else f"known are {', '.join(names)}"


def _normalize(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


_IN_KEY = "[key]"
_CONSEQUENCES = frozenset({"default_factory_not_called"})

Finding = tuple[KeyPath, str, str]
"""Key path, what is wrong, and what to do."""


def validate_model(
    model: type[BaseModel], values: Mapping[str, Any], datasets: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield what is wrong with the single values for `model`; `datasets` are the known names."""
    try:
        model.model_validate(values, context={"datasets": datasets})
    except ValidationError as error:
        yield from translate_pydantic_errors(model, error)


def translate_pydantic_errors(model: type[BaseModel], error: ValidationError) -> Iterator[Finding]:
    """Yield what is wrong with the values for `model`."""
    details = [detail for detail in error.errors(include_url=False) if detail["type"] not in _CONSEQUENCES]
    inside = {detail["loc"][:-1] for detail in details} | {detail["loc"][:-2] for detail in details}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in inside:
            continue
        place = tuple(step for step in detail["loc"] if step != _IN_KEY)
        yield place, *_describe(model, detail)


def _describe(model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    ctx = detail.get("ctx", {})
    if isinstance(wrong := ctx.get("error"), InvalidValue):
        return wrong.what, wrong.remedy
    if detail["type"] in _DESCRIBERS:
        return _DESCRIBERS[detail["type"]](model, detail)
    if detail["type"] not in _MESSAGES:
        return detail["msg"], ""
    what, remedy = _MESSAGES[detail["type"]]
    return what.format_map(ctx), remedy.format_map(ctx)


_MESSAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "string_type": ("must be text", "put it in quotes"),
        "string_too_short": ("is empty", "write a value, or remove the key"),
        "string_too_long": ("is longer than {max_length} characters", "shorten it"),
        "int_type": ("must be a whole number", "write it in digits, without quotes"),
        "float_type": ("must be a number", "write it in digits, without quotes"),
        "finite_number": ("must be a finite number", "write it in digits"),
        "bool_type": ("must be true or false", "write one of the two, without quotes"),
        "path_type": ("must be the path of a file", "write it as /run/secrets/coder-token"),
        "tuple_type": ("must be a list", "write it in brackets, or one line with a dash per entry"),
        "list_type": ("must be a list", "write it in brackets, or one line with a dash per entry"),
        "model_type": (
            "must be a map of keys and values",
            "write `key: value` lines below it, or remove it",
        ),
        "dict_type": (
            "must be a map of keys and values",
            "write `key: value` lines below it, or remove it",
        ),
        "too_short": ("is empty", "write at least one entry"),
        "greater_than": ("is too small", "write more than {gt:g}"),
        "greater_than_equal": ("is too small", "write {ge} or more"),
        "less_than_equal": ("is too large", "write {le} or less"),
    }
)


def _missing(model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    owner, key = _owner(model, detail["loc"]), str(detail["loc"][-1])
    examples = owner.model_fields[key].examples or ["..."]
    return "is missing", f"write `{key}: {examples[0]}`"


def _unknown_key(model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    key = str(detail["loc"][-1])
    if safe_key(key) != key:
        return "is not a known key", "is a space missing after a colon?"
    return "is not a known key", did_you_mean(key, _owner(model, detail["loc"]).model_fields)


def _not_among(_model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    in_key = detail["loc"][-1] == _IN_KEY
    allowed = detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
    if in_key:
        return "is not a known key", did_you_mean(str(detail["loc"][-2]), allowed)
    return "is not a known value", f"write one of {', '.join(allowed)}"


_DESCRIBERS: Mapping[str, Callable[[type[BaseModel], ErrorDetails], tuple[str, str]]] = MappingProxyType(
    {"missing": _missing, "extra_forbidden": _unknown_key, "literal_error": _not_among}
)


def _owner(model: type[BaseModel], place: KeyPath) -> type[BaseModel]:
    """Return the model that the last key of `place` belongs to."""
    for step in place[:-1]:
        if step in model.model_fields:
            model = next(_models(model.model_fields[str(step)].annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - annotations are of any type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models(argument)
