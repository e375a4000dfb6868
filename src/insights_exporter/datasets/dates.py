"""Reading days and instants as servers of all ages write them."""

from datetime import UTC, date, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_DAY_SECONDS = 86_400
_DATE_LENGTH = len("2006-01-02")


def read_day(text: str) -> int | None:
    """Give the ordinal of the day in `2006-01-02` or `2006-01-02T00:00:00Z`, if it is one."""
    try:
        return date.fromisoformat(text[:_DATE_LENGTH]).toordinal()
    except ValueError:
        return None


def day_seconds(ordinal: int) -> float:
    """Give the Unix seconds at which a day begins in UTC."""
    return float((ordinal - _EPOCH_DAY) * _DAY_SECONDS)


def read_instant(text: str | None) -> float | None:
    """Give Unix seconds for an RFC 3339 time, in UTC where it has no offset.

    The year 1 is how Go writes that there is no time.
    """
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if moment.year == 1:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def require_instant(name: str, text: str) -> None:
    """Reject the value of a field that is no RFC 3339 time.

    Raises:
        ValueError: It is none; the message begins with the field's name.
    """
    if read_instant(text) is None:
        problem = f"{name}: expected a time"
        raise ValueError(problem)
