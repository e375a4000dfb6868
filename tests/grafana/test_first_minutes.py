"""Panels of a new installation: each has data, or its text names the cause that is true in that state."""

import math
import re
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from grafana import reasons
from tests.grafana.dashboard_files import PROVISIONED, Json, load
from tests.grafana.installations import INSTALLATIONS, JOB, run_installations
from tests.grafana.missing_data import EMPTY_GRAPHS, GRAPHS, MISSING, PANELS, RESPONSE_TIME, find_cause
from tests.integration.prometheus import Prometheus

pytestmark = pytest.mark.timeout(300)

DAY: Final = 86400
HOUR: Final = 3600
BACKFILL: Final = "`insights-exporter backfill"


class Selection(NamedTuple):
    """The values of a dashboard's variables."""

    deployment: str
    window: str = "7d"
    job: str = JOB


STATES: Final = {
    **{name: Selection(name) for name in INSTALLATIONS},
    "30 days": Selection("30 days", window="30d"),
    "another window": Selection("everything", window="30d"),
    "no exporter": Selection("everything", job="none"),
}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Provide a Prometheus that has scraped all states."""
    with run_installations(tmp_path_factory.mktemp("installations")) as prometheus:
        yield prometheus


@pytest.fixture(scope="module")
def first_scrape(prometheus: Prometheus) -> float:
    """Provide the time of the first scrape."""
    (series,) = prometheus.api("query", query=f'up{{job="{JOB}"}}[1h]')["result"]
    return float(series["values"][0][0])


class Panel(NamedTuple):
    """A panel of a dashboard with the values of its variables."""

    name: str
    selection: Selection

    @property
    def dashboard(self) -> Json:
        """Return the panel's dashboard."""
        return load(PROVISIONED / f"{self.name.partition(':')[0]}.json")

    @property
    def content(self) -> Json:
        """Return the panel as in the dashboard."""
        return PANELS[self.name]

    def list_queries(self, step: int) -> list[str]:
        """Return the queries with the variables' values, as Grafana does."""
        variables = self.dashboard["templating"]["list"][1:]
        values = {one["name"]: one.get("allValue") or one["current"]["value"] for one in variables}
        values |= self.selection._asdict() | {"__rate_interval": f"{max(step + 15, 60)}s"}
        return [
            re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), target["expr"])
            for target in self.content["targets"]
        ]


def has_data(prometheus: Prometheus, panel: Panel) -> bool:
    """Return whether a panel has current values, or a graph a newest point: of whole days, yesterday's."""
    now = int(time.time())
    queries = panel.list_queries(60)
    if panel.name in GRAPHS:
        return any(query_range(prometheus, query, now - DAY, now, DAY) for query in queries)
    samples = [sample for query in queries for sample in prometheus.query(query, now)]
    return any(not math.isnan(sample.value) for sample in samples)


def has_points(prometheus: Prometheus, panel: Panel, until: float) -> bool:
    """Return whether a graph that ends at `until` has points before, on a screen 1600 pixels wide."""
    since = panel.content.get("timeFrom") or panel.dashboard["time"]["from"]
    span = parse_seconds(since.removeprefix("now-"))
    step = max(parse_seconds(panel.content.get("interval") or "15s"), round(span / 1440))
    last = math.ceil(until) - 1
    start, end = ((at - at % step) for at in (last - span, last))
    # A negative offset finds samples of the day after the last point, which are scraped later.
    ends = {query: end - DAY if "offset -1d" in query else end for query in panel.list_queries(step)}
    return any(query_range(prometheus, query, start, ends[query], step) for query in ends)


def query_range(prometheus: Prometheus, query: str, start: int, end: int, step: int) -> list[float]:
    """Return all values of a graph's query that are numbers."""
    result = prometheus.api("query_range", query=query, start=start, end=end, step=step)["result"]
    values = [float(value) for series in result for _, value in series["values"]]
    return [value for value in values if not math.isnan(value)]


def parse_seconds(duration: str) -> int:
    """Return the seconds of a duration as dashboards have it."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": HOUR, "d": DAY}[duration[-1]]


def get_text(name: str) -> str:
    """Return the text of a panel without data."""
    text: str = PANELS[name]["fieldConfig"]["defaults"]["noValue"]
    return text


def list_causes(name: str) -> list[str]:
    """Return the causes that the text of a panel names."""
    sentence, _, _ = get_text(name).removeprefix("No points: ").partition(". ")
    return re.split(", or |, ", sentence.rstrip("."))


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("state", STATES)
def test_panel_has_data_or_names_the_cause(prometheus: Prometheus, state: str, name: str) -> None:
    """In each state, a panel has data, or its text names the cause why it has none there."""
    cause = find_cause(MISSING[state], name)
    missing = not has_data(prometheus, Panel(name, STATES[state]))

    assert missing == bool(cause) or name == RESPONSE_TIME
    assert not cause or cause in list_causes(name)


@pytest.mark.parametrize("name", PANELS)
def test_named_causes_are_true_in_a_state(name: str) -> None:
    """A panel names no cause that is never the reason why it has no data."""
    true = {find_cause(missing, name) for missing in (*MISSING.values(), EMPTY_GRAPHS)}

    assert set() == set(list_causes(name)) - true


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_graph_at_the_first_scrape_says_so(prometheus: Prometheus, first_scrape: float, name: str) -> None:
    """A graph that is drawn at the first scrape has no points, and names that as a cause."""
    assert not has_points(prometheus, Panel(name, STATES["everything"]), first_scrape)
    assert find_cause(EMPTY_GRAPHS, name) in list_causes(name)


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_graphs_that_can_be_backfilled_say_so(prometheus: Prometheus, name: str) -> None:
    """Graphs that have earlier points after a backfill, and no others, name the command."""
    graph = Panel(name, STATES["history"])

    assert has_points(prometheus, graph, time.time() - HOUR) == (BACKFILL in get_text(name))


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_graphs_of_whole_days_say_so(name: str) -> None:
    """Graphs of days that have ended, and no others, say so without data."""
    is_of_whole_days = any("offset -1d" in target["expr"] for target in PANELS[name]["targets"])

    assert is_of_whole_days == (reasons.WHOLE_DAYS in get_text(name))


def test_groups_are_exposed_above_max_series(prometheus: Prometheus) -> None:
    """Where panels lack the families that `max_series` drops, those of groups alone are too many series."""
    (series,) = prometheus.query('count({__name__=~"coder_insights_group_.+", deployment="few series"})')

    assert series.value > INSTALLATIONS["few series"].config["max_series"]


def test_states_are_installed() -> None:
    """Each state in which panels lack data is tried."""
    assert MISSING.keys() == STATES.keys()
