// What the preview renders: a panel that sets anything else is not drawn, and its message names the option.

const ANY = (value) => value !== undefined;
const only = (...values) => (value) => values.includes(value);

const STANDARD = ["color", "decimals", "displayName", "links", "mappings", "max", "min", "noValue", "thresholds", "unit"];
const MATCHERS = ["byName", "byFrameRefID"];

// By type of panel: its options, and those of its fields besides the standard ones. An option that the preview
// does not read is supported with the value that changes nothing in a picture.
const PANELS = {
  timeseries: {
    options: { legend: ANY, tooltip: ANY },
    fields: [
      "drawStyle",
      "fillOpacity",
      "lineInterpolation",
      "lineStyle",
      "lineWidth",
      "showPoints",
      "stacking",
      "thresholdsStyle",
    ],
  },
  stat: {
    options: {
      colorMode: ANY,
      graphMode: only("none"),
      justifyMode: ANY,
      orientation: ANY,
      percentChangeColorMode: ANY,
      reduceOptions: ANY,
      showPercentChange: only(false),
      text: ANY,
      textMode: ANY,
      wideLayout: only(true),
    },
    fields: [],
  },
  bargauge: {
    options: {
      displayMode: ANY,
      legend: ({ showLegend }) => !showLegend,
      maxVizHeight: ANY,
      minVizHeight: ANY,
      minVizWidth: ANY,
      namePlacement: ANY,
      orientation: only("horizontal"),
      reduceOptions: ANY,
      showUnfilled: ANY,
      sizing: only("auto"),
      text: ANY,
      valueMode: ANY,
    },
    fields: [],
  },
  table: {
    options: {
      cellHeight: ANY,
      footer: ({ show }) => !show,
      frameIndex: only(0),
      showHeader: only(true),
      showTypeIcons: ANY,
      sortBy: ANY,
    },
    fields: ["align", "cellOptions", "filterable", "inspect", "minWidth", "width"],
  },
};

/** Return what a panel sets and the preview does not render, as `options.showHeader: false`. */
export function findUnsupported({ type, options = {}, fieldConfig: { defaults, overrides } }) {
  const supported = PANELS[type];
  if (!supported) {
    return [`type: ${type}`];
  }
  const { custom = {}, ...standard } = defaults;
  const fields = [
    ...Object.keys(standard),
    ...Object.keys(custom).map((name) => `custom.${name}`),
    ...overrides.flatMap(({ properties }) => properties.map(({ id }) => id)),
  ];
  const known = new Set([...STANDARD, ...supported.fields.map((name) => `custom.${name}`)]);
  return [
    ...Object.entries(options)
      .filter(([name, value]) => !supported.options[name]?.(value))
      .map(([name, value]) => `options.${name}: ${JSON.stringify(value)}`),
    ...new Set(fields.filter((name) => !known.has(name)).map((name) => `field option: ${name}`)),
    ...overrides.filter(({ matcher }) => !MATCHERS.includes(matcher.id)).map(({ matcher }) => `matcher: ${matcher.id}`),
  ];
}
