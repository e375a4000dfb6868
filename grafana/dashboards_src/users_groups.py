"""The lower half of Users and groups: groups, and the limits of the license."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import reasons
from grafana.graphs import GraphStyle, build_graph
from grafana.layout import Tile
from grafana.panels import build_stat
from grafana.promql import (
    AT_THE_END,
    GROUP,
    GROUP_QUALITY,
    WINDOW,
    compute_quality_share,
    filter_largest,
    select_series,
)
from grafana.queries import Query
from grafana.style import SHARE, PanelOptions, warn_above
from grafana.tables import Column, TableRows, build_table
from grafana.thresholds import POOR_USERS, POOR_USERS_NOTICE, SEATS_USED, SEATS_USED_NOTICE

MEMBERS: Final = select_series("coder_insights_group_members", by=GROUP)
ACTIVE: Final = select_series("coder_insights_group_active_users", WINDOW, by=GROUP)
ACTIVITY: Final = f"{select_series('coder_insights_group_activity_seconds', WINDOW, by=GROUP)} / 3600"

USED: Final = "coder_insights_license_seats_used"
LIMIT: Final = "coder_insights_license_seats_limit"
AGENT: Final = "coder_insights_license_agent_runtime_seconds"
AGENT_LIMIT: Final = "coder_insights_license_agent_runtime_limit_seconds"
STATUS: Final = "coder_insights_license_status"
SEATS: Final = 'feature="user_limit"'
AI_SEATS: Final = 'feature="ai_governance_user_limit"'
AGENT_LIMITS: Final = (("soft", "yellow"), ("purchased", "orange"), ("hard", "red"))


def build_groups() -> list[Tile]:
    """Return the panels by group."""
    over_time = build_graph(
        PanelOptions(
            title="Active users by group, over time",
            description="Active users of the eight most active groups in the selected window, over time. A "
            "user of two groups counts in both.",
            causes=(*reasons.GROUPS, reasons.GROUP_WINDOWS),
        ),
        [
            Query(
                filter_largest(
                    ACTIVE,
                    select_series("coder_insights_group_active_users", WINDOW, by=GROUP, when=AT_THE_END),
                    GROUP,
                ),
                "{{organization_name}}/{{group_name}}",
            )
        ],
        GraphStyle(legend_right=True),
    )
    return [Tile(_build_table(), 24, 9), Tile(over_time, 24, 9)]


def _build_table() -> Panel:
    return build_table(
        PanelOptions(
            title="Groups",
            description="Activity and connections of groups in the selected window. The group Everyone "
            "contains all members of its organization. Do not add groups up: a user of two groups counts in "
            "both. Values of fewer users than groups.min_users are not exposed.",
            causes=reasons.GROUPS,
        ),
        TableRows(labels={"organization_name": "Organization", "group_name": "Group"}, sort="Active users"),
        [
            Column(title="Members", expr=MEMBERS),
            Column(title="Active users", expr=ACTIVE),
            Column(title="Active share", expr=f"{ACTIVE} / ({MEMBERS} > 0)", unit=SHARE, decimals=0),
            Column(title="Active hours", expr=ACTIVITY, decimals=0),
            Column(
                title="Hours per active user",
                expr=f"{ACTIVITY} / ({ACTIVE} > 0)",
                decimals=1,
            ),
            Column(
                title="Above 300 ms",
                expr=compute_quality_share("poor", "p50", GROUP_QUALITY, GROUP),
                unit=SHARE,
                steps=warn_above(POOR_USERS_NOTICE, POOR_USERS),
                decimals=0,
            ),
        ],
    )


def build_license() -> list[Tile]:
    """Return the panels about the license."""
    entitled, grace = (select_series(STATUS, f'status="{status}"') for status in ("entitled", "grace_period"))
    status = build_stat(
        PanelOptions(
            title="License",
            description="Whether the license is valid. In the grace period it has expired, but Coder still "
            "serves its features. A license without seats is shown as none.",
            causes=(reasons.OPEN_SOURCE,),
        ),
        f"2 * {entitled} + {grace}",
        texts={"2": ("valid", "green"), "1": ("grace period", "yellow"), "0": ("none", "text")},
    )
    used = build_stat(
        PanelOptions(
            title="License seats used",
            description="Share of the license's seats that are in use; a seat is an active account.",
            unit=SHARE,
            steps=warn_above(SEATS_USED_NOTICE, SEATS_USED),
            decimals=0,
            causes=(reasons.NO_SEATS,),
        ),
        f"{select_series(USED, SEATS)} / ({select_series(LIMIT, SEATS)} > 0)",
    )
    left = build_stat(
        PanelOptions(
            title="License seats left",
            description="Number of accounts that can still become active before the license's limit is "
            "reached.",
            causes=(reasons.NO_SEATS,),
        ),
        f"{select_series(LIMIT, SEATS)} - {select_series(USED, SEATS)}",
    )
    seats = build_graph(
        PanelOptions(
            title="License seats",
            description="Seats in use and the limit of the license. Seats are active accounts; AI seats are "
            "those of AI Governance. Do not add them up.",
            causes=(reasons.OPEN_SOURCE,),
        ),
        [
            Query(select_series(USED, SEATS), "seats used", "blue"),
            Query(select_series(LIMIT, SEATS), "seat limit", "red"),
            Query(select_series(USED, AI_SEATS), "AI seats used", "purple"),
            Query(select_series(LIMIT, AI_SEATS), "AI seat limit", "orange"),
        ],
        GraphStyle(dashed=["B", "D"], legend_right=True),
    )
    agents = build_graph(
        PanelOptions(
            title="Agent runtime",
            description="Hours that Coder Agents ran in the license term, and the limits.",
            decimals=0,
            causes=(reasons.NO_AGENT_RUNTIME, reasons.OLD_SERVER),
        ),
        [
            Query(f"{select_series(AGENT)} / 3600", "hours used", "blue"),
            *(
                Query(f"{_select_agent_limit(limit)} / 3600", f"{limit} limit", color)
                for limit, color in AGENT_LIMITS
            ),
        ],
        GraphStyle(dashed=["B", "C", "D"], legend_right=True),
    )
    numbers = (status, used, left)
    return [*(Tile(panel, 8, 4) for panel in numbers), Tile(seats, 12, 9), Tile(agents, 12, 9)]


def _select_agent_limit(limit: str) -> str:
    return select_series(AGENT_LIMIT, f'limit_type="{limit}"')
