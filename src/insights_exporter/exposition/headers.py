"""HELP and TYPE, and which lines stand below them in which format."""

from collections.abc import Mapping, Sequence

from insights_exporter.exposition.family import Family, Kind
from insights_exporter.exposition.formats import Format
from insights_exporter.exposition.spelling import escaped

Section = tuple[bytes, int]
"""HELP and TYPE, and the number of the run of lines below them."""

_GAUGE_HISTOGRAM: Mapping[str, str] = {"": "histogram", "_gcount": "gauge", "_gsum": "gauge"}
"""What the text format, which has no such type, makes of one."""

_SUFFIXES: Mapping[Kind, tuple[str, ...]] = {
    "gauge": (),
    "counter": (),
    "histogram": ("_bucket", "_count", "_sum"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
}


def layout(family: Family) -> Mapping[Format, Sequence[Section]]:
    """Return the sections of a family in each format."""
    bare = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    text_help = family.help.replace("\\", r"\\").replace("\n", r"\n")
    types = _GAUGE_HISTOGRAM if family.kind == "gaugehistogram" else {"": family.kind}
    text = [
        (_header(family.name + suffix, text_help, kind), run)
        for run, (suffix, kind) in enumerate(types.items())
    ]
    last_run = len(text) if family.kind == "gaugehistogram" else 0
    return {
        Format.TEXT: text,
        Format.OPENMETRICS: [(_header(bare, escaped(family.help), family.kind), last_run)],
    }


def names(family: Family) -> frozenset[str]:
    """Return all names by which a family may be asked for: its own and its samples'."""
    suffixed = {family.name + suffix for suffix in _SUFFIXES[family.kind]}
    bare = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    return frozenset({family.name, bare, *suffixed})


def _header(name: str, documentation: str, kind: str) -> bytes:
    return f"# HELP {name} {documentation}\n# TYPE {name} {kind}\n".encode()
