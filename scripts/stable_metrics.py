"""Write docs/stable-metrics.txt for a release: `python -m scripts.stable_metrics`.

The file has one line per stable family: name, type, labels, bounds. docs/compatibility.md defines
what stable means.
"""

from collections.abc import Iterable
from pathlib import Path

from insights_exporter.exposition.family import MetricFamily
from scripts.metrics_docs import declared_families

PROMISED = Path(__file__).resolve().parents[1] / "docs/stable-metrics.txt"


def promise(family: MetricFamily) -> str:
    """Return the line of a family."""
    labels, bounds = ",".join(sorted(family.labels)), ",".join(f"{bound:g}" for bound in family.bounds)
    return " ".join(part for part in (family.name, family.type, f"{{{labels}}}", bounds) if part)


def promises(families: Iterable[MetricFamily]) -> list[str]:
    """Return the lines of the stable ones among `families`, sorted."""
    return sorted(promise(family) for family in families if family.stable)


def broken(promised: Iterable[str], families: Iterable[MetricFamily]) -> list[str]:
    """Return the lines of `promised` that do not hold."""
    kept = set(promises(families))
    return [line for line in promised if line not in kept]


def main() -> None:
    """Write the file."""
    PROMISED.write_text("".join(f"{line}\n" for line in promises(declared_families())), encoding="utf-8")


if __name__ == "__main__":
    main()
