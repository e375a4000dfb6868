// Converts query results to a panel's data: transformations, then units, thresholds, mappings and overrides.

import {
  applyFieldOverrides,
  FieldConfigOptionsRegistry,
  identityOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from "@grafana/data";
import { firstValueFrom } from "rxjs";

// Some transformations have two names in the library.
const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map((transformation) => ({ ...transformation, transformation })),
);

/** Return a panel's frames, ready to be drawn. */
export async function prepare(panel, frames, { theme, timeZone, replaceVariables }) {
  const transformations = panel.transformations ?? [];
  for (const { id } of transformations) {
    if (!standardTransformersRegistry.getIfExists(id)) {
      throw new Error(`transformation ${id} is not supported`);
    }
  }
  const data = await firstValueFrom(
    transformDataFrame(transformations, frames, { interpolate: (text) => text }),
  );
  return applyFieldOverrides({
    data,
    fieldConfig: panel.fieldConfig,
    theme,
    timeZone,
    replaceVariables,
    fieldConfigRegistry: registryOf(panel.fieldConfig),
  });
}

// Each panel plugin's default color mode.
const COLOR_MODES = { timeseries: "palette-classic" };

/** Return `panel` as Grafana loads it, with defaults. */
export function loaded(panel) {
  const fieldConfig = structuredClone(panel.fieldConfig);
  const { defaults, overrides } = fieldConfig;
  defaults.color ??= { mode: COLOR_MODES[panel.type] ?? "thresholds" };
  const properties = overrides.flatMap((override) => override.properties);
  const overridden = properties.filter(({ id }) => id === "thresholds").map(({ value }) => value);
  for (const { steps } of [defaults.thresholds, ...overridden].filter(Boolean)) {
    steps.forEach((step) => (step.value ??= -Infinity)); // JSON has no infinity
  }
  return { ...panel, fieldConfig };
}

// Grafana looks up a panel's options in a registry of editors. This one consists of the options that the
// panel sets, unchanged; `supported.js` has checked that they are rendered.
function registryOf({ defaults, overrides }) {
  const { custom = {}, ...standard } = defaults;
  const ids = new Set([
    ...Object.keys(standard),
    ...Object.keys(custom).map((name) => `custom.${name}`),
    ...overrides.flatMap(({ properties }) => properties.map(({ id }) => id)),
  ]);
  return new FieldConfigOptionsRegistry(() =>
    [...ids].map((id) => {
      const isCustom = id.startsWith("custom.");
      const path = isCustom ? id.slice("custom.".length) : id;
      return { id, path, isCustom, name: id, process: identityOverrideProcessor, shouldApply: () => true };
    }),
  );
}
