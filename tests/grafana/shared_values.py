"""Values that both rules and dashboards compute: the expression of the rules, and the panel's query."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from grafana.rules import recording as r
from tests.grafana.dashboard_files import ALL_QUERIES, PanelQuery
from tests.integration.prometheus import Sample
from tests.rules.rule_files import load_rules

RECORDED: Final = {rule["record"]: rule["expr"] for rule in load_rules("record")}


@dataclass(frozen=True, slots=True)
class SharedValue:
    """PromQL over recorded series, the query of a panel, and the labels that select its series."""

    expr: str
    board: str
    panel: str
    letter: str = "A"
    of: Mapping[str, str] = field(default_factory=dict)

    @property
    def query(self) -> PanelQuery:
        """Return the panel's query."""
        place = self.board, self.panel, self.letter
        (query,) = (one for one in ALL_QUERIES if (one.board, one.panel, one.letter) == place)
        return query

    def __str__(self) -> str:
        """Return the panel's place."""
        return f"{self.board}: {self.panel}: {self.letter}"


TYPICAL: Final = {"window": "7d", "percentile": "p50"}
ACCOUNTS: Final = {"feature": "user_limit"}
AI_SEATS: Final = {"feature": "ai_governance_user_limit"}
AGE: Final = f"time() - {r.LAST_SUCCESS}"

SHARED: Final = (
    SharedValue(r.POLL_SUCCESS, "health", "Datasets", "A"),
    SharedValue(AGE, "health", "Datasets", "B"),
    SharedValue(f"({AGE}) / {r.MAX_AGE}", "health", "Age of the data"),
    SharedValue(r.POLL_INTERVAL, "health", "Datasets", "D"),
    SharedValue(
        r.deduplicate(r.SERIES_DROPPED, operation="sum"), "health", "Aggregated and dropped series", "B"
    ),
    SharedValue(r.REQUESTS_LEFT, "health", "Rate limit"),
    SharedValue(r.TOKEN_SHARE, "health", "Token lifetime remaining"),
    SharedValue(r.DAILY_USERS, "adoption", "Yesterday", of={"day": "yesterday"}),
    SharedValue(r.DAILY_USERS, "adoption", "Today so far", of={"day": "today"}),
    SharedValue(r.SEATS_USED, "users", "License seats", "A", of=ACCOUNTS),
    SharedValue(r.SEATS_LIMIT, "users", "License seats", "B", of=ACCOUNTS),
    SharedValue(r.SEATS_USED, "users", "License seats", "C", of=AI_SEATS),
    SharedValue(r.SEATS_LIMIT, "users", "License seats", "D", of=AI_SEATS),
    SharedValue(r.MEASURED_USERS, "connection", "Users measured", of=TYPICAL),
    SharedValue(r.USERS_ABOVE_POOR, "connection", "Above 300 ms", of=TYPICAL),
)

ONLY_OF_RULES: Final = frozenset(
    {
        r.ANY_LAST_SUCCESS,
        r.ANY_POLL_SUCCESS,
        r.DAY_START,
        r.EXPORTERS,
        r.LICENSE_STATUS,
        r.NOT_POLLED,
        r.RECENT_FAILURES,
        r.REFUSED,
        r.ROWS_INVALID,
        r.TOKEN_REMAINING,
        r.WEEKDAY,
    }
)
"""What no panel shows as it is: the causes that suppress alerts, the license's status, which day it is."""

CONDITIONS: Final = frozenset({r.NOT_POLLED, r.RECENT_FAILURES, r.REFUSED})
"""What is recorded only while something fails."""


def expand_recorded(expr: str) -> str:
    """Return an expression with the rules' own in place of the recorded series."""
    names = re.compile(r"\w+:\w+:\w+")
    return names.sub(lambda found: f"({expand_recorded(RECORDED[found[0]])})", expr)


def list_compared() -> frozenset[str]:
    """Return the recorded series that are compared with panels."""
    return frozenset(name for one in SHARED for name in re.findall(r"\w+:\w+:\w+", one.expr))


def group_by_labels(samples: Iterable[Sample], labels: Iterable[str]) -> dict[tuple[str, ...], float]:
    """Return the values by some labels."""
    return {tuple(one.labels.get(label, "") for label in labels): one.value for one in samples}
