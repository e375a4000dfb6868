"""Rows of `apps_usage` in the shape of each server version."""

from collections.abc import Sequence

import pytest

from insights_exporter.demo import SERVER_VERSIONS, EmbeddedCoder
from tests.demo.client import MONTH, WEEK, Json, coder, fetch_report

CLASSIC = ("template_ids", "type", "display_name", "slug", "icon", "seconds", "times_used")
BY_METHOD = (
    "template_ids",
    "method",
    "display_name",
    "slug",
    "icon",
    "seconds",
    "seconds_is_upper_bound",
    "times_used",
)
FAMILY_OF = {
    "code_server": "vscode",
    "cursor": "vscode",
    "jetbrains": "jetbrains",
    "our_editor": "unknown",
    "overflow": "unknown",
    "reconnecting_pty": "reconnecting_pty",
    "ssh": "ssh",
    "unknown": "unknown",
    "vscode": "vscode",
    "windsurf": "vscode",
    "zed": "ssh",
}


def apps(server: EmbeddedCoder, query: dict[str, str] = MONTH) -> Json:
    """Return the rows of a report."""
    return fetch_report(server, "templates", query)["apps_usage"]


def slugs(rows: Json) -> Sequence[str]:
    """Return the slugs of rows, in their order."""
    return [row["slug"] for row in rows]


@pytest.mark.parametrize(
    ("server_version", "keys"),
    [
        ("2023", CLASSIC[:-1]),
        ("2024", CLASSIC[:-1]),
        ("2025", CLASSIC),
        ("2026", CLASSIC),
        ("2026-session-apps", (*CLASSIC, "family")),
        ("next", BY_METHOD),
    ],
)
def test_rows_have_the_keys_of_their_version(server_version: str, keys: tuple[str, ...]) -> None:
    """All rows of a version have the same keys."""
    assert {keys} == {tuple(row) for row in apps(coder(server_version=server_version))}


@pytest.mark.parametrize("server_version", ["2026-session-apps", "2026-bounded"])
def test_session_apps_are_listed_one_by_one(server_version: str) -> None:
    """Session apps come first, sorted, with the server's slugs and families."""
    rows = apps(coder(server_version=server_version))
    session = [row for row in rows if row["type"] == "builtin"]
    own = rows[len(session) :]

    assert FAMILY_OF == {row["slug"]: row["family"] for row in session}
    assert sorted(FAMILY_OF) == slugs(session)
    assert all(row["seconds"] > 0 and row["times_used"] == 0 for row in session)
    assert {("app", "workspace_app")} == {(row["type"], row["family"]) for row in own}
    assert sorted(own, key=lambda row: (row["slug"], row["display_name"], row["icon"])) == own


def test_unregistered_app_is_named_by_its_slug() -> None:
    """An app that the server does not know has its slug as name and no icon."""
    (row,) = (row for row in apps(coder(server_version="2026-bounded")) if row["slug"] == "our_editor")

    assert ("our_editor", "") == (row["display_name"], row["icon"])


@pytest.mark.parametrize("server_version", ["2026-session-apps", "2026-bounded", "next"])
def test_nothing_used_is_an_empty_list(server_version: str) -> None:
    """Without any use there is no row at all, not even of a classic app."""
    midnight = "2026-05-20T00:00:00Z"

    assert [] == apps(coder(server_version=server_version), {"start_time": midnight, "end_time": midnight})


def test_families_are_the_sums_of_their_apps() -> None:
    """The row of a family has the seconds of its apps, and apps of no family are in none."""
    families = {
        row["slug"]: row["seconds"] for row in apps(coder(server_version="2026")) if row["type"] == "builtin"
    }
    sums = dict.fromkeys(families, 0)
    for row in apps(coder(server_version="2026-session-apps")):
        slug = row["family"].replace("_", "-")
        sums |= {slug: sums[slug] + row["seconds"]} if slug in sums else {}

    assert sums == families


@pytest.mark.parametrize("server_version", SERVER_VERSIONS)
def test_own_apps_of_templates_are_the_same_in_every_version(server_version: str) -> None:
    """What is used of templates' own apps does not depend on the server's version."""
    own = [{**row} for row in apps(coder(server_version=server_version)) if is_own(row)]
    expected = [row for row in apps(coder(server_version="2026")) if is_own(row)]

    assert seconds_by_name(expected) == seconds_by_name(own)


def is_own(row: Json) -> bool:
    """Return whether a row is of a template's own app."""
    return bool({row.get("type"), row.get("method")} & {"app", "workspace_app"})


def seconds_by_name(rows: Json) -> Json:
    """Return seconds and icon by name, sorted."""
    return sorted((row["slug"], row["display_name"], row["icon"], row["seconds"]) for row in rows)


def test_methods_of_connections() -> None:
    """Editors connect by SSH, the web terminal and templates' own apps in their own ways."""
    methods = {
        row["slug"]: row["method"]
        for row in apps(coder(server_version="next"))
        if row["method"] != "workspace_app"
    }

    assert FAMILY_OF.keys() == methods.keys()
    assert "reconnecting_pty" == methods.pop("reconnecting_pty")
    assert {"ssh"} == set(methods.values())


@pytest.mark.parametrize(
    ("server_version", "expected"),
    [("2026-session-apps", {None}), ("2026-bounded", {None, True}), ("next", {False, True})],
)
def test_overflow_is_an_upper_bound(server_version: str, expected: set[bool | None]) -> None:
    """Servers that limit the apps of a response mark the row of the others."""
    rows = apps(coder(server_version=server_version))
    bounds = {row["slug"]: row.get("seconds_is_upper_bound") for row in rows}

    assert expected == set(bounds.values())
    assert (None if server_version == "2026-session-apps" else True) is bounds["overflow"]


@pytest.mark.parametrize("server_version", SERVER_VERSIONS)
def test_deployment_has_no_more_of_an_app_than_its_templates(server_version: str) -> None:
    """Seconds of an app in the deployment are at most the sum over its templates, in every version."""
    server = coder(server_version=server_version)
    every = fetch_report(server, "templates")
    single = [apps(server, WEEK | {"template_ids": each}) for each in every["template_ids"]]

    for slug in slugs(every["apps_usage"]):
        part = sum(row["seconds"] for rows in single for row in rows if row["slug"] == slug)
        assert sum(row["seconds"] for row in every["apps_usage"] if row["slug"] == slug) <= part
