"""The expected series, computed directly from the responses of the embedded Coder.

This shares no code with the exporter: it uses its own parameters and
adds up in its own way, for a deployment in UTC.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from insights_exporter.demo import DEMO_TOKEN
from tests.integration.plain_http import NO_AUTHORITIES

Series = dict[frozenset[tuple[str, str]], float]
BUILT_IN = ("vscode", "jetbrains", "reconnecting-pty", "ssh")
ACTIVITY = (900, 1800, 3600, 7200, 14400, 28800, 57600, 86400, 144000, 288000, 576000)
LATENCY = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2)
SECRET_NAMES = ("token", "secret", "password")


@dataclass(frozen=True, slots=True)
class Truth:
    """One embedded Coder, with direct requests."""

    url: str
    now: datetime
    windows: Mapping[str, int] = field(default_factory=lambda: {"today": 1, "7d": 7, "30d": 30})
    """The days of each window of the config, today included."""

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 -- JSON
        """Return the server's response."""
        headers = {"Coder-Session-Token": DEMO_TOKEN}
        url = f"{self.url}/api/v2{path}"
        response = httpx.get(url, params=parameters, headers=headers, trust_env=False, verify=NO_AUTHORITIES)
        return response.raise_for_status().json()

    def of_days(self, path: str, first: int, after: int | None = None, /, **more: str) -> Any:  # noqa: ANN401
        """Return the report from `first` days before today up to `after` days before it, or up to now."""
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        end = midnight - timedelta(days=after) if after is not None else self._next_hour()
        times = {"start_time": midnight - timedelta(days=first), "end_time": end}
        formatted = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}
        return self.get(path, **formatted, **more)

    def window(self, path: str, days: int, **more: str) -> Any:  # noqa: ANN401
        """Return the report of the window of so many days, today included."""
        return self.of_days(path, days - 1, None, **more)

    def _next_hour(self) -> datetime:
        return self.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def series(rows: Iterable[tuple[Mapping[str, str], float]]) -> Series:
    """Return rows as series; rows of one series add up."""
    summed: Series = defaultdict(float)
    for labels, value in rows:
        summed[frozenset(labels.items())] += value
    return dict(summed)


def days(truth: Truth) -> Series:
    """Return how many users were active today and yesterday."""
    amounts = {entry["date"]: entry["amount"] for entry in truth.get("/insights/daus")["entries"]}
    newest, before = sorted(amounts)[-1:-3:-1]
    return series([({"day": "today"}, amounts[newest]), ({"day": "yesterday"}, amounts[before])])


def day_starts(truth: Truth) -> Series:
    """Return when these days begin."""
    midnight = truth.now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    return series([({"day": "today"}, midnight), ({"day": "yesterday"}, midnight - 86_400)])


def weeks(truth: Truth) -> Series:
    """Return the users of the last two whole weeks, Monday to Sunday."""
    monday = truth.now.weekday()
    spans = {"last": (monday + 7, monday), "before_last": (monday + 14, monday + 7)}
    return series(
        ({"week": week}, truth.of_days("/insights/templates", *span)["report"]["active_users"])
        for week, span in spans.items()
    )


def months(truth: Truth) -> Series:
    """Return the users of the last two whole months."""
    first = truth.now.day - 1
    last = (truth.now.replace(day=1) - timedelta(days=1)).day
    before = (truth.now.replace(day=1) - timedelta(days=last + 1)).day
    spans = {"last": (first + last, first), "before_last": (first + last + before, first + last)}
    return series(
        ({"month": month}, truth.of_days("/insights/templates", *span)["report"]["active_users"])
        for month, span in spans.items()
    )


def app_labels(app: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of a row of any server version."""
    own = app.get("type") == "app" or app.get("method") == "workspace_app"
    slug = app["slug"] if own or app["slug"] != "reconnecting_pty" else "reconnecting-pty"
    return {"app_type": "app" if own else "builtin", "slug": slug}


def app_seconds(report: Mapping[str, Any]) -> Iterable[tuple[dict[str, str], float]]:
    """Yield the seconds of each app of a report."""
    yield from (({"app_type": "builtin", "slug": slug}, 0) for slug in BUILT_IN)
    for app in report["apps_usage"]:
        if is_shown(app):
            yield app_labels(app), app["seconds"]


def is_shown(app: Mapping[str, Any]) -> bool:
    """Return whether a row is shown: SFTP is not without seconds."""
    return app_labels(app) != {"app_type": "builtin", "slug": "sftp"} or bool(app["seconds"])


def app_uses(report: Mapping[str, Any]) -> Iterable[tuple[dict[str, str], float]]:
    """Yield how often each custom app of a report was opened."""
    for app in report["apps_usage"]:
        if app_labels(app)["app_type"] == "app" and "times_used" in app:
            yield app_labels(app), app["times_used"]


def choices(report: Mapping[str, Any]) -> Iterable[tuple[dict[str, str], float]]:
    """Yield the workspaces by parameter and value."""
    for parameter in report["parameters_usage"]:
        for value in parameter["values"]:
            labels = {"parameter_name": parameter["name"], "parameter_type": parameter["type"]}
            yield labels | {"parameter_value": shown(parameter["name"], value["value"])}, value["count"]


def shown(name: str, value: str) -> str:
    """Return a value as it may be shown."""
    if any(word in name for word in SECRET_NAMES) or "@" in value:
        return "__redacted__"
    return value or "__empty__"


def users(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds of each user."""
    return {user["user_id"]: user["seconds"] for user in report["users"]}


def latencies(report: Mapping[str, Any], percentile: str) -> dict[str, float]:
    """Return the latency of each user that has one, in seconds."""
    latencies_ms = {user["user_id"]: user["latency_ms"][percentile] for user in report["users"]}
    return {user: milliseconds / 1000 for user, milliseconds in latencies_ms.items() if milliseconds >= 0}


def buckets(values: Iterable[float], bounds: Iterable[float]) -> Iterable[tuple[dict[str, str], float]]:
    """Yield the cumulative counts of a distribution."""
    known = list(values)
    for bound in bounds:
        yield {"le": str(float(bound))}, sum(value <= bound for value in known)
    yield {"le": "+Inf"}, len(known)


def windowed(
    path: str, rows: Callable[[Any], Iterable[tuple[dict[str, str], float]]]
) -> Callable[[Truth], Series]:
    """Return the series of all windows from one kind of report."""

    def compute(truth: Truth) -> Series:
        return series(
            ({"window": window, **labels}, value)
            for window, length in truth.windows.items()
            for labels, value in rows(truth.window(path, length)["report"])
        )

    return compute
