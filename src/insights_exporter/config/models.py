"""What users can configure, as pydantic models."""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

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
    Label,
    Proxy,
    Seconds,
    StrictBool,
    StrictFloat,
    StrictInt,
    TimeZone,
    Token,
    Url,
    Variable,
    default_name,
)


class Model(BaseModel):
    """A part of the file: unknown keys are errors, values do not change.

    The text under an attribute is its description in docs and schema, which
    `descriptions` takes from the source: pydantic would do so at each start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_SHORT = re.compile(r"([1-9][0-9]{0,3})d")


def window_days(name: str) -> int | None:
    """Give the days that a window's name tells by itself: `today` 1, `30d` 30."""
    found = _SHORT.fullmatch(name)
    return 1 if name == "today" else int(found[1]) if found else None


class Window(Model):
    """A named span of whole days that a report covers."""

    name: Label
    """The value of the label `window`."""
    days: Annotated[StrictInt, Field(ge=1, le=3660, examples=[14])]
    """How many calendar days of the deployment's time zone. May be left out where the name says it (`today`,
    `14d`)."""
    include_today: StrictBool = True
    """Whether the running day counts, up to the next full hour. `false`: whole days ending at the last
    midnight."""
    every: Seconds | None = None
    """How often the datasets that have windows are polled for this one; wins over the dataset's own. Default
    by the days: 1 day 5m, up to 7 days 15m, longer 1h."""
    max_age: Seconds | None = None
    """How long a value is served after its last good poll; wins over the dataset's and the deployment's."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        if isinstance(value, str):
            if window_days(value) is None:
                remedy = "write today, a number of days as 7d, or a map with name and days"
                raise InvalidValue("is not a window", remedy)
            value = {"name": value}
        if isinstance(value, dict) and "days" not in value and isinstance(value.get("name"), str):
            days = window_days(value["name"])
            return value if days is None else {**value, "days": days}
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow the short form, and no days where the name says them."""
        long_form = handler.resolve_ref_schema(handler(core_schema))
        long_form["required"] = ["name"]
        short_form = {"type": "string", "pattern": rf"^(today|{_SHORT.pattern})$"}
        return {"anyOf": [short_form, long_form]}


DEFAULT_WINDOWS = tuple(Window(name=name, days=days) for name, days in (("today", 1), ("7d", 7), ("30d", 30)))
"""What is polled where nothing else is set."""


class DatasetOptions(Model):
    """Whether and how often one dataset is polled."""

    enabled: StrictBool | None = None
    """Whether it is polled at all. Default: as the table says."""
    every: Seconds | None = None
    """How often it is polled. Default: as the table says, else by the window."""
    max_age: Seconds | None = None
    """How long a value is served after its last good poll; wins over the deployment's."""


class TLSConfig(Model):
    """How the certificate of the deployment is checked, and ours shown."""

    ca_file: FilePath | None = None
    """PEM file of the authorities to trust instead of the system's."""
    cert_file: FilePath | None = None
    """PEM file of the certificate that the exporter shows; needs `key_file`."""
    key_file: FilePath | None = None
    """PEM file of its private key, not encrypted; needs `cert_file`."""
    insecure_skip_verify: StrictBool = False
    """Whether any certificate is taken. Whoever is on the way can then read the token."""


class UserOptions(Model):
    """What is shown about single users."""

    detail: Literal["named", "pseudonymous", "aggregate"] = "named"
    """`named`: id and name. `pseudonymous`: both are replaced by a keyed hash. `aggregate`: no series about
    single users, distributions only."""
    key: Key | None = None
    """Key of the hash for `pseudonymous`, at least 16 characters; whoever has it can tell who is who."""
    key_file: FilePath | None = None
    """File that holds the key, instead of `key`; spaces and line ends around it do not count."""
    limit: Annotated[StrictInt, Field(ge=0)] = 500
    """How many users are shown a window: the most active, the slowest. The distributions cover everybody."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows with series that name users."""


class ParameterOptions(Model):
    """Which parameters are shown, and which of their values."""

    limit: Annotated[StrictInt, Field(ge=0)] = 50
    """How many values are shown a parameter (within a template at most 10); the rest is added up as
    `__other__`."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows in which parameters are shown."""
    values: Literal["all", "options", "none"] = "all"
    """`all` values, those of parameters with fixed `options` (bool and number too), or `none`."""
    include: tuple[Glob, ...] = ()
    """Names of the parameters to show, as patterns (`*`, `?`, `[abc]`); empty: all."""
    exclude: tuple[Glob, ...] = ()
    """Names of the parameters to leave out, as patterns; wins over `include`."""


