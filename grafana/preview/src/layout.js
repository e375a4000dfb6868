// Positions of panels: Grafana's grid of 24 columns, with a repeated row once for each value of its variable.

import { fixed } from "./variables.js";

const CELL_HEIGHT = 30;
const COLUMNS = 24;
const GAP = 8;

/** Return the panels of a dashboard, each with its variables, rows repeated, those in collapsed rows omitted. */
export function arrange(dashboard, variables) {
  const placed = [];
  let shift = 0;
  for (const section of sections(dashboard.panels)) {
    const values = section.row?.repeat ? variables.get(section.row.repeat).values : [undefined];
    const height = bottom(section) - top(section);
    values.forEach((value, index) => {
      const own = value === undefined ? variables : fixed(variables, section.row.repeat, value);
      const panels = section.row?.collapsed ? [] : section.panels;
      for (const panel of section.row ? [section.row, ...panels] : panels) {
        const y = panel.gridPos.y + shift + index * height;
        placed.push({ panel, variables: own, key: `${panel.id}-${index}`, gridPos: { ...panel.gridPos, y } });
      }
    });
    shift += (values.length - 1) * height;
  }
  return placed;
}

function sections(panels) {
  const found = [];
  for (const panel of panels) {
    if (panel.type === "row") {
      found.push({ row: panel, panels: [] });
    } else {
      (found.at(-1) ?? (found.push({ panels: [] }), found.at(-1))).panels.push(panel);
    }
  }
  return found;
}

const all = ({ row, panels }) => (row ? [row, ...panels] : panels);
const top = (section) => Math.min(...all(section).map(({ gridPos }) => gridPos.y));
const bottom = (section) => Math.max(...all(section).map(({ gridPos }) => gridPos.y + gridPos.h));

/** Return the position and size of a panel in pixels, within `width`. */
export function pixels({ x, y, w, h }, width) {
  const column = (width - GAP * (COLUMNS - 1)) / COLUMNS;
  return {
    left: Math.round(x * (column + GAP)),
    top: y * (CELL_HEIGHT + GAP),
    width: Math.round(w * column + (w - 1) * GAP),
    height: h * CELL_HEIGHT + (h - 1) * GAP,
  };
}
