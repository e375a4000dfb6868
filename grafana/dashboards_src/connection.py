"""Connection quality: how fast users' connections to their workspaces are."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, reasons, variables
from grafana.base import Content
from grafana.graphs import Style, graph
from grafana.layout import Section, Tile
from grafana.panels import bucket_bars, number
from grafana.promql import (
    AT_THE_END,
    LATENCY,
    QUALITY,
    TEMPLATE,
    TEMPLATE_LATENCY,
    TEMPLATE_QUALITY,
    WINDOW,
    biggest,
    measured_users,
    over_users,
    series,
    share_of,
)
from grafana.queries import Query
from grafana.style import SECONDS, SHARE, Look, Steps, worse_above
from grafana.tables import Column, Rows, list_of
from grafana.thresholds import LATENCY_FAIR, LATENCY_POOR, POOR_USERS, POOR_USERS_NOTICE

P50: Final = 'percentile="p50"'
BUCKETS: Final = series(LATENCY, WINDOW, P50, by=("le",))

BOUNDS: Final = {
    "0.01": "up to 10 ms",
    "0.025": "25 ms",
    "0.05": "50 ms",
    "0.1": "100 ms",
    "0.15": "150 ms",
    "0.2": "200 ms",
    "0.3": "300 ms",
    "0.5": "500 ms",
    "1.0": "1 s",
    "2.0": "2 s",
    "+Inf": "more",
}
"""Display names of the distribution's upper bounds."""

COLORS: Final[Steps] = worse_above(LATENCY_FAIR, LATENCY_POOR)
SHARE_COLORS: Final[Steps] = worse_above(POOR_USERS_NOTICE, POOR_USERS)

SHARE_ABOVE_FAIR_COLORS: Final[Steps] = ((None, "green"), (POOR_USERS, "yellow"))
"""Alerts only count connections above `LATENCY_POOR`, so this never turns red."""

POOR: Final = "poor"
NOT_GOOD: Final = "fair|poor"
QUALITIES: Final = (("poor", "red"), ("fair", "yellow"), ("good", "green"))
QUANTILES: Final = ((0.95, "dark-purple"), (0.9, "purple"), (0.75, "blue"), (0.5, "light-blue"))

TYPICAL: Final = "A user's latency is the median of the user's connections in the window."


def content() -> Content:
    """Return the dashboard."""
    return Content(
        board=project.CONNECTION,
        description="Latency of users' connections to their workspaces, by the limits of Coder's own "
        "dashboard: green up to 150 ms, red above 300 ms.",
        since="now-7d",
        variables=[
            variables.datasource(),
            variables.job(),
            variables.instance(),
            variables.deployment(),
            variables.window(QUALITY),
        ],
        sections=[
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[*_numbers(), *_course(), *_spread(), *_tables(), *_by_template()],
            ),
        ],
    )


def _numbers() -> list[Tile]:
    panels = [
        number(
            _share("Above 300 ms", f"Share of users with a latency above 300 ms (red in Coder). {TYPICAL}"),
            share_of(POOR, "p50"),
        ),
        number(
            _share(
                "Above 150 ms",
                f"Share of users with a latency above 150 ms (yellow or red in Coder). {TYPICAL}",
                SHARE_ABOVE_FAIR_COLORS,
            ),
            share_of(NOT_GOOD, "p50"),
        ),
        number(
            _share(
                "Sometimes above 300 ms",
                "Share of users whose 95th percentile is above 300 ms: one measurement in twenty is slow.",
            ),
            share_of(POOR, "p95"),
        ),
        number(
            _seconds("Median user", f"Half of the users have at most this latency. {TYPICAL}"),
            over_users(0.5),
        ),
        number(
            _seconds("90th percentile user", f"Nine of ten users have at most this latency. {TYPICAL}"),
            over_users(0.9),
        ),
        number(
            Look(
                title="Users measured",
                description="Users with a measured latency in the selected window.",
                nothing=reasons.NO_LATENCY,
            ),
            measured_users("p50"),
        ),
    ]
    return [Tile(panel, 4, 4) for panel in panels]


def _share(title: str, description: str, steps: Steps = SHARE_COLORS) -> Look:
    return _look(title, description, SHARE, steps)


def _seconds(title: str, description: str) -> Look:
    return _look(title, description, SECONDS, COLORS)


def _look(title: str, description: str, unit: str, steps: Steps) -> Look:
    return Look(
        title=title,
        description=description,
        unit=unit,
        steps=steps,
        decimals=0,
        nothing=reasons.NO_LATENCY,
    )


