"""Texts of panels without data: their usual causes, each true in some state of an installation.

Grafana shows one fixed text for a panel without data, so it lists the causes and names the config keys.
"""

from collections.abc import Sequence
from typing import Final

NOT_POLLED: Final = "not polled yet"
POLLS_FAIL: Final = "polls fail"
DISABLED: Final = "dataset disabled or unavailable (see Datasets by server in Exporter health)"
"""Causes that any panel of Coder's data can have; its text begins with them.

A dataset is disabled in the exporter's config, or by Coder's own settings.
"""

NOT_POLLED_SHORT: Final = "not polled"
DISABLED_SHORT: Final = "off"
"""The first and the third for big numbers, which have little space."""

NEW: Final = "polled for less than 30 minutes"
"""Cause of an empty graph, instead of `NOT_POLLED`: over 30 days it has one point per half hour."""

WHOLE_DAYS: Final = "Only whole days are shown"

BACKFILL: Final = "backfill"
BACKFILL_PARAMETERS: Final = "backfill --include parameters"
BACKFILL_USERS: Final = "backfill --include users"
"""Commands that import the history of a family."""

NO_EXPORTER: Final = "no exporter is scraped"
NO_SUCCESS: Final = "no poll has succeeded"
NO_RESPONSE: Final = "no request ended since the first scrape"
NOT_SENT: Final = "no value from Coder"
NEW_EXPORTER: Final = "scraped for less than 30 minutes"
"""Causes of panels about the exporter, whose texts do not begin with those of polls."""

# For big numbers, whose text shrinks to fit one line: at most ten characters per column.
NO_USERS_SHORT: Final = "no users"
A_WEEK: Final = "no users recorded a week ago"
LAST_MONTH: Final = "no users last month"
NO_PARAMETERS_SHORT: Final = "none"
OMITTED: Final = "omitted by config"

NO_USERS: Final = "no users in this window"
"""True each night in the window `today`, and on the first days of a Coder in every window."""
NO_TEMPLATES: Final = "no templates"
NO_PARAMETERS: Final = "no workspace with parameters was built in this window"
NO_APPS: Final = "no template app was opened in this window"
NO_BUILDS: Final = "no builds"
BUILDS_NOT_COMPUTED: Final = "Coder has not computed build times yet"
NO_RECENT_USERS: Final = "no users last week and last month"

BREAKDOWN_OFF: Final = "templates.breakdown is false"
TEMPLATE_WINDOWS: Final = "templates.windows lacks this window"
TEMPLATE_USERS_OFF: Final = "templates.users is false"
PARAMETERS_EXCLUDED: Final = "parameters.include and parameters.exclude omit all"
PARAMETER_WINDOWS: Final = "parameters.windows lacks this window"
USERS_AGGREGATED: Final = "users.detail is aggregate"
USER_WINDOWS: Final = "users.windows lacks this window"
GROUPS_OFF: Final = "datasets.groups.enabled is false"
GROUP_WINDOWS: Final = "groups.windows lacks this window"
GROUPS_EXCLUDED: Final = "groups.include and groups.exclude omit all"
SMALL_GROUPS: Final = "no group has as many users as groups.min_users"

MAX_SERIES: Final = "dropped by max_series"

OPEN_SOURCE: Final = "Coder is open source"
NO_SEATS: Final = "no license with a limit of seats"
NO_AGENT_RUNTIME: Final = "no license with agent runtime"
NO_GROUPS: Final = "no license for groups"
OLD_SERVER: Final = "Coder is too old"

BREAKDOWN: Final = (BREAKDOWN_OFF, TEMPLATE_WINDOWS, MAX_SERIES)
TEMPLATE_USERS: Final = (NO_USERS, BREAKDOWN_OFF, TEMPLATE_USERS_OFF, TEMPLATE_WINDOWS, MAX_SERIES)
PARAMETERS: Final = (NO_PARAMETERS, PARAMETERS_EXCLUDED, PARAMETER_WINDOWS, MAX_SERIES)
NAMED_USERS: Final = (NO_USERS, USERS_AGGREGATED, USER_WINDOWS, MAX_SERIES)
GROUPS: Final = (GROUPS_OFF, NO_GROUPS, GROUPS_EXCLUDED, SMALL_GROUPS)


def list_causes(causes: Sequence[str]) -> str:
    """Return the causes as a list in a sentence."""
    *others, last = causes
    return f"{', '.join(others)}, or {last}" if others else last


def describe_empty_panel(causes: Sequence[str]) -> str:
    """Return the text of a panel of Coder's data; `causes` are those besides its polls."""
    return list_causes((NOT_POLLED, POLLS_FAIL, DISABLED, *causes))


def describe_empty_number(causes: Sequence[str]) -> str:
    """Return the text of a big number of Coder's data; `causes` are those besides its polls."""
    return list_causes((NOT_POLLED_SHORT, POLLS_FAIL, DISABLED_SHORT, *causes))


def describe_empty_exporter_graph(*causes: str) -> str:
    """Return the text of a graph about the exporter."""
    return f"No points: {list_causes((NO_EXPORTER, NEW_EXPORTER, *causes))}."


def describe_empty_graph(causes: Sequence[str], history: str, *, whole_days: bool = False) -> str:
    """Return the text of a graph of Coder's data; `history` is the command that imports earlier days."""
    sentences = [f"No points: {list_causes((NEW, POLLS_FAIL, DISABLED, *causes))}"]
    if whole_days:
        sentences.append(WHOLE_DAYS)
    if history:
        sentences.append(f"`insights-exporter {history}` adds earlier days")
    return ". ".join(sentences) + "."
