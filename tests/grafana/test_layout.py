"""The dashboards' JSON: complete, laid out without overlaps, with a title and description for each panel."""

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from tests.grafana.dashboard_files import (
    IMPORTABLE,
    PROVISIONED,
    Json,
    list_files,
    list_panels,
    list_rows,
    load,
)

each = pytest.mark.parametrize("file", list_files(), ids=lambda file: file.stem)

UNITS = {"locale", "percentunit", "s", "suffix:h", "dtdurations", "bytes", "bool_yes_no"}


def list_cells(panel: Json) -> set[tuple[int, int]]:
    """Return the cells of the grid that a panel covers."""
    at = panel["gridPos"]
    return set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))


def test_all_dashboards_exist() -> None:
    """Adoption, connection quality, exporter health, templates with their parameters, users and groups."""
    assert ["adoption", "connection", "health", "templates", "users"] == [file.stem for file in list_files()]


@each
def test_panels_do_not_overlap(file: Path) -> None:
    """No cell of the grid is covered twice, and none lies outside."""
    covered = [cell for panel in list_rows(load(file)) for cell in list_cells(panel)]

    assert len(set(covered)) == len(covered)
    assert {x for x, _ in covered} <= set(range(24))


@each
def test_lines_are_filled(file: Path) -> None:
    """Every line of the grid is covered from left to right, so that nothing moves when Grafana packs it."""
    covered = {cell for panel in list_rows(load(file)) for cell in list_cells(panel)}
    lines = {y for _, y in covered}

    assert [] == [(x, y) for y in lines for x in range(24) if (x, y) not in covered]


@each
def test_numbers_of_panels_are_unique(file: Path) -> None:
    """Rows and panels are numbered, each once."""
    numbers = [panel["id"] for panel in list_rows(load(file))]

    assert sorted(set(numbers)) == sorted(numbers)


def test_identities_are_unique_and_stable() -> None:
    """Links and bookmarks hold on to these names."""
    uids = [load(file)["uid"] for file in list_files()]

    assert [
        "coder-insights-adoption",
        "coder-insights-connection",
        "coder-insights-health",
        "coder-insights-templates",
        "coder-insights-users",
    ] == uids
    assert len({load(file)["title"] for file in list_files()}) == len(uids)


@each
def test_every_panel_explains_itself(file: Path) -> None:
    """Each panel has a title, a description, a unit, thresholds, and a text for no data."""
    for panel in list_panels(load(file)):
        defaults = panel["fieldConfig"]["defaults"]
        steps = defaults["thresholds"]["steps"]

        assert panel["title"]
        assert panel["description"][-1] == "."
        assert defaults["unit"] in UNITS
        assert steps[0]["value"] is None
        assert [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:])
        assert defaults["noValue"]


@each
def test_legend_of_events_shows_no_last_value(file: Path) -> None:
    """The last of the failures that bars show may be hours old: it would read as if it went on."""
    drawn = {
        panel["title"]: panel["options"]["legend"]["calcs"]
        for panel in list_panels(load(file))
        if panel["fieldConfig"]["defaults"].get("custom", {}).get("drawStyle") == "bars"
    }

    assert {title: ["max"] for title in drawn} == drawn


@each
def test_limit_lines_have_the_color_of_the_worse_side(file: Path) -> None:
    """A limit that graphs draw is yellow or red, whether values should be below or above it."""
    drawn = [
        step["color"]
        for panel in list_panels(load(file))
        if panel["fieldConfig"]["defaults"].get("custom", {}).get("thresholdsStyle")
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]
    ]

    assert set(drawn) <= {"yellow", "red"}


@each
def test_reasons_in_big_numbers_are_short(file: Path) -> None:
    """The text of a big number is one line that shrinks with its length: it stays legible."""
    numbers = [panel for panel in list_panels(load(file)) if panel["type"] == "stat"]
    long = [
        panel["title"]
        for panel in numbers
        if len(panel["fieldConfig"]["defaults"]["noValue"]) > 10 * panel["gridPos"]["w"]
    ]

    assert [] == long


def test_failing_polls_are_at_the_top() -> None:
    """A poll that never succeeded has no age: it is not below all that are healthy."""
    (table,) = (one for one in list_panels(load(PROVISIONED / "health.json")) if one["title"] == "Datasets")

    assert {"displayName": "Good", "desc": False} == table["options"]["sortBy"][0]


@each
def test_titles_are_unique(file: Path) -> None:
    """The titles of a dashboard's panels are unique."""
    titles = [panel["title"] for panel in list_panels(load(file))]

    assert sorted(set(titles)) == sorted(titles)


@each
def test_every_query_uses_the_chosen_data_source(file: Path) -> None:
    """Panels, queries and variables name the variable `datasource` and no data source."""
    dashboard = load(file)
    named = [part["datasource"] for panel in list_panels(dashboard) for part in (panel, *panel["targets"])]
    named += [one["datasource"] for one in dashboard["templating"]["list"] if one["type"] == "query"]

    assert [{"type": "prometheus", "uid": "${datasource}"}] * len(named) == named


@each
def test_variables(file: Path) -> None:
    """The shared variables come first and are the same on each dashboard, so that links can keep them."""
    variables = load(file)["templating"]["list"]

    assert ["datasource", "job", "instance", "deployment", "window"] == [one["name"] for one in variables[:5]]
    assert ["Data source", "Job", "Instance"] == [one["label"] for one in variables[:3]]
    assert [".+", ".*", ".+"] == [one["allValue"] for one in variables[1:4]]
    for variable in variables[1:]:
        assert variable["refresh"] == 2
        assert variable["label"]
        assert (variable["name"] == "window") != (variable["multi"] and variable["includeAll"])


