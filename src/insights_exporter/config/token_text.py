"""The format of tokens, and common mistakes when they are copied."""

import binascii
import re
from base64 import b64decode

from insights_exporter.config.errors import InvalidValue

_TOKEN = re.compile("[A-Za-z0-9]+-[A-Za-z0-9]+")
_NOT_TEXT = re.compile(b"^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)|\0")
"""A byte order mark, and the zeros of UTF-16."""
_ALONE = "write the token alone, as `coder tokens create` printed it"
_UTF8 = "save it as UTF-8 without a byte order mark"
_QUOTES = "\"'`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}"
_QUOTES += "\N{RIGHT SINGLE QUOTATION MARK}"

_WRAPPINGS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), what, remedy)
    for pattern, what, remedy in (
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
)
"""What a token may be wrapped in, in the order of the checks."""


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
    for pattern, what, remedy in _WRAPPINGS:
        if pattern.fullmatch(token):
            raise InvalidValue(what, remedy)
    raise InvalidValue("is not a token of the form ID-SECRET", _ALONE)


def _is_encoded(text: str) -> bool:
    """Return whether `text` is base64, perhaps several times, of something with a token in it."""
    try:
        decoded = b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_" if "-" in text else None, validate=True
        )
    except (binascii.Error, ValueError):
        return False
    inner = _NOT_TEXT.sub(b"", decoded).decode("latin-1").strip()
    return inner.isascii() and (_TOKEN.search(inner) is not None or (inner != "" and _is_encoded(inner)))
