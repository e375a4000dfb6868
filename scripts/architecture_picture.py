"""Write docs/images/architecture-*.svg: the data flow through the packages, with their modules."""

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

import insights_exporter

PACKAGE = Path(insights_exporter.__file__).parent
PATH = "docs/images/architecture-{theme}.svg"
WIDTH, HEIGHT = 1200, 720
LINE = 17


class Theme(NamedTuple):
    """Colors of a picture."""

    ground: str
    box: str
    edge: str
    text: str
    quiet: str
    accent: str


THEMES: Mapping[str, Theme] = {
    "light": Theme("#ffffff", "#f5f7fa", "#c3cad5", "#1b2430", "#556070", "#2463c9"),
    "dark": Theme("#0f141b", "#1a222d", "#3b4757", "#e6ebf2", "#9aa7b8", "#6ea8ff"),
}


class Box(NamedTuple):
    """A box: a program, or a package with its modules in columns; sizes in pixels."""

    name: str
    note: str
    x: int
    y: int
    width: int
    height: int
    columns: int = 0
    """0 for a program, which has no modules."""


BOXES = (
    Box("Coder", "Insights API", 20, 270, 110, 70),
    Box("polling", "schedule, poll, health, expiry", 170, 20, 850, 140, 4),
    Box("coder", "client: paced, bounded", 170, 210, 190, 250, 1),
    Box("datasets", "pure: response to samples", 400, 210, 320, 250, 2),
    Box("exposition", "samples to bytes", 760, 210, 190, 250, 1),
    Box("web", "HTTP, status page, TLS", 990, 210, 190, 250, 1),
    Box("backfill", "history, day by day", 400, 510, 320, 140, 2),
    Box("Prometheus", "and browsers", 1025, 520, 120, 60),
    Box("Storage", "blocks, remote write", 770, 545, 170, 60),
    Box("config", "file and environment, read by commands", 20, 510, 340, 190, 2),
)


class Arrow(NamedTuple):
    """An arrow with its label, from (x, y) to (to_x, to_y)."""

    label: str
    x: int
    y: int
    to_x: int
    to_y: int


ARROWS = (
    Arrow("poll", 265, 160, 265, 210),
    Arrow("convert", 560, 160, 560, 210),
    Arrow("publish", 855, 160, 855, 210),
    Arrow("", 130, 305, 170, 305),
    Arrow("", 360, 305, 400, 305),
    Arrow("", 720, 305, 760, 305),
    Arrow("", 950, 305, 990, 305),
    Arrow("scrape", 1085, 460, 1085, 520),
    Arrow("", 560, 460, 560, 510),
    Arrow("", 720, 575, 770, 575),
)


def render() -> Mapping[str, str]:
    """Return the text of the pictures, by their paths."""
    return {PATH.format(theme=name): _draw(theme) for name, theme in THEMES.items()}


def _draw(theme: Theme) -> str:
    parts = [part for box in BOXES for part in _draw_box(box, theme)]
    parts += [part for arrow in ARROWS for part in _draw_arrow(arrow, theme)]
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"
 aria-labelledby="title">
<title id="title">Data go from Coder through coder, datasets, exposition and web to Prometheus</title>
<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">
<path d="M0 0 9 4 0 8z" fill="{theme.accent}"/></marker></defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="{theme.ground}"/>
<g font-family="system-ui, sans-serif" font-size="13" fill="{theme.text}">
{chr(10).join(parts)}
</g>
</svg>
"""


def _draw_box(box: Box, theme: Theme) -> Iterator[str]:
    yield (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6" '
        f'fill="{theme.box}" stroke="{theme.edge}"/>'
    )
    x = box.x + 12
    yield f'<text x="{x}" y="{box.y + 23}" font-size="15" font-weight="600">{escape(box.name)}</text>'
    yield f'<text x="{x}" y="{box.y + 41}" fill="{theme.quiet}">{escape(box.note)}</text>'
    if not box.columns:
        return
    names = sorted(path.stem for path in (PACKAGE / box.name).iterdir() if _is_module(path))
    rows = -(-len(names) // box.columns)
    for at, name in enumerate(names):
        left = x + at // rows * (box.width - 16) // box.columns
        y = box.y + 64 + at % rows * LINE
        yield f'<text x="{left}" y="{y}" font-family="ui-monospace, monospace" font-size="12">{name}</text>'


def _is_module(path: Path) -> bool:
    """Return whether a path is a module or a subpackage."""
    return (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()


def _draw_arrow(arrow: Arrow, theme: Theme) -> Iterator[str]:
    label, x, y, to_x, to_y = arrow
    yield (
        f'<path d="M{x} {y} {to_x} {to_y}" stroke="{theme.accent}" stroke-width="1.6" fill="none" '
        'marker-end="url(#head)"/>'
    )
    if label:
        yield f'<text x="{x + 8}" y="{(y + to_y) // 2 + 4}" fill="{theme.quiet}">{label}</text>'
