"""The rows of `apps_usage`, in the shape of each server version."""

from collections.abc import Iterator, Sequence

from insights_exporter.demo.auth import Document, RequestContext
from insights_exporter.demo.population.aggregation import AppTally, Tally
from insights_exporter.demo.population.templates import APPS, SESSION_APPS, SampleApp

FAMILIES = (
    SampleApp("vscode", "", "/icon/code.svg", "vscode"),
    SampleApp("jetbrains", "JetBrains", "/icon/intellij.svg", "jetbrains"),
    SampleApp("reconnecting-pty", "Web Terminal", "/icon/terminal.svg", "reconnecting_pty"),
    SampleApp("ssh", "SSH", "/icon/terminal.svg", "ssh"),
    SampleApp("sftp", "SFTP", "/icon/terminal.svg", "sftp"),
)
"""The rows of classic servers, which list all of them in this order."""
OVERFLOW = SESSION_APPS[-1]
Used = tuple[SampleApp, AppTally]
"""An app with its totals."""
WORKSPACE_APP = "workspace_app"
"""Family and method of a template's own app."""
METHODS = ("reconnecting_pty", WORKSPACE_APP)
"""Families that are connection methods of their own; the method of all others is `ssh`."""


def list_apps(context: RequestContext, tally: Tally) -> list[Document]:
    """Return the rows of `apps_usage`: session apps, then the templates' own."""
    version = context.server_version
    used = [(APPS[index], total) for index, total in sorted(tally.apps.items())]
    if version.session_apps == "families":
        own = [(app, total) for app, total in used if app.family == WORKSPACE_APP]
        rows = [*_sum_families(used, version.year), *own]
    else:
        rows = sorted(used, key=lambda each: (each[0].family == WORKSPACE_APP, each[0]))
    return [_build_row(context, app, total) for app, total in rows]


def _sum_families(used: Sequence[Used], year: int) -> Iterator[Used]:
    vscode = "VS Code Family" if year >= 2026 else "Visual Studio Code"
    for family in FAMILIES if year >= 2024 else FAMILIES[:-1]:
        sums = AppTally()
        for app, total in used:
            if app.family == family.family:
                sums.add(total.seconds, total.runs, total.templates)
        yield family._replace(name=family.name or vscode), sums


def _build_row(context: RequestContext, app: SampleApp, total: AppTally) -> Document:
    version = context.server_version
    row: Document = {"template_ids": context.population.list_template_ids(total.templates)}
    if version.session_apps == "by-method":
        row["method"] = app.family if app.family in METHODS else "ssh"
    else:
        row["type"] = "app" if app.family == WORKSPACE_APP else "builtin"
    row |= {"display_name": app.name, "slug": app.slug, "icon": app.icon, "seconds": total.seconds}
    if version.session_apps == "by-method":
        row["seconds_is_upper_bound"] = app == OVERFLOW
    if version.year >= 2025:
        row["times_used"] = total.runs
    if version.session_apps in {"listed", "bounded"}:
        row["family"] = app.family
    if version.session_apps == "bounded" and app == OVERFLOW:
        row["seconds_is_upper_bound"] = True
    return row
