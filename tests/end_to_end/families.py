"""The true series of families that need more than one report, or more than a sum."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from math import inf
from typing import Any

from tests.end_to_end.truth import (
    ACTIVITY,
    LATENCY,
    Series,
    Truth,
    app_labels,
    buckets,
    choices,
    is_shown,
    latencies,
    series,
    users,
)

Rows = Iterable[tuple[dict[str, str], float]]
TEMPLATES = "/insights/templates"
USERS_ACTIVITY = "/insights/user-activity"
USERS_LATENCY = "/insights/user-latency"
PERCENTILES = ("p50", "p95")
FEWEST_USERS = 5
FAMILIES = {
    **dict.fromkeys(("cursor", "windsurf", "code_server"), "vscode"),
    **dict.fromkeys(("our_editor", "overflow"), "unknown"),
    "zed": "ssh",
}
"""The families of the sample data's session apps that are not called like their family."""


def app_names(truth: Truth) -> Series:
    """Return the name of each app: that of its row with most seconds in any window."""
    best: dict[tuple[tuple[str, str], ...], tuple[float, str, str]] = {}
    for days_of_window in truth.windows.values():
        for app in filter(is_shown, truth.window(TEMPLATES, days_of_window)["report"]["apps_usage"]):
            labels = tuple(app_labels(app).items())
            candidate = (app["seconds"], app["display_name"], app_family(app))
            best[labels] = max(best.get(labels, (-1, "", "")), candidate, key=lambda entry: entry[0])
    return series(
        ({**dict(labels), "application_name": name, "app_family": family}, 1)
        for labels, (_, name, family) in best.items()
    )


def app_family(app: Mapping[str, Any]) -> str:
    """Return the family of a row, of which only some server versions report it."""
    if app_labels(app)["app_type"] == "app":
        return "workspace_app"
    family: str = app.get("family") or FAMILIES.get(app["slug"], app["slug"].replace("-", "_"))
    return family


def named_users(path: str, of_report: Callable[[Any], Rows]) -> Callable[[Truth], Series]:
    """Return the series of each user of the week."""

    def compute(truth: Truth) -> Series:
        report = truth.window(path, 7)["report"]
        names = {user["user_id"]: user["username"] for user in report["users"]}
        return series(
            ({"window": "7d", "username": names[labels["user_id"]], **labels}, value)
            for labels, value in of_report(report)
        )

    return compute


def user_seconds(report: Any) -> Rows:  # noqa: ANN401 -- JSON
    """Return the seconds of each user."""
    return (({"user_id": user}, seconds) for user, seconds in users(report).items())


def user_latencies(report: Any) -> Rows:  # noqa: ANN401 -- JSON
    """Yield both percentiles of each user."""
    for percentile in PERCENTILES:
        for user, seconds in latencies(report, percentile).items():
            yield {"user_id": user, "percentile": percentile}, seconds


def activity(part: str) -> Callable[[Any], Rows]:
    """Return a part of the distribution of seconds over users."""
    return lambda report: _part(part, list(users(report).values()), ACTIVITY)


def latency(part: str) -> Callable[[Any], Rows]:
    """Return a part of the distribution of latencies over users, by percentile."""

    def rows(report: Any) -> Rows:  # noqa: ANN401 -- JSON
        for percentile in PERCENTILES:
            for labels, value in _part(part, list(latencies(report, percentile).values()), LATENCY):
                yield labels | {"percentile": percentile}, value

    return rows


def levels(report: Any) -> Rows:  # noqa: ANN401 -- JSON
    """Return the users by how long they were active."""
    hours = [seconds / 3600 for seconds in users(report).values()]
    for level, low, high in (
        ("up_to_1h", -1, 1),
        ("1h_to_4h", 1, 4),
        ("4h_to_16h", 4, 16),
        ("over_16h", 16, inf),
    ):
        yield {"level": level}, sum(low < each <= high for each in hours)


