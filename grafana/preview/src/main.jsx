// The page: `window.preview(job)` draws a dashboard and returns the errors and the number of icons to wait for.

import "@fontsource/inter/latin-400.css";
import "@fontsource/inter/latin-500.css";
import "uplot/dist/uPlot.min.css";

import { createTheme, dateTime, rangeUtil, ThemeContext } from "@grafana/data";
import { GlobalStyles, PanelChrome } from "@grafana/ui";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";

import { loaded, prepare } from "./frames.js";
import { arrange, pixels } from "./layout.js";
import { isEmpty, PANELS } from "./panels.jsx";
import { builtIns, lettered, Prometheus, runTarget } from "./prometheus.js";
import { findUnsupported } from "./supported.js";
import { interpolate, interpolateTitle, resolveVariables, withBuiltIns } from "./variables.js";

const TIME_ZONE = "utc";
const MARGIN = 16;

window.preview = async ({ dashboard, prometheus: url, at, mode, width }) => {
  const theme = createTheme({ colors: { mode } });
  const range = rangeBefore(dashboard.time.from, at);
  const prometheus = new Prometheus(url).between(range.from.unix(), range.to.unix());
  const variables = await resolveVariables(dashboard, prometheus);
  const context = { theme, prometheus, range, width: width - 2 * MARGIN };
  const placed = await Promise.all(arrange(dashboard, variables).map((one) => load(one, context)));
  const page = (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Page dashboard={dashboard} variables={variables} range={range} placed={placed} context={context} />
    </ThemeContext.Provider>
  );
  flushSync(() => createRoot(document.getElementById("root")).render(page));
  await document.fonts.ready;
  const problems = placed.filter(({ problem }) => problem).map(({ panel, problem }) => `${panel.title}: ${problem}`);
  return { problems, icons: placed.filter(({ panel }) => panel.description).length };
};

function rangeBefore(from, at) {
  const to = dateTime(at);
  const seconds = rangeUtil.intervalToSeconds(from.replace("now-", ""));
  return { from: dateTime(at).subtract(seconds, "seconds"), to, raw: { from, to: "now" } };
}

async function load(placed, context) {
  const place = pixels(placed.gridPos, context.width);
  if (placed.panel.type === "row") {
    return { ...placed, place };
  }
  const panel = loaded(placed.panel);
  const range = panel.timeFrom ? rangeBefore(`now-${panel.timeFrom}`, context.range.to) : context.range;
  try {
    const unsupported = findUnsupported(placed.panel);
    if (unsupported.length > 0) {
      throw new Error(`not supported: ${unsupported.join(", ")}`);
    }
    return { ...placed, panel, place, range, frames: await query(panel, placed.variables, place, range, context) };
  } catch (error) {
    return { ...placed, panel, place, range, frames: [], problem: error.message };
  }
}

async function query(panel, variables, place, range, { prometheus, theme }) {
  const { interval } = rangeUtil.calculateInterval(range, place.width, panel.interval ?? "15s");
  const seconds = rangeUtil.intervalToSeconds(interval);
  const all = withBuiltIns(variables, builtIns(range, seconds));
  const results = await Promise.all(
    panel.targets.map((target) => runTarget(prometheus, filled(target, all), range, seconds)),
  );
  return prepare(panel, lettered(results.flat()), {
    theme,
    timeZone: TIME_ZONE,
    replaceVariables: (text) => interpolate(text, variables),
  });
}

function filled(target, variables) {
  return {
    ...target,
    expr: interpolate(target.expr, variables),
    legendFormat: interpolateTitle(target.legendFormat, variables),
  };
}

function Page({ dashboard, variables, range, placed, context }) {
  const height = Math.max(...placed.map(({ place }) => place.top + place.height));
  const chosen = [...variables.values()].filter(({ hidden }) => !hidden);
  return (
    <div style={{ padding: MARGIN, background: context.theme.colors.background.canvas }}>
      <h1 style={{ fontSize: 20, marginBottom: 8 }}>{dashboard.title}</h1>
      <p style={{ color: context.theme.colors.text.secondary, marginBottom: MARGIN }}>
        {chosen.map(({ label, text }) => `${label}: ${text}`).join("   ·   ")}
        {"   ·   "}
        {`${range.from.utc().format("YYYY-MM-DD HH:mm")} to ${range.to.utc().format("YYYY-MM-DD HH:mm")} UTC`}
      </p>
      <div style={{ position: "relative", height }}>
        {placed.map((one) => (
          <div key={one.key} style={{ position: "absolute", ...one.place }}>
            {one.panel.type === "row" ? <Row {...one} theme={context.theme} /> : <Panel {...context} {...one} />}
          </div>
        ))}
      </div>
    </div>
  );
}

function Row({ panel, variables, theme }) {
  const title = interpolateTitle(panel.title, variables);
  return (
    <h2 style={{ fontSize: 16, lineHeight: "30px", margin: 0, color: theme.colors.text.primary }}>
      {panel.collapsed ? `▸ ${title}` : `▾ ${title}`}
    </h2>
  );
}

function Panel({ panel, place, frames, range, problem, theme, variables }) {
  const info = panel.timeFrom ? <Note theme={theme}>{`Last ${panel.timeFrom}`}</Note> : undefined;
  return (
    <PanelChrome
      title={interpolateTitle(panel.title, variables)}
      description={panel.description}
      titleItems={info}
      padding={panel.type === "table" ? "none" : "md"}
      width={place.width}
      height={place.height}
    >
      {(width, height) => content({ panel, frames, range, problem, theme, width, height })}
    </PanelChrome>
  );
}

function Note({ theme, children }) {
  return <span style={{ fontSize: 12, padding: "0 8px", alignSelf: "center", color: theme.colors.text.secondary }}>{children}</span>;
}

function content({ panel, frames, range, problem, theme, width, height }) {
  if (problem) {
    return <Message height={height}>{`Not rendered: ${problem}`}</Message>;
  }
  if (isEmpty(panel, frames)) {
    return <Message height={height}>{panel.fieldConfig.defaults.noValue ?? "No data"}</Message>;
  }
  const Component = PANELS[panel.type];
  return <Component {...{ panel, frames, range, theme, width, height }} timeZone={TIME_ZONE} />;
}

function Message({ height, children }) {
  const style = { height, padding: 8, display: "flex", alignItems: "center", justifyContent: "center" };
  return <div style={{ ...style, textAlign: "center" }}>{children}</div>;
}
