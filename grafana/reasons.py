"""Why a panel has no data: words that are true whenever they are shown, on a fresh install too."""

from typing import Final

NO_DATA: Final = "no data, see Exporter health"

NEW: Final = "No data yet: the first points appear within 30 minutes of the first scrape"

BACKFILL: Final = "backfill"
BACKFILL_PARAMETERS: Final = "backfill --include parameters"
BACKFILL_USERS: Final = "backfill --include users"
"""The command that brings in history, where a family has any."""

NO_EXPORTER: Final = "no exporter is scraped"
NO_SUCCESS: Final = "no poll has succeeded"

NO_USERS: Final = "no users in this window"
"""True each night in the window `today`, and on the first days of a Coder in every window."""

NO_BREAKDOWN: Final = f"{NO_USERS}, templates.breakdown is false, or templates.windows lacks this window"
NO_PARAMETERS: Final = f"{NO_USERS}, parameters.values is none, or parameters.windows lacks this window"
NO_ACTIVITY: Final = f"{NO_USERS}, or user activity is not polled for it"
NO_LATENCY: Final = f"{NO_USERS}, or user latency is not polled for it"
NO_NAMES: Final = f"{NO_USERS}, users.detail is aggregate, or users.windows lacks this window"
NO_TEMPLATE_USERS: Final = f"{NO_USERS}, templates.users is not true, or templates.windows lacks this window"
NO_GROUPS: Final = (
    "set datasets.groups.enabled: true (a Premium feature); groups below groups.min_users are not exposed"
)
NO_LICENSE: Final = "this Coder has no license with this limit, is too old, or cannot be polled"
NO_APPS: Final = "no template app was opened"
NO_BUILDS: Final = "no builds, or Coder has not computed this yet"
NOT_SENT: Final = "Coder does not report it"
OLD_SERVER: Final = "this Coder is too old to report it, or cannot be polled"
EARLIER_PERIOD: Final = "no users in the period before"
LAST_MONTH: Final = "no users recorded for last month"
A_WEEK: Final = "no users recorded a week ago"


def over_time(reason: str, history: str) -> str:
    """Return why a graph is empty: it is new, or `reason`; `history` is the command that fills it."""
    earlier = f"; `insights-exporter {history}` adds earlier days" if history else ""
    otherwise = f" If no points appear: {reason}." if reason else ""
    return f"{NEW}{earlier}.{otherwise}"
