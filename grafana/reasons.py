"""Why a panel has no data: words that are true whenever they are shown, on a fresh install too."""

from typing import Final

NO_DATA: Final = "no data, see Exporter health"

NEW: Final = "Nothing to draw yet: the first points come within half an hour of the first scrape"

BACKFILL: Final = "backfill"
BACKFILL_PARAMETERS: Final = "backfill --include parameters"
BACKFILL_USERS: Final = "backfill --include users"
"""The command that brings in history, where a family has any."""

NO_BREAKDOWN: Final = "templates.breakdown is false, or templates.windows lacks this window"
NO_PARAMETERS: Final = "parameters.values is none, or parameters.windows lacks this window"
NO_ACTIVITY: Final = "no activity of users is polled for this window"
NO_LATENCY: Final = "no latencies are polled for this window"
NO_NAMES: Final = "users.detail is aggregate, or users.windows lacks this window"
NO_TEMPLATE_USERS: Final = "set templates.users: true to poll it, for the windows in templates.windows"
NO_GROUPS: Final = (
    "set datasets.groups.enabled: true (a Premium feature); groups below groups.min_users are not exposed"
)
NO_LICENSE: Final = "this Coder has no license that counts them, or is too old"
NO_APPS: Final = "no app of a template was opened"
NO_BUILDS: Final = "no such builds, or Coder has not computed them yet"
NOT_SENT: Final = "Coder does not send it"
OLD_SERVER: Final = "this Coder is too old to count them"
EARLIER_PERIOD: Final = "no users before"
A_WEEK: Final = "after one week"


def over_time(reason: str, history: str) -> str:
    """Return why a graph is empty: it is new, or `reason`; `history` is the command that fills it."""
    earlier = f"; `insights-exporter {history}` brings in earlier days" if history else ""
    otherwise = f" If they do not come: {reason}." if reason else ""
    return f"{NEW}{earlier}.{otherwise}"
