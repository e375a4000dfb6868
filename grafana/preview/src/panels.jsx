// Panels, drawn with Grafana's own components.

import { getDisplayValueAlignmentFactors, getFieldDisplayValues, VizOrientation } from "@grafana/data";
import { BarGauge, BigValue, Table, TimeSeries, VizRepeater } from "@grafana/ui";

function TimeSeriesPanel({ panel, frames, width, height, range, timeZone }) {
  return (
    <TimeSeries
      frames={frames}
      structureRev={1}
      timeRange={range}
      timeZone={timeZone}
      width={width}
      height={height}
      legend={panel.options.legend}
      options={panel.options}
    />
  );
}

function displayValues({ panel, frames, theme, timeZone }) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: (text) => text,
    theme,
    data: frames,
    timeZone,
  });
}

function StatPanel(props) {
  const { panel, theme, width, height } = props;
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => displayValues(props)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={props.frames}
      renderCounter={0}
      width={width}
      height={height}
      autoGrid
      orientation={options.orientation ?? VizOrientation.Auto}
      renderValue={({ value, width, height, count, alignmentFactors }) => (
        <BigValue
          value={value.display}
          count={count}
          width={width}
          height={height}
          theme={theme}
          alignmentFactors={alignmentFactors}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          justifyMode={options.justifyMode ?? "auto"}
          textMode={options.textMode}
          text={options.text}
        />
      )}
    />
  );
}

const SMALLEST_BAR = 16;
const LARGEST_BAR = 300;

function BarGaugePanel(props) {
  const { panel, theme, width, height } = props;
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => displayValues(props)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={props.frames}
      renderCounter={0}
      width={width}
      height={height}
      minVizHeight={options.minVizHeight ?? SMALLEST_BAR}
      maxVizHeight={options.maxVizHeight ?? LARGEST_BAR}
      itemSpacing={options.displayMode === "lcd" ? 2 : 10}
      orientation={options.orientation}
      renderValue={({ value, width, height, orientation, alignmentFactors }) => (
        <BarGauge
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          width={width}
          height={height}
          orientation={orientation}
          theme={theme}
          alignmentFactors={alignmentFactors}
          displayMode={options.displayMode}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          showUnfilled={options.showUnfilled}
          text={options.text}
        />
      )}
    />
  );
}

function TablePanel({ panel, frames, width, height, range }) {
  return (
    <Table
      data={frames[0]}
      width={width}
      height={height}
      timeRange={range}
      initialSortBy={panel.options.sortBy}
      cellHeight={panel.options.cellHeight}
      fieldConfig={panel.fieldConfig}
      showTypeIcons={panel.options.showTypeIcons}
    />
  );
}

/** The component for each type of panel that can be drawn. */
export const PANELS = {
  timeseries: TimeSeriesPanel,
  stat: StatPanel,
  bargauge: BarGaugePanel,
  table: TablePanel,
};

/** Return whether there is nothing to draw; a stat shows that itself. */
export function isEmpty({ type }, frames) {
  const hasRows = frames.some((frame) => frame.length > 0);
  return !hasRows && type !== "stat";
}