def _course() -> list[Tile]:
    shares = graph(
        Look(
            title="Share of users above the limits",
            history=reasons.BACKFILL_USERS,
            description="Users with a latency above 150 and 300 ms, and users above 300 ms in one "
            "measurement of twenty (95th percentile), over time. The alert uses the upper dashed line.",
            unit=SHARE,
            steps=SHARE_COLORS,
            nothing=reasons.NO_LATENCY,
        ),
        [
            Query(share_of(POOR, "p50"), "above 300 ms", "red"),
            Query(share_of(NOT_GOOD, "p50"), "above 150 ms", "yellow"),
            Query(share_of(POOR, "p95"), "sometimes above 300 ms", "red"),
        ],
        Style(limits=True, dashed=["C"]),
    )
    quantiles = graph(
        Look(
            title="Latency across users",
            history=reasons.BACKFILL_USERS,
            description="Latency that 50%, 75%, 90% and 95% of the users do not exceed. The dashed lines "
            "are Coder's limits of 150 and 300 ms.",
            unit=SECONDS,
            steps=COLORS,
            nothing=reasons.NO_LATENCY,
        ),
        [Query(over_users(q), f"{q * 100:.0f}% of users", color) for q, color in QUANTILES],
        Style(limits=True),
    )
    return [Tile(shares, 12, 10), Tile(quantiles, 12, 10)]


def _spread() -> list[Tile]:
    now = bucket_bars(
        Look(
            title="Users by latency",
            description="Number of users by latency in the selected window.",
            minimum=0,
            nothing=reasons.NO_LATENCY,
        ),
        BUCKETS,
        BOUNDS,
    )
    course = graph(
        Look(
            title="Users by connection quality, over time",
            history=reasons.BACKFILL_USERS,
            description="Users by Coder's own limits, over time: good up to 150 ms, fair up to 300 ms, poor "
            "above.",
            nothing=reasons.NO_LATENCY,
        ),
        [
            Query(series(QUALITY, WINDOW, P50, f'quality="{quality}"'), quality, color)
            for quality, color in QUALITIES
        ],
        Style(stacked=True),
    )
    return [Tile(now, 8, 9), Tile(course, 16, 9)]


def _tables() -> list[Tile]:
    def latency(percentile: str) -> str:
        return series(
            "coder_insights_user_latency_seconds",
            WINDOW,
            f'percentile="{percentile}"',
            by=("user_id", "username"),
        )

    slowest = f"topk by (deployment) (25, {latency('p95')})"
    users = list_of(
        Look(
            title="Slowest connections",
            description="The 25 users with the highest 95th percentile, if users are exposed by name or "
            "pseudonym. Ask them where they work and which network they use.",
            nothing=reasons.NO_NAMES,
        ),
        Rows(labels={"username": "User"}, sort="95th percentile"),
        [
            Column(
                title="Median",
                expr=f"{latency('p50')} and on (deployment, user_id) {slowest}",
                unit=SECONDS,
                steps=COLORS,
            ),
            Column(title="95th percentile", expr=slowest, unit=SECONDS, steps=COLORS),
        ],
    )
    return [Tile(users, 9, 11), Tile(_template_table(), 15, 11)]


def _template_table() -> Panel:
    return list_of(
        Look(
            title="Connection quality by template",
            description="Latency of each template's users. If one template stands out, its workspaces often "
            "run far away.",
            nothing=reasons.NO_TEMPLATE_USERS,
        ),
        Rows(labels={"organization_name": "Organization", "template_name": "Template"}, sort="Above 300 ms"),
        [
            Column(title="Users", expr=measured_users("p50", TEMPLATE_QUALITY, TEMPLATE)),
            Column(
                title="Above 150 ms",
                expr=share_of(NOT_GOOD, "p50", TEMPLATE_QUALITY, TEMPLATE),
                unit=SHARE,
                steps=SHARE_ABOVE_FAIR_COLORS,
                decimals=0,
            ),
            Column(
                title="Above 300 ms",
                expr=share_of(POOR, "p50", TEMPLATE_QUALITY, TEMPLATE),
                unit=SHARE,
                steps=SHARE_COLORS,
                decimals=0,
            ),
            Column(
                title="Median user",
                expr=over_users(0.5, "p50", TEMPLATE_LATENCY, TEMPLATE),
                unit=SECONDS,
                steps=COLORS,
                decimals=0,
            ),
        ],
    )


def _by_template() -> list[Tile]:
    median = over_users(0.5, "p50", TEMPLATE_LATENCY, TEMPLATE)
    course = graph(
        Look(
            title="Latency by template, over time",
            description="Latency that half of a template's users do not exceed, for the ten slowest "
            "templates. The dashed lines are Coder's limits of 150 and 300 ms.",
            unit=SECONDS,
            steps=COLORS,
            nothing=reasons.NO_TEMPLATE_USERS,
        ),
        [
            Query(
                biggest(10, median, over_users(0.5, "p50", TEMPLATE_LATENCY, TEMPLATE, AT_THE_END), TEMPLATE),
                "{{organization_name}}/{{template_name}}",
            )
        ],
        Style(limits=True, aside=True),
    )
    return [Tile(course, 24, 9)]
