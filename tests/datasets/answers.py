"""Answers as hypothesis makes them up: odd in every way that JSON allows a server."""

from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import strategies as st

Json = Any

NUMBERS = (
    st.integers(-1, 100_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**300), 10**300)
    | st.just(-1)
)
COUNTS = st.integers(0, 2**40)
SUMMABLE = st.integers(-(10**300), 10**300) | st.floats(-1e300, 1e300)
TEXTS = st.sampled_from(["", "a", "b", "ssh", "vscode", "sftp", "__other__"]) | st.text(max_size=6)
TIMES = st.sampled_from(
    ["2026-05-20T00:00:00Z", "2026-05-19T00:00:00Z", "2026-05-20T02:00:00+02:00", "2026-05-20", "", "x"]
)
IDS = st.sampled_from(["t1", "t2"])
JUNK: st.SearchStrategy[Json] = (
    st.none() | st.booleans() | NUMBERS | TEXTS | st.just([]) | st.just({}) | st.just([None])
)


def objects(**fields: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Make up objects with any of the fields missing or null, and now and then one more."""
    optional = {name: st.none() | field for name, field in fields.items()}
    return st.fixed_dictionaries({}, optional=optional | {"unknown": JUNK})


def whole(**fields: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Make up objects that have all of the fields."""
    return st.fixed_dictionaries(fields)


def rows(row: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Make up lists of rows, seldom with one that is none."""
    return st.none() | st.lists(row, max_size=8) | st.lists(row | JUNK, max_size=4)


_APP_TYPES = st.sampled_from(["builtin", "app"])
APPS = rows(
    whole(type=_APP_TYPES, slug=TEXTS, seconds=NUMBERS, display_name=TEXTS, times_used=st.none() | NUMBERS)
    | objects(type=_APP_TYPES, slug=TEXTS, seconds=NUMBERS, times_used=NUMBERS)
)
_VALUES = rows(whole(value=TEXTS, count=NUMBERS) | objects(value=TEXTS, count=NUMBERS))
PARAMETERS = rows(
    objects(name=TEXTS, type=st.sampled_from(["string", "bool"]), display_name=TEXTS, values=_VALUES)
    | whole(name=TEXTS, options=st.lists(st.just({}), max_size=1), values=_VALUES)
)
_INTERVALS = rows(
    whole(start_time=TIMES, active_users=NUMBERS) | objects(start_time=TIMES, active_users=NUMBERS)
)
_TIMES = {"start_time": TIMES, "end_time": TIMES}
REPORTS = objects(active_users=NUMBERS, apps_usage=APPS, parameters_usage=PARAMETERS, **_TIMES)
TEMPLATES = objects(report=REPORTS, interval_reports=_INTERVALS)

USER_IDS = st.sampled_from(["id-1", "id-2", "id-3", "id-4"])
USERNAMES = st.sampled_from(["name-1", "name-2", ""])
_ACTIVE = whole(user_id=USER_IDS, username=USERNAMES, seconds=NUMBERS)
ACTIVITY = objects(
    report=objects(
        users=rows(_ACTIVE | objects(user_id=USER_IDS, username=USERNAMES, seconds=NUMBERS)), **_TIMES
    )
)
_LATENCY = objects(p50=NUMBERS, p95=NUMBERS)
_CONNECTED = whole(user_id=USER_IDS, username=USERNAMES, latency_ms=_LATENCY)
LATENCY = objects(
    report=objects(
        users=rows(_CONNECTED | objects(user_id=USER_IDS, username=USERNAMES, latency_ms=_LATENCY)), **_TIMES
    )
)
DAUS = objects(entries=rows(whole(date=TIMES, amount=NUMBERS) | objects(date=TIMES, amount=NUMBERS)))
_POINTS = rows(whole(date=TIMES, count=NUMBERS) | objects(date=TIMES, count=NUMBERS))
_STATUSES = st.sampled_from(["active", "dormant"]) | TEXTS
STATUS_COUNTS = objects(status_counts=st.dictionaries(_STATUSES, _POINTS, max_size=4))

BY_PATH: Mapping[str, st.SearchStrategy[Json]] = {
    "/insights/daus": DAUS,
    "/insights/templates": TEMPLATES,
    "/insights/user-activity": ACTIVITY,
    "/insights/user-latency": LATENCY,
    "/insights/user-status-counts": STATUS_COUNTS,
}


def shuffled(answer: Json, random: Random) -> Json:
    """Give the same answer with the rows of all its lists in another order."""
    if isinstance(answer, dict):
        return {name: shuffled(field, random) for name, field in answer.items()}
    if isinstance(answer, list):
        return random.sample([shuffled(row, random) for row in answer], len(answer))
    return answer
