"""What users can configure, as pydantic models."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from insights_exporter.config.errors import InvalidValue
from insights_exporter.config.types import (
    ApiPath,
    DatasetKey,
    FilePath,
    Glob,
    HeaderName,
    HeaderValue,
    Key,
    LabelValue,
    Proxy,
    Seconds,
    StrictBool,
    StrictFloat,
    StrictInt,
    TimeZone,
    Token,
    Url,
    Variable,
    derive_name,
)


class Model(BaseModel):
    """A section of the file: unknown keys are errors, values are immutable.

    The text below an attribute is its description in docs and schema.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


_DAYS = re.compile(r"([1-9][0-9]{0,3})d")


def parse_window_days(name: str) -> int | None:
    """Return the days in a window's name: 1 of `today`, 30 of `30d`, None of other names."""
    found = _DAYS.fullmatch(name)
    return 1 if name == "today" else int(found[1]) if found else None


class Window(Model):
    """A named span of days that a report covers."""

    name: LabelValue
    """The value of the label `window`."""
    days: Annotated[StrictInt, Field(ge=1, le=3660, examples=[14])]
    """Number of calendar days in the deployment's time zone. Optional if the name contains it (`today`,
    `14d`)."""
    include_today: StrictBool = True
    """Whether the current day counts, up to the next full hour. `false`: whole days that end at the last
    midnight."""
    every: Seconds | None = None
    """Interval between polls of this window, for datasets with windows; overrides the dataset's. Default: 5m
    for 1 day, 15m for up to 7 days, else 1h."""
    max_age: Seconds | None = None
    """How long a value is served after its last successful poll; overrides the dataset's and the
    deployment's."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        if isinstance(value, str):
            if parse_window_days(value) is None:
                remedy = "write today, a number of days such as 7d, or a map with name and days"
                raise InvalidValue("is not a window", remedy)
            value = {"name": value}
        if isinstance(value, dict) and "days" not in value and isinstance(value.get("name"), str):
            days = parse_window_days(value["name"])
            return value if days is None else {**value, "days": days}
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow the short form, and no days if the name contains them."""
        long_form = handler.resolve_ref_schema(handler(core_schema))
        long_form["required"] = ["name"]
        short_form = {"type": "string", "pattern": rf"^(today|{_DAYS.pattern})$"}
        return {"anyOf": [short_form, long_form]}


DEFAULT_WINDOWS = tuple(Window(name=name, days=days) for name, days in (("today", 1), ("7d", 7), ("30d", 30)))
"""Windows that are polled by default."""


class DatasetOptions(Model):
    """Whether and how often one dataset is polled."""

    enabled: StrictBool | None = None
    """Whether it is polled. Default: see the table."""
    every: Seconds | None = None
    """Interval between polls. Default: see the table, else by the window."""
    max_age: Seconds | None = None
    """How long a value is served after its last successful poll; overrides the deployment's."""


class TLSConfig(Model):
    """How the server's certificate is verified, and the client certificate."""

    ca_file: FilePath | None = None
    """PEM file of the certificate authorities to trust instead of the system's."""
    cert_file: FilePath | None = None
    """PEM file of the client certificate; needs `key_file`."""
    key_file: FilePath | None = None
    """PEM file of its private key, not encrypted; needs `cert_file`."""
    insecure_skip_verify: StrictBool = False
    """Whether any certificate is accepted. Anyone on the network path can then read the token."""


class UserOptions(Model):
    """What is exposed about single users."""

    detail: Literal["named", "pseudonymous", "aggregate"] = "named"
    """`named`: id and name. `pseudonymous`: a keyed hash instead of both. `aggregate`: no series about single
    users, only distributions."""
    key: Key | None = None
    """Key of the hash for `pseudonymous`, at least 16 characters; anyone who has it can identify users."""
    key_file: FilePath | None = None
    """File with the key, instead of `key`; white space around it is ignored."""
    limit: Annotated[StrictInt, Field(ge=0)] = 500
    """Maximum number of users with series of their own per window: the most active, and the slowest.
    Distributions cover all users."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows with series about single users."""


class ParameterOptions(Model):
    """Which template parameters are exposed, and which of their values."""

    limit: Annotated[StrictInt, Field(ge=0)] = 50
    """Maximum number of values per parameter (at most 10 within a template); the others are aggregated as
    `__other__`."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows with series about parameters."""
    values: Literal["all", "options", "none"] = "all"
    """Which values to expose: `all`, those of parameters with fixed options, bool or number (`options`), or
    `none`."""
    include: tuple[Glob, ...] = ()
    """Names of the parameters to expose, as patterns (`*`, `?`, `[abc]`); empty: all."""
    exclude: tuple[Glob, ...] = ()
    """Names of the parameters to hide, as patterns; overrides `include`."""


