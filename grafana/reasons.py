"""Texts of panels without data; each must be true whenever it is shown, also on a new installation."""

from typing import Final

NO_DATA: Final = "no data, see Exporter health"

NEW: Final = "No data yet: the first points appear within 30 minutes of the first scrape"

BACKFILL: Final = "backfill"
BACKFILL_PARAMETERS: Final = "backfill --include parameters"
BACKFILL_USERS: Final = "backfill --include users"
"""Commands that import the history of a family."""

NO_EXPORTER: Final = "no exporter is scraped"
NO_SUCCESS: Final = "no poll has succeeded"

NO_USERS: Final = "no users"
"""True each night in the window `today`, and on the first days of a Coder in every window."""

# For big numbers, whose text shrinks to fit one line: at most ten characters per column.
NO_ACTIVITY: Final = f"{NO_USERS}, or not polled"
NO_LATENCY: Final = f"{NO_USERS}, or not polled"
NO_TEMPLATES: Final = "no templates, or not polled"
NO_CHOICES: Final = "no parameters, or not polled"
NO_LICENSE: Final = "no license, or not polled"
NOT_SENT: Final = "no value from Coder"
EARLIER_PERIOD: Final = "no earlier users recorded"
LAST_MONTH: Final = "no users recorded last month"
A_WEEK: Final = "no users recorded a week ago"

# For other panels, which fit longer texts.
NO_BREAKDOWN: Final = (
    f"{NO_USERS} in this window, templates.breakdown is false, or templates.windows lacks it"
)
NO_PARAMETERS: Final = f"{NO_USERS} in this window, parameters.values is none, or parameters.windows lacks it"
NO_NAMES: Final = f"{NO_USERS} in this window, users.detail is aggregate, or users.windows lacks it"
NO_TEMPLATE_USERS: Final = (
    f"{NO_USERS} in this window, templates.users is false, or templates.windows lacks it"
)
NO_GROUPS: Final = (
    "set datasets.groups.enabled: true (a Premium feature); groups below groups.min_users are not exposed"
)
NO_LIMIT: Final = "this Coder has no license with this limit, is too old, or cannot be polled"
NO_APPS: Final = "no template app was opened, or not polled"
NO_BUILDS: Final = "no builds, or Coder has not computed this yet"
OLD_SERVER: Final = "this Coder is too old to report it, or cannot be polled"


def describe_empty_graph(reason: str, history: str) -> str:
    """Return the text of an empty graph: it is new, or `reason`; `history` is the command that fills it."""
    earlier = f"; `insights-exporter {history}` adds earlier days" if history else ""
    otherwise = f" If no points appear: {reason}." if reason else ""
    return f"{NEW}{earlier}.{otherwise}"
