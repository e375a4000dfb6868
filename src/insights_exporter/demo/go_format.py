"""Times and JSON in the form of Go's standard library, which Coder uses."""

import re
from datetime import datetime

import msgspec

LAYOUT = "2006-01-02T15:04:05Z07:00"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def quote(text: str) -> str:
    """Return a quoted text as Go's `%q` does for printable text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_time(text: str) -> datetime:
    """Return an RFC 3339 time with its own offset.

    Raises:
        ValueError: It is not such a time; the message is much like that of Go's `time.Parse`.
    """
    problem = f"parsing time {quote(text)} as {quote(LAYOUT)}"
    if RFC3339.fullmatch(text) is None:
        raise ValueError(f"{problem}: cannot parse")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{problem}: out of range") from None


def format_time(moment: datetime) -> str:
    """Return a time of whole seconds as in Go's JSON: RFC 3339, `Z` for no offset."""
    text = moment.isoformat()
    return text if moment.utcoffset() else text.removesuffix("+00:00") + "Z"


def dump_json(document: object) -> bytes:
    """Return JSON as Go's encoder does: compact, `<`, `>` and `&` escaped, with a newline at the end."""
    text = msgspec.json.encode(document)
    for plain, escaped in ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026")):
        text = text.replace(plain, escaped)
    return text + b"\n"
