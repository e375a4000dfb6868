// Prometheus' HTTP API, and its responses as Grafana's data frames.

import { createDataFrame, FieldType } from "@grafana/data";

const SCRAPE_SECONDS = 15; // Grafana's own default for "Scrape interval" of the data source

/** A Prometheus at `url`; every error contains the query. */
export class Prometheus {
  constructor(url) {
    this.url = url.replace(/\/$/, "");
  }

  async request(path, parameters) {
    const body = new URLSearchParams(parameters);
    const response = await fetch(`${this.url}/api/v1/${path}?${body}`);
    const content = await response.json();
    if (content.status !== "success") {
      throw new Error(`${parameters.query ?? path}: ${content.error}`);
    }
    return content.data;
  }

  labelValues(label, selector) {
    return this.request(`label/${label}/values`, { "match[]": selector, start: this.from, end: this.to });
  }

  /** Look for label values between these times (Unix seconds). */
  between(from, to) {
    Object.assign(this, { from, to });
    return this;
  }
}

/** Return `$__interval` and the like for a panel, as Grafana's data source sets them. */
export function builtIns(range, seconds) {
  const span = Math.round((range.to.valueOf() - range.from.valueOf()) / 1000);
  return {
    __interval: `${seconds}s`,
    __interval_ms: String(seconds * 1000),
    __rate_interval: `${Math.max(seconds + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s`,
    __range: `${span}s`,
    __range_s: String(span),
    __range_ms: String(span * 1000),
  };
}

/** Run a target's query and return its data frames. */
export async function runTarget(prometheus, target, range, seconds) {
  const { expr } = target;
  const result = target.range
    ? await overTime(prometheus, expr, range, seconds)
    : await prometheus.request("query", { query: expr, time: range.to.valueOf() / 1000 });
  const series = target.range ? result.result : result.result.map(asSeries);
  if (result.resultType !== "matrix" && result.resultType !== "vector") {
    throw new Error(`${expr}: results of type ${result.resultType} are not supported`);
  }
  if (target.format === "table") {
    return series.length ? [tableFrame(series, target.refId)] : [];
  }
  if (target.format === "time_series") {
    return series.map((one) => seriesFrame(one, target, seconds));
  }
  if (target.format === "heatmap" && !target.range) {
    return buckets(series).map((one) => seriesFrame(one, target, seconds));
  }
  throw new Error(`${expr}: format ${target.format} is not supported`);
}

function overTime(prometheus, expr, range, seconds) {
  const align = (time) => Math.floor(time.valueOf() / 1000 / seconds) * seconds;
  return prometheus.request("query_range", {
    query: expr,
    start: align(range.from),
    end: align(range.to),
    step: seconds,
  });
}

const asSeries = ({ metric, value }) => ({ metric, values: [value] });

function seriesFrame({ metric, values }, target, seconds) {
  const { __name__: name, ...labels } = metric;
  return createDataFrame({
    refId: target.refId,
    fields: [
      {
        name: "Time",
        type: FieldType.time,
        config: { interval: seconds * 1000 },
        values: values.map(([time]) => time * 1000),
      },
      {
        name: "Value",
        type: FieldType.number,
        labels,
        config: { displayNameFromDS: legend(target.legendFormat, name, labels) },
        values: values.map(([, value]) => Number(value)),
      },
    ],
  });
}

/** Return cumulative buckets as counts per bucket, in the order of their bounds. */
function buckets(series) {
  const bound = ({ metric }) => (metric.le === "+Inf" ? Infinity : Number(metric.le));
  const sorted = [...series].sort((one, other) => bound(one) - bound(other));
  return sorted.map(({ metric, values: [[time, value]] }, index) => {
    const below = index > 0 ? Number(sorted[index - 1].values[0][1]) : 0;
    return { metric, values: [[time, Number(value) - below]] };
  });
}

function legend(format, name, labels) {
  if (format) {
    return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "");
  }
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `${name ?? ""}{${pairs.join(", ")}}`;
}

function tableFrame(series, refId) {
  const labels = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const last = series.map(({ values }) => values.at(-1));
  return createDataFrame({
    refId,
    fields: [
      { name: "Time", type: FieldType.time, values: last.map(([time]) => time * 1000) },
      ...labels.map((label) => ({
        name: label,
        type: FieldType.string,
        values: series.map(({ metric }) => metric[label] ?? ""),
      })),
      { name: "Value", type: FieldType.number, values: last.map(([, value]) => Number(value)) },
    ],
  });
}

/** Name the values of tables `Value #A`, `Value #B`, ..., as Grafana does if more than one has rows. */
export function lettered(frames) {
  const tables = frames.filter((frame) => frame.fields.at(-1).name === "Value" && frame.fields.length > 2);
  if (tables.length < 2) {
    return frames;
  }
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) =>
      field.name === "Value" ? { ...field, name: `Value #${frame.refId}` } : field,
    ),
  }));
}
