"""The lower half of Exporter health: costs of polls, limits, and the exporters themselves."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import reasons, thresholds
from grafana.graphs import GraphStyle, build_graph
from grafana.layout import Tile
from grafana.panels import YES_NO, build_stat
from grafana.promql import (
    INFO,
    POLL,
    SCOPE,
    add_none,
    build_selector,
    filter_exporters,
    select_exporters,
    select_series,
)
from grafana.queries import Query
from grafana.style import SECONDS, SHARE, WANTED, PanelOptions, draw_limits_below, warn_above, warn_below
from grafana.tables import Column, TableRows, build_table

BY_POLL: Final = "{{deployment}} {{dataset}} {{window}}"
BY_DATASET: Final = "{{deployment}} {{dataset}}"

SERIES: Final = select_series("insights_exporter_series", by=POLL)
AGGREGATED_SERIES: Final = select_series("insights_exporter_series_folded", by=POLL)
DROPPED_SERIES: Final = select_series("insights_exporter_series_dropped", by=POLL)
REQUESTS_LEFT: Final = select_series(
    "insights_exporter_rate_limit_remaining", by=("dataset",), aggregation="min"
)
EXPORTER: Final = ("job", "instance")
EXPIRY: Final = select_series("insights_exporter_token_expiry_timestamp_seconds", by=EXPORTER)
LIFETIME: Final = select_series("insights_exporter_token_lifetime_seconds", by=EXPORTER)
TOKEN_REMAINING: Final = f"min by (deployment) (({EXPIRY} - time()) / ({LIFETIME} > 0))"
"""Compares each token with its own lifetime: exporters of a deployment may have different tokens."""
AVAILABLE: Final = select_series("insights_exporter_dataset_available", by=("dataset", "reason"))

FAILURES_INCREASE: Final = (
    f"increase({build_selector('insights_exporter_request_failures_total')}[$__rate_interval])"
)
INVALID_INCREASE: Final = (
    f"increase({build_selector('insights_exporter_rows_invalid_total')}[$__rate_interval])"
)
DURATION_RATE: Final = (
    f"rate({build_selector('insights_exporter_request_duration_seconds_bucket')}[$__rate_interval])"
)
REQUESTS: Final = "insights_exporter_requests_total"

TOKEN_COLORS: Final = warn_below(thresholds.TOKEN_LOW, thresholds.TOKEN_ENDING)
REQUESTS_LEFT_COLORS: Final = warn_below(thresholds.REQUESTS_LEFT_NOTICE, thresholds.REQUESTS_LEFT)


def build_requests() -> list[Tile]:
    """Return the panels about requests to Coder and its responses."""
    failures = build_graph(
        PanelOptions(
            title="Failed requests by reason",
            description="Requests of all exporters that failed, retries included. docs/failures.md "
            "describes each reason and its remedy.",
            decimals=0,
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [
            Query(
                add_none(
                    f"sum by (deployment, reason) ({FAILURES_INCREASE}) > 0",
                    f"sum by (deployment) ({FAILURES_INCREASE})",
                    "reason",
                ),
                "{{deployment}} {{reason}}",
            )
        ],
        GraphStyle(bars=True, stacked=True, legend_right=True),
    )
    load = build_graph(
        PanelOptions(
            title="Requests per minute",
            description="Requests of all exporters to Coder, retries included.",
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [
            Query(
                f"sum by (deployment, dataset) (rate({build_selector(REQUESTS)}[$__rate_interval])) * 60",
                BY_DATASET,
            )
        ],
        GraphStyle(stacked=True, legend_right=True),
    )
    slow = build_graph(
        PanelOptions(
            title="Response time, 90th percentile",
            description="Time within which Coder responds to 90% of the requests of each dataset.",
            unit=SECONDS,
            steps=warn_above(thresholds.ANSWER_SLOW, thresholds.ANSWER_TOO_SLOW),
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(reasons.NO_RESPONSE),
        ),
        [
            Query(
                f"histogram_quantile(0.9, sum by (deployment, dataset, le) ({DURATION_RATE})) >= 0",
                BY_DATASET,
            )
        ],
        GraphStyle(legend_right=True),
    )
    missing = build_table(
        PanelOptions(
            title="Datasets by server",
            description="Datasets that each server offers; all, if it was never reached. An unavailable one "
            "is tried again once an hour.",
            no_value=reasons.NO_EXPORTER,
        ),
        TableRows(
            labels={"deployment": "Deployment", "dataset": "Dataset", "reason": "Reason"},
            sort="Available",
            descending=False,
        ),
        [Column(title="Available", expr=AVAILABLE, unit="bool_yes_no", texts=YES_NO)],
    )
    invalid = build_graph(
        PanelOptions(
            title="Invalid rows",
            description="Rows of responses that were dropped as invalid. Each reason is logged once.",
            decimals=0,
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [
            Query(
                add_none(
                    f"sum by (deployment, dataset) ({INVALID_INCREASE}) > 0",
                    f"sum by (deployment) ({INVALID_INCREASE})",
                    "dataset",
                ),
                BY_DATASET,
            )
        ],
        GraphStyle(bars=True),
    )
    return [
        Tile(failures, 12, 9),
        Tile(load, 12, 9),
        Tile(slow, 12, 9),
        Tile(missing, 7, 9),
        Tile(invalid, 5, 9),
    ]


def build_limits() -> list[Tile]:
    """Return the panels about limits and how much of them is used."""
    left = build_graph(
        PanelOptions(
            title="Rate limit",
            description="Requests that Coder's rate limit still allowed in the current minute, as of the "
            "last response.",
            steps=draw_limits_below(thresholds.REQUESTS_LEFT_NOTICE, thresholds.REQUESTS_LEFT),
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(reasons.NOT_SENT),
        ),
        [Query(REQUESTS_LEFT, BY_DATASET)],
        GraphStyle(limits=True, legend_right=True),
    )
    token = build_graph(
        PanelOptions(
            title="Token lifetime remaining",
            description="Remaining share of each token's lifetime. A session that each use extends stays "
            "near 100%.",
            unit=SHARE,
            steps=draw_limits_below(thresholds.TOKEN_LOW, thresholds.TOKEN_ENDING),
            minimum=0,
            maximum=1,
            no_value=reasons.describe_empty_exporter_graph(reasons.NOT_SENT),
        ),
        [Query(TOKEN_REMAINING, "{{deployment}}")],
        GraphStyle(limits=True),
    )
    served = build_graph(
        PanelOptions(
            title="Series by dataset",
            description="Series of Coder's data that are exposed, by dataset.",
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [Query(f"sum by (deployment, dataset) ({SERIES})", BY_DATASET)],
        GraphStyle(stacked=True, legend_right=True),
    )
    folded = build_graph(
        PanelOptions(
            title="Aggregated and dropped series",
            description="Aggregated: source series that the limits of users, parameters, apps, templates and "
            "groups aggregate or omit, as configured. Dropped: series above max_series, normally 0.",
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [
            Query(f"sum by (deployment, dataset) ({AGGREGATED_SERIES})", f"{BY_DATASET} aggregated"),
            Query(f"sum by (deployment) ({DROPPED_SERIES})", "{{deployment}} dropped", "red"),
        ],
        GraphStyle(legend_right=True),
    )
    return [Tile(panel, 12, 9) for panel in (left, token, served, folded)]


def build_exporters() -> list[Tile]:
    """Return the panels about the exporters themselves."""
    reloaded = build_stat(
        PanelOptions(
            title="Config",
            description="Whether the last config load succeeded. If not, the previous config stays in use.",
            unit="bool_yes_no",
            steps=WANTED,
            no_value=reasons.NO_EXPORTER,
        ),
        f"min({select_exporters('insights_exporter_config_last_reload_successful')})",
        texts={"1": ("loaded", "green"), "0": ("refused", "red")},
    )
    versions = build_table(
        PanelOptions(
            title="Exporters", description="Each exporter and its version.", no_value=reasons.NO_EXPORTER
        ),
        TableRows(
            labels={"job": "Job", "instance": "Instance", "version": "Version"},
            sort="Instance",
            descending=False,
        ),
        [
            Column(
                title="Running",
                expr=select_exporters(INFO, "version"),
                unit="bool_yes_no",
                texts=YES_NO,
            )
        ],
    )
    servers = build_table(
        PanelOptions(
            title="Coder servers",
            description="Each deployment and the version of its Coder.",
            no_value=reasons.NO_SUCCESS,
        ),
        TableRows(
            labels={"deployment": "Deployment", "version": "Version"}, sort="Deployment", descending=False
        ),
        [
            Column(
                title="Known",
                expr=select_series("coder_insights_build_info", by=("version",)),
                unit="bool_yes_no",
                texts=YES_NO,
            )
        ],
    )
    return [
        Tile(reloaded, 4, 5),
        Tile(versions, 10, 5),
        Tile(servers, 10, 5),
        *(Tile(panel, 8, 8) for panel in _build_process()),
    ]


def _build_process() -> list[Panel]:
    memory = build_graph(
        PanelOptions(
            title="Memory",
            description="Resident memory of each exporter.",
            unit="bytes",
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [Query(filter_exporters(select_exporters("process_resident_memory_bytes")), "{{instance}}")],
    )
    cpu = build_graph(
        PanelOptions(
            title="CPU",
            description="Share of one CPU core that each exporter uses.",
            unit=SHARE,
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [
            Query(
                filter_exporters(
                    f"max by (job, instance) (rate(process_cpu_seconds_total{{{SCOPE}}}[$__rate_interval]))"
                ),
                "{{instance}}",
            )
        ],
    )
    scrape = build_graph(
        PanelOptions(
            title="Scrape",
            description="How long Prometheus takes to scrape each exporter.",
            unit=SECONDS,
            steps=warn_above(thresholds.SCRAPE_SLOW, thresholds.SCRAPE_TOO_SLOW),
            minimum=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [Query(filter_exporters(select_exporters("scrape_duration_seconds")), "{{instance}}")],
    )
    return [memory, cpu, scrape]
