"""The rows of `apps_usage`, in the shape of each server version."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from insights_exporter.demo.auth import Document, RequestContext
from insights_exporter.demo.population.aggregation import UNREGISTERED_EDITOR, AppTally, Tally
from insights_exporter.demo.population.templates import CUSTOM_APPS, SESSION_APPS, UNKNOWN_FAMILY, SampleApp

FAMILIES = (
    SampleApp("vscode", "", "/icon/code.svg", "vscode"),
    SampleApp("jetbrains", "JetBrains", "/icon/intellij.svg", "jetbrains"),
    SampleApp("reconnecting-pty", "Web Terminal", "/icon/terminal.svg", "reconnecting_pty"),
    SampleApp("ssh", "SSH", "/icon/terminal.svg", "ssh"),
    SampleApp("sftp", "SFTP", "/icon/terminal.svg", "sftp"),
)
"""The rows of classic servers, which list all of them in this order."""
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

    app: SampleApp
    tally: AppTally
    is_upper_bound: bool = False


def list_apps(context: RequestContext, tally: Tally) -> list[Document]:
    """Return the rows of `apps_usage`: session apps, then the templates' own."""
    version = context.server_version
    own = [_Used(CUSTOM_APPS[index], used) for index, used in sorted(tally.custom_apps.items())]
    if version.session_apps == "families":
        used_apps = [*_by_family(tally, version.year), *own]
    else:
        session = list(_session_apps(tally))
        if version.session_apps != "listed":
            session = _limit_unregistered(session)
        used_apps = [*sorted(session, key=_sort_key), *sorted(own, key=_sort_key)]
    return [_build_row(context, used) for used in used_apps]


def _by_family(tally: Tally, year: int) -> Iterator[_Used]:
    vscode = "VS Code Family" if year >= 2026 else "Visual Studio Code"
    for family in FAMILIES if year >= 2024 else FAMILIES[:-1]:
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
                yield _Used(SampleApp(slug, slug, app.icon, app.family), part)
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


def _build_row(context: RequestContext, used: _Used) -> Document:
    app, version = used.app, context.server_version
    row: Document = {"template_ids": context.population.template_ids(used.tally.templates)}
    if version.session_apps == "by-method":
        row["method"] = METHODS.get(app.family, "ssh")
    else:
        row["type"] = "app" if app.family == WORKSPACE_APP else "builtin"
    row |= {"display_name": app.name, "slug": app.slug, "icon": app.icon, "seconds": used.tally.seconds}
    if version.session_apps == "by-method":
        row["seconds_is_upper_bound"] = used.is_upper_bound
    if version.year >= 2025:
        row["times_used"] = used.tally.runs
    if version.session_apps in {"listed", "bounded"}:
        row["family"] = app.family
        if used.is_upper_bound:
            row["seconds_is_upper_bound"] = True
    return row
