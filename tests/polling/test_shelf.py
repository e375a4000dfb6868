"""What a deployment serves, and what its ceiling keeps off the page."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.datasets.registry import FAMILIES
from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.store import Changes, MetricStore, Source
from insights_exporter.exposition.text import RenderedFamily

BY_NAME = {family.name: family for family in FAMILIES}
USERS = BY_NAME["coder_insights_active_users"]
ACTIVITY = BY_NAME["coder_insights_user_activity_seconds"]
LATENCY = BY_NAME["coder_insights_user_latency_seconds"]
PARAMETERS = BY_NAME["coder_insights_parameter_workspaces"]
TEMPLATE_PARAMETERS = BY_NAME["coder_insights_template_parameter_workspaces"]
FIRST, SECOND = ("dev", "templates", "7d"), ("dev", "user-activity", "7d")


def chunk(series: int) -> RenderedFamily:
    """Give a chunk that counts as so many series."""
    return RenderedFamily((b"x",), (0,), series)


class Page:
    """The page as it is when all changes of a shelf are made."""

    def __init__(self) -> None:
        self.shown: dict[tuple[MetricFamily, Source], RenderedFamily] = {}

    def change(self, changes: Changes) -> None:
        """Make changes."""
        for key, new in changes.items():
            if new is None:
                self.shown.pop(key, None)
            else:
                self.shown[key] = new

    def families(self) -> set[MetricFamily]:
        """Give what is shown."""
        return {family for family, _ in self.shown}


def test_newer_data_replace_all_of_their_source() -> None:
    """What a source no longer gives goes, others stay."""
    shelf = MetricStore(100)
    shelf.put(SECOND, {ACTIVITY: chunk(2)})
    shelf.put(FIRST, {USERS: chunk(1), PARAMETERS: chunk(3)})
    newer = chunk(1)

    assert {(USERS, FIRST): newer, (PARAMETERS, FIRST): None} == shelf.put(FIRST, {USERS: newer})
    assert (1, 2) == (shelf.series(FIRST), shelf.series(SECOND))


def test_drop_takes_the_named_families_alone() -> None:
    """Families that are not there are no change."""
    shelf = MetricStore(100)
    shelf.put(FIRST, {USERS: chunk(1), PARAMETERS: chunk(3)})

    assert {(PARAMETERS, FIRST): None} == shelf.drop(FIRST, [PARAMETERS, LATENCY])
    assert (USERS,) == shelf.families(FIRST)
    assert {} == shelf.drop(SECOND, [USERS])


def test_clear_takes_everything() -> None:
    """Nothing is left, be it shown or not."""
    shelf = MetricStore(1)
    shelf.put(FIRST, {USERS: chunk(1), PARAMETERS: chunk(3)})

    assert {(USERS, FIRST): None, (PARAMETERS, FIRST): None} == shelf.clear()
    assert 0 == shelf.series(FIRST)


def test_above_the_ceiling_whole_families_go() -> None:
    """They are counted as dropped, and come back when there is room."""
    shelf = MetricStore(10)
    shelf.put(FIRST, {USERS: chunk(1), PARAMETERS: chunk(6)})
    activity = chunk(5)

    assert {(ACTIVITY, SECOND): None} == shelf.put(SECOND, {ACTIVITY: activity})
    assert (0, 5) == (shelf.series(SECOND), shelf.dropped(SECOND))
    assert {(PARAMETERS, FIRST): None, (ACTIVITY, SECOND): activity} == shelf.drop(FIRST, [PARAMETERS])
    assert (5, 0) == (shelf.series(SECOND), shelf.dropped(SECOND))


def test_a_family_goes_in_all_windows() -> None:
    """Half a family would be read as a whole one."""
    shelf, page = MetricStore(10), Page()
    month = ("dev", "user-activity", "30d")
    page.change(shelf.put(SECOND, {ACTIVITY: chunk(4)}))
    page.change(shelf.put(month, {ACTIVITY: chunk(4)}))
    page.change(shelf.put(FIRST, {PARAMETERS: chunk(4)}))

    assert {PARAMETERS} == page.families()
    assert (4, 4) == (shelf.dropped(SECOND), shelf.dropped(month))


ORDER = (TEMPLATE_PARAMETERS, LATENCY, ACTIVITY, PARAMETERS)


def test_families_go_in_the_order_of_their_worth() -> None:
    """First the parameters of templates, then latency, activity, parameters."""
    data = {family: chunk(10) for family in ORDER} | {USERS: chunk(10)}

    def shown(ceiling: int) -> set[MetricFamily]:
        page = Page()
        page.change(MetricStore(ceiling).put(FIRST, data))
        return page.families()

    assert [{USERS, *ORDER[gone:]} for gone in range(5)] == [shown(50 - 10 * gone) for gone in range(5)]


SOURCES = st.sampled_from([FIRST, SECOND, ("dev", "user-activity", "30d")])
DATA = st.dictionaries(st.sampled_from([USERS, *ORDER]), st.integers(1, 9).map(chunk), max_size=5)


@given(ceiling=st.integers(0, 40), steps=st.lists(st.tuples(SOURCES, DATA), max_size=12))
def test_page_follows_the_shelf(
    ceiling: int, steps: Iterable[tuple[Source, dict[MetricFamily, RenderedFamily]]]
) -> None:
    """After any steps the page is as if all data had come at once, and the counts are those of the page."""
    shelf, page, last = MetricStore(ceiling), Page(), dict[Source, dict[MetricFamily, RenderedFamily]]()
    for source, data in steps:
        page.change(shelf.put(source, data))
        last[source] = data
    counted = {
        source: sum(one.series for key, one in page.shown.items() if key[1] == source) for source in last
    }
    whole = {source: sum(one.series for one in data.values()) for source, data in last.items()}

    assert counted == {source: shelf.series(source) for source in last}
    assert whole == {source: shelf.series(source) + shelf.dropped(source) for source in last}
    assert sum(counted.values()) <= ceiling or page.families() <= {USERS}