def qualities(report: Any) -> Rows:  # noqa: ANN401 -- JSON
    """Return the users by the quality of their connections, by percentile."""
    for percentile in PERCENTILES:
        measured = latencies(report, percentile).values()
        for quality, low, high in (("good", -1, 0.15), ("fair", 0.15, 0.3), ("poor", 0.3, inf)):
            users_of_band = sum(low < each <= high for each in measured)
            yield {"percentile": percentile, "quality": quality}, users_of_band


def build_durations(truth: Truth) -> Series:
    """Return how long builds of the listed templates took, where the server knows it."""
    return series(
        (
            {
                "template_id": template["id"],
                "template_name": template["name"],
                "organization_name": template["organization_name"],
                "transition": transition,
                "percentile": percentile.lower(),
            },
            milliseconds / 1000,
        )
        for template in truth.get("/templates")
        for transition, times in template["build_time_stats"].items()
        for percentile, milliseconds in times.items()
        if milliseconds is not None
    )


def seats(field: str) -> Callable[[Truth], Series]:
    """Return a number of seats by feature."""
    names = ("user_limit", "ai_governance_user_limit")
    return lambda truth: series(({"feature": name}, _features(truth)[name][field]) for name in names)


def agent_runtime(truth: Truth) -> Series:
    """Return the runtime of agents."""
    return series([({}, _features(truth)["agent_runtime_hours"]["actual_ms"] / 1000)])


def agent_runtime_limits(truth: Truth) -> Series:
    """Return the limits of the runtime of agents."""
    limits = {"purchased": "limit", "soft": "soft_limit", "hard": "hard_limit"}
    hours = _features(truth)["agent_runtime_hours"]
    return series(({"limit_type": name}, hours[field] * 3600) for name, field in limits.items())


def license_statuses(_truth: Truth) -> Series:
    """Return the status of a valid license."""
    return series(
        ({"status": status}, float(status == "entitled"))
        for status in ("entitled", "grace_period", "not_entitled")
    )


def group_members(truth: Truth) -> Series:
    """Return the members of each group of five at least."""
    return series(
        (labels, len(members)) for labels, members in _groups(truth) if len(members) >= FEWEST_USERS
    )


def by_group(path: str, rows: Callable[[Any], Rows]) -> Callable[[Truth], Series]:
    """Return the series of each group from the rows of its members in the week."""

    def compute(truth: Truth) -> Series:
        report = truth.window(path, 7)["report"]
        return series(
            ({"window": "7d", **group, **labels}, value)
            for group, members in _groups(truth)
            for labels, value in rows(
                {"users": [user for user in report["users"] if user["user_id"] in members]}
            )
        )

    return compute


def active_members(report: Any) -> Rows:  # noqa: ANN401 -- JSON
    """Return how many users there are, if there are enough."""
    return [({}, len(report["users"]))] if len(report["users"]) >= FEWEST_USERS else []


def member_seconds(report: Any) -> Rows:  # noqa: ANN401 -- JSON
    """Return the seconds of all users, if there are enough."""
    seconds = users(report).values()
    return [({}, sum(seconds))] if len(seconds) >= FEWEST_USERS else []


def member_qualities(report: Any) -> Rows:  # noqa: ANN401 -- JSON
    """Return the quality of the connections by percentile, if there are enough users with a latency."""
    measured = {name: len(latencies(report, name)) for name in PERCENTILES}
    return [row for row in qualities(report) if measured[row[0]["percentile"]] >= FEWEST_USERS]


def _groups(truth: Truth) -> Iterable[tuple[dict[str, str], set[str]]]:
    for group in truth.get("/groups"):
        names = {"organization_name": group["organization_name"], "group_name": group["name"]}
        yield {**names, "group_id": group["id"]}, {member["id"] for member in group["members"]}


def _features(truth: Truth) -> Any:  # noqa: ANN401 -- JSON
    return truth.get("/entitlements")["features"]


