"""Which panels have no data in which state of an installation, and why."""

from collections.abc import Iterable, Mapping
from typing import Final

from grafana import reasons
from tests.grafana.dashboard_files import Json, list_files, list_panels, load

Missing = Mapping[str, Iterable[str]]
"""Panels, written `dashboard: title`, by the cause that their text must name."""

PANELS: Final[Mapping[str, Json]] = {
    f"{file.stem}: {panel['title']}": panel for file in list_files() for panel in list_panels(load(file))
}
HEALTH: Final = frozenset(name for name in PANELS if name.startswith("health: "))
GRAPHS: Final = frozenset(name for name, panel in PANELS.items() if panel["type"] == "timeseries")
CODER_DATA: Final = PANELS.keys() - HEALTH
NUMBERS: Final = frozenset(name for name in CODER_DATA if PANELS[name]["type"] == "stat")
TABLES: Final = CODER_DATA - GRAPHS - NUMBERS

RESPONSE_TIME: Final = "health: Response time, 90th percentile"
"""Has data as soon as a poll is repeated, which may be at any time."""

YOUNG: Final[Missing] = {
    reasons.A_WEEK: ["adoption: Against last week"],
    reasons.NO_RESPONSE: [RESPONSE_TIME],
}
"""What every new installation lacks."""

UNKNOWN: Final[Missing] = {
    reasons.NO_SUCCESS: ["health: Oldest data", "health: Age of the data", "health: Coder servers"],
    reasons.NOT_SENT: [
        "health: Lowest token lifetime remaining",
        "health: Lowest rate-limit budget",
        "health: Rate limit",
        "health: Token lifetime remaining",
    ],
    reasons.NO_RESPONSE: [RESPONSE_TIME],
}
"""What the exporter does not know of a server that never responded."""

NAMED_USERS: Final = ("connection: Slowest connections", "users: Most active users")
TEMPLATE_USERS: Final = (
    "connection: Connection quality by template",
    "connection: Latency by template, over time",
)
SEATS: Final = ("users: License seats used", "users: License seats left")
AGENT_RUNTIME: Final = "users: Agent runtime"
BUILD_TIMES: Final = "templates: Build times"
GROUPS: Final = ("users: Groups", "users: Active users by group, over time")
TEMPLATE_NUMBERS: Final = (
    "templates: Templates in use",
    "templates: Templates without users",
    "templates: Deprecated and in use",
)
LISTED_TEMPLATES: Final = (
    "adoption: Users by template",
    "templates: Templates",
    "templates: Users in the window, over time",
)
"""Templates without users are listed here with 0."""
TEMPLATES_IN_USE: Final = (
    "templates: Apps by template",
    "templates: Hours by app, over time",
)
TEMPLATE_DAYS: Final = ("adoption: Daily users by template", "templates: Daily users")
PARAMETERS: Final = (
    "templates: Parameter choices of all templates",
    "templates: Parameter choices over time",
)
DAYS: Final = frozenset(
    {
        "adoption: Deployments side by side",
        "adoption: Today so far",
        "adoption: Yesterday",
        "adoption: Daily users",
        "adoption: Today against the same weekday",
    }
)
WITHOUT_STATISTICS: Final = frozenset(
    {
        "adoption: Accounts by status",
        BUILD_TIMES,
        *SEATS,
        "users: Groups",
        "users: License",
        "users: License seats",
        AGENT_RUNTIME,
    }
)
"""Have data although Coder's usage statistics are switched off."""
TEMPLATE_PARAMETERS: Final = "templates: Parameter choices by template"

NO_USERS: Final[Missing] = {
    "no users in the week before": ["adoption: Weekly growth"],
    "no users in the month before": ["adoption: Monthly growth"],
    reasons.LAST_MONTH: ["adoption: Stickiness"],
    reasons.NO_RECENT_USERS: ["adoption: Stickiness over time"],
    reasons.NO_APPS: ["adoption: Times used"],
    reasons.NO_USERS_SHORT: [
        "connection: Above 300 ms",
        "connection: Above 150 ms",
        "connection: Sometimes above 300 ms",
        "connection: Median user",
        "connection: 90th percentile user",
        "connection: Share of users above the limits",
        "connection: Latency across users",
        "users: Median user",
        "users: 90th percentile user",
        "users: Up to 1 hour",
        "users: Over 16 hours",
        "users: Activity of a user, over time",
    ],
    reasons.NO_USERS: [*NAMED_USERS, *TEMPLATE_USERS, *TEMPLATES_IN_USE, *TEMPLATE_DAYS],
    reasons.NO_PARAMETERS_SHORT: ["templates: Parameters"],
    reasons.NO_PARAMETERS: [*PARAMETERS, TEMPLATE_PARAMETERS],
    reasons.SMALL_GROUPS: GROUPS,
}

