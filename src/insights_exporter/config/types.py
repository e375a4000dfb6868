"""Annotated scalar types of the config, with their validators."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
)

from insights_exporter.config.errors import InvalidValue, did_you_mean
from insights_exporter.config.proxies import DEFAULT_PORTS, parse_proxy

_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST_DURATION = 100 * _UNITS["y"]
DURATION_PATTERN = "".join(f"([0-9]{{1,9}}{unit})?" for unit in _UNITS)
MIN_KEY_LENGTH = 16
"""Characters of the key for pseudonyms."""

_OWN_HEADER = re.compile(
    "coder-session-token|connection|content-length|host|keep-alive|te|trailer|transfer-encoding|upgrade"
    "|proxy-(authenticate|authorization|connection)",
    re.IGNORECASE,
)
_TOKEN = re.compile("[A-Za-z0-9]+-[A-Za-z0-9]+")
_NOT_TEXT = re.compile(b"^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)|\0")
"""A byte order mark, and the zeros of UTF-16."""
_ALONE = "write the token alone, as `coder tokens create` printed it"
_UTF8 = "save it as UTF-8 without a byte order mark"
_QUOTES = "\"'`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}"
_QUOTES += "\N{RIGHT SINGLE QUOTATION MARK}"

_TOKEN_MISTAKES: Sequence[tuple[str, str, str]] = (
    ("\ufeff.*", "begins with a byte order mark (BOM)", _UTF8),
    ("\\$.*", "is a reference, which is not expanded here", "name the variable with token_env"),
    (f"[{_QUOTES}].*|.*[{_QUOTES}]", "is wrapped in quotes", _ALONE),
    (r"(export\s+)?[A-Za-z_]\w*\s*=\s*[^=\s].*", "is written as NAME=TOKEN", _ALONE),
    (r"(?i)(bearer|basic)\s.*", "begins with the scheme of an Authorization header", _ALONE),
    (r"[\[{].*[\]}]", "is wrapped in JSON or brackets", _ALONE),
    ("<.*>", "is wrapped in angle brackets", _ALONE),
    ("(?i)https?://.*", "is a URL", _ALONE),
    (r"[A-Za-z][\w-]*:.*", "is written as NAME: TOKEN", _ALONE),
    (r".*\\[nrt]", "ends with an escape sequence such as \\n", _ALONE),
    (r".*\s.*", "contains spaces or line breaks", _ALONE),
)
"""Patterns of texts with a token in them, in the order of the checks."""


def parse_duration(text: object) -> float:
    """Return the seconds of a duration in Prometheus' format.

    Raises:
        InvalidValue: It is not one, not positive, or too long to calculate dates with.
    """
    valid = text if isinstance(text, str) and re.fullmatch(DURATION_PATTERN, text) else ""
    seconds = sum(int(count) * _UNITS[unit] for count, unit in re.findall("([0-9]+)([a-z]+)", valid))
    if not valid:
        raise InvalidValue("is not a duration", "write it as Prometheus does, for example 30s, 5m or 1h30m")
    if seconds <= 0:
        raise InvalidValue("is too small", "write more than 0s")
    if seconds > _LONGEST_DURATION:
        raise InvalidValue("is too large", "write 100y or less")
    return float(seconds)


def format_duration(seconds: float) -> str:
    """Return `seconds`, to the millisecond, in Prometheus' format."""
    parts, rest = [], round(seconds * 1000)
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, round(size * 1000))
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0s"


def _parse_seconds(value: object, info: ValidationInfo) -> float:
    is_from_file = info.context is not None
    return value if isinstance(value, float) and not is_from_file else parse_duration(value)


Seconds = Annotated[
    float,
    BeforeValidator(_parse_seconds),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "minLength": 2, "pattern": f"^{DURATION_PATTERN}$"}),
]
"""Seconds in the program, Prometheus' format in the file."""


