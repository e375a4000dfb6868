"""Write the defaults of the chart's values to a file that its templates can read.

Templates cannot read values.yaml, and Helm removes a value that a user sets to null.
"""

import json
from collections.abc import Mapping

from scripts.chart_values import CHART, read

PATH = "helm/insights-exporter/defaults.json"


def render() -> Mapping[str, str]:
    """Return the text of the file, by its path."""
    values = read((CHART / "values.yaml").read_text(encoding="utf-8"))
    leaves = [leaf for value in values.values() for leaf in value.leaves()]
    rows = [json.dumps({"path": leaf.path.split("."), "default": leaf.default}) for leaf in leaves]
    return {PATH: "[\n" + ",\n".join(rows) + "\n]\n"}
