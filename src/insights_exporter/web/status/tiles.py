"""The numbers that stand out on the page of one deployment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from insights_exporter.polling.glances import Glance
from insights_exporter.web.status import words
from insights_exporter.web.status.sight import Sight


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that stands out, with its name and a remark."""

    name: str
    value: str
    remark: str = ""


def build_tiles(sight: Sight, window: str) -> tuple[Tile, ...]:
    """Return the tiles of a deployment; days, weeks and months are those of its own time zone."""
    report = sight.glance("templates", window)
    return (
        *_days(sight),
        *_periods(sight),
        Tile("Active users", words.number(report.active_users), f"distinct, {sight.label(window)}"),
        *_time_in_apps(report, sight.label(window)),
        *_accounts(sight.glance("user-status-counts")),
    )


def _days(sight: Sight) -> Iterator[Tile]:
    days, today = sight.glance("daus").days, sight.today.toordinal()
    yield Tile("Active today", words.number(days.get(today)), f"so far, {_day(sight, today)}")
    yield Tile("Active yesterday", words.number(days.get(today - 1)), _day(sight, today - 1))


def _day(sight: Sight, ordinal: int) -> str:
    return f"{words.day(ordinal)} in {sight.timezone}"


def _periods(sight: Sight) -> Iterator[Tile]:
    """Yield the users of the last whole week and month, with those of the one before for comparison."""
    seen = sight.glance("periods")
    today = sight.today.date()
    if seen.weeks:
        remark = f"{words.week(today.toordinal() - today.weekday() - 7)}{_before(seen.weeks, 'week')}"
        yield Tile("Weekly active users", words.number(seen.weeks.get("last")), remark)
    if seen.months:
        last_month = today.replace(day=1) - timedelta(days=1)
        remark = f"{words.month(last_month)}{_before(seen.months, 'month')}"
        yield Tile("Monthly active users", words.number(seen.months.get("last")), remark)


def _before(counts: Mapping[str, float], period: str) -> str:
    before = counts.get("before_last")
    return "" if before is None else f"; {words.number(before)} the {period} before"


def _time_in_apps(report: Glance, label: str) -> Iterator[Tile]:
    if report.apps:
        total = sum(seconds for _, seconds in report.apps.rows) + report.apps.rest
        yield Tile("Time in apps", words.hours(total), f"all apps, {label}")


def _accounts(seen: Glance) -> Iterator[Tile]:
    if seen.users:
        others = (
            f"{words.number(count)} {status}" for status, count in seen.users.items() if status != "active"
        )
        yield Tile("Active accounts", words.number(seen.users.get("active")), ", ".join(others))
