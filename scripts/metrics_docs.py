"""Write the metrics reference, docs/metrics.md, from the declared families."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence

import insights_exporter
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.exposition.family import MetricFamily

PATH = "docs/metrics.md"
PACKAGES = ("datasets", "exposition", "polling", "web")

CHAPTERS = (
    ("coder_insights_", "Coder's data", "Values of Coder's API as of the last successful poll."),
    ("insights_exporter_", "The exporter itself", "Polls, requests, series, config and token."),
)

KINDS = {
    "gaugehistogram": "gauge histogram (as text: `_bucket` is a histogram, `_gcount` and `_gsum` are gauges)",
}

OPENING = """# Metrics

Reference of all metrics. `make docs` generates it from the declarations in the code.

All metrics of Coder's data are gauges, because windows slide and values can fall. A value is that of the
last successful poll. If polls fail, its series expire after `insights_exporter_max_age_seconds`. Series of
a window of one day (`today`) also expire at midnight in the deployment's time zone and return within two
minutes. No metric has a `_created` series.

*Dataset* names the dataset whose polls update the metric, *Aggregation* how several rows of a response
become one series, and *Absent* when a series does not exist. The description names the API field.

[How to read the numbers](numbers.md) explains days, apps and families, and upgrades of Coder.
The [compatibility policy](compatibility.md) defines *stable* and *experimental*.

"""

CLOSING = """
## The process

The `process_` and `python_` metrics of the Prometheus client library, at most one second old.
"""


def render(datasets: Mapping[str, Dataset] = DATASETS) -> Mapping[str, str]:
    """Return the text of the file, by its path."""
    families = sorted(declared_families(datasets), key=lambda family: family.name)
    chapters = [
        chapter(title, about, [family for family in families if family.name.startswith(prefix)], datasets)
        for prefix, title, about in CHAPTERS
    ]
    return {PATH: OPENING + "\n".join(chapters) + CLOSING}


def declared_families(datasets: Mapping[str, Dataset] = DATASETS) -> tuple[MetricFamily, ...]:
    """Return every family of `datasets` and of the package's modules, each once.

    Raises:
        ValueError: two different families have the same name.
    """
    found: dict[str, MetricFamily] = {}
    for family in (*_families_of([*datasets.values()]), *_families_in_modules()):
        if found.setdefault(family.name, family) != family:
            raise ValueError(f"{family.name} has two different declarations")
    return tuple(found.values())


def _families_in_modules() -> Iterator[MetricFamily]:
    """Yield the families that the modules of `PACKAGES` declare."""
    for module in pkgutil.walk_packages(insights_exporter.__path__, "insights_exporter."):
        if module.name.split(".")[1] in PACKAGES:
            for value in vars(importlib.import_module(module.name)).values():
                yield from _families_of(value)


def _families_of(value: object) -> Iterator[MetricFamily]:
    """Yield the families in a module-level value."""
    if isinstance(value, MetricFamily):
        yield value
    elif isinstance(value, Dataset):
        yield from value.families
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _families_of(item)


def chapter(title: str, about: str, families: list[MetricFamily], datasets: Mapping[str, Dataset]) -> str:
    """Return a chapter with one section per family."""
    sections = [
        section(family, [name for name, dataset in datasets.items() if family in dataset.families])
        for family in families
    ]
    return f"## {title}\n\n{about}\n\n" + "\n".join(sections)


def section(family: MetricFamily, datasets: Sequence[str] = ()) -> str:
    """Return the reference section of a family, which these datasets expose."""
    labels = ", ".join(f"`{label}`" for label in family.labels)
    facts = (
        ("Type", KINDS.get(family.type, family.type)),
        ("Labels", labels or "none"),
        ("Buckets", ", ".join(f"{bound:g}" for bound in family.bounds)),
        ("Dataset", ", ".join(f"`{name}`" for name in datasets)),
        ("Aggregation", family.merge),
        ("Absent", family.absent),
        ("Expires at midnight", "yes, until the next poll" if family.expires_at_midnight else ""),
        ("Stability", "stable" if family.stable else "experimental"),
    )
    lines = "".join(f"- {name}: {fact}\n" for name, fact in facts if fact)
    example = f"\n```promql\n{family.example}\n```\n" if family.example else ""
    return f"### `{family.name}`\n\n{family.help}\n\n{lines}{example}"