class AppOptions(Model):
    """How many apps are shown."""

    limit: Annotated[StrictInt, Field(ge=0)] = 50
    """Maximum number of apps per app type and window (at most 20 within a template), those with the most
    seconds; the others are aggregated as `__other__`. The five classic session apps, `overflow` and `unknown`
    are always shown and do not count."""


class TemplateOptions(Model):
    """Whether templates are asked about one by one."""

    breakdown: StrictBool = True
    """Whether each template in use is asked about: one request a template and window."""
    limit: Annotated[StrictInt, Field(ge=0)] = 200
    """How many templates are asked about at most."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows in which templates are broken down."""
    users: StrictBool = False
    """Whether users' activity and latency are requested too, unless `datasets` switches them off: two more
    requests per template and window."""


__all__ = [
    "AppOptions",
    "Config",
    "ConfigFile",
    "DatasetOptions",
    "Defaults",
    "Deployment",
    "ParameterOptions",
    "TLSConfig",
    "TemplateOptions",
    "UserOptions",
    "Window",
]


class Defaults(Model):
    """What may be set for one deployment or, under `defaults:`, for all of them."""

    token: Token | None = None
    """The token itself. Better kept in a file."""
    token_file: FilePath | None = None
    """File that holds the token; read anew at each poll."""
    token_env: Variable | None = None
    """Name of the environment variable that holds the token."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Further headers of each request, for a gateway in front of Coder; not `Coder-Session-Token`, `Host` or
    those of the connection. Their values are kept secret."""
    tls: TLSConfig = TLSConfig()
    """How the certificate of the deployment is checked, and ours shown."""
    proxy: Proxy | None = None
    """URL of an HTTP proxy. Default: the proxy variables of the environment."""
    api_path: ApiPath = "/api/v2"
    """Where the API is below the URL; for gateways that put it elsewhere."""
    timezone: TimeZone = "UTC"
    """IANA name of the zone whose days are counted."""
    windows: Annotated[tuple[Window, ...], Field(min_length=1)] = DEFAULT_WINDOWS
    """What spans of days are asked for: `today`, a number of days as `7d`, or a map."""
    datasets: dict[DatasetKey, DatasetOptions] = Field(default_factory=dict)
    """Which datasets are polled, and how often."""
    dialect: Literal["auto", "rfc3339", "published"] = "auto"
    """How the server wants times: `rfc3339` (`start_time`, `end_time`), `published` (`before`, `after`), or
    found out by asking (`auto`)."""
    users: UserOptions = UserOptions()
    """What is shown about single users."""
    parameters: ParameterOptions = ParameterOptions()
    """Which parameters are shown, and which of their values."""
    templates: TemplateOptions = TemplateOptions()
    """Whether templates are asked about one by one."""
    apps: AppOptions = AppOptions()
    """How many apps are shown."""
    requests_per_minute: Annotated[StrictFloat, Field(gt=0)] = 60
    """Maximum number of requests per minute, after a burst of as many (at most 60)."""
    max_concurrency: Annotated[StrictInt, Field(ge=1)] = 2
    """How many requests are under way at once at most."""
    timeout: Seconds = 30.0
    """How long one request may take, the answer's body included."""
    max_response_bytes: Annotated[StrictInt, Field(ge=1024)] = 256 * 1024 * 1024
    """How large an answer may be, decompressed."""
    max_age: Seconds | None = None
    """How long a value is served after its last good poll. Default: three times the poll interval, at least
    15m."""
    max_series: Annotated[StrictInt, Field(ge=0)] = 100_000
    """How many series are served at most; above it whole families are left out."""


def _name_from_url(data: dict[str, Any]) -> str:
    return default_name(data["url"]) if "url" in data else ""


class Deployment(Defaults):
    """One Coder server that is polled, with everything set for it."""

    url: Annotated[Url, Field(examples=["https://coder.example.com"])]
    """Where Coder is. May already end in `api_path`."""
    name: Label = Field(default_factory=_name_from_url)
    """The value of the label `deployment`. Default: the URL's host, with its port if that is not the usual
    one."""


class Config(Model):
    """All that is polled."""

    deployments: Annotated[tuple[Deployment, ...], Field(min_length=1)]
    """The Coder servers that are polled."""


class ConfigFile(Config):
    """The file given by `--config.file`."""

    defaults: Defaults = Defaults()
    """What holds for every deployment that does not say otherwise. Maps are merged key by key, lists are
    replaced."""


def descriptions(model: type[Model]) -> dict[str, str]:
    """Give the description of each attribute that has one, inherited ones too, each in one line."""
    lineage = [one for one in reversed(model.__mro__) if issubclass(one, Model) and one is not Model]
    return {name: " ".join(text.split()) for one in lineage for name, text in _written(one)}


def _written(model: type[Model]) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(inspect.getsource(model)).body
    for attribute, below in pairwise(ast.iter_child_nodes(definition)):
        match attribute, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text
