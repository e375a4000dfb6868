"""The web config file as exporter-toolkit defines it."""

import re
import ssl
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from insights_exporter.config.errors import InvalidValue, did_you_mean
from insights_exporter.config.models import Model
from insights_exporter.config.types import check_header_value

MODERN_SUITES: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Suites of TLS 1.2 that are offered if the file lists none."""

OLD_SUITES: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
"""Suites that TLS 1.0 and 1.1 need; later versions use them only if the file lists them."""

SUITES: Mapping[str, str] = {**MODERN_SUITES, **OLD_SUITES}

TLS13_SUITES = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""Suites of TLS 1.3, all of which are always offered: neither Go nor Python allows a selection."""

CURVES: Mapping[str, str] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}

VERSIONS: Mapping[str, ssl.TLSVersion] = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The response headers that the file may set, with their values if only some are allowed."""

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_AMOUNT = r"(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})"
_PART = re.compile(rf"({_AMOUNT})(h|ms|m|s|us|µs|ns)")
_DURATION = re.compile(rf"\+?(?:{_PART.pattern})+")
_BOOLEANS = {
    **dict.fromkeys(("y", "yes", "on"), True),
    **dict.fromkeys(("n", "no", "off"), False),
}
_BCRYPT = re.compile(r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_MAKE_A_HASH = 'make one with `htpasswd -nBC 10 ""` and write what follows the colon, in quotes'
_COSTS = range(4, 32)
_ALIASES = {"": "NoClientCert", "RequireClientCert": "RequireAnyClientCert"}

AUTH_TYPES: Mapping[str, tuple[ssl.VerifyMode, ssl.VerifyMode]] = {
    "NoClientCert": (ssl.CERT_NONE, ssl.CERT_NONE),
    "RequestClientCert": (ssl.CERT_NONE, ssl.CERT_REQUIRED),
    "RequireAnyClientCert": (ssl.CERT_REQUIRED, ssl.CERT_REQUIRED),
    "VerifyClientCertIfGiven": (ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED),
    "RequireAndVerifyClientCert": (ssl.CERT_REQUIRED, ssl.CERT_REQUIRED),
}
"""How clients are verified, without and with allowed names.

The `ssl` module shows a client's certificate only after verifying it. A type that accepts unverified
certificates gets the nearest mode that accepts no client which the type itself would refuse.
"""


def parse_go_duration(written: object) -> float:
    """Return the seconds of a duration in Go's notation, or of 0.

    Raises:
        InvalidValue: It is not such a duration, or a negative one.
    """
    if written == 0 and not isinstance(written, bool):
        return 0.0
    if not isinstance(written, str) or not (written == "0" or _DURATION.fullmatch(written)):
        raise InvalidValue(
            "is not a duration", "write it as 100ms, 1s or 1m30s (there are no days), or 0 for none"
        )
    return sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(written))


def _to_text(written: object) -> object:
    """Return a scalar as text even if it looks like a number, and null as empty text."""
    if isinstance(written, bool):
        return str(written).lower()
    return "" if written is None else str(written) if isinstance(written, int | float) else written


def _to_bool(written: object) -> object:
    return _BOOLEANS.get(written.lower(), written) if isinstance(written, str) else written


def _resolve_alias(written: object) -> object:
    return _ALIASES.get(written, written) if isinstance(written, str) else written


def _require_one_of(known: Collection[str], otherwise: str = "is not a known value") -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            raise InvalidValue(otherwise, did_you_mean(name, known))
        return name

    return AfterValidator(check)


def _check_user_name(name: str) -> str:
    if ":" in name or not name.isprintable():
        raise InvalidValue(
            "is a name that no user can log in with", "remove colons and unprintable characters"
        )
    return name


def _check_bcrypt_hash(text: str) -> str:
    found = _BCRYPT.fullmatch(text)
    if found is None:
        raise InvalidValue("is not a bcrypt hash", _MAKE_A_HASH)
    if int(found[1]) not in _COSTS:
        raise InvalidValue(f"has a bcrypt cost of {int(found[1])}", "use 4 to 31 (10 to 12 are usual)")
    return text


Text = Annotated[str, BeforeValidator(_to_text)]
GoBool = Annotated[bool, BeforeValidator(_to_bool), Field(strict=True)]
Duration = Annotated[float, BeforeValidator(parse_go_duration)]
Count = Annotated[int, Field(strict=True, ge=0)]
AuthType = Annotated[Text, _require_one_of(AUTH_TYPES), BeforeValidator(_resolve_alias)]
Version = Annotated[Text, _require_one_of(VERSIONS)]
Suite = Annotated[Text, _require_one_of(SUITES.keys() | TLS13_SUITES)]
Curve = Annotated[Text, _require_one_of(CURVES)]
ResponseHeaderName = Annotated[str, _require_one_of(HEADERS, "is not a header that can be set here")]
ResponseHeaderValue = Annotated[
    str, AfterValidator(check_header_value), AfterValidator(str.strip), BeforeValidator(_to_text)
]
UserName = Annotated[str, AfterValidator(_check_user_name)]
PasswordHash = Annotated[str, AfterValidator(_check_bcrypt_hash), BeforeValidator(_to_text)]


class WebConfigSection(Model):
    """A section of the file; keys with null count as missing."""

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, written: Any) -> Any:  # noqa: ANN401 - whatever the file says
        if not isinstance(written, dict):
            return written
        return {key: value for key, value in written.items() if value is not None}


class TLSSection(WebConfigSection):
    """`tls_server_config`: with any key in it the exporter speaks TLS only."""

    cert: Text = ""
    key: Annotated[str, Field(repr=False)] = ""
    cert_file: Text = ""
    key_file: Text = ""
    client_auth_type: AuthType = "NoClientCert"
    client_ca: Text = ""
    client_ca_file: Text = ""
    client_allowed_sans: tuple[Text, ...] | None = None
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: tuple[Suite, ...] = ()
    prefer_server_cipher_suites: GoBool = True
    curve_preferences: tuple[Curve, ...] = ()


class HttpSection(WebConfigSection):
    """`http_server_config`."""

    http2: GoBool | None = None
    headers: dict[ResponseHeaderName, ResponseHeaderValue] = Field(default_factory=dict)


class RateLimitSection(WebConfigSection):
    """`rate_limit`: a bucket of `burst` tokens, one more every `interval` seconds."""

    interval: Duration = 0.0
    burst: Count = 0


class WebConfigModel(WebConfigSection):
    """The whole file."""

    tls_server_config: TLSSection | None = None
    http_server_config: HttpSection = HttpSection()
    basic_auth_users: dict[UserName, PasswordHash] = Field(default_factory=dict)
    rate_limit: RateLimitSection = RateLimitSection()