def list_units(panel: Json) -> list[str]:
    """Return the units of a panel and of its columns."""
    config = panel["fieldConfig"]
    properties = [one for override in config["overrides"] for one in override["properties"]]
    return [config["defaults"]["unit"], *(one["value"] for one in properties if one["id"] == "unit")]


def test_exclusions_of_the_linter_are_needed() -> None:
    """Two rules of dashboard-linter are disabled, with the reason; one only for panels in hours.

    The linter does not check the units of panels with value mappings.
    """
    exclusions = yaml.safe_load((PROVISIONED / ".lint").read_text(encoding="utf-8"))["exclusions"]
    in_hours = [
        {"dashboard": dashboard["title"], "panel": panel["title"]}
        for dashboard in map(load, list_files())
        for panel in list_panels(dashboard)
        if "suffix:h" in list_units(panel) and "mappings" not in panel["fieldConfig"]["defaults"]
    ]

    assert ["template-instance-rule", "panel-units-rule"] == list(exclusions)
    assert all(rule["reason"] for rule in exclusions.values())
    assert in_hours == exclusions["panel-units-rule"]["entries"]


@each
def test_dashboards_link_to_each_other(file: Path) -> None:
    """The link finds the others by their tag and keeps time and variables."""
    dashboard = load(file)
    links = [link for link in dashboard["links"] if link["type"] == "dashboards"]

    assert [(["coder-insights"], True, True)] == [
        (link["tags"], link["keepTime"], link["includeVars"]) for link in links
    ]
    assert "coder-insights" in dashboard["tags"]


def list_links(dashboard: Json) -> list[str]:
    """Return the addresses of all links that values have."""
    found = []
    for config in (panel["fieldConfig"] for panel in list_panels(dashboard)):
        found += [link["url"] for link in config["defaults"].get("links", [])]
        for override in config["overrides"]:
            for one in override["properties"]:
                found += [link["url"] for link in one["value"]] if one["id"] == "links" else []
    return found


def list_variables(dashboard: Json) -> list[str]:
    """Return the names of its variables."""
    return [variable["name"] for variable in dashboard["templating"]["list"]]


BOARDS = {board["uid"]: board for board in map(load, list_files())}
LINKS = [(board, url) for board in BOARDS.values() for url in list_links(board)]

each_link = pytest.mark.parametrize(("board", "url"), LINKS, ids=[board["uid"] for board, _ in LINKS])


@each_link
def test_drill_down_keeps_time_and_variables(board: Json, url: str) -> None:
    """A click on a value opens the other dashboard with the same time range and the variables of both."""
    other = BOARDS[url.removeprefix("/d/").partition("?")[0]]
    common = set(list_variables(board)) & set(list_variables(other))
    set_or_kept = re.findall(r"&var-(\w+)=|\$\{(\w+):queryparam\}", url)

    assert "${__url_time_range}" in url
    assert set() == common - {name for names in set_or_kept for name in names}


@each_link
def test_drill_down_to_a_template_names_its_organization(board: Json, url: str) -> None:
    """Two organizations may have a template of one name: a click on one shows that one."""
    assert ("var-template=" in url) == ("var-organization=" in url)

    for title in re.findall(r"\$\{__data\.fields\.(\w+)", url):
        assert f'"{title}"' in json.dumps(board["panels"])


def test_dashboards_link_to_deployments_and_templates() -> None:
    """Adoption and Exporter health link to a deployment, Adoption and Templates to a template."""
    assert 4 == len(LINKS)


@each
def test_provisioned_dashboard_is_read_only(file: Path) -> None:
    """Provisioned dashboards are read-only and refresh as often as the data."""
    dashboard = load(file)

    assert dashboard["editable"] is False
    assert "5m" == dashboard["refresh"]
    assert "id" not in dashboard


@each
def test_importable_form_has_an_input_for_the_data_source(file: Path) -> None:
    """The importable form uses an input instead of the data source variable, and is otherwise equal."""
    provisioned, importable = load(file), load(IMPORTABLE / file.name)
    text = (IMPORTABLE / file.name).read_text(encoding="utf-8")

    assert [("DS_PROMETHEUS", "datasource", "prometheus")] == [
        (one["name"], one["type"], one["pluginId"]) for one in importable["__inputs"]
    ]
    assert "${datasource" not in text
    assert "$datasource" not in text
    assert [one["name"] for one in provisioned["templating"]["list"][1:]] == [
        one["name"] for one in importable["templating"]["list"]
    ]
    assert file.read_text(encoding="utf-8").count('"uid": "${datasource}"') == text.count(
        '"uid": "${DS_PROMETHEUS}"'
    )
    assert importable["id"] is None


@each
def test_importable_form_lists_its_requirements(file: Path) -> None:
    """All panel types are listed, so that Grafana can report missing plugins."""
    importable = load(IMPORTABLE / file.name)
    required = {one["id"] for one in importable["__requires"] if one["type"] == "panel"}

    assert {panel["type"] for panel in list_panels(importable)} == required


def test_provisioned_form_has_no_inputs() -> None:
    """Inputs break provisioning: Grafana would look for a data source of that name."""
    assert [] == [
        file.name for file in list_files() if "__inputs" in load(file) or "${DS_" in file.read_text()
    ]