def _check_dataset(name: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("datasets", (name,))
    if name not in known:
        raise InvalidValue("is not a known key", did_you_mean(name, known))
    return name


DatasetKey = Annotated[str, AfterValidator(_check_dataset)]
"""Name of a dataset, checked against the names that the loader is given."""


def derive_name(url: str) -> str:
    """Return the host of `url`, with its port unless that is the default of the scheme."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    has_port = parts.port is not None and parts.port != DEFAULT_PORTS.get(parts.scheme)
    return f"{host}:{parts.port}" if has_port else host


def _check_url(url: str) -> str:
    remedy = "write it as https://coder.example.com"
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise InvalidValue("has a space or another character that no URL has", remedy)
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        is_valid = parts.scheme in DEFAULT_PORTS and bool(host) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidValue("is not the URL of an HTTP server", remedy)
    if "@" in parts.netloc:
        raise InvalidValue("contains a user name or a password", "remove them; set the token with token_file")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise InvalidValue("has a query or fragment", "end it before the ? or #")
    return url.rstrip("/")


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        near = did_you_mean(name, available_timezones()).partition("known names are")[0]
        remedy = near or "write an IANA name, for example Europe/Berlin"
        raise InvalidValue("is not a time zone", remedy) from None
    return name


def check_token(text: str) -> str:
    """Return a token without the white space around it.

    Raises:
        InvalidValue: It is not a token alone. The message contains nothing of it.
    """
    token = text.strip()
    if _TOKEN.fullmatch(token):
        return token
    if not token:
        raise InvalidValue("is empty", _ALONE)
    if _is_encoded(token):
        raise InvalidValue("is encoded in base64", "decode it (base64 -d), and write the token alone")
    for pattern, what, remedy in _TOKEN_MISTAKES:
        if re.fullmatch(pattern, token, re.DOTALL):
            raise InvalidValue(what, remedy)
    raise InvalidValue("is not a token of the form ID-SECRET", _ALONE)


def _is_encoded(text: str) -> bool:
    """Return whether `text` is base64, perhaps several times, of something with a token in it."""
    try:
        padding = "=" * (-len(text) % 4)
        decoded = b64decode(text + padding, altchars=b"-_" if "-" in text else None, validate=True)
    except (binascii.Error, ValueError):
        return False
    inner = _NOT_TEXT.sub(b"", decoded).decode("latin-1").strip()
    return inner.isascii() and (_TOKEN.search(inner) is not None or (inner != "" and _is_encoded(inner)))


def check_key(text: str) -> str:
    """Return the key for pseudonyms unchanged; raises InvalidValue if it is empty or can be guessed."""
    if len(text.strip()) < MIN_KEY_LENGTH:
        what = f"shorter than {MIN_KEY_LENGTH} characters and can be guessed" if text.strip() else "empty"
        raise InvalidValue(f"is {what}", "write some long random text (openssl rand -hex 32)")
    return text


def _check_header_name(name: str) -> str:
    if _OWN_HEADER.fullmatch(name):
        raise InvalidValue("is a header that the exporter sets itself", "remove it")
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise InvalidValue("is not the name of a header", "write it as X-Gateway-Key")
    return name


def _check_label(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        what = "has spaces around it or unprintable characters"
        raise InvalidValue(what, "write it as dashboards should show it")
    return text


def _check_path(path: Path, info: ValidationInfo) -> Path:
    if not str(path).isprintable() or path == Path():
        raise InvalidValue("is not the path of a file", "write it as /path/to/file")
    base = (info.context or {}).get("base")
    return base / path if base else path


def _match(pattern: str, what: str, remedy: str) -> Callable[[str], str]:
    """Return a check that a text matches `pattern`."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise InvalidValue(what, remedy)
        return text

    return check


def _check_secret(check: Callable[[str], str]) -> AfterValidator:
    """Return a validator that checks the text of a secret."""
    return AfterValidator(lambda secret: SecretStr(check(secret.get_secret_value())))


_check_api_path = _match(r"(/[^\s/?#]+)*/?", "is not a path", "write it as /api/v2")
_check_variable = _match(
    r"[A-Za-z_][A-Za-z0-9_]*",
    "is not the name of a variable",
    "write the name alone, for example CODER_SESSION_TOKEN",
)
check_header_value = _match(
    r"[\x20-\x7e\t]*", "has characters that a header cannot contain", "write printable ASCII, in one line"
)

Url = Annotated[str, AfterValidator(_check_url), Field(json_schema_extra={"format": "uri"})]
Proxy = Annotated[SecretStr, _check_secret(parse_proxy)]
ApiPath = Annotated[str, AfterValidator(lambda path: _check_api_path(path).rstrip("/"))]
TimeZone = Annotated[str, AfterValidator(_check_zone)]
Token = Annotated[SecretStr, _check_secret(check_token)]
Variable = Annotated[str, AfterValidator(_check_variable)]
Key = Annotated[SecretStr, _check_secret(check_key), Field(json_schema_extra={"minLength": MIN_KEY_LENGTH})]
HeaderName = Annotated[str, AfterValidator(_check_header_name)]
HeaderValue = Annotated[SecretStr, _check_secret(check_header_value)]
LabelValue = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_check_label)]
Glob = Annotated[str, Field(min_length=1, max_length=200)]
FilePath = Annotated[
    Path, AfterValidator(_check_path), WithJsonSchema({"type": "string", "format": "path", "minLength": 1})
]
StrictBool = Annotated[bool, Field(strict=True)]
StrictInt = Annotated[int, Field(strict=True)]
StrictFloat = Annotated[float, Field(strict=True, allow_inf_nan=False)]
