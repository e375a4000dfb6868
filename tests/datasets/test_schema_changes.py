"""What happens to the series if a newer Coder renames or removes a field."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from insights_exporter.coder.request import InvalidResponse, Request, Response
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.registry import DATASETS
from tests.datasets.cases import CASES as ALL
from tests.datasets.cases import (
    convert_all,
    find_default_window,
    load_all_responses,
    load_bodies,
    load_context,
)

Json = Any
Key = tuple[str, str]
Series = Mapping[tuple[str, tuple[tuple[str, str], ...]], object]

OPTIONAL: Mapping[str, frozenset[str]] = {
    "interval_reports": frozenset(),
    "report": frozenset(),
    "options": frozenset({"parameter_value"}),
    "times_used": frozenset(),
    "icon": frozenset(),
    "username": frozenset({"username"}),
    "display_name": frozenset({"application_name"}),
    "organization_name": frozenset({"organization_name"}),
    "total_member_count": frozenset(),
    "family": frozenset({"app_family"}),
    "deprecated": frozenset({"deprecated"}),
    **dict.fromkeys(("build_time_stats", "start", "stop", "delete", "P50", "P95"), frozenset()),
    **dict.fromkeys(("ai_governance_user_limit", "agent_runtime_hours"), frozenset()),
    **dict.fromkeys(("actual", "actual_ms", "limit", "soft_limit", "hard_limit"), frozenset()),
}
"""Fields that a response may lack, and the labels that then have another value.

`report` is optional alongside `interval_reports`, and `family` alongside `type`.
"""

_COMMENTS = re.compile("^# (invalid|dropped): ", re.MULTILINE)

BANDS = ("_level_users", "_quality_users")
"""Ends of families that count users as buckets do: one user less, whose row is dropped, may leave a zero."""

KEYS_ARE_DATA = ("status_counts",)
"""Objects whose names are data: by design a missing status is 0, and an unknown one is a series."""

FALLBACKS = {
    "options-absent-null-or-empty",
    "parameter-in-several-rows",
    "secrets-are-redacted",
    "fewer-members-than-min-users",
    "null-members",
}
"""Cases in which another field is read if an optional one is missing, and another value is right."""

CASES = [
    case
    for case in ALL
    if case.name not in FALLBACKS
    and not _COMMENTS.search((case / "expected.prom").read_text(encoding="utf-8"))
]
"""All other good responses, in every shape that servers have had: nothing of them is dropped."""


def field_paths(document: Json) -> set[tuple[str, ...]]:
    """Return the path of each field, with `[]` for any element of a list."""
    if isinstance(document, list):
        return {("[]", *path) for element in document for path in field_paths(element)}
    if not isinstance(document, dict):
        return set()
    inside = {(name, *path) for name, value in document.items() for path in field_paths(value)}
    return inside | {(name,) for name in document}


def rename(document: Json, path: Sequence[str], rows: int | None) -> None:
    """Rename the field at `path`, in the first `rows` elements of the lists on its way, or in all."""
    first, *rest = path
    if first == "[]":
        for element in document[:rows]:
            rename(element, rest, rows)
    elif not isinstance(document, dict) or first not in document:
        return
    elif rest:
        rename(document[first], rest, rows)
    else:
        document[f"new_{first}"] = document.pop(first)


def convert(dataset: Dataset, context: PollContext, documents: Mapping[Key, Json]) -> ConvertResult | None:
    """Convert documents, None if the poll fails."""
    responses, invalid = list[Response](), list[str]()
    requests = deque(dataset.requests(context))
    try:
        while requests:
            request = requests.popleft()
            if get_key(request) not in documents:
                requests.extend(request.if_refused)
                continue
            response = Response(request, json.dumps(documents[get_key(request)]).encode())
            result = dataset.convert(context, response)
            requests.extend(result.follow_up)
            if result.follow_up:
                invalid += result.invalid
            else:
                responses.append(response)
        result = convert_all(dataset, context, responses)
    except InvalidResponse:
        return None
    return msgspec.structs.replace(result, invalid=(*invalid, *result.invalid))


def get_key(request: Request) -> Key:
    """Return what identifies a request among those of a poll."""
    return request.path, request.subject


def list_series(dataset: Dataset, conversion: ConvertResult, without: frozenset[str] = frozenset()) -> Series:
    """Return the values of all series; those that differ only in the labels `without` are added up."""
    series: dict[Any, Any] = {}
    for samples in (*conversion.samples, *dataset.merge_windows([conversion])):
        for values, value in samples.rows:
            key = samples.family.name, list_labels(samples.family.labels[1:], values, without)
            series[key] = series[key] + value if key in series else value
    return series


def list_labels(
    names: Sequence[str], values: Sequence[str], without: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """Return labels, but those in `without`."""
    return tuple((name, value) for name, value in zip(names, values, strict=True) if name not in without)


def find_silent_changes(
    dataset: Dataset, good: ConvertResult, now: ConvertResult | None, field: str
) -> Iterator[str]:
    """Yield what a change of `field` did to the series without a sign of it."""
    if now is None:
        return
    without = OPTIONAL.get(field, frozenset())
    before, after = list_series(dataset, good, without), list_series(dataset, now, without)
    yield from (
        f"{key}: a zero that was not reported"
        for key in after
        if after[key] == 0 != before.get(key) and not (now.invalid and key[0].endswith(BANDS))
    )
    if now.invalid:
        return
    yield from (f"{key}: {before.get(key)} is {after[key]}" for key in after if after[key] != before.get(key))
    if field not in OPTIONAL:
        yield from (f"{key}: lost" for key in before.keys() - after.keys())
        yield from () if good.in_use == now.in_use else ("templates in use: lost",)
        yield from () if good.templates == now.templates else ("names of templates: lost",)


def load(case: Path) -> tuple[Dataset, PollContext, dict[Key, Json]]:
    """Load a case: its dataset, context and documents."""
    dataset, config = DATASETS[case.parent.name], case / "context.json"
    more = json.loads(config.read_bytes()) if config.exists() else {}
    context = load_context(**({"window": find_default_window(dataset)} | more))
    responses = load_all_responses(dataset, context, *load_bodies(case))
    return dataset, context, {get_key(response.request): json.loads(response.body) for response in responses}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_no_field_changes_silently(case: Path) -> None:
    """A series keeps its value, or the failure is visible, or the field is optional and the series absent."""
    dataset, context, documents = load(case)
    good = convert(dataset, context, documents)
    assert good is not None
    assert () == good.invalid

    wrong: dict[str, list[str]] = {}
    for key, path, rows in list_changes(documents):
        changed = deepcopy(documents)
        rename(changed[key], path, rows)
        found = list(find_silent_changes(dataset, good, convert(dataset, context, changed), path[-1]))
        if found:
            wrong[f"{key[0]}: {'.'.join(path)} in {rows or 'all'} rows"] = found

    assert {} == wrong


def list_changes(documents: Mapping[Key, Json]) -> Iterator[tuple[Key, tuple[str, ...], int | None]]:
    """Yield each field of each document, to be renamed in the first row of a list, and in all rows."""
    for key, document in documents.items():
        for path in sorted(field_paths(document)):
            if len(path) == 1 or path[-2] not in KEYS_ARE_DATA:
                yield from ((key, path, 1), (key, path, None))
