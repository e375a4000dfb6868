"""The totals of the population equal those of the reference implementation."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_exporter.demo import Population
from insights_exporter.demo.population.templates import SESSION_APPS
from insights_exporter.demo.population.timeline import Span, build_span
from tests.demo.population import reference

ONE = Population(seed=5, users=25, templates=5)
FIRST = datetime(2025, 10, 20, tzinfo=UTC)
# In half hours: windows of up to three days, seen from within or from after.
BEGINNINGS = st.integers(0, 20 * 48)
LENGTHS = st.integers(0, 3 * 48)
MOMENTS = st.integers(0, 24 * 60)
CHOSEN = st.none() | st.frozensets(st.integers(0, 5), min_size=1)


def span_of(begin: int, length: int, late: int) -> Span:
    """Return a span in half hours, so many minutes before its end."""
    start = FIRST + timedelta(minutes=30 * begin)
    end = start + timedelta(minutes=30 * length)
    return build_span(start, end, end - timedelta(minutes=late))


def as_bits(indexes: Iterable[int]) -> int:
    """Return a set of indexes as bits."""
    return sum(1 << index for index in set(indexes))


@settings(max_examples=60)
@given(begin=BEGINNINGS, length=LENGTHS, late=MOMENTS, chosen=CHOSEN)
def test_users_match_the_reference(begin: int, length: int, late: int, chosen: frozenset[int] | None) -> None:
    """Seconds, templates and latencies of each user."""
    span = span_of(begin, length, late)
    written = reference.rows(ONE, span, chosen)
    users = ONE.tally_users(span, chosen)

    assert reference.seconds_by_user(written, span) == {user: tally.seconds for user, tally in users.items()}
    for user, latencies in reference.latencies_by_user(written).items():
        assert pytest.approx(latencies) == sorted(users[user].latencies)
        assert as_bits(row.template for row in written if row.user == user) == users[user].templates


@settings(max_examples=60)
@given(begin=BEGINNINGS, length=LENGTHS, late=MOMENTS, chosen=CHOSEN)
def test_apps_match_the_reference(begin: int, length: int, late: int, chosen: frozenset[int] | None) -> None:
    """Seconds, templates and runs of each app."""
    span = span_of(begin, length, late)
    written = reference.rows(ONE, span, chosen)
    tally = ONE.tally(span, chosen)
    apps = {
        ("builtin", index) if index < len(SESSION_APPS) else ("app", index - len(SESSION_APPS)): app
        for index, app in tally.apps.items()
    }

    assert reference.seconds_by_app(written, span) == {key: app.seconds for key, app in apps.items()}
    for key, templates in reference.templates_by_app(written).items():
        assert as_bits(templates) == apps[key].templates
    for key, runs in reference.runs_by_app(written).items():
        assert key[0] == "builtin" or runs == apps[key].runs


@settings(max_examples=60)
@given(begin=BEGINNINGS, length=LENGTHS, late=MOMENTS, chosen=CHOSEN)
def test_workspaces_match_the_reference(
    begin: int, length: int, late: int, chosen: frozenset[int] | None
) -> None:
    """Each parameter of a template has a value for every workspace that was built."""
    span = span_of(begin, length, late)
    written = reference.workspaces(ONE, span, chosen)
    declared = Counter(
        index for _, template in written for index in ONE.catalog.templates[template].parameters
    )

    assert declared == {
        index: tally.values.total() for index, tally in ONE.tally_parameters(span, chosen).items()
    }
    for tally in ONE.tally_parameters(span, chosen).values():
        assert not tally.templates & ~as_bits(template for _, template in written)


def test_users_of_each_half_hour_are_counted() -> None:
    """The number of active users of a part of a day is that of the listed ones."""
    many = Population(seed=5, users=100, templates=3)
    first = date(2025, 10, 22).toordinal() * 48
    spans = [Span(half_hour, half_hour + 1) for half_hour in range(first, first + 48)]

    assert [len(many.tally_users(span, None)) for span in spans] == [
        many.count_active(span) for span in spans
    ]
