"""Usage of apps: reading the rows of every version of Coder, limits, and names.

Rows come in three kinds: with `type`, with `type` and `family`, or with `method`. A row is a template's own
app (`app_type="app"`) or a session app such as an editor, SSH or the web terminal (`app_type="builtin"`).
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from insights_exporter.datasets.aggregate import sum_by_key
from insights_exporter.datasets.base import AppUsage, ConvertResult
from insights_exporter.datasets.parameters import OTHER, REDACTED
from insights_exporter.datasets.report_schema import App
from insights_exporter.datasets.secret_patterns import slug_looks_secret
from insights_exporter.exposition.family import MetricFamily, SampleRow, Samples

APP_LABELS = ("app_type", "slug")
LIMIT_IN_TEMPLATE = 20

_TEMPLATE_APP, _SESSION_APP = "app", "builtin"
_WORKSPACE_APP, _UNKNOWN = "workspace_app", "unknown"

_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "vscode": (
        *("vscode", "vscode_insiders", "vscode_web", "code_server", "cursor", "windsurf", "positron"),
        *("vscodium", "codium", "antigravity", "trae", "kiro", "devin"),
    ),
    "jetbrains": ("jetbrains", "goland"),
    "ssh": ("ssh", "zed"),
    "reconnecting_pty": ("reconnecting_pty",),
    "sftp": ("sftp",),
    _UNKNOWN: ("overflow", "unknown"),
}
KNOWN_APPS: Mapping[str, str] = {slug: family for family, slugs in _FAMILIES.items() for slug in slugs}
"""The family of each session app that Coder registers and of its two other rows, in its spelling."""

_SHOWN_AT_ZERO = ("vscode", "jetbrains", "reconnecting-pty", "ssh")
_CLASSIC_SPELLING: Mapping[str, str] = {"reconnecting_pty": "reconnecting-pty"}
_SFTP = (_SESSION_APP, "sftp")
_NEVER_AGGREGATED = {(_TEMPLATE_APP, OTHER)} | {
    (_SESSION_APP, slug) for slug in (*_SHOWN_AT_ZERO, "sftp", "overflow", "unknown", OTHER)
}

APP_INFO = MetricFamily(
    name="coder_insights_app_info",
    help="Name and family of an app, always 1 (API: templates report.apps_usage.display_name and family); "
    "cached.",
    labels=("deployment", *APP_LABELS, "application_name", "app_family"),
    merge="over all windows, name and family of the row with the most seconds; ties by alphabet",
    absent="the app is in no report; an empty name is shown as the slug, a missing family is that of the "
    "known app, workspace_app for a template's own app, else unknown",
    example="coder_insights_app_usage_seconds * on (deployment, app_type, slug) group_left "
    "(application_name, app_family) coder_insights_app_info",
)

_AppKey = tuple[str, str]


def read_apps(apps: Iterable[App], limit: int) -> tuple[Sequence[AppUsage], int]:
    """Return the usage of apps, at most `limit` of each type by name, and how many more were aggregated."""
    return _apply_limit([_read(app) for app in apps], limit)


def build_usage_rows(apps: Iterable[AppUsage], before: tuple[str, ...], *, complete: bool) -> list[SampleRow]:
    """Return the seconds of each app, labelled `before` and then by type and slug.

    Classic session apps that a `complete` report does not mention are 0.
    """
    unused = [((_SESSION_APP, slug), 0.0) for slug in _SHOWN_AT_ZERO] if complete else []
    totals = sum_by_key([*unused, *((app.app, app.seconds) for app in apps)])
    return [((*before, *app), seconds) for app, seconds in sorted(totals.items()) if _is_shown(app, seconds)]


def build_times_used_rows(apps: Iterable[AppUsage], before: tuple[str, ...]) -> list[SampleRow]:
    """Return how often each template app was opened; servers do not measure it for session apps.

    An app has none if one of its rows lacks it: the sum of the others would be too low.
    """
    rows = [(app.app, app.times_used) for app in apps if app.app[0] == _TEMPLATE_APP]
    lacking = {app for app, times in rows if times is None}
    measured = ((app, times) for app, times in rows if times is not None and app not in lacking)
    return [((*before, *app), times) for app, times in sorted(sum_by_key(measured).items())]


def pick_named_apps(apps: Iterable[AppUsage]) -> tuple[AppUsage, ...]:
    """Return the row with the most seconds of each app that is shown; ties by alphabet."""
    best: dict[_AppKey, AppUsage] = {}
    for app in sorted(apps, key=lambda app: (-app.seconds, app.name, app.family)):
        if _is_shown(app.app, app.seconds):
            best.setdefault(app.app, app)
    return tuple(sorted(best.values(), key=lambda app: app.app))


def build_app_info(results: Iterable[ConvertResult]) -> tuple[Samples, ...]:
    """Return one name and family per app over all windows."""
    apps = pick_named_apps(app for result in results for app in result.named_apps)
    rows: list[SampleRow] = [((*app.app, app.name, app.family), 1.0) for app in apps]
    return (Samples(APP_INFO, rows),)


def _read(row: App) -> AppUsage:
    if row.app_type == _TEMPLATE_APP or _WORKSPACE_APP in (row.family, row.method):
        return _redact(_build_usage(row, (_TEMPLATE_APP, row.slug), _WORKSPACE_APP))
    app = (_SESSION_APP, _CLASSIC_SPELLING.get(row.slug, row.slug))
    family = KNOWN_APPS.get(row.slug.lower().replace("-", "_"))
    return _build_usage(row, app, family) if family else _redact(_build_usage(row, app, _UNKNOWN))


def _build_usage(row: App, app: _AppKey, family: str) -> AppUsage:
    return AppUsage(app, row.display_name or app[1], row.family or family, row.seconds, row.times_used)


def _redact(usage: AppUsage) -> AppUsage:
    """Hide secrets and e-mail addresses: slugs of session apps are free text of clients."""
    app_type, slug = usage.app
    if slug_looks_secret(slug):
        return msgspec.structs.replace(usage, app=(app_type, REDACTED), name=REDACTED)
    return msgspec.structs.replace(usage, name=REDACTED) if slug_looks_secret(usage.name) else usage


def _apply_limit(apps: Sequence[AppUsage], limit: int) -> tuple[Sequence[AppUsage], int]:
    if len(apps) <= limit:
        return apps, 0
    totals = sum_by_key((app.app, app.seconds) for app in apps if app.app not in _NEVER_AGGREGATED)
    ranked = sorted(totals, key=lambda app: (-totals[app], app))
    beyond = {
        app
        for app_type in (_TEMPLATE_APP, _SESSION_APP)
        for app in [app for app in ranked if app[0] == app_type][limit:]
    }
    return [_aggregate(app) if app.app in beyond else app for app in apps], len(beyond)


def _aggregate(usage: AppUsage) -> AppUsage:
    app_type, _ = usage.app
    family = _WORKSPACE_APP if app_type == _TEMPLATE_APP else _UNKNOWN
    return msgspec.structs.replace(usage, app=(app_type, OTHER), name=OTHER, family=family)


def _is_shown(app: _AppKey, seconds: float) -> bool:
    return app != _SFTP or seconds > 0