def _part(part: str, values: list[float], bounds: Iterable[float]) -> Rows:
    if part == "bucket":
        return buckets(values, bounds)
    return [({}, float(len(values)) if part == "gcount" else sum(values))]


def by_template(path: str, rows: Callable[[Any], Rows]) -> Callable[[Truth], Series]:
    """Return the series of each template in use in the week."""

    def compute(truth: Truth) -> Series:
        return series(
            ({"window": "7d", **template, **labels}, value)
            for template in in_use(truth)
            for labels, value in rows(truth.window(path, 7, template_ids=template["template_id"])["report"])
        )

    return compute


def in_use(truth: Truth) -> list[dict[str, str]]:
    """Return the labels of the templates in use in the week; a deleted one has its id for a name."""
    listed = {template["id"]: template for template in truth.get("/templates")}
    ids = truth.window(TEMPLATES, 7)["report"]["template_ids"]
    return [_labels(template, listed) for template in ids]


def _labels(template: str, listed: Mapping[str, Any]) -> dict[str, str]:
    known = listed.get(template, {})
    names = {
        "template_name": known.get("name", template),
        "organization_name": known.get("organization_name", ""),
    }
    return {"template_id": template, **{name: value for name, value in names.items() if value}}


def template_users(truth: Truth) -> Series:
    """Return the users of each template; 0 for listed templates without users."""
    listed = {template["id"]: template for template in truth.get("/templates")}
    unused = (({"window": "7d", **_labels(template, listed)}, 0.0) for template in listed)
    used = by_template(TEMPLATES, lambda report: [({}, report["active_users"])])(truth)
    return series(unused) | used


def template_days(truth: Truth) -> Series:
    """Return the users of each template today and yesterday."""
    midnight = truth.now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    names = {midnight: "today", midnight - 86_400: "yesterday"}
    return series(
        ({"day": names[start], **template}, interval["active_users"])
        for template in in_use(truth)
        for interval in truth.window(TEMPLATES, 7, template_ids=template["template_id"], interval="day")[
            "interval_reports"
        ]
        if (start := datetime.fromisoformat(interval["start_time"]).timestamp()) in names
    )


def template_choices(truth: Truth) -> Series:
    """Return the workspaces of each template by parameter, over all values: many of these are folded."""

    def rows(report: Any) -> Rows:  # noqa: ANN401 -- JSON
        for labels, value in choices(report):
            yield {name: text for name, text in labels.items() if name != "parameter_value"}, value

    return by_template(TEMPLATES, rows)(truth)


def template_infos(truth: Truth) -> Series:
    """Return the templates that are listed."""
    return series(
        (
            {
                "template_id": template["id"],
                "template_name": template["name"],
                "organization_name": template["organization_name"],
                "deprecated": str(bool(template["deprecated"])).lower(),
            },
            1,
        )
        for template in truth.get("/templates")
    )


def statuses(truth: Truth) -> Series:
    """Return how many users of each status there are now."""
    hour = (truth.now.hour + 1) % 24
    offset = -hour if hour <= 12 else 24 - hour
    counts = truth.get("/insights/user-status-counts", tz_offset=str(offset))["status_counts"]
    newest = {
        status: max(points, key=lambda point: point["date"])["count"] for status, points in counts.items()
    }
    return series(
        ({"status": status}, newest.get(status, 0)) for status in ("active", "dormant", "suspended")
    )


def echoes(edge: str) -> Callable[[Truth], Series]:
    """Return the edges of the windows, as the reports echo them."""

    def compute(truth: Truth) -> Series:
        paths = {"templates": TEMPLATES, "user-activity": USERS_ACTIVITY, "user-latency": USERS_LATENCY}
        rows = [
            ({"dataset": dataset, "window": window}, _instant(truth.window(path, length)["report"][edge]))
            for dataset, path in paths.items()
            for window, length in truth.windows.items()
        ]
        return series(rows)

    return compute


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def version(truth: Truth) -> Series:
    """Return the server's version."""
    return series([({"version": truth.get("/buildinfo")["version"]}, 1)])
