"""Recording rules over history: each rule after those that it reads, without gaps, in few blocks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from grafana.preview.rules import serve_history, sort_into_stages, write_rules
from grafana.rules.model import Recording
from grafana.rules.recording import DAY_START, RECORDINGS, USAGE_RECORDINGS, WEEKDAY
from tests.grafana.sample_series import Series, repeat_samples, store
from tests.integration.prometheus import Prometheus
from tests.integration.promtool import Promtool

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=30)
"""More days than promtool puts into a block."""

RULES = (*RECORDINGS, *USAGE_RECORDINGS)
FEW_BLOCKS = 10
LOOKBACK = 300
"""Seconds after a sample in which Prometheus still returns it."""


def names(rules: list[Recording]) -> set[str]:
    """Return the names of the recorded series."""
    return {rule.record for rule in rules}


def count_blocks(folder: Path) -> int:
    """Return the number of blocks in the data of a Prometheus."""
    return len(list(folder.glob("data/*/meta.json")))


def times(prometheus: Prometheus, name: str) -> list[float]:
    """Return the times of a recorded series, which is the only one of its name."""
    result = prometheus.api("query", query=f"{name}[31d]", time=END.timestamp())["result"]
    return [time for series in result for time, _ in series["values"]]


def test_rules_follow_the_rules_that_they_read() -> None:
    """A rule is in the first stage after the stages of all rules that it reads."""
    rules = (
        Recording("a:third:max", "a:second:max / a:raw:max"),
        Recording("a:second:max", "2 * a:raw:max"),
        Recording("a:raw:max", "max by (a) (raw)"),
        Recording("a:other:max", "max by (a) (other)"),
    )

    stages = [names(stage) for stage in sort_into_stages(rules)]

    assert [{"a:raw:max", "a:other:max"}, {"a:second:max"}, {"a:third:max"}] == stages


def test_stages_contain_each_shipped_rule_once() -> None:
    """All recording rules are evaluated, none of them twice."""
    staged = [rule.record for stage in sort_into_stages(RULES) for rule in stage]

    assert sorted(rule.record for rule in RULES) == sorted(staged)


def test_rules_that_read_each_other_are_rejected() -> None:
    """Two rules that read each other have no order."""
    with pytest.raises(ValueError, match="cycle"):
        list(sort_into_stages([Recording("a:x:max", "a:y:max"), Recording("a:y:max", "a:x:max")]))


def test_recorded_series_have_no_gaps(promtool: Promtool, tmp_path: Path) -> None:
    """A rule and one that reads it have values over the whole history, in few blocks."""
    folder, start, end = tmp_path / "history", int(START.timestamp()), int(END.timestamp())
    shown = Series(
        "coder_insights_day_start_timestamp_seconds", {"deployment": "demo", "day": "today"}, start
    )
    store(promtool, repeat_samples([shown], {"job": "a", "instance": "b"}, start, end), folder)
    raw = count_blocks(folder)

    write_rules([rule for rule in RULES if rule.record in {DAY_START, WEEKDAY}], folder, START, END)

    assert count_blocks(folder) - raw <= FEW_BLOCKS
    with serve_history(folder) as prometheus:
        for name in (DAY_START, WEEKDAY):
            recorded = times(prometheus, name)
            assert recorded[0] <= start + LOOKBACK
            assert max(later - earlier for earlier, later in pairwise(recorded)) <= LOOKBACK
            assert recorded[-1] >= end - LOOKBACK
