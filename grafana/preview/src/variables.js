// Resolves a dashboard's variables as Grafana does, with the values saved in it.

const ALL = "$__all";

/** Return the dashboard's variables as a map of name to `{ values, allValue, text }`. */
export async function resolveVariables(dashboard, prometheus) {
  const variables = new Map();
  for (const variable of dashboard.templating.list) {
    variables.set(variable.name, await resolve(variable, variables, prometheus));
  }
  return variables;
}

async function resolve(variable, earlier, prometheus) {
  if (variable.type === "datasource") {
    return { values: [variable.query], text: "Prometheus", label: variable.label };
  }
  if (variable.type !== "query") {
    throw new Error(`variable ${variable.name}: type ${variable.type} is not supported`);
  }
  const query = interpolate(variable.query, earlier);
  const found = /^label_values\((.+), (\w+)\)$/s.exec(query);
  if (!found) {
    throw new Error(`variable ${variable.name}: query ${variable.query} is not supported`);
  }
  const values = (await prometheus.labelValues(found[2], found[1])).filter((value) => value !== "");
  const current = [variable.current?.value ?? []].flat();
  const hidden = variable.hide === 2;
  if (current.includes(ALL)) {
    return { values, allValue: variable.allValue, text: "All", label: variable.label, hidden };
  }
  const chosen = current.filter((value) => values.includes(value));
  const kept = chosen.length > 0 ? chosen : values.slice(0, 1);
  return { values: kept, text: kept.join(" + ") || "none", label: variable.label, hidden };
}

/** Return `variables` with `name` set to one value, as in a repeated row. */
export function fixed(variables, name, value) {
  return new Map(variables).set(name, { ...variables.get(name), values: [value], allValue: undefined });
}

/** Return `variables` and Grafana's built-in ones, each with one value. */
export function withBuiltIns(variables, builtIns) {
  const all = new Map(variables);
  for (const [name, value] of Object.entries(builtIns)) {
    all.set(name, { values: [value], raw: true });
  }
  return all;
}

/** Return `text` with its variables replaced by their values; a list becomes a regular expression. */
export function interpolate(text, variables) {
  return text.replace(/\$(\w+)|\$\{(\w+)(?::\w+)?\}/g, (whole, plain, braced) => {
    const variable = variables.get(plain ?? braced);
    return variable ? spell(variable) : whole;
  });
}

function spell({ values, allValue, raw }) {
  if (allValue !== undefined) {
    return allValue;
  }
  if (raw) {
    return values[0];
  }
  const escaped = values.map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, "\\\\$&"));
  return escaped.length === 1 ? escaped[0] : `(${escaped.join("|")})`;
}

/** Return `text` for display: lists are written as in Grafana's titles. */
export function interpolateTitle(text, variables) {
  return text.replace(/\$(\w+)/g, (whole, name) => variables.get(name)?.values.join(" + ") ?? whole);
}
