"""Rules as plain YAML, the form that Prometheus, the chart and the tests read."""

from collections.abc import Iterable
from typing import Final

import yaml

from grafana.rules import exporter, recording, usage
from grafana.rules.model import Alert, Group

FOLDER: Final = "helm/insights-exporter/rules"

EXCLUSIONS: Final = "grafana/rules/pint.hcl"
"""Checks of pint that are disabled, with the reason."""

ALERTS: Final[tuple[Alert, ...]] = exporter.ALERTS + usage.ALERTS

HEADER: Final = "# Built from grafana/rules by `make dashboards`; change it there.\n"

RUNBOOKS: Final = """\
<!-- Built from grafana/rules by `make dashboards`; change it there. -->
# Runbooks

One page per alert of `helm/insights-exporter/rules/alerts.yaml`: its impact and the first thing to do, what
it means, how to find the cause, and how to fix it. [dashboards.md](../dashboards.md) describes how to install
the rules.

Commands are for the installations that the docs set up ([systemd](../systemd.md),
[container](../container.md), [Helm](../kubernetes.md)), with the names used there: deployment `main`, user
`insights-exporter`.

| alert | severity | fires after | meaning |
|---|---|---|---|
"""


class _Dumper(yaml.SafeDumper):
    """Dumps text of several lines as a block, and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  PyYAML's signature
        """Indent one level, also in lists."""
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _represent_text)


def _dump(groups: Iterable[Group]) -> str:
    content = {"groups": [group.mapping() for group in groups]}
    return HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


def _format_line(alert: Alert) -> str:
    return f"| [{alert.name}]({alert.name}.md) | {alert.severity} | {alert.hold} | {alert.summary} |\n"


def render() -> dict[str, str]:
    """Return the rule files and the list of runbooks by their path in the repository."""
    return {
        f"{FOLDER}/recording.yaml": _dump(recording.GROUPS),
        f"{FOLDER}/alerts.yaml": _dump([exporter.GROUP, usage.GROUP]),
        "docs/runbooks/README.md": RUNBOOKS + "".join(map(_format_line, ALERTS)),
    }
