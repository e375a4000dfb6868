"""Write docs/stable-metrics.txt for a release: `python -m scripts.stable_metrics`.

The file has one line per stable family: name, type, labels, bounds. docs/compatibility.md defines
the term stable.
"""

from collections.abc import Iterable
from pathlib import Path

from insights_exporter.exposition.family import MetricFamily
from scripts.metrics_docs import declared_families

PROMISED = Path(__file__).resolve().parents[1] / "docs/stable-metrics.txt"


def format_family(family: MetricFamily) -> str:
    """Return the file's line for a family."""
    labels, bounds = ",".join(sorted(family.labels)), ",".join(f"{bound:g}" for bound in family.bounds)
    return " ".join(part for part in (family.name, family.type, f"{{{labels}}}", bounds) if part)


def format_families(families: Iterable[MetricFamily]) -> list[str]:
    """Return the sorted lines of the stable families."""
    return sorted(format_family(family) for family in families if family.stable)


def find_broken(promised: Iterable[str], families: Iterable[MetricFamily]) -> list[str]:
    """Return the lines of `promised` that no stable family matches."""
    kept = set(format_families(families))
    return [line for line in promised if line not in kept]


def main() -> None:
    """Write the file."""
    PROMISED.write_text(
        "".join(f"{line}\n" for line in format_families(declared_families())), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
