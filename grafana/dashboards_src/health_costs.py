"""The lower half of Exporter health: costs of polls, limits, and the exporters themselves."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import reasons, thresholds
from grafana.graphs import Style, graph
from grafana.layout import Tile
from grafana.panels import YES_NO, number
from grafana.promql import INFO, POLL, SCOPE, exporter, of_exporters, or_none, select, series
from grafana.queries import Query
from grafana.style import SECONDS, SHARE, WANTED, Look, worse_above, worse_below
from grafana.tables import Column, Rows, list_of

BY_POLL: Final = "{{deployment}} {{dataset}} {{window}}"
BY_DATASET: Final = "{{deployment}} {{dataset}}"

SERIES: Final = series("insights_exporter_series", by=POLL)
FOLDED_SERIES: Final = series("insights_exporter_series_folded", by=POLL)
DROPPED_SERIES: Final = series("insights_exporter_series_dropped", by=POLL)
LEFT: Final = series("insights_exporter_rate_limit_remaining", by=("dataset",), agree="min")
EXPORTER: Final = ("job", "instance")
EXPIRY: Final = series("insights_exporter_token_expiry_timestamp_seconds", by=EXPORTER)
LIFETIME: Final = series("insights_exporter_token_lifetime_seconds", by=EXPORTER)
TOKEN_REST: Final = f"min by (deployment) (({EXPIRY} - time()) / ({LIFETIME} > 0))"
"""Compares each token with its own lifetime: exporters of a deployment may have different tokens."""
AVAILABLE: Final = series("insights_exporter_dataset_available", by=("dataset", "reason"))

FAILURES: Final = "insights_exporter_request_failures_total"
INVALID: Final = "insights_exporter_rows_invalid_total"
REQUESTS: Final = "insights_exporter_requests_total"

TOKEN_COLORS: Final = worse_below(thresholds.TOKEN_LOW, thresholds.TOKEN_ENDING)
LEFT_COLORS: Final = worse_below(thresholds.REQUESTS_LEFT_NOTICE, thresholds.REQUESTS_LEFT)


def requests() -> list[Tile]:
    """Return the panels about requests to Coder and its responses."""
    failures = graph(
        Look(
            title="Failed requests by reason",
            description="Requests of all exporters that failed, retries included. docs/failures.md "
            "describes each reason and its remedy.",
            decimals=0,
            minimum=0,
        ),
        [
            Query(
                or_none(
                    f"sum by (deployment, reason) (increase({select(FAILURES)}[$__rate_interval])) > 0",
                    f"sum by (deployment) (increase({select(FAILURES)}[$__rate_interval]))",
                    "reason",
                ),
                "{{deployment}} {{reason}}",
            )
        ],
        Style(bars=True, stacked=True, aside=True),
    )
    load = graph(
        Look(
            title="Requests per minute",
            description="Requests of all exporters to Coder, retries included.",
            minimum=0,
        ),
        [
            Query(
                f"sum by (deployment, dataset) (rate({select(REQUESTS)}[$__rate_interval])) * 60", BY_DATASET
            )
        ],
        Style(stacked=True, aside=True),
    )
    slow = graph(
        Look(
            title="Response time, 90th percentile",
            description="Time within which Coder responds to 90% of the requests of each dataset.",
            unit=SECONDS,
            steps=worse_above(thresholds.ANSWER_SLOW, thresholds.ANSWER_TOO_SLOW),
            minimum=0,
        ),
        [
            Query(
                "histogram_quantile(0.9, sum by (deployment, dataset, le) (rate("
                f"{select('insights_exporter_request_duration_seconds_bucket')}[$__rate_interval])))",
                BY_DATASET,
            )
        ],
    )
    missing = list_of(
        Look(
            title="Datasets by server",
            description="Datasets that each server offers; all, if it was never reached. An unavailable one "
            "is tried again once an hour.",
            nothing=reasons.NO_EXPORTER,
        ),
        Rows(
            labels={"deployment": "Deployment", "dataset": "Dataset", "reason": "Reason"},
            sort="Available",
            descending=False,
        ),
        [Column(title="Available", expr=AVAILABLE, unit="bool_yes_no", words=YES_NO)],
    )
    invalid = graph(
        Look(
            title="Invalid rows",
            description="Rows of responses that were dropped as invalid. Each reason is logged once.",
            decimals=0,
            minimum=0,
        ),
        [
            Query(
                or_none(
                    f"sum by (deployment, dataset) (increase({select(INVALID)}[$__rate_interval])) > 0",
                    f"sum by (deployment) (increase({select(INVALID)}[$__rate_interval]))",
                    "dataset",
                ),
                BY_DATASET,
            )
        ],
        Style(bars=True),
    )
    return [Tile(failures, 12, 9), Tile(load, 12, 9), *(Tile(p, 8, 8) for p in (slow, invalid, missing))]


def limits() -> list[Tile]:
    """Return the panels about limits and how much of them is used."""
    left = graph(
        Look(
            title="Rate limit",
            description="Requests that Coder's rate limit still allowed in the current minute, as of the "
            "last response.",
            steps=LEFT_COLORS,
            minimum=0,
            nothing=reasons.NOT_SENT,
        ),
        [Query(LEFT, BY_DATASET)],
        Style(limits=True, aside=True),
    )
    token = graph(
        Look(
            title="Token lifetime remaining",
            description="Remaining share of each token's lifetime. A session that each use extends stays "
            "near 100%.",
            unit=SHARE,
            steps=TOKEN_COLORS,
            minimum=0,
            maximum=1,
            nothing=reasons.NOT_SENT,
        ),
        [Query(TOKEN_REST, "{{deployment}}")],
        Style(limits=True),
    )
    served = graph(
        Look(
            title="Series by dataset",
            description="Series of Coder's data that are exposed, by dataset.",
            minimum=0,
        ),
        [Query(f"sum by (deployment, dataset) ({SERIES})", BY_DATASET)],
        Style(stacked=True, aside=True),
    )
    folded = graph(
        Look(
            title="Aggregated and dropped series",
            description="Aggregated: source series that the limits of users, parameters, apps, templates and "
            "groups aggregate or omit, as configured. Dropped: series above max_series, normally 0.",
            minimum=0,
        ),
        [
            Query(f"sum by (deployment, dataset) ({FOLDED_SERIES})", f"{BY_DATASET} aggregated"),
            Query(f"sum by (deployment) ({DROPPED_SERIES})", "{{deployment}} dropped", "red"),
        ],
        Style(aside=True),
    )
    return [Tile(panel, 12, 8) for panel in (left, token, served, folded)]


def exporters() -> list[Tile]:
    """Return the panels about the exporters themselves."""
    reloaded = number(
        Look(
            title="Config",
            description="Whether the last config load succeeded. If not, the previous config stays in use.",
            unit="bool_yes_no",
            steps=WANTED,
            nothing=reasons.NO_EXPORTER,
        ),
        f"min({exporter('insights_exporter_config_last_reload_successful')})",
        words={"1": ("loaded", "green"), "0": ("refused", "red")},
    )
    versions = list_of(
        Look(title="Exporters", description="Each exporter and its version.", nothing=reasons.NO_EXPORTER),
        Rows(
            labels={"job": "Job", "instance": "Instance", "version": "Version"},
            sort="Instance",
            descending=False,
        ),
        [
            Column(
                title="Running",
                expr=exporter(INFO, "version"),
                unit="bool_yes_no",
                words=YES_NO,
            )
        ],
    )
    servers = list_of(
        Look(
            title="Coder servers",
            description="Each deployment and the version of its Coder.",
            nothing=reasons.NO_SUCCESS,
        ),
        Rows(labels={"deployment": "Deployment", "version": "Version"}, sort="Deployment", descending=False),
        [
            Column(
                title="Known",
                expr=series("coder_insights_build_info", by=("version",)),
                unit="bool_yes_no",
                words=YES_NO,
            )
        ],
    )
    return [
        Tile(reloaded, 4, 5),
        Tile(versions, 10, 5),
        Tile(servers, 10, 5),
        *(Tile(panel, 8, 8) for panel in _process()),
    ]


def _process() -> list[Panel]:
    memory = graph(
        Look(title="Memory", description="Resident memory of each exporter.", unit="bytes", minimum=0),
        [Query(of_exporters(exporter("process_resident_memory_bytes")), "{{instance}}")],
    )
    cpu = graph(
        Look(
            title="CPU",
            description="Share of one CPU core that each exporter uses.",
            unit=SHARE,
            minimum=0,
        ),
        [
            Query(
                of_exporters(
                    f"max by (job, instance) (rate(process_cpu_seconds_total{{{SCOPE}}}[$__rate_interval]))"
                ),
                "{{instance}}",
            )
        ],
    )
    scrape = graph(
        Look(
            title="Scrape",
            description="How long Prometheus takes to scrape each exporter.",
            unit=SECONDS,
            steps=worse_above(thresholds.SCRAPE_SLOW, thresholds.SCRAPE_TOO_SLOW),
            minimum=0,
        ),
        [Query(of_exporters(exporter("scrape_duration_seconds")), "{{instance}}")],
    )
    return [memory, cpu, scrape]
