"""Times, queries and JSON in the form of Go's standard library, which Coder uses."""

import re
from datetime import datetime
from urllib.parse import parse_qsl

import msgspec

LAYOUT = "2006-01-02T15:04:05Z07:00"
ELEMENTS = (
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
"""Each element of the layout, as error messages name it, with its pattern."""
RANGES = (
    ("month", slice(5, 7), 1, 12),
    ("day", slice(8, 10), 1, 31),
    ("hour", slice(11, 13), 0, 23),
    ("minute", slice(14, 16), 0, 59),
    ("second", slice(17, 19), 0, 59),
)
BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


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
    head = f"parsing time {quote(text)}"
    rest = text
    for element, pattern in ELEMENTS:
        match = re.match(pattern, rest)
        if match is None:
            raise BadTime(f"{head} as {quote(LAYOUT)}: cannot parse {quote(rest)} as {quote(element)}")
        rest = rest[match.end() :]
    if rest:
        raise BadTime(f"{head}: extra text: {quote(rest)}")
    for name, part, least, most in RANGES:
        if not least <= int(text[part]) <= most:
            raise BadTime(f"{head}: {name} out of range")
    for name, until in (("day", 10), ("time zone offset", len(text))):
        try:
            time = datetime.fromisoformat(text[:until])
        except ValueError:
            raise BadTime(f"{head}: {name} out of range") from None
    return time


def format_time(moment: datetime) -> str:
    """Return a time as in Go's JSON: RFC 3339 with as few decimals as needed, `Z` for no offset."""
    text = moment.replace(microsecond=0).isoformat()
    if moment.microsecond:
        text = f"{text[:19]}.{moment.microsecond:06d}".rstrip("0") + text[19:]
    return text.removesuffix("+00:00") + "Z" if not moment.utcoffset() else text


def parse_query(raw: str) -> list[tuple[str, str]]:
    """Return the pairs of a query string as Go's `url.ParseQuery` does, without malformed ones."""
    pairs = (pair for pair in raw.split("&") if ";" not in pair and not BAD_ESCAPE.search(pair))
    return parse_qsl("&".join(pairs), keep_blank_values=True)


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
