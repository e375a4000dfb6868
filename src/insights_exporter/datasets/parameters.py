"""Which parameters are exposed, and which of their values."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from insights_exporter.config.models import ParameterOptions as Rules
from insights_exporter.datasets.aggregate import sum_by_key, sum_exactly
from insights_exporter.datasets.report_schema import Parameter
from insights_exporter.datasets.secret_patterns import name_looks_secret, value_looks_secret
from insights_exporter.exposition.family import MetricFamily, SampleRow, Samples

PARAMETER_LABELS = ("parameter_name", "parameter_type", "parameter_value")

EMPTY = "__empty__"
OTHER = "__other__"
REDACTED = "__redacted__"
LONGEST_VALUE = 128
LIMIT_IN_TEMPLATE = 10

_CLOSED_TYPES = ("bool", "number")

_Key = tuple[str, str]
_Counts = dict[str, float]


def is_included(name: str, include: Iterable[str], exclude: Iterable[str]) -> bool:
    """Return whether a name matches a pattern of `include`, if there are any, and none of `exclude`."""
    included = not include or any(fnmatchcase(name, pattern) for pattern in include)
    return included and not any(fnmatchcase(name, pattern) for pattern in exclude)


def build_parameter_samples(
    family: MetricFamily,
    parameters: Sequence[Parameter],
    rules: Rules,
    labels: tuple[str, ...],
    most: int | None = None,
) -> tuple[tuple[Samples, ...], int]:
    """Return the workspaces of each value, and how many values the limit aggregated into `__other__`.

    `labels` come first, beginning with the window: there are no samples if parameters are not exposed in it.
    `most` is an upper bound of the limit.
    """
    if labels[0] not in rules.windows:
        return (), 0
    limit = rules.limit if most is None else min(rules.limit, most)
    rows: list[SampleRow] = []
    aggregated = 0
    for key, counts in sorted(_group_by_parameter(parameters, rules).items()):
        shown, beyond = apply_limit(counts, limit)
        rows.extend(((*labels, *key, value), count) for value, count in shown.items())
        aggregated += beyond
    return (Samples(family, rows),), aggregated


def list_parameters_with_choices(parameters: Sequence[Parameter]) -> tuple[str, ...]:
    """Return the names of parameters of which every template declares the values: they are not free text."""
    free = {parameter.name for parameter in parameters if not _is_closed(parameter)}
    return tuple(sorted({parameter.name for parameter in parameters} - free))


def apply_limit(counts: Mapping[str, float], limit: int) -> tuple[_Counts, int]:
    """Keep the `limit` values chosen most often and aggregate the others; return how many those are."""
    ranked = sorted(counts.keys() - {OTHER}, key=lambda value: (-counts[value], value))
    shown = {value: counts[value] for value in ranked[:limit]}
    others = [count for value, count in counts.items() if value not in shown]
    if others:
        shown[OTHER] = sum_exactly(others)
    return shown, len(ranked[limit:])


def _group_by_parameter(parameters: Iterable[Parameter], rules: Rules) -> dict[_Key, _Counts]:
    rows = defaultdict[_Key, list[tuple[str, float]]](list)
    for parameter in parameters:
        if is_included(parameter.name, rules.include, rules.exclude):
            rows[parameter.name, parameter.parameter_type or ""] += (
                (_choose_shown_value(parameter, each.value or "", rules), each.count)
                for each in parameter.values
            )
    return {key: sum_by_key(values) for key, values in rows.items()}


def _choose_shown_value(parameter: Parameter, value: str, rules: Rules) -> str:
    if rules.values == "none" or (rules.values == "options" and not _is_closed(parameter)):
        return OTHER
    if not value:
        return EMPTY
    names = (parameter.name, parameter.display_name or "")
    if any(map(name_looks_secret, names)) or value_looks_secret(value):
        return REDACTED
    return value[:LONGEST_VALUE]


def _is_closed(parameter: Parameter) -> bool:
    return bool(parameter.options) or parameter.parameter_type in _CLOSED_TYPES