class AppOptions(Model):
    """How many apps are exposed."""

    limit: Annotated[StrictInt, Field(ge=0)] = 50
    """Maximum number of apps per app type and window (at most 20 within a template), those with the most
    seconds; the others are aggregated as `__other__`. The five session apps of older versions of Coder,
    `overflow` and `unknown` are always exposed and do not count."""


class TemplateOptions(Model):
    """Which templates have series of their own."""

    breakdown: StrictBool = True
    """Whether a report is requested for each template in use: one request per template and window."""
    limit: Annotated[StrictInt, Field(ge=0)] = 200
    """Maximum number of templates with a report."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows with series about single templates."""
    users: StrictBool = False
    """Whether users' activity and latency are requested per template too, unless `datasets` disables them:
    two more requests per template and window."""


class GroupOptions(Model):
    """Which groups are exposed, if the dataset `groups` is enabled."""

    min_users: Annotated[StrictInt, Field(ge=1)] = 5
    """Minimum number of users that a metric family of a group must count: members, active users, users with a
    latency. Families of fewer users are not exposed."""
    limit: Annotated[StrictInt, Field(ge=0)] = 100
    """Maximum number of groups, those with the most members; of each organization on servers that list groups
    by organization only."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows with activity and connection quality of groups."""
    include: tuple[Glob, ...] = ()
    """Names of the groups to expose, as patterns (`*`, `?`, `[abc]`); empty: all. The group of all members of
    an organization is called `Everyone`."""
    exclude: tuple[Glob, ...] = ()
    """Names of the groups to hide, as patterns; overrides `include`."""


class Defaults(Model):
    """What can be set for one deployment or, under `defaults:`, for all of them."""

    token: Token | None = None
    """The token itself; prefer a file."""
    token_file: FilePath | None = None
    """File with the token; re-read at each poll."""
    token_env: Variable | None = None
    """Name of the environment variable with the token."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Additional headers of each request, for a gateway in front of Coder; not `Coder-Session-Token`, `Host`
    or those of the connection. Their values are secret."""
    tls: TLSConfig = TLSConfig()
    proxy: Proxy | None = None
    """URL of an HTTP proxy. Default: the proxy variables of the environment."""
    api_path: ApiPath = "/api/v2"
    """Path of the API below the URL, for gateways that change it."""
    timezone: TimeZone = "UTC"
    """IANA name of the time zone in which days are counted."""
    windows: Annotated[tuple[Window, ...], Field(min_length=1)] = DEFAULT_WINDOWS
    """Spans of days to report: `today`, a number of days such as `7d`, or a map."""
    datasets: dict[DatasetKey, DatasetOptions] = Field(default_factory=dict)
    """Which datasets are polled and how often."""
    dialect: Literal["auto", "rfc3339", "published"] = "auto"
    """Format of times in requests: `rfc3339` (`start_time`, `end_time`), `published` (`before`, `after`), or
    detected (`auto`)."""
    users: UserOptions = UserOptions()
    parameters: ParameterOptions = ParameterOptions()
    templates: TemplateOptions = TemplateOptions()
    apps: AppOptions = AppOptions()
    groups: GroupOptions = GroupOptions()
    requests_per_minute: Annotated[StrictFloat, Field(gt=0)] = 60
    """Maximum number of requests per minute, with bursts of the same number (at most 60)."""
    max_concurrency: Annotated[StrictInt, Field(ge=1)] = 2
    """Maximum number of concurrent requests."""
    timeout: Seconds = 30.0
    """Timeout of a request, including the response body."""
    max_response_bytes: Annotated[StrictInt, Field(ge=1024)] = 256 * 1024 * 1024
    """Maximum size of a response, decompressed."""
    max_age: Seconds | None = None
    """How long a value is served after its last successful poll. Default: three times the poll interval, at
    least 15m."""
    max_series: Annotated[StrictInt, Field(ge=0)] = 100_000
    """Number of series above which whole families are dropped, in this order: parameters of templates,
    latency of users, activity of users, parameters, users of templates, apps of templates, durations of
    builds, templates."""


class Deployment(Defaults):
    """One Coder server that is polled, with all its options."""

    url: Annotated[Url, Field(examples=["https://coder.example.com"])]
    """URL of Coder; may end in `api_path`."""
    name: LabelValue = Field(default_factory=lambda data: derive_name(data["url"]) if "url" in data else "")
    """The value of the label `deployment`. Default: the URL's host, with its port unless that is the default
    of the scheme."""


class Config(Model):
    """The whole config."""

    deployments: Annotated[tuple[Deployment, ...], Field(min_length=1)]
    """The Coder servers that are polled."""


class ConfigFile(Config):
    """The file of `--config.file`."""

    defaults: Defaults = Defaults()
    """Defaults for all deployments. Maps are merged key by key, lists are replaced."""
