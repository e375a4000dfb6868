"""Answers as hypothesis makes them up: odd in every way that JSON allows a server."""

from collections.abc import Callable, Mapping
from functools import cache
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
BROKEN = st.just("a\ud800")
"""Half of a pair of surrogates, which JSON can escape and nothing else can hold."""
INSTANTS = st.sampled_from(
    ["2026-05-20T00:00:00Z", "2026-05-19T00:00:00Z", "2026-05-20T02:00:00+02:00", "2026-05-20"]
)
TIMES = (
    INSTANTS
    | st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "2026-05-20T24:00:00Z"])
    | TEXTS
)
IDS = st.sampled_from(["t1", "t2", "T1"]) | st.text(max_size=4)
NAMES = st.sampled_from("ab") | st.text(max_size=6) | BROKEN
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


def mostly(usual: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Make up what is usual, and one time in five anything else."""
    return st.integers(1, 5).flatmap(lambda number: JUNK if number == 5 else usual)


def rows(
    good: st.SearchStrategy[Json], odd: st.SearchStrategy[Json] | None = None
) -> st.SearchStrategy[Json]:
    """Make up lists of rows, seldom with one that is none; if there are rows, one at least is good."""
    row = good if odd is None else good | odd
    some = st.lists(row, max_size=7) | st.lists(mostly(row), max_size=3)
    return st.none() | st.just([]) | st.tuples(some, good).map(lambda parts: [*parts[0], parts[1]])


def envelope(**fields: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Make up objects that have all of the fields, seldom with one that is missing or null."""
    usual = st.fixed_dictionaries(fields, optional={"unknown": JUNK})
    return st.integers(1, 10).flatmap(lambda number: objects(**fields) if number == 10 else usual)


def user(text: st.SearchStrategy[str], kind: str) -> st.SearchStrategy[str]:
    """Mark text as being of a user, so that it is found wherever it is shown."""
    return text.map(f"{kind}-{{}}".format)


USER_IDS = user(st.sampled_from(["1", "2", "3", "4"]) | st.text(max_size=4), "user-id")
USERNAMES = st.just("") | user(NAMES, "user-name")

_APP_TYPES = st.sampled_from(["builtin", "app"])
_FAMILIES = st.sampled_from(["vscode", "unknown", "workspace_app"])
_METHODS = st.sampled_from(["ssh", "reconnecting_pty", "workspace_app"])
_VALUES = rows(whole(value=TEXTS, count=NUMBERS), objects(value=TEXTS | BROKEN, count=NUMBERS))
_EDGES = {"start_time": TIMES, "end_time": TIMES}


def usage(ids: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Make up answers of `/insights/templates` that name templates so."""
    apps = rows(
        whole(type=_APP_TYPES, slug=TEXTS, seconds=NUMBERS, display_name=NAMES, template_ids=ids)
        | whole(type=_APP_TYPES, family=_FAMILIES, slug=TEXTS, seconds=NUMBERS, display_name=NAMES)
        | whole(method=_METHODS, slug=TEXTS, seconds=NUMBERS, times_used=NUMBERS, template_ids=ids),
        objects(type=_APP_TYPES, slug=TEXTS, seconds=NUMBERS, times_used=NUMBERS, template_ids=ids),
    )
    types = st.sampled_from(["string", "bool"])
    options: st.SearchStrategy[Json] = st.lists(st.just({}), max_size=1)
    parameters = rows(
        whole(name=TEXTS, type=types, options=options, values=_VALUES, template_ids=ids),
        objects(name=TEXTS, type=types, display_name=NAMES, values=_VALUES),
    )
    intervals = rows(
        whole(start_time=INSTANTS, end_time=INSTANTS, active_users=NUMBERS),
        objects(start_time=TIMES, end_time=TIMES, active_users=NUMBERS, template_ids=ids),
    )
    report = envelope(
        active_users=NUMBERS, apps_usage=apps, parameters_usage=parameters, template_ids=ids, **_EDGES
    )
    return envelope(report=report, interval_reports=intervals)


def people(
    good: Mapping[str, st.SearchStrategy[Json]], odd: Mapping[str, st.SearchStrategy[Json]]
) -> Callable[[st.SearchStrategy[Json]], st.SearchStrategy[Json]]:
    """Make up answers that list users, with what else each row has if it is good, or odd."""

    def named(ids: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
        user = {"user_id": USER_IDS, "username": USERNAMES}
        users = rows(whole(**user, **good), objects(template_ids=ids, **user, **odd))
        return envelope(report=envelope(users=users, template_ids=ids, **_EDGES))

    return named


DAUS = envelope(entries=rows(whole(date=INSTANTS, amount=NUMBERS), objects(date=TIMES, amount=NUMBERS)))
_POINTS = rows(whole(date=INSTANTS, count=NUMBERS), objects(date=TIMES, count=NUMBERS))
_STATUSES = st.sampled_from(["active", "dormant"]) | TEXTS | BROKEN
STATUS_COUNTS = envelope(
    status_counts=st.builds(
        lambda known, others: known | others,
        whole(suspended=_POINTS),
        st.dictionaries(_STATUSES, _POINTS, max_size=4),
    )
)
_LATENCY = {"p50": NUMBERS, "p95": NUMBERS}

_TEMPLATE = {"id": IDS, "name": NAMES, "organization_id": IDS, "organization_name": NAMES}
_BUILD_TIMES = objects(P50=COUNTS | JUNK, P95=COUNTS)
_STATS = objects(start=_BUILD_TIMES, stop=_BUILD_TIMES, delete=_BUILD_TIMES) | JUNK
_LISTED = rows(
    whole(**_TEMPLATE), objects(deprecated=st.booleans() | JUNK, build_time_stats=_STATS, **_TEMPLATE)
)
_BY_PATH: Mapping[str, Callable[[st.SearchStrategy[Json]], st.SearchStrategy[Json]]] = {
    "/insights/daus": lambda _ids: DAUS,
    "/templates": lambda _ids: _LISTED,
    "/insights/templates": usage,
    "/insights/user-activity": people({"seconds": COUNTS}, {"seconds": NUMBERS}),
    "/insights/user-latency": people({"latency_ms": whole(**_LATENCY)}, {"latency_ms": objects(**_LATENCY)}),
    "/insights/user-status-counts": lambda _ids: STATUS_COUNTS,
}


EDGES: Mapping[str, Json] = {"start_time": None, "end_time": None, "template_ids": []}


def report_of(**fields: Json) -> dict[str, Json]:
    """Return a response of `/insights/templates` in which little happened but what `fields` say."""
    return {"report": {"active_users": 1, "apps_usage": [], "parameters_usage": [], **EDGES, **fields}}


@cache
def answers_of(path: str) -> st.SearchStrategy[Json]:
    """Make up answers about all templates."""
    return _BY_PATH[path](rows(IDS))


@cache
def answers_about(path: str, template: str) -> st.SearchStrategy[Json]:
    """Make up answers about one template, which servers may spell as they like."""
    return _BY_PATH[path](st.none() | st.lists(st.sampled_from([template, template.upper()]), max_size=2))


FACTS: Mapping[str, st.SearchStrategy[Json]] = {
    "buildinfo": mostly(objects(version=NAMES)),
    "keys": mostly(objects(expires_at=TIMES, lifetime_seconds=NUMBERS)),
}
"""What a server tells beside its insights, by a word of the path."""


def shuffled(response: Json, random: Random) -> Json:
    """Give the same answer with the rows of all its lists in another order."""
    if isinstance(response, dict):
        return {name: shuffled(field, random) for name, field in response.items()}
    if isinstance(response, list):
        return random.sample([shuffled(row, random) for row in response], len(response))
    return response
