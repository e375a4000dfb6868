"""Usage of apps: reading the rows of every version of Coder, limits, and names.

Rows come in five shapes: with `type`, with `type` and `family`, or with `method`. A row is a template's own
app (`app_type="app"`) or a session app such as an editor, SSH or the web terminal (`app_type="builtin"`).
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from insights_exporter.datasets.dataset import AppName, Conversion
from insights_exporter.datasets.parameters import OTHER, REDACTED
from insights_exporter.datasets.reports import App
from insights_exporter.datasets.secrets import slug_looks_secret
from insights_exporter.datasets.sums import added_up
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.samples import Row, Samples

APP_LABELS = ("app_type", "slug")
LIMIT_IN_TEMPLATE = 20

_TEMPLATE_APP, _SESSION_APP = "app", "builtin"
_WORKSPACE_APP, _UNKNOWN = "workspace_app", "unknown"

_FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
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
)
KNOWN_APPS: Mapping[str, str] = MappingProxyType(
    {slug: family for family, slugs in _FAMILIES.items() for slug in slugs}
)
"""The family of each session app that Coder registers and of its two other rows, in its spelling."""

_SHOWN_AT_ZERO = ("vscode", "jetbrains", "reconnecting-pty", "ssh")
_CLASSIC_SPELLING = MappingProxyType({"reconnecting_pty": "reconnecting-pty"})
_NEVER_AGGREGATED = frozenset((*_SHOWN_AT_ZERO, "sftp", "overflow", "unknown"))
_SFTP = (_SESSION_APP, "sftp")

APP_INFO = Family(
    name="coder_insights_app_info",
    kind="gauge",
    help="Name and family of an app, always 1 (API: templates report.apps_usage.display_name and family); "
    "cached.",
    labels=("deployment", *APP_LABELS, "application_name", "app_family"),
    source="templates: report.apps_usage.display_name, .family",
    merge="over all windows, name and family of the row with the most seconds; ties by alphabet",
    absent="the app is in no report; an empty name is shown as the slug, a missing family is that of the "
    "known app, workspace_app for a template's own app, else unknown",
    example="coder_insights_app_usage_seconds * on (deployment, app_type, slug) group_left "
    "(application_name, app_family) coder_insights_app_info",
)

_AppKey = tuple[str, str]


class AppSeries(msgspec.Struct, frozen=True, gc=False):
    """The series of all apps of a report; `folded` counts the apps that were aggregated as `__other__`."""

    usage: list[Row]
    times_used: list[Row]
    names: tuple[AppName, ...]
    folded: int


class _Usage(msgspec.Struct, frozen=True, gc=False):
    """One row in the terms of the exporter."""

    app: _AppKey
    name: str
    family: str
    seconds: float
    times_used: float | None


def convert_apps(apps: Sequence[App], before: tuple[str, ...], limit: int, *, complete: bool) -> AppSeries:
    """Return the series of `apps`, labelled `before` and then by type and slug.

    Classic session apps that a `complete` report does not mention are 0.
    """
    rows, folded = _apply_limit([_read(app) for app in apps], limit)
    return AppSeries(
        usage=[((*before, *app), seconds) for app, seconds in _seconds(rows, zeros=complete)],
        times_used=[((*before, *app), times) for app, times in _times_used(rows)],
        names=_names(rows),
        folded=folded,
    )


def app_info(conversions: Iterable[Conversion]) -> tuple[Samples, ...]:
    """Return one name and family per app over all windows."""
    names = _best_names(name for conversion in conversions for name in conversion.app_names)
    rows: list[Row] = [((name.app_type, name.slug, name.name, name.family), 1.0) for name in names]
    return (Samples(APP_INFO, rows),)


def _read(app: App) -> _Usage:
    is_template_app = app.app_type == _TEMPLATE_APP or _WORKSPACE_APP in (app.family, app.method)
    if is_template_app:
        key, family = (_TEMPLATE_APP, app.slug), _WORKSPACE_APP
    else:
        slug = _CLASSIC_SPELLING.get(app.slug, app.slug)
        key, family = (_SESSION_APP, slug), KNOWN_APPS.get(_server_spelling(slug), _UNKNOWN)
    usage = _Usage(key, app.display_name or key[1], app.family or family, app.seconds, app.times_used)
    return usage if _is_known(key) else _redact(usage)


def _is_known(app: _AppKey) -> bool:
    return app[0] == _SESSION_APP and _server_spelling(app[1]) in KNOWN_APPS


def _server_spelling(slug: str) -> str:
    return slug.lower().replace("-", "_")


def _redact(usage: _Usage) -> _Usage:
    """Hide secrets and e-mail addresses: slugs of session apps are free text of clients."""
    app_type, slug = usage.app
    if slug_looks_secret(slug):
        return msgspec.structs.replace(usage, app=(app_type, REDACTED), name=REDACTED)
    return msgspec.structs.replace(usage, name=REDACTED) if slug_looks_secret(usage.name) else usage


def _apply_limit(rows: Sequence[_Usage], limit: int) -> tuple[Sequence[_Usage], int]:
    """Aggregate all but the `limit` apps of each type with the most seconds; count what is aggregated."""
    if len(rows) <= limit:
        return rows, 0
    totals = added_up((row.app, row.seconds) for row in rows if _can_be_aggregated(row.app))
    ranked = sorted(totals, key=lambda app: (-totals[app], app))
    beyond = {
        app
        for app_type in (_TEMPLATE_APP, _SESSION_APP)
        for app in [app for app in ranked if app[0] == app_type][limit:]
    }
    return [_aggregate(row) if row.app in beyond else row for row in rows], len(beyond)


def _can_be_aggregated(app: _AppKey) -> bool:
    return app[1] != OTHER and not (app[0] == _SESSION_APP and app[1] in _NEVER_AGGREGATED)


def _aggregate(row: _Usage) -> _Usage:
    app_type = row.app[0]
    family = _WORKSPACE_APP if app_type == _TEMPLATE_APP else _UNKNOWN
    return msgspec.structs.replace(row, app=(app_type, OTHER), name=OTHER, family=family)


def _seconds(rows: Iterable[_Usage], *, zeros: bool) -> list[tuple[_AppKey, float]]:
    unused = [((_SESSION_APP, slug), 0.0) for slug in _SHOWN_AT_ZERO] if zeros else []
    totals = added_up([*unused, *((row.app, row.seconds) for row in rows)])
    return [(app, seconds) for app, seconds in sorted(totals.items()) if app != _SFTP or seconds > 0]


def _times_used(rows: Iterable[_Usage]) -> list[tuple[_AppKey, float]]:
    """Return how often each template app was opened; servers do not measure it for session apps."""
    measured = (
        (row.app, row.times_used)
        for row in rows
        if row.app[0] == _TEMPLATE_APP and row.times_used is not None
    )
    return sorted(added_up(measured).items())


def _names(rows: Iterable[_Usage]) -> tuple[AppName, ...]:
    names = (AppName(*row.app, row.name, row.family, row.seconds) for row in rows)
    return tuple(_best_names(name for name in names if name.app != _SFTP or name.seconds > 0))


def _best_names(names: Iterable[AppName]) -> list[AppName]:
    """Return the name with the most seconds of each app; ties by alphabet."""
    best: dict[_AppKey, AppName] = {}
    for name in sorted(names, key=lambda name: (-name.seconds, name.name, name.family)):
        best.setdefault(name.app, name)
    return sorted(best.values(), key=lambda name: name.app)
