"""The rows of `apps_usage`, in the shape of each server version."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from types import MappingProxyType

from insights_exporter.demo.auth import Document, RequestContext
from insights_exporter.demo.population.aggregation import AppTally, Tally
from insights_exporter.demo.population.templates import CUSTOM_APPS, SESSION_APPS, SampleApp

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
METHODS = MappingProxyType({"reconnecting_pty": "reconnecting_pty", WORKSPACE_APP: WORKSPACE_APP})
"""Connection method by family; `ssh` for all others."""


def list_apps(context: RequestContext, tally: Tally) -> list[Document]:
    """Return the rows of `apps_usage`: session apps, then the templates' own."""
    version = context.server_version
    session = list(zip(SESSION_APPS, tally.session_apps, strict=True))
    own = [(CUSTOM_APPS[index], used) for index, used in sorted(tally.custom_apps.items())]
    if version.session_apps == "families":
        rows = [*_sum_families(session, version.year), *own]
    else:
        used_session = [each for each in session if each[1].seconds]
        rows = [*sorted(used_session, key=itemgetter(0)), *sorted(own, key=itemgetter(0))]
    return [_build_row(context, app, used) for app, used in rows]


def _sum_families(session: Sequence[Used], year: int) -> Iterator[Used]:
    vscode = "VS Code Family" if year >= 2026 else "Visual Studio Code"
    for family in FAMILIES if year >= 2024 else FAMILIES[:-1]:
        total = AppTally()
        for app, used in session:
            if app.family == family.family:
                total.add(used.seconds, used.runs, used.templates)
        yield family._replace(name=family.name or vscode), total


def _build_row(context: RequestContext, app: SampleApp, used: AppTally) -> Document:
    version = context.server_version
    row: Document = {"template_ids": context.population.list_template_ids(used.templates)}
    if version.session_apps == "by-method":
        row["method"] = METHODS.get(app.family, "ssh")
    else:
        row["type"] = "app" if app.family == WORKSPACE_APP else "builtin"
    row |= {"display_name": app.name, "slug": app.slug, "icon": app.icon, "seconds": used.seconds}
    if version.session_apps == "by-method":
        row["seconds_is_upper_bound"] = app == OVERFLOW
    if version.year >= 2025:
        row["times_used"] = used.runs
    if version.session_apps in {"listed", "bounded"}:
        row["family"] = app.family
    if version.session_apps == "bounded" and app == OVERFLOW:
        row["seconds_is_upper_bound"] = True
    return row
