"""docs/metrics.md: the description of a family."""

from pathlib import Path

import yaml

from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.process import process_registry
from scripts import metrics_docs
from tests.integration.promtool import Promtool

FULL = MetricFamily(
    name="coder_insights_naps_seconds",
    type="gaugehistogram",
    help="Duration of naps.",
    labels=("deployment", "window"),
    bounds=(0.5, 60.0),
    merge="added up",
    absent="when no one slept",
    example="coder_insights_naps_seconds_gsum",
    stable=False,
    expires_at_midnight=True,
)


def test_section_contains_all_declared_facts() -> None:
    """Each declared fact has its line, the example its block."""
    assert (
        "### `coder_insights_naps_seconds`\n\nDuration of naps.\n\n"
        "- Type: gauge histogram (as text: `_bucket` is a histogram, `_gcount` and `_gsum` are gauges)\n"
        "- Labels: `deployment`, `window`\n"
        "- Buckets: 0.5, 60\n"
        "- Dataset: `naps`\n"
        "- Aggregation: added up\n"
        "- Absent: when no one slept\n"
        "- Expires at midnight: yes, until the next poll\n"
        "- Stability: experimental\n"
        "\n```promql\ncoder_insights_naps_seconds_gsum\n```\n"
    ) == metrics_docs.section(FULL, ["naps"])


def test_section_omits_undeclared_facts() -> None:
    """A section has no lines for facts that a family does not declare."""
    family = MetricFamily(name="naps", type="gauge", help="Naps now.")

    assert "### `naps`\n\nNaps now.\n\n- Type: gauge\n- Labels: none\n- Stability: stable\n" == (
        metrics_docs.section(family)
    )


def test_what_is_not_declared_is_of_the_process() -> None:
    """The last chapter describes everything on /metrics apart from the declared families."""
    others = [metric.name for metric in process_registry().collect()]

    assert [] == [name for name in others if not name.startswith(("process_", "python_"))]


def test_every_family_has_a_valid_example(promtool: Promtool, tmp_path: Path) -> None:
    """Prometheus can evaluate the example of each declared family."""
    rules = [
        {"record": f"example:{family.name}", "expr": family.example}
        for family in metrics_docs.declared_families()
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "examples", "rules": rules}]}), encoding="utf-8")

    done = promtool.run("check", "rules", "--lint=none", str(file))

    assert (0, "") == (done.returncode, done.stderr)
