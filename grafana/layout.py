"""Positions of panels: left to right, and on the next line when a line is full."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models.dashboard import GridPos, Panel, RowPanel

WIDTH: Final = 24


@dataclass(frozen=True, slots=True)
class Tile:
    """A panel and its size in the grid's units."""

    panel: Panel
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled row of a dashboard; it is repeated for each value of the variable `repeat`, if set."""

    title: str
    tiles: Sequence[Tile]
    repeat: str | None = None
    collapsed: bool = False


def place(sections: Sequence[Section]) -> list[Panel | RowPanel]:
    """Return all rows and panels with their positions and ids."""
    placed: list[Panel | RowPanel] = []
    y, number = 0, 1
    for section in sections:
        row = RowPanel(
            id_val=number,
            title=section.title,
            repeat=section.repeat,
            collapsed=section.collapsed,
            grid_pos=GridPos(h=1, w=WIDTH, x=0, y=y),
        )
        panels, y = _flow(section.tiles, y + 1, number + 1)
        number += 1 + len(panels)
        placed.append(row)
        if section.collapsed:
            row.panels = panels
        else:
            placed.extend(panels)
    return placed


def _flow(tiles: Sequence[Tile], y: int, number: int) -> tuple[list[Panel], int]:
    """Return the positioned panels, and the first free line below them."""
    x = deepest = 0
    for offset, tile in enumerate(tiles):
        if x + tile.width > WIDTH:
            x, y, deepest = 0, y + deepest, 0
        tile.panel.grid_pos = GridPos(h=tile.height, w=tile.width, x=x, y=y)
        tile.panel.id_val = number + offset
        x, deepest = x + tile.width, max(deepest, tile.height)
    return [tile.panel for tile in tiles], y + deepest
