"""Thresholds at which alerts fire or dashboards change color."""

from typing import Final

LATENCY_FAIR: Final = 0.15
"""Seconds up to which Coder shows a user's latency in green."""

LATENCY_POOR: Final = 0.3
"""Seconds above which Coder shows a user's latency in red."""

POOR_USERS: Final = 0.2
"""Share of users above `LATENCY_POOR` that is worth an alert."""

POOR_USERS_NOTICE: Final = 0.1
"""Share of users above a limit that dashboards show in yellow."""

POOR_USERS_OF: Final = 5
"""Users with a measured latency below which a share of them is not meaningful."""

POOR_WINDOW: Final = "7d"
"""Window of the latency alert: a default one that is neither volatile nor slow to recover."""

TOKEN_LOW: Final = 0.25
"""Share of a token's lifetime below which it is time to plan its renewal."""

TOKEN_LOW_DAYS: Final = 14
"""Days of a token's lifetime that go with `TOKEN_LOW`: an alert needs both."""

TOKEN_ENDING: Final = 0.1
"""Share of a token's lifetime below which it has to be renewed now."""

TOKEN_ENDING_DAYS: Final = 3
"""Days of a token's lifetime that go with `TOKEN_ENDING`."""

REQUESTS_LEFT: Final = 50
"""Requests left in Coder's rate limit, about a tenth of its default of 512 a minute."""

RESPONDED_LATELY: Final = "10m"
"""Maximum age of a response whose remaining requests are taken as current."""

FAILED_LATELY: Final = "2h"
"""Time within which a counted failure explains why a poll fails now."""

RARELY_POLLED: Final = 3600
"""Seconds between two polls of a dataset above which that time may be too short for one failure."""

FAILED_RARELY_POLLED: Final = "2d"
"""The same time for a dataset that is polled less often than `RARELY_POLLED`."""

AFTER_OUTAGE: Final = "2h"
"""Time after an outage in which datasets that are polled hourly may still be old."""

NO_OUTAGE: Final = 5
"""Evaluations without a successful poll that are taken for a start, not an outage."""

MISSED_POLLS: Final = 2
"""Poll intervals that may pass before data can be called too old."""

REFUSED_DATASETS: Final = 2
"""Refused datasets from which the token lacks a role, rather than one permission."""

ROWS_PER_HOUR: Final = 0
"""Invalid rows per hour that are accepted."""

DROPPED: Final = 0
"""Series dropped by max_series that are accepted."""

UNNAMED_TEMPLATES: Final = 2
"""Templates without a name from which the token may not see them; a single one was most likely deleted."""

FIRST_WORKING_DAY: Final = 1
"""Monday; 0 is Sunday."""

LAST_WORKING_DAY: Final = 5
"""Friday; 6 is Saturday."""

USERS_FALLEN_TO: Final = 0.5
"""Share of the mean daily users of the week before."""

USERS_FALLEN_OF: Final = 20
"""Mean daily users of the week before below which a fall by half may be chance."""

USERS_KNOWN: Final = 0.8
"""Share of the previous week's samples that a week needs for their means to be comparable."""

NO_USERS_AFTER_HOURS: Final = 18
"""Hours of a day after which a day without users is not just a late start."""

NO_USERS_AMONG: Final = 5
"""Users on some day of the last week below which a day without users is normal."""

SEATS_USED: Final = 0.9
"""Share of the license's seats from which they are nearly used up."""

SEATS_LEFT: Final = 50
"""Seats left that go with `SEATS_USED`: an alert needs both, so large licenses do not alert too early."""

LICENSE_REMEMBERED: Final = "2w"
"""Time for which a license that disappeared is reported."""

GROWTH: Final = 0.0
"""Relative change of a count of users from which dashboards show it in green."""

SHRINKING: Final = -0.2
"""Relative change of a count of users below which dashboards show it in red."""

STICKY: Final = 0.2
"""Share of the month's users on a usual day from which dashboards show it in green."""

HARDLY_STICKY: Final = 0.1
"""Share of the month's users on a usual day below which dashboards show it in red."""

AGE_NOTICE: Final = 0.7
"""Age of data, as a share of its `max_age`, that dashboards show in yellow: polls are being missed."""

AGE_OVER: Final = 1.0
"""Age of data, as a share of its `max_age`, at which its series expire."""

REQUESTS_LEFT_NOTICE: Final = 2 * REQUESTS_LEFT
"""Requests left in Coder's rate limit from which dashboards show them in green."""

ANSWER_SLOW: Final = 5
"""Seconds for a response of Coder that dashboards show in yellow."""

ANSWER_TOO_SLOW: Final = 15
"""Seconds for a response of Coder that dashboards show in red: half of the default timeout."""

SCRAPE_SLOW: Final = 1
"""Seconds for a scrape that dashboards show in yellow."""

SCRAPE_TOO_SLOW: Final = 5
"""Seconds for a scrape that dashboards show in red: half of Prometheus' default timeout."""

SEATS_USED_NOTICE: Final = 0.8
"""Share of the license's seats that dashboards show in yellow."""

ANY: Final = 1
"""Lowest count of something that is expected not to exist."""
