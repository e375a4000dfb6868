"""The store of a deployment: entries are replaced, expire, and stay below the limit."""

import math
from collections.abc import Iterable, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.store import Changes, MetricStore, Source, StoreEntry
from insights_exporter.exposition.text import RenderedFamily

BY_NAME = {family.name: family for family in list_data_families(DATASETS)}
USERS = BY_NAME["coder_insights_active_users"]
DAILY = BY_NAME["coder_insights_daily_active_users"]
ACTIVITY = BY_NAME["coder_insights_user_activity_seconds"]
LATENCY = BY_NAME["coder_insights_user_latency_seconds"]
PARAMETERS = BY_NAME["coder_insights_parameter_workspaces"]
TEMPLATE_PARAMETERS = BY_NAME["coder_insights_template_parameter_workspaces"]
FIRST: Source = ("dev", "templates", "7d", "")
SECOND: Source = ("dev", "user-activity", "7d", "")
MONTH: Source = ("dev", "user-activity", "30d", "")

Series = Mapping[MetricFamily, int]
"""Families with their numbers of series."""


class ExposedStore:
    """A store, and what is exposed after all of its changes."""

    def __init__(self, max_series: int = 100) -> None:
        self.store: MetricStore[None] = MetricStore(max_series)
        self.parts: dict[tuple[str, Source], RenderedFamily] = {}

    def replace(
        self,
        entries: Mapping[Source, StoreEntry[None]],
        gone: Sequence[Source] = (),
        now: float = 0.0,
    ) -> None:
        """Replace entries."""
        self.change(self.store.replace(entries, now, gone))

    def change(self, changes: Changes) -> None:
        """Make changes."""
        for name, parts in changes.items():
            for source, part in parts.items():
                self.parts.pop((name, source), None)
                if part:
                    self.parts[name, source] = part

    def families(self) -> set[MetricFamily]:
        """Return the families that are exposed."""
        return {part.family for part in self.parts.values()}


def entry(series: Series, expires: float = 100.0, day_ends: float = math.inf) -> StoreEntry[None]:
    """Return an entry that counts as this many series."""
    families = tuple(RenderedFamily(family, (b"x",), (0,), count) for family, count in series.items())
    return StoreEntry(families=families, expires=expires, day_ends=day_ends, details=None)


def test_entry_replaces_all_of_its_source() -> None:
    """Families that a source no longer has are removed; other sources are unchanged."""
    exposed = ExposedStore()
    exposed.replace({FIRST: entry({USERS: 1, PARAMETERS: 3}), SECOND: entry({ACTIVITY: 2})})
    exposed.replace({FIRST: entry({USERS: 1})})

    assert {(USERS.name, FIRST), (ACTIVITY.name, SECOND)} == exposed.parts.keys()
    assert (1, 0) == exposed.store.count_series("templates", "7d")
    assert (2, 0) == exposed.store.count_series("user-activity", "7d")


def test_unrequested_sources_are_removed_in_the_same_change() -> None:
    """Removing an unknown source changes nothing."""
    exposed = ExposedStore()
    exposed.replace({FIRST: entry({USERS: 1})})
    exposed.replace({SECOND: entry({ACTIVITY: 1})}, gone=[FIRST, MONTH])

    assert {(ACTIVITY.name, SECOND)} == exposed.parts.keys()


def test_entries_expire_at_their_time() -> None:
    """Each entry expires at its own time, and one that has expired before is never exposed."""
    exposed = ExposedStore()
    exposed.replace({FIRST: entry({USERS: 1}, expires=10), SECOND: entry({ACTIVITY: 1}, expires=20)})
    exposed.replace({MONTH: entry({ACTIVITY: 1}, expires=5)}, now=6)
    seen = []
    for now in (9.0, 10.0, 20.0):
        exposed.change(exposed.store.expire(now))
        seen.append((exposed.families(), exposed.store.next_end))

    assert [({USERS, ACTIVITY}, 10.0), ({ACTIVITY}, 20.0), (set(), math.inf)] == seen


