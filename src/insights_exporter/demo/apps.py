"""The rows of `apps_usage`, in the shape of each server version."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from insights_exporter.demo.auth import Document, RequestContext
from insights_exporter.demo.population.aggregation import UNREGISTERED_EDITOR, AppTally, Tally
from insights_exporter.demo.population.templates import CUSTOM_APPS, SESSION_APPS, UNKNOWN_FAMILY, SessionApp

FAMILIES = (
    SessionApp("vscode", "", "/icon/code.svg", "vscode"),
    SessionApp("jetbrains", "JetBrains", "/icon/intellij.svg", "jetbrains"),
    SessionApp("reconnecting-pty", "Web Terminal", "/icon/terminal.svg", "reconnecting_pty"),
    SessionApp("ssh", "SSH", "/icon/terminal.svg", "ssh"),
    SessionApp("sftp", "SFTP", "/icon/terminal.svg", "sftp"),
)
"""The rows of classic servers, which list all of them in this order."""
WITHOUT_SFTP = 4
MAX_UNREGISTERED = 64
"""Number of unregistered session apps in a bounded response; the others are aggregated into `overflow`."""
ACCOUNTING = frozenset({"unknown", "overflow"})
OVERFLOW = next(app for app in SESSION_APPS if app.slug == "overflow")
WORKSPACE_APP = "workspace_app"
"""Family and method of a template's own app."""
METHODS = MappingProxyType({"reconnecting_pty": "reconnecting_pty", WORKSPACE_APP: WORKSPACE_APP})
"""Connection method by family; `ssh` for all others."""


class _Used(NamedTuple):
    """An app with its totals, an upper bound if other apps were aggregated into it."""

    app: SessionApp
    tally: AppTally
    is_upper_bound: bool = False


def list_apps(context: RequestContext, tally: Tally) -> list[Document]:
    """Return the rows of `apps_usage`: session apps, then the templates' own."""
    own = [
        _Used(SessionApp(app.slug, app.name, app.icon, WORKSPACE_APP), used)
        for app, used in ((CUSTOM_APPS[index], used) for index, used in sorted(tally.custom_apps.items()))
    ]
    form = context.server_version.session_apps
    if form == "families":
        return [_row(context, used) for used in (*_by_family(context, tally), *own)]
    session = list(_session_apps(tally))
    if form != "listed":
        session = _limit_unregistered(session)
    used_apps = [*sorted(session, key=_sort_key), *sorted(own, key=_sort_key)]
    build = _row_by_method if form == "by-method" else _row_with_family
    return [build(context, used) for used in used_apps]


def _by_family(context: RequestContext, tally: Tally) -> Iterator[_Used]:
    vscode = "VS Code Family" if context.server_version.year >= 2026 else "Visual Studio Code"
    for family in FAMILIES[: None if context.server_version.year >= 2024 else WITHOUT_SFTP]:
        total = AppTally()
        for app, used in zip(SESSION_APPS, tally.session_apps, strict=True):
            if app.family == family.family:
                total.add(used.seconds, used.runs, used.templates)
        yield _Used(replace(family, name=family.name or vscode), total)


def _session_apps(tally: Tally) -> Iterator[_Used]:
    """Yield the session apps that were used, each name of the unregistered editor separately."""
    for index, (app, used) in enumerate(zip(SESSION_APPS, tally.session_apps, strict=True)):
        if index == UNREGISTERED_EDITOR:
            for number, part in tally.unregistered.items():
                slug = f"{app.slug}_{number + 1}" if number else app.slug
                yield _Used(SessionApp(slug, slug, app.icon, app.family), part)
        elif used.seconds:
            yield _Used(app, used)


def _limit_unregistered(used: Sequence[_Used]) -> list[_Used]:
    """Return apps with unregistered ones beyond the limit, those with the fewest seconds, in `overflow`."""
    unregistered = [
        each for each in used if each.app.family == UNKNOWN_FAMILY and each.app.slug not in ACCOUNTING
    ]
    unregistered.sort(key=lambda each: (-each.tally.seconds, each.app.slug))
    if len(unregistered) <= MAX_UNREGISTERED:
        return list(used)
    aggregated = {OVERFLOW, *(each.app for each in unregistered[MAX_UNREGISTERED:])}
    total = AppTally()
    for each in used:
        if each.app in aggregated:
            total.add(each.tally.seconds, 0, each.tally.templates)
    listed = [each for each in used if each.app not in aggregated]
    return [*listed, _Used(OVERFLOW, total, is_upper_bound=True)]


def _sort_key(used: _Used) -> tuple[str, str, str]:
    return used.app.slug, used.app.name, used.app.icon


def _row(context: RequestContext, used: _Used) -> Document:
    row = {
        "template_ids": context.population.template_ids(used.tally.templates),
        "type": "app" if used.app.family == WORKSPACE_APP else "builtin",
        "display_name": used.app.name,
        "slug": used.app.slug,
        "icon": used.app.icon,
        "seconds": used.tally.seconds,
    }
    return row | ({"times_used": used.tally.runs} if context.server_version.year >= 2025 else {})


def _row_with_family(context: RequestContext, used: _Used) -> Document:
    bound = {"seconds_is_upper_bound": True} if used.is_upper_bound else {}
    return _row(context, used) | {"family": used.app.family} | bound


def _row_by_method(context: RequestContext, used: _Used) -> Document:
    return {
        "template_ids": context.population.template_ids(used.tally.templates),
        "method": METHODS.get(used.app.family, "ssh"),
        "display_name": used.app.name,
        "slug": used.app.slug,
        "icon": used.app.icon,
        "seconds": used.tally.seconds,
        "seconds_is_upper_bound": used.is_upper_bound,
        "times_used": used.tally.runs,
    }