MISSING: Final[Mapping[str, Missing]] = {
    "everything": YOUNG,
    "history": YOUNG,
    "defaults": {**YOUNG, reasons.TEMPLATE_USERS_OFF: TEMPLATE_USERS, reasons.GROUPS_OFF: GROUPS},
    "another window": {
        **YOUNG,
        reasons.TEMPLATE_WINDOWS: [
            *LISTED_TEMPLATES,
            *TEMPLATES_IN_USE,
            *TEMPLATE_USERS,
            *TEMPLATE_DAYS,
            TEMPLATE_PARAMETERS,
        ],
        reasons.OMITTED: [*TEMPLATE_NUMBERS, "templates: Parameters"],
        reasons.PARAMETER_WINDOWS: PARAMETERS,
        reasons.USER_WINDOWS: NAMED_USERS,
        reasons.GROUP_WINDOWS: ["users: Active users by group, over time"],
    },
    "30 days": {
        **YOUNG,
        reasons.OMITTED: ["templates: Parameters"],
        reasons.PARAMETER_WINDOWS: [*PARAMETERS, TEMPLATE_PARAMETERS],
        reasons.USER_WINDOWS: NAMED_USERS,
        reasons.GROUP_WINDOWS: ["users: Active users by group, over time"],
    },
    "reduced": {
        **YOUNG,
        reasons.BREAKDOWN_OFF: [
            *LISTED_TEMPLATES,
            *TEMPLATES_IN_USE,
            *TEMPLATE_USERS,
            *TEMPLATE_DAYS,
            TEMPLATE_PARAMETERS,
        ],
        reasons.OMITTED: [*TEMPLATE_NUMBERS, "templates: Parameters"],
        reasons.PARAMETERS_EXCLUDED: PARAMETERS,
        reasons.USERS_AGGREGATED: NAMED_USERS,
        reasons.GROUPS_OFF: GROUPS,
    },
    "excluded": {
        **YOUNG,
        reasons.OMITTED: ["templates: Parameters"],
        reasons.PARAMETERS_EXCLUDED: [*PARAMETERS, TEMPLATE_PARAMETERS],
        reasons.GROUPS_EXCLUDED: GROUPS,
    },
    "no users": {**YOUNG, **NO_USERS, reasons.NO_BUILDS: [BUILD_TIMES]},
    "no templates": {
        **YOUNG,
        **NO_USERS,
        reasons.NO_TEMPLATES: [*LISTED_TEMPLATES, BUILD_TIMES],
    },
    "not licensed": {
        **YOUNG,
        reasons.NO_GROUPS: GROUPS,
        reasons.NO_SEATS: SEATS,
        reasons.NO_AGENT_RUNTIME: [AGENT_RUNTIME],
    },
    "groups not licensed": {**YOUNG, reasons.NO_GROUPS: GROUPS},
    "seats not licensed": {
        **YOUNG,
        reasons.NO_SEATS: SEATS,
        reasons.NO_AGENT_RUNTIME: [AGENT_RUNTIME],
    },
    "builds not computed": {**YOUNG, reasons.BUILDS_NOT_COMPUTED: [BUILD_TIMES]},
    "open source": {
        **YOUNG,
        reasons.GROUPS_OFF: GROUPS,
        reasons.OPEN_SOURCE: ["users: License", "users: License seats"],
        reasons.NO_SEATS: SEATS,
        reasons.NO_AGENT_RUNTIME: [AGENT_RUNTIME],
    },
    "statistics off": {
        reasons.DISABLED_SHORT: NUMBERS - WITHOUT_STATISTICS,
        reasons.DISABLED: CODER_DATA - NUMBERS - WITHOUT_STATISTICS,
        **YOUNG,
    },
    "datasets disabled": {
        reasons.DISABLED_SHORT: NUMBERS - DAYS,
        reasons.DISABLED: CODER_DATA - NUMBERS - DAYS,
        **YOUNG,
    },
    "few series": {
        **YOUNG,
        reasons.MAX_SERIES: [
            *LISTED_TEMPLATES,
            *TEMPLATES_IN_USE,
            *TEMPLATE_USERS,
            *TEMPLATE_DAYS,
            *PARAMETERS,
            *NAMED_USERS,
            TEMPLATE_PARAMETERS,
            BUILD_TIMES,
        ],
        reasons.OMITTED: [*TEMPLATE_NUMBERS, "templates: Parameters"],
    },
    "old": {
        **YOUNG,
        reasons.OLD_SERVER: [
            "adoption: Accounts by status",
            "adoption: Times used",
            AGENT_RUNTIME,
        ],
    },
    "not polled yet": {
        **UNKNOWN,
        reasons.NOT_POLLED_SHORT: NUMBERS,
        reasons.NOT_POLLED: TABLES,
        reasons.NEW: CODER_DATA & GRAPHS,
    },
    "polls fail": {**UNKNOWN, reasons.POLLS_FAIL: CODER_DATA},
    "no exporter": {
        reasons.NO_EXPORTER: HEALTH - set().union(*UNKNOWN.values()) | (HEALTH & GRAPHS),
        reasons.NO_SUCCESS: ["health: Oldest data", "health: Coder servers"],
        reasons.NOT_SENT: ["health: Lowest token lifetime remaining", "health: Lowest rate-limit budget"],
        reasons.NOT_POLLED_SHORT: NUMBERS,
        reasons.NOT_POLLED: TABLES,
        reasons.NEW: CODER_DATA & GRAPHS,
    },
}

EMPTY_GRAPHS: Final[Missing] = {reasons.NEW: GRAPHS - HEALTH, reasons.NEW_EXPORTER: GRAPHS & HEALTH}
"""Why a graph that is drawn at the time of the first scrape has no points."""


def find_cause(missing: Missing, panel: str) -> str:
    """Return the cause why a panel has no data; empty if it has."""
    return next((cause for cause, panels in missing.items() if panel in panels), "")
