"""The built dashboards as the tests read them: from the files, as Grafana does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PROVISIONED: Final = ROOT / "grafana/dashboards"
IMPORTABLE: Final = ROOT / "grafana/importable"
CHART: Final = ROOT / "helm/insights-exporter/dashboards"

Json = dict[str, Any]


def load(file: Path) -> Json:
    """Return a built dashboard."""
    content: Json = json.loads(file.read_text(encoding="utf-8"))
    return content


def list_files(folder: Path = PROVISIONED) -> list[Path]:
    """Return the files of a form."""
    return sorted(folder.glob("*.json"))


def list_rows(dashboard: Json) -> Iterator[Json]:
    """Yield rows and panels in their order, those in collapsed rows too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def list_panels(dashboard: Json) -> Iterator[Json]:
    """Return all panels that show something."""
    return (panel for panel in list_rows(dashboard) if panel["type"] != "row")


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """A query of a panel: on which dashboard, in which panel, which of its queries."""

    board: str
    panel: str
    letter: str
    expr: str
    over_time: bool
    legend: str
    columns: frozenset[str] | None
    """The labels that a table names or hides; None for other panels."""

    def __str__(self) -> str:
        """Return its place as a short text."""
        return f"{self.board}: {self.panel}: {self.letter}"


def list_queries(file: Path) -> Iterator[PanelQuery]:
    """Yield every query of a dashboard."""
    for panel in list_panels(load(file)):
        for target in panel["targets"]:
            yield PanelQuery(
                board=file.stem,
                panel=panel["title"],
                letter=target["refId"],
                expr=target["expr"],
                over_time=target["range"],
                legend=target["legendFormat"],
                columns=_columns(panel),
            )


def _columns(panel: Json) -> frozenset[str] | None:
    if panel["type"] != "table":
        return None
    (organize,) = (one["options"] for one in panel["transformations"] if one["id"] == "organize")
    return frozenset(organize["renameByName"]) | frozenset(organize["excludeByName"])


ALL_QUERIES: Final = tuple(query for file in list_files() for query in list_queries(file))