def test_families_of_a_day_expire_with_it() -> None:
    """The other families stay until max_age, also if the day is over when they are published."""
    exposed = ExposedStore()
    exposed.replace({FIRST: entry({USERS: 1, DAILY: 2}, day_ends=10)})
    ends = [exposed.store.next_end]
    exposed.change(exposed.store.expire(10.0))
    ends.append(exposed.store.next_end)
    after = exposed.families()
    exposed.replace({FIRST: entry({USERS: 1, DAILY: 2}, day_ends=10)}, now=11)

    assert [10.0, 100.0] == ends
    assert {USERS} == after == exposed.families()
    assert [True] == [each.day_is_over for each in exposed.store.find_entries("templates").values()]


def test_clear_removes_everything() -> None:
    """Nothing remains, exposed or dropped."""
    exposed = ExposedStore(max_series=1)
    exposed.replace({FIRST: entry({USERS: 1, PARAMETERS: 3})})
    exposed.change(exposed.store.clear())

    assert {} == exposed.parts
    assert (0, 0) == exposed.store.count_series("templates", "7d")


def test_above_the_limit_whole_families_are_dropped() -> None:
    """They are counted, over all windows, and exposed again below the limit."""
    exposed = ExposedStore(max_series=10)
    exposed.replace({FIRST: entry({USERS: 1, PARAMETERS: 4})})
    exposed.replace({SECOND: entry({ACTIVITY: 4}), MONTH: entry({ACTIVITY: 4})})
    dropped = exposed.families()
    counts = exposed.store.count_series("user-activity", "7d")
    exposed.replace({FIRST: entry({USERS: 1})})

    assert {USERS, PARAMETERS} == dropped
    assert (0, 4) == counts
    assert {(USERS.name, FIRST), (ACTIVITY.name, SECOND), (ACTIVITY.name, MONTH)} == exposed.parts.keys()


ORDER = (TEMPLATE_PARAMETERS, LATENCY, ACTIVITY, PARAMETERS)
SOURCES = st.sampled_from([FIRST, SECOND, MONTH])
SERIES = st.dictionaries(st.sampled_from([USERS, DAILY, *ORDER]), st.integers(1, 9), max_size=5)
ENTRIES = st.builds(entry, SERIES, st.integers(0, 12), st.integers(0, 12))


def test_families_are_dropped_in_their_order() -> None:
    """First the parameters of templates, then latency, activity, parameters."""
    seen = []
    for limit in (50, 40, 30, 20, 10):
        exposed = ExposedStore(limit)
        exposed.replace({FIRST: entry(dict.fromkeys((USERS, *ORDER), 10))})
        seen.append(exposed.families())

    assert [{USERS, *ORDER[dropped:]} for dropped in range(5)] == seen


@given(limit=st.integers(0, 40), steps=st.lists(st.dictionaries(SOURCES, st.none() | ENTRIES), max_size=12))
def test_exposed_series_follow_the_store(
    limit: int, steps: Iterable[Mapping[Source, StoreEntry[None] | None]]
) -> None:
    """After any steps, exposed and counted series are those of the newest entries alone."""
    exposed, newest = ExposedStore(limit), dict[Source, StoreEntry[None] | None]()
    for now, step in enumerate(steps):
        exposed.change(exposed.store.expire(now))
        exposed.replace(
            {source: new for source, new in step.items() if new},
            [source for source, new in step.items() if new is None],
            now,
        )
        newest = {
            source: each.keep_unexpired(now) if each else None for source, each in {**newest, **step}.items()
        }
    at_once = ExposedStore(limit)
    at_once.replace({source: each for source, each in newest.items() if each}, now=-1.0)
    counted = {source: exposed.store.count_series(*source[1:3]) for source, each in newest.items() if each}

    assert at_once.parts == exposed.parts
    assert counted == {
        source: (
            sum(part.series for part in each.families if (part.family.name, source) in exposed.parts),
            sum(part.series for part in each.families if (part.family.name, source) not in exposed.parts),
        )
        for source, each in newest.items()
        if each
    }
