"""Run Datadog's check with its own Python, and print the metrics it would send to the Agent.

`python datadog_check.py INSTANCE` with an instance as JSON. The check runs
twice, since the first value of a counter is only a baseline.
"""

import json
import sys
from importlib import import_module


def main() -> None:
    """Print one JSON array per metric of the last run: name, type, value, tags."""
    # by name, since it is a package of the other Python
    base, aggregator = (
        import_module("datadog_checks.base"),
        import_module("datadog_checks.base.stubs").aggregator,
    )
    check = base.OpenMetricsBaseCheckV2("insights_exporter", {}, [json.loads(sys.argv[1])])
    for _ in range(2):
        aggregator.reset()
        failure = check.run()
        if failure:
            sys.exit(failure)
    kinds = {number: name for name, number in aggregator.METRIC_ENUM_MAP.items()}
    for name in aggregator.metric_names:
        for metric in aggregator.metrics(name):
            line = json.dumps([metric.name, kinds[metric.type], metric.value, metric.tags])
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
