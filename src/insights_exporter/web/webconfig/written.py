"""The web config file as it is written: its sections and keys."""

from typing import Any

from pydantic import Field, SecretStr, model_validator

from insights_exporter.config.model import Model
from insights_exporter.web.webconfig.kinds import (
    AuthType,
    Count,
    Curve,
    Duration,
    HeaderName,
    HeaderValue,
    PasswordHash,
    Suite,
    Switch,
    Text,
    UserName,
    Version,
)


class Section(Model):
    """A part of the file; a key without a value is as good as none."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, written: Any) -> Any:  # noqa: ANN401 - whatever the file says
        if not isinstance(written, dict):
            return written
        return {key: value for key, value in written.items() if value is not None}


class TlsSection(Section):
    """`tls_server_config`: with any key in it the exporter speaks TLS and nothing else."""

    cert: Text = ""
    key: SecretStr = SecretStr("")
    cert_file: Text = ""
    key_file: Text = ""
    client_auth_type: AuthType = "NoClientCert"
    client_ca: Text = ""
    client_ca_file: Text = ""
    client_allowed_sans: tuple[Text, ...] | None = None
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: tuple[Suite, ...] = ()
    prefer_server_cipher_suites: Switch = True
    curve_preferences: tuple[Curve, ...] = ()


class HttpSection(Section):
    """`http_server_config`."""

    http2: Switch | None = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)


class RateLimitSection(Section):
    """`rate_limit`: a bucket of `burst` tokens, one more each `interval` seconds."""

    interval: Duration = 0.0
    burst: Count = 0


class WebFile(Section):
    """The whole file."""

    tls_server_config: TlsSection | None = None
    http_server_config: HttpSection = HttpSection()
    basic_auth_users: dict[UserName, PasswordHash] = Field(default_factory=dict)
    rate_limit: RateLimitSection = RateLimitSection()
