"""Connection quality: how fast people's connections to their workspaces are."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, variables
from grafana.base import Content
from grafana.graphs import Style, graph
from grafana.layout import Section, Tile
from grafana.panels import bucket_bars, bucket_map, number
from grafana.promql import LATENCY, TEMPLATE, TEMPLATE_LATENCY, WINDOW, over_users, series, share_above
from grafana.queries import Query
from grafana.style import SECONDS, SHARE, Look, Steps, worse_above
from grafana.tables import Column, Rows, list_of
from grafana.thresholds import LATENCY_FAIR, LATENCY_POOR, POOR_USERS, POOR_USERS_NOTICE

P50: Final = 'percentile="p50"'
EVERYBODY: Final = series(LATENCY, WINDOW, P50, 'le="+Inf"')
BUCKETS: Final = series(LATENCY, WINDOW, P50, by=("le",))

COLORS: Final[Steps] = worse_above(LATENCY_FAIR, LATENCY_POOR)
SHARE_COLORS: Final[Steps] = worse_above(POOR_USERS_NOTICE, POOR_USERS)

NO_LATENCY: Final = "no data: no latencies are polled for this window"
NO_NAMES: Final = (
    "no single users are shown (users.detail is aggregate, or the window is not in users.windows)"
)
NO_TEMPLATES: Final = "no data: latencies by template are polled where templates.users is true"

TYPICAL: Final = "Typical means the median of a person's connection in the window."


def content() -> Content:
    """Return the dashboard."""
    return Content(
        board=project.CONNECTION,
        description="How fast people's connections to their workspaces are, by the limits that Coder's own "
        "pages use: green up to 150 ms, red above 300 ms.",
        since="now-7d",
        variables=[
            variables.datasource(),
            variables.job(),
            variables.instance(),
            variables.deployment(),
            variables.window(LATENCY),
        ],
        sections=[
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[*_numbers(), *_course(), *_spread(), Tile(_slowest(), 24, 10), *_by_template()],
            ),
        ],
    )


def _numbers() -> list[Tile]:
    panels = [
        number(
            _share("Above 300 ms", f"Share of people whose typical latency is above 300 ms. {TYPICAL}"),
            share_above(LATENCY_POOR, "p50"),
        ),
        number(
            _share("Above 150 ms", f"Share of people whose typical latency is above 150 ms. {TYPICAL}"),
            share_above(LATENCY_FAIR, "p50"),
        ),
        number(
            _share(
                "Slow moments",
                "Share of people whose 95th percentile is above 300 ms: "
                "one moment in twenty is slow for them.",
            ),
            share_above(LATENCY_POOR, "p95"),
        ),
        number(
            _seconds(
                "Half of the people", f"Half of the people have at most this typical latency. {TYPICAL}"
            ),
            over_users(0.5),
        ),
        number(
            _seconds("Nine of ten", f"Nine of ten people have at most this typical latency. {TYPICAL}"),
            over_users(0.9),
        ),
        number(
            Look(
                title="People measured",
                description="People with a measured latency in the window.",
                nothing=NO_LATENCY,
            ),
            EVERYBODY,
        ),
    ]
    return [Tile(panel, 4, 4) for panel in panels]


def _share(title: str, description: str) -> Look:
    return Look(
        title=title, description=description, unit=SHARE, steps=SHARE_COLORS, decimals=0, nothing=NO_LATENCY
    )


def _seconds(title: str, description: str) -> Look:
    return Look(title=title, description=description, unit=SECONDS, steps=COLORS, nothing=NO_LATENCY)


def _course() -> list[Tile]:
    shares = graph(
        Look(
            title="People above the limits",
            description="Share of people above 150 and 300 ms as the window slid along: typically, and in "
            "their slow moments (95th percentile). The dashed lines are where the alert looks.",
            unit=SHARE,
            steps=SHARE_COLORS,
            minimum=0,
            nothing=NO_LATENCY,
        ),
        [
            Query(share_above(LATENCY_POOR, "p50"), "typically above 300 ms"),
            Query(share_above(LATENCY_FAIR, "p50"), "typically above 150 ms"),
            Query(share_above(LATENCY_POOR, "p95"), "slow moments above 300 ms"),
        ],
        Style(limits=True, dashed=["C"]),
    )
    quantiles = graph(
        Look(
            title="Typical latency over people",
            description="The typical latency that half, three quarters, nine of ten and 95 of 100 people do "
            "not exceed. The dashed lines are Coder's limits of 150 and 300 ms.",
            unit=SECONDS,
            steps=COLORS,
            minimum=0,
            nothing=NO_LATENCY,
        ),
        [Query(over_users(q), f"{q * 100:.0f} % of people") for q in (0.5, 0.75, 0.9, 0.95)],
        Style(limits=True),
    )
    return [Tile(shares, 12, 9), Tile(quantiles, 12, 9)]


def _spread() -> list[Tile]:
    now = bucket_bars(
        Look(
            title="People by typical latency",
            description="How many people have which typical latency in the window; each bar is up to that "
            "many seconds.",
            minimum=0,
            nothing=NO_LATENCY,
        ),
        BUCKETS,
    )
    course = bucket_map(
        Look(
            title="People by typical latency, over time",
            description="The darker, the more people have that typical latency.",
            unit=SECONDS,
            nothing=NO_LATENCY,
        ),
        BUCKETS,
    )
    return [Tile(now, 8, 9), Tile(course, 16, 9)]


def _slowest() -> Panel:
    def latency(percentile: str) -> str:
        return series(
            "coder_insights_user_latency_seconds",
            WINDOW,
            f'percentile="{percentile}"',
            by=("user_id", "username"),
        )

    slowest = f"topk by (deployment) (25, {latency('p95')})"
    return list_of(
        Look(
            title="Slowest connections",
            description="The 25 people with the slowest 95th percentile, where people are shown by name or "
            "pseudonym. They are the ones to talk to: where they are, which network they use.",
            nothing=NO_NAMES,
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


def _by_template() -> list[Tile]:
    everybody = series(TEMPLATE_LATENCY, WINDOW, P50, 'le="+Inf"', by=TEMPLATE)
    table = list_of(
        Look(
            title="Connection quality by template",
            description="Typical latency of each template's people. A template that stands out is often one "
            "whose workspaces run far away.",
            nothing=NO_TEMPLATES,
        ),
        Rows(labels={"organization_name": "Organization", "template_name": "Template"}, sort="Above 300 ms"),
        [
            Column(title="People measured", expr=everybody),
            Column(
                title="Above 150 ms",
                expr=share_above(LATENCY_FAIR, "p50", TEMPLATE_LATENCY, TEMPLATE),
                unit=SHARE,
                steps=SHARE_COLORS,
                decimals=0,
            ),
            Column(
                title="Above 300 ms",
                expr=share_above(LATENCY_POOR, "p50", TEMPLATE_LATENCY, TEMPLATE),
                unit=SHARE,
                steps=SHARE_COLORS,
                decimals=0,
            ),
            Column(
                title="Half of the people",
                expr=over_users(0.5, "p50", TEMPLATE_LATENCY, TEMPLATE),
                unit=SECONDS,
                steps=COLORS,
            ),
        ],
    )
    course = graph(
        Look(
            title="Typical latency by template",
            description="The typical latency that half of each template's people do not exceed.",
            unit=SECONDS,
            steps=COLORS,
            minimum=0,
            nothing=NO_TEMPLATES,
        ),
        [
            Query(
                over_users(0.5, "p50", TEMPLATE_LATENCY, TEMPLATE), "{{organization_name}}/{{template_name}}"
            )
        ],
        Style(limits=True),
    )
    return [Tile(table, 12, 10), Tile(course, 12, 10)]
