"""Plain files for installations without Helm: `python -m grafana.mixin`, into build/mixin.

The folder has rules, dashboards in both forms, and a mixin.libsonnet for
collecting mixins with jsonnet.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from grafana import dashboards
from grafana.build import ROOT, render, write
from grafana.rules import render as rules

PLACES: Final = {
    rules.FOLDER: "rules",
    dashboards.PROVISIONED: "dashboards",
    dashboards.IMPORTABLE: "importable",
}


def render_mixin(grafana_url: str = "") -> dict[str, str]:
    """Return the files by path in the mixin; `grafana_url` is the base of the alerts' dashboard links."""
    files = {
        f"{PLACES[folder]}/{PurePosixPath(path).name}": text
        for path, text in render().items()
        if (folder := str(PurePosixPath(path).parent)) in PLACES
    }
    linked = {
        path: _complete_links(text, grafana_url) for path, text in files.items() if path.endswith(".yaml")
    }
    exclusions = (ROOT / dashboards.EXCLUSIONS).read_text(encoding="utf-8")
    return {
        **files,
        **linked,
        "mixin.libsonnet": _render_libsonnet(files),
        ".lint": exclusions,
        ".pint.hcl": (ROOT / rules.EXCLUSIONS).read_text(encoding="utf-8"),
        "dashboards/.lint": exclusions,
    }


def _complete_links(text: str, grafana_url: str) -> str:
    return text.replace("dashboard_url: /d/", f"dashboard_url: {grafana_url.rstrip('/')}/d/")


def _render_libsonnet(files: Mapping[str, str]) -> str:
    paths = [path for path in files if path.startswith("dashboards/")]
    imports = "".join(f"    '{PurePosixPath(path).name}': (import '{path}'),\n" for path in sorted(paths))
    return (
        "{\n"
        f"  grafanaDashboards+:: {{\n{imports}  }},\n"
        "  prometheusRules+:: std.parseYaml(importstr 'rules/recording.yaml'),\n"
        "  prometheusAlerts+:: std.parseYaml(importstr 'rules/alerts.yaml'),\n"
        "}\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files to the folder on the command line."""
    parser = argparse.ArgumentParser(prog="python -m grafana.mixin", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build/mixin")
    parser.add_argument("--grafana-url", default="", help="address of your Grafana, for links in alerts")
    chosen = parser.parse_args(arguments)
    write(render_mixin(chosen.grafana_url), chosen.folder)
    print(f"rules, dashboards and mixin.libsonnet are in {chosen.folder}")  # noqa: T201  a command


if __name__ == "__main__":
    main()
