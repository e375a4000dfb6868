"""Problems of a config: each with place, cause and remedy."""

import difflib
import re
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

KeyPath = tuple[str | int, ...]
"""The keys of maps and indexes of lists that lead to a value."""

Finding = tuple[KeyPath, str, str]
"""Key path, what is wrong, and what to do."""

_IN_KEY = "[key]"
_CONSEQUENCES = frozenset({"default_factory_not_called"})
_LIST_REMEDY = "write it in brackets, or one line with a dash per entry"
_MAP_REMEDY = "write `key: value` lines below it, or remove it"
_MESSAGES: Mapping[str, tuple[str, str]] = {
    "string_type": ("must be a string", "put it in quotes"),
    "string_too_short": ("is empty", "write a value, or remove the key"),
    "string_too_long": ("is longer than {max_length} characters", "shorten it"),
    "int_type": ("must be an integer", "write it in digits, without quotes"),
    "float_type": ("must be a number", "write it in digits, without quotes"),
    "finite_number": ("must be a finite number", "write it in digits"),
    "bool_type": ("must be a boolean", "write true or false, without quotes"),
    "path_type": ("must be a path", "write it as /path/to/file"),
    "tuple_type": ("must be a list", _LIST_REMEDY),
    "list_type": ("must be a list", _LIST_REMEDY),
    "model_type": ("must be a map", _MAP_REMEDY),
    "dict_type": ("must be a map", _MAP_REMEDY),
    "too_short": ("is empty", "write at least one entry"),
    "greater_than": ("is too small", "write more than {gt:g}"),
    "greater_than_equal": ("is too small", "write {ge} or more"),
    "less_than_equal": ("is too large", "write {le} or less"),
}
"""Problem and remedy by pydantic's type of error."""


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """An error or a warning.

    `source` is the file (empty for the environment), `place` the key or the
    variable, `what` the problem, `remedy` what to do, `line` where the key is in the file, if known.
    """

    source: str
    place: str
    what: str
    remedy: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """Return it as one line."""
        text = f"{self.what}; {self.remedy}" if self.remedy else self.what
        line = f"line {self.line}" if self.line else ""
        return ": ".join(part for part in (self.source, line, self.place, text) if part)


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
    steps = (f"[{step}]" if isinstance(step, int) else f".{truncate_key(step)}" for step in place)
    return "".join(steps).removeprefix(".")


def truncate_key(key: str) -> str:
    """Return the start of a mistyped key that cannot be a secret next to it (`token:abc`)."""
    found = re.match(r"[\w.-]{1,40}", key)
    start = found[0] if found else ""
    return start if start == key else f"{start}..."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a remedy with the nearest known name, or all of them if none is near."""
    names = {_normalize(each): each for each in sorted(known)}
    near = difflib.get_close_matches(_normalize(name), names, n=1)
    return f"did you mean {names[near[0]]}?" if near else f"known names are {', '.join(names.values())}"


def _normalize(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


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
    """Return problem and remedy of one of pydantic's errors."""
    kind, context, key = detail["type"], detail.get("ctx", {}), str(detail["loc"][-1])
    if isinstance(error := context.get("error"), InvalidValue):
        return error.what, error.remedy
    if kind == "missing":
        examples = _find_owner(model, detail["loc"]).model_fields[key].examples or ["..."]
        return "is missing", f"write `{key}: {examples[0]}`"
    if kind == "extra_forbidden":
        known = _find_owner(model, detail["loc"]).model_fields
        remedy = did_you_mean(key, known) if truncate_key(key) == key else "is a space missing after a colon?"
        return "is not a known key", remedy
    if kind == "literal_error":
        allowed = context["expected"].replace(" or ", ", ").replace("'", "")
        return "is not a known value", f"write one of {allowed}"
    if kind not in _MESSAGES:
        return detail["msg"], ""
    what, remedy = _MESSAGES[kind]
    return what.format_map(context), remedy.format_map(context)


def _find_owner(model: type[BaseModel], place: KeyPath) -> type[BaseModel]:
    """Return the model that the last key of `place` belongs to."""
    for step in place[:-1]:
        if step in model.model_fields:
            model = next(_find_models(model.model_fields[str(step)].annotation), model)
    return model


def _find_models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - annotations are of any type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _find_models(argument)
