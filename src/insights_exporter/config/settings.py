"""What a user may set for a deployment, with its defaults."""

from typing import Annotated, Any, Literal

from pydantic import Field

from insights_exporter.config.durations import Seconds
from insights_exporter.config.model import Model
from insights_exporter.config.sections import Apps, DatasetSettings, Parameters, Templates, Tls, Users
from insights_exporter.config.values import (
    ApiPath,
    FilePath,
    HeaderName,
    HeaderValue,
    Label,
    Number,
    Proxy,
    TimeZone,
    Token,
    Url,
    Variable,
    Whole,
    default_name,
)
from insights_exporter.config.windows import DEFAULT_WINDOWS, Window

__all__ = [
    "Apps",
    "DatasetName",
    "DatasetSettings",
    "Defaults",
    "Deployment",
    "Parameters",
    "Settings",
    "SettingsFile",
    "Templates",
    "Tls",
    "Users",
    "Window",
    "dataset_settings",
]

DatasetName = Literal[
    "daus",
    "templates",
    "template-breakdown",
    "periods",
    "user-activity",
    "user-latency",
    "user-status-counts",
    "template-list",
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
    tls: Tls = Tls()
    """How the certificate of the deployment is checked, and ours shown."""
    proxy: Proxy | None = None
    """URL of an HTTP proxy. Default: the proxy variables of the environment."""
    api_path: ApiPath = "/api/v2"
    """Where the API is below the URL; for gateways that put it elsewhere."""
    timezone: TimeZone = "UTC"
    """IANA name of the zone whose days are counted."""
    windows: Annotated[tuple[Window, ...], Field(min_length=1)] = DEFAULT_WINDOWS
    """What spans of days are asked for: `today`, a number of days as `7d`, or a map."""
    datasets: dict[DatasetName, DatasetSettings] = Field(default_factory=dict)
    """Which datasets are polled, and how often."""
    dialect: Literal["auto", "rfc3339", "published"] = "auto"
    """How the server wants times: `rfc3339` (`start_time`, `end_time`), `published` (`before`, `after`), or
    found out by asking (`auto`)."""
    users: Users = Users()
    """What is shown about single users."""
    parameters: Parameters = Parameters()
    """Which parameters are shown, and which of their values."""
    templates: Templates = Templates()
    """Whether templates are asked about one by one."""
    apps: Apps = Apps()
    """How many apps are shown."""
    requests_per_minute: Annotated[Number, Field(gt=0)] = 60
    """Maximum number of requests per minute, after a burst of as many (at most 60)."""
    max_concurrency: Annotated[Whole, Field(ge=1)] = 2
    """How many requests are under way at once at most."""
    timeout: Seconds = 30.0
    """How long one request may take, the answer's body included."""
    max_response_bytes: Annotated[Whole, Field(ge=1024)] = 256 * 1024 * 1024
    """How large an answer may be, decompressed."""
    max_age: Seconds | None = None
    """How long a value is served after its last good poll. Default: three times the poll interval, at least
    15m."""
    max_series: Annotated[Whole, Field(ge=0)] = 100_000
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


def dataset_settings(deployment: Deployment, dataset: DatasetName) -> DatasetSettings:
    """Give what is set for a dataset, all of it built in where nothing is."""
    return deployment.datasets.get(dataset, DatasetSettings())


class Settings(Model):
    """All that is polled."""

    deployments: Annotated[tuple[Deployment, ...], Field(min_length=1)]
    """The Coder servers that are polled."""


class SettingsFile(Settings):
    """The file given by `--config.file`."""

    defaults: Defaults = Defaults()
    """What holds for every deployment that does not say otherwise. Maps are merged key by key, lists are
    replaced."""
