"""The kinds of single values in the web config file, read as Go's YAML reads them."""

import re
from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from insights_exporter.config.problems import Wrong, did_you_mean
from insights_exporter.web.webconfig.names import CURVES, HEADERS, SUITES, TLS13_SUITES, VERSIONS

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_AMOUNT = r"(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})"
_PART = re.compile(rf"({_AMOUNT})(h|ms|m|s|us|µs|ns)")
_DURATION = re.compile(rf"\+?(?:{_PART.pattern})+")
_SWITCHES = {
    **dict.fromkeys(("y", "yes", "on"), True),
    **dict.fromkeys(("n", "no", "off"), False),
}
_BCRYPT = re.compile(r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_MAKE_A_HASH = 'make one with `htpasswd -nBC 10 ""` and write what follows the colon, in quotes'
_COSTS = range(4, 32)
_ALIASES = {"": "NoClientCert", "RequireClientCert": "RequireAnyClientCert"}

AUTH_TYPES = (
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
)


def parse_go_duration(written: object) -> float:
    """Give the seconds that `written` says in Go's spelling; 0 is a duration too.

    Raises:
        Wrong: it is no such duration, or a negative one.
    """
    if written == 0 and not isinstance(written, bool):
        return 0.0
    if not isinstance(written, str) or not (written == "0" or _DURATION.fullmatch(written)):
        raise Wrong("is not a duration", "write it as 100ms, 1s or 1m30s (there are no days), or 0 for none")
    return sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(written))


def _text(written: object) -> object:
    """Read a scalar as text even if it looks like a number, and nothing as blank."""
    if isinstance(written, bool):
        return str(written).lower()
    return "" if written is None else str(written) if isinstance(written, int | float) else written


def _switch(written: object) -> object:
    return _SWITCHES.get(written.lower(), written) if isinstance(written, str) else written


def _one_of(names: Iterable[str]) -> Callable[[str], str]:
    known = tuple(names)

    def check(name: str) -> str:
        if name not in known:
            raise Wrong("is not a known value", did_you_mean(name, known))
        return name

    return check


def _header_name(name: str) -> str:
    if name not in HEADERS:
        raise Wrong("is not a header that can be set here", did_you_mean(name, HEADERS))
    return name


def _header_value(value: str) -> str:
    if not re.fullmatch(r"[\x20-\x7e\t]*", value):
        raise Wrong("has characters that a header cannot carry", "keep to printable ASCII, in one line")
    return value.strip()


def _user_name(name: str) -> str:
    if ":" in name or not name.isprintable():
        raise Wrong("is a name that nobody can log in with", "take out colons and unprintable characters")
    return name


def _bcrypt_hash(text: str) -> str:
    found = _BCRYPT.fullmatch(text)
    if found is None:
        raise Wrong("is not a bcrypt hash", _MAKE_A_HASH)
    if int(found[1]) not in _COSTS:
        raise Wrong(f"has a bcrypt cost of {int(found[1])}", "use 4 to 31 (10 to 12 are usual)")
    return text


def _auth_type(written: object) -> object:
    return _ALIASES.get(written, written) if isinstance(written, str) else written


Text = Annotated[str, BeforeValidator(_text)]
Switch = Annotated[bool, BeforeValidator(_switch), Field(strict=True)]
Duration = Annotated[float, BeforeValidator(parse_go_duration)]
Count = Annotated[int, Field(strict=True, ge=0)]
AuthType = Annotated[
    str, AfterValidator(_one_of(AUTH_TYPES)), BeforeValidator(_auth_type), BeforeValidator(_text)
]
Version = Annotated[str, AfterValidator(_one_of(VERSIONS)), BeforeValidator(_text)]
Suite = Annotated[str, AfterValidator(_one_of([*SUITES, *sorted(TLS13_SUITES)])), BeforeValidator(_text)]
Curve = Annotated[str, AfterValidator(_one_of(CURVES)), BeforeValidator(_text)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_header_value), BeforeValidator(_text)]
UserName = Annotated[str, AfterValidator(_user_name)]
PasswordHash = Annotated[str, AfterValidator(_bcrypt_hash), BeforeValidator(_text)]
