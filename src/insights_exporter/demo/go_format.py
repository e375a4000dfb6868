"""Times, queries and JSON in the form of Go's standard library, which Coder uses."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote_to_bytes

import msgspec

LAYOUT = "2006-01-02T15:04:05Z07:00"
RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:(Z)|([+-])(\d\d):(\d\d))")
STEPS = tuple(
    (element, re.compile(pattern))
    for element, pattern in (
        ("2006", r"\d{4}"),
        ("-", "-"),
        ("01", r"\d\d"),
        ("-", "-"),
        ("02", r"\d\d"),
        ("T", "T"),
        ("15", r"\d\d"),
        (":", ":"),
        ("04", r"\d\d"),
        (":", ":"),
        ("05", r"\d\d(?:[.,]\d+)?"),
        ("Z07:00", r"Z|[+-]\d\d:\d\d"),
    )
)
"""Each element of the layout, as error messages name it, with its pattern."""
RANGES = (("month", 1, 12), ("day", 1, 31), ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59))
BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
HOURS_PER_DAY = 24
MINUTES_PER_HOUR = 60


class BadTime(ValueError):
    """A text that is not RFC 3339; the message is Go's."""


def quote(text: str) -> str:
    """Return a quoted text as Go's `%q` does for printable text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_time(text: str) -> datetime:
    """Return an RFC 3339 time with its own offset.

    Raises:
        BadTime: It is not such a time; the message is that of Go's `time.Parse`.
    """
    match = RFC3339.fullmatch(text)
    if match is None:
        raise BadTime(_parse_error(text))
    *clock, fraction, zulu, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = map(int, clock)
    microsecond = int(fraction[:6].ljust(6, "0")) if fraction else 0
    try:
        zone = UTC if zulu else _parse_offset(sign, int(hours), int(minutes))
        return datetime(year, month, day, hour, minute, second, microsecond, zone)
    except ValueError:
        raise BadTime(f"parsing time {quote(text)}: {_field_out_of_range(text)} out of range") from None


def format_time(moment: datetime) -> str:
    """Return a time as in Go's JSON: RFC 3339 with as few decimals as needed, `Z` for no offset."""
    text = moment.replace(microsecond=0).isoformat()
    if moment.microsecond:
        text = f"{text[:19]}.{moment.microsecond:06d}".rstrip("0") + text[19:]
    return text.removesuffix("+00:00") + "Z" if not moment.utcoffset() else text


def parse_query(raw: str) -> list[tuple[str, str]]:
    """Return the pairs of a query string as Go's `url.ParseQuery` does, without malformed ones."""
    return list(_pairs(raw))


def dump_json(document: object) -> bytes:
    """Return JSON as Go's encoder does: compact, `<`, `>` and `&` escaped, with a newline at the end."""
    text = msgspec.json.encode(document)
    for plain, escaped in ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026")):
        text = text.replace(plain, escaped)
    return text + b"\n"


def parse_integer(text: str) -> int:
    """Return a 64-bit integer as `strconv.Atoi` does.

    Raises:
        ValueError: It is not an integer; the message is that of Go.
    """
    if re.fullmatch(r"[+-]?[0-9]+", text) is None:
        raise ValueError(f"strconv.Atoi: parsing {quote(text)}: invalid syntax")
    number = int(text[:25])
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"strconv.Atoi: parsing {quote(text)}: value out of range")
    return number


def _parse_offset(sign: str, hours: int, minutes: int) -> timezone:
    if hours >= HOURS_PER_DAY or minutes >= MINUTES_PER_HOUR:
        raise ValueError
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if sign == "-" else offset)


def _parse_error(text: str) -> str:
    head = f"parsing time {quote(text)}"
    rest = text
    for element, pattern in STEPS:
        match = pattern.match(rest)
        if match is None:
            return f"{head} as {quote(LAYOUT)}: cannot parse {quote(rest)} as {quote(element)}"
        rest = rest[match.end() :]
    return f"{head}: extra text: {quote(rest)}"


def _field_out_of_range(text: str) -> str:
    numbers = (text[5:7], text[8:10], text[11:13], text[14:16], text[17:19])
    for number, (name, least, most) in zip(numbers, RANGES, strict=True):
        if not least <= int(number) <= most:
            return name
    try:
        datetime.fromisoformat(text[:10])
    except ValueError:
        return "day"
    return "time zone offset"


def _pairs(raw: str) -> Iterator[tuple[str, str]]:
    for pair in raw.split("&"):
        if pair and ";" not in pair and not BAD_ESCAPE.search(pair):
            name, _, value = pair.partition("=")
            yield _unescape(name), _unescape(value)


def _unescape(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode(errors="replace")
