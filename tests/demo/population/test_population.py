"""The population depends on its seed only, and its totals are consistent."""

from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import or_

from hypothesis import given, settings
from hypothesis import strategies as st

from insights_exporter.demo import Population
from insights_exporter.demo.population.timeline import FOUNDED, Span, build_span
from insights_exporter.demo.population.users import find_status

NOW = datetime(2026, 5, 20, 14, 31, tzinfo=UTC)
ONE = Population(seed=3, users=40, templates=8)
FIRST = datetime(2025, 3, 1, tzinfo=UTC)
DAYS = st.integers(0, 400)
LENGTHS = st.integers(0, 12)
CHOSEN = st.none() | st.frozensets(st.integers(0, 8))


def days(first: int, length: int) -> Span:
    """Return the span of so many whole UTC days."""
    start = FIRST + timedelta(days=first)
    return build_span(start, start + timedelta(days=length), NOW)


def monday(day: date) -> Span:
    """Return the span of one UTC day."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return build_span(start, start + timedelta(days=1), NOW)


@settings(max_examples=20)
@given(seed=st.integers(), users=st.integers(1, 80), templates=st.integers(1, 30), first=DAYS)
def test_seed_decides_everything(seed: int, users: int, templates: int, first: int) -> None:
    """Two populations of one seed have the same activity."""
    one, two = (Population(seed, users, templates) for _ in range(2))
    span = days(first, 3)

    assert one.users == two.users
    assert one.catalog == two.catalog
    assert one.tally(span, None) == two.tally(span, None)
    assert one.tally_users(span, None) == two.tally_users(span, None)
    assert one.tally_parameters(span, None) == two.tally_parameters(span, None)


def test_another_seed_has_other_users() -> None:
    """Populations of two seeds share no users."""
    other = Population(seed=4, users=40, templates=8)

    assert not {each.id for each in ONE.users} & {each.id for each in other.users}


@settings(max_examples=20)
@given(templates=st.integers(1, 60))
def test_template_names_are_unique_in_an_organization(templates: int) -> None:
    """The population has the requested number of templates, with unique names per organization."""
    listed = [each for each in Population(1, 1, templates).catalog.templates if not each.deleted]

    assert templates == len(listed)
    assert templates == len({(each.organization.id, each.name) for each in listed})


@settings(max_examples=20)
@given(first=DAYS, length=LENGTHS, chosen=CHOSEN)
def test_results_do_not_depend_on_earlier_calls(
    first: int, length: int, chosen: frozenset[int] | None
) -> None:
    """Results do not depend on earlier calls."""
    span = days(first, length)
    fresh = Population(seed=3, users=40, templates=8)

    assert fresh.tally(span, chosen) == ONE.tally(span, chosen)
    assert fresh.tally_users(span, chosen) == ONE.tally_users(span, chosen)


@settings(max_examples=20)
@given(first=DAYS, length=LENGTHS, more=st.integers(1, 10), chosen=CHOSEN)
def test_longer_window_has_no_less(first: int, length: int, more: int, chosen: frozenset[int] | None) -> None:
    """Users, seconds and templates only grow with the window."""
    short, long = (ONE.tally(days(first, each), chosen) for each in (length, length + more))

    assert short.users | long.users == long.users
    assert short.templates | long.templates == long.templates
    assert all(app.seconds <= long.apps[index].seconds for index, app in short.apps.items())


@settings(max_examples=20)
@given(first=DAYS, length=LENGTHS, chosen=CHOSEN)
def test_days_add_up(first: int, length: int, chosen: frozenset[int] | None) -> None:
    """Seconds of a window are those of its days; its users are all of theirs."""
    whole = ONE.tally(days(first, length), chosen)
    parts = [ONE.tally(days(first + day, 1), chosen) for day in range(length)]

    assert whole.users.bit_count() <= sum(part.users.bit_count() for part in parts)
    for index, app in whole.apps.items():
        rows = [part.apps[index] for part in parts if index in part.apps]
        assert app.seconds == sum(row.seconds for row in rows)
        assert app.runs <= sum(row.runs for row in rows)


@settings(max_examples=20)
@given(first=DAYS, length=LENGTHS, chosen=CHOSEN)
def test_users_agree_with_the_tally(first: int, length: int, chosen: frozenset[int] | None) -> None:
    """The listed users are the counted ones, with the same templates."""
    span = days(first, length)
    tally, users = ONE.tally(span, chosen), ONE.tally_users(span, chosen)

    assert tally.users == sum(1 << user for user in users)
    assert tally.templates == reduce(or_, (each.templates for each in users.values()), 0)
    assert chosen is not None or ONE.count_active(span) == len(users)


@settings(max_examples=20)
@given(first=DAYS, length=st.integers(0, 6))
def test_deployment_is_between_its_largest_template_and_their_sum(first: int, length: int) -> None:
    """Distinct users and capped half hours do not add up, but they are bounded."""
    span = days(first, length)
    every = ONE.tally_users(span, None)
    parts = [ONE.tally_users(span, frozenset({at})) for at in range(len(ONE.catalog.templates))]

    for user, tally in every.items():
        seconds = [part[user].seconds for part in parts if user in part]
        assert max(seconds) <= tally.seconds <= sum(seconds)


@settings(max_examples=20)
@given(first=DAYS, length=LENGTHS, chosen=CHOSEN)
def test_workspaces_are_counted_once(first: int, length: int, chosen: frozenset[int] | None) -> None:
    """Parameters count workspaces, of which a user has one a template, and only those with a build."""
    found = ONE.tally_parameters(days(first, length), chosen)

    for tally in found.values():
        assert tally.values.total() <= 2 * len(ONE.users)
        assert chosen is None or not tally.templates & ~sum(1 << index for index in chosen)


def test_working_days_are_busier_than_weekends() -> None:
    """Few users are active on Saturdays and at Christmas."""
    wednesday, saturday = (ONE.count_active(monday(date(2026, 5, day))) for day in (13, 16))

    assert saturday * 2 < wednesday
    assert ONE.count_active(monday(date(2025, 12, 25))) * 2 < wednesday


def test_users_are_active_between_joining_and_leaving() -> None:
    """Users are active only between joining and leaving."""
    many = Population(seed=1, users=300, templates=3)
    for year in range(2022, 2030):
        day = date(year, 6, 14)
        for index in many.tally_users(monday(day), None):
            user = many.users[index]
            assert user.joined <= day.toordinal() + 1
            assert day.toordinal() - 1 < user.left


def test_number_of_users_grows() -> None:
    """The number of users grows over the years, from none before the first day."""
    first, later = (sum(ONE.count_statuses(FOUNDED + day).values()) for day in (0, 1000))

    assert 0 < first < later
    assert not ONE.count_statuses(FOUNDED - 1)
    assert ONE.count_active(monday(date.fromordinal(FOUNDED - 10))) == 0


def test_dormancy() -> None:
    """A user becomes dormant 90 days after the last activity."""
    many = Population(seed=1, users=400, templates=3)
    dormant = next(user for user in many.users if user.final_status == "dormant")

    assert ["active", "dormant"] == [find_status(dormant, dormant.left + days) for days in (89, 90)]


def test_final_statuses() -> None:
    """In the end there are dormant, suspended and deleted users."""
    many = Population(seed=1, users=400, templates=3)
    counts = many.count_statuses(date(2032, 1, 1).toordinal())

    assert {"active", "dormant", "suspended"} == set(counts)
    assert sum(counts.values()) < 400
