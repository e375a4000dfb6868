"""What the tests of the chart share."""

import pytest
import yaml

from tests.helm.chart import CHART, Values


@pytest.fixture(scope="session")
def values() -> Values:
    """Provide the chart's values as they are by default."""
    found: Values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return found
