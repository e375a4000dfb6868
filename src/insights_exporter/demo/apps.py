"""The rows of `apps_usage`, in the shape of each server version."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    return [*_SHAPES[context.server_version.session_apps](context, tally)]


def _by_family(context: RequestContext, tally: Tally) -> Iterator[Document]:
    for family in FAMILIES[: None if context.server_version.sftp else WITHOUT_SFTP]:
        named = replace(family, name=family.name or context.server_version.vscode_name)
        yield _row(context, _Used(named, _sum_family(tally, family.family)))
    for used in _template_apps(tally):
        yield _row(context, used)


def _sum_family(tally: Tally, family: str) -> AppTally:
    total = AppTally()
    for app, used in zip(SESSION_APPS, tally.session_apps, strict=True):
        if app.family == family:
            total.add(used.seconds, used.runs, used.templates)
    return total


def _listed(context: RequestContext, tally: Tally) -> Iterator[Document]:
    return _one_by_one(context, _session_apps(tally), _template_apps(tally))


def _bounded(context: RequestContext, tally: Tally) -> Iterator[Document]:
    return _one_by_one(context, _limit_unregistered(list(_session_apps(tally))), _template_apps(tally))


def _by_method(context: RequestContext, tally: Tally) -> Iterator[Document]:
    for row in _bounded(context, tally):
        yield {
            "template_ids": row["template_ids"],
            "method": METHODS.get(row["family"], "ssh"),
            "display_name": row["display_name"],
            "slug": row["slug"],
            "icon": row["icon"],
            "seconds": row["seconds"],
            "seconds_is_upper_bound": row.get("seconds_is_upper_bound", False),
            "times_used": row["times_used"],
        }


_SHAPES: Mapping[str, Callable[[RequestContext, Tally], Iterator[Document]]] = MappingProxyType(
    {"families": _by_family, "listed": _listed, "bounded": _bounded, "by-method": _by_method}
)


def _one_by_one(
    context: RequestContext, session: Iterable[_Used], own: Iterable[_Used]
) -> Iterator[Document]:
    for used in (*sorted(session, key=_sort_key), *sorted(own, key=_sort_key)):
        bound = {"seconds_is_upper_bound": True} if used.is_upper_bound else {}
        yield _row(context, used) | {"family": used.app.family} | bound


def _sort_key(used: _Used) -> tuple[str, str, str]:
    return used.app.slug, used.app.name, used.app.icon


def _row(context: RequestContext, used: _Used) -> Document:
    is_own = used.app.family == WORKSPACE_APP
    row = {
        "template_ids": context.population.template_ids(used.tally.templates),
        "type": "app" if is_own else "builtin",
        "display_name": used.app.name,
        "slug": used.app.slug,
        "icon": used.app.icon,
        "seconds": used.tally.seconds,
    }
    return row | ({"times_used": used.tally.runs} if context.server_version.times_used else {})


def _session_apps(tally: Tally) -> Iterator[_Used]:
    """Yield the session apps that were used, each name of the unregistered editor separately."""
    for index, (app, used) in enumerate(zip(SESSION_APPS, tally.session_apps, strict=True)):
        if index == UNREGISTERED_EDITOR:
            for number, part in tally.unregistered.items():
                slug = f"{app.slug}_{number + 1}" if number else app.slug
                yield _Used(SessionApp(slug, slug, app.icon, app.family), part)
        elif used.seconds:
            yield _Used(app, used)


def _template_apps(tally: Tally) -> Iterator[_Used]:
    for index, used in sorted(tally.custom_apps.items()):
        app = CUSTOM_APPS[index]
        yield _Used(SessionApp(app.slug, app.name, app.icon, WORKSPACE_APP), used)


def _limit_unregistered(used: Sequence[_Used]) -> list[_Used]:
    """Return apps with unregistered ones beyond the limit, those with the fewest seconds, in `overflow`."""
    unregistered = [each for each in used if _is_unregistered(each.app)]
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


def _is_unregistered(app: SessionApp) -> bool:
    return app.family == UNKNOWN_FAMILY and app.slug not in ACCOUNTING
