"""The mixin for installations without Helm, and its linters."""

import re
from pathlib import Path

import pytest
import yaml

from grafana import lint, mixin
from grafana.lint import Linter
from grafana.rules.render import ALERTS
from scripts import install_test_deps as parts
from scripts.install_test_deps import find
from tests.grafana.dashboard_files import IMPORTABLE, PROVISIONED, Json
from tests.helm.chart import select_only
from tests.integration.programs import require
from tests.rules.rule_files import RULES

NOT_RUN = "not run, it is not installed"


def test_mixin_has_rules_and_dashboards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder holds the shipped rules and both forms of the dashboards, unchanged."""
    mixin.main([str(tmp_path)])

    for folder, source in (("rules", RULES), ("dashboards", PROVISIONED), ("importable", IMPORTABLE)):
        assert {file.name: file.read_text() for file in source.iterdir()} == {
            file.name: file.read_text() for file in (tmp_path / folder).iterdir()
        }
    assert str(tmp_path) in capsys.readouterr().out


def test_mixin_names_its_files_for_jsonnet() -> None:
    """The jsonnet file imports files that are there."""
    files = mixin.render_mixin()
    imported = [path for path in files if path.startswith(("rules/", "dashboards/")) and "lint" not in path]

    assert 7 == len(imported)
    assert [] == [path for path in imported if f"'{path}'" not in files["mixin.libsonnet"]]


@pytest.mark.parametrize("url", ["https://grafana.example.com", "https://grafana.example.com/"])
def test_links_of_alerts_use_the_given_grafana(url: str) -> None:
    """With the URL of a Grafana, the links to dashboards are complete."""
    groups = yaml.safe_load(mixin.render_mixin(url)["rules/alerts.yaml"])["groups"]
    links = [rule["annotations"]["dashboard_url"] for group in groups for rule in group["rules"]]

    assert links
    assert [] == [
        link for link in links if not link.startswith("https://grafana.example.com/d/coder-insights-")
    ]


@pytest.mark.parametrize("url", ["https://grafana.example.com/base", "https://grafana.example.com/base/", ""])
def test_chart_and_mixin_write_the_same_links(url: str) -> None:
    """The chart and the mixin install the same alerts."""
    release = {"prometheusRule": {"enabled": True}, "rules": {"grafanaUrl": url}}
    installed = select_only("PrometheusRule", release)["spec"]["groups"]
    written = yaml.safe_load(mixin.render_mixin(url)["rules/alerts.yaml"])["groups"]

    assert list_links(written) == list_links(installed)


def list_links(groups: list[Json]) -> dict[str, str]:
    """Return the address of each alert's dashboard."""
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {rule["alert"]: rule["annotations"]["dashboard_url"] for rule in alerts}


def test_third_party_linters_report_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Installed linters accept all files, and missing ones are reported as not run."""
    status = lint.main()
    programs = [linter.program for linter in lint.LINTERS]
    verdicts = [f"{program}: {'no problems found' if find(program) else NOT_RUN}" for program in programs]

    assert (0, verdicts) == (status, capsys.readouterr().out.splitlines())


def test_alerts_with_a_disabled_check_exist() -> None:
    """The config of pint names alerts that are shipped, and gives the reason in a comment."""
    config = mixin.render_mixin()[".pint.hcl"]
    names = re.findall(r'name = "(.+)"', config)

    assert names
    assert set(names) <= {alert.name for alert in ALERTS}
    assert len(names) == len(re.findall(r"\n  # .+\n  disable = ", config))


def test_linter_in_the_folder_of_the_interpreter_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Linters are searched in the interpreter's folder, too."""
    strict = tmp_path / "strict-linter"
    strict.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    strict.chmod(0o755)
    monkeypatch.setattr(parts, "PATH", str(tmp_path))
    status = lint.main([Linter(strict.name, (), "rules/*.yaml")])

    assert (1, True) == (status, "strict-linter: 2 files have problems" in capsys.readouterr().out)


def test_linter_that_is_not_installed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing linter is reported as skipped."""
    status = lint.main([Linter("no-such-linter", (), "rules/*.yaml")])

    assert (0, "no-such-linter: not run, it is not installed\n") == (status, capsys.readouterr().out)


def test_problems_of_a_linter_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """The output of a linter is printed, and the status is 1."""
    require("promtool")
    status = lint.main([Linter("promtool", ("check", "config"), "rules/alerts.yaml")])
    output = capsys.readouterr().out

    assert 1 == status
    assert "promtool: 1 files have problems" in output
    assert "FAILED" in output


def test_linter_without_problems(capsys: pytest.CaptureFixture[str]) -> None:
    """A linter that accepts all files leaves the status at 0."""
    require("promtool")
    status = lint.main([Linter("promtool", ("check", "rules"), "rules/*.yaml")])

    assert (0, "promtool: no problems found\n") == (status, capsys.readouterr().out)
