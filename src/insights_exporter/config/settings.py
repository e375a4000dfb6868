"""What a user may set for a deployment, with its defaults and its rules."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from insights_exporter.config.durations import Seconds

DatasetName = Literal[
    "daus",
    "templates",
    "template-breakdown",
    "periods",
    "user-activity",
    "user-latency",
    "user-status-counts",
]


class Model(BaseModel):
    """A part of the file: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Window(Model):
    """A named span of whole days that a report covers."""

    name: str
    days: Annotated[int, Field(ge=1, le=3660)]
    include_today: bool = True
    every: Seconds | None = None
    max_age: Seconds | None = None


class DatasetSettings(Model):
    """Whether and how often one dataset is polled."""

    enabled: bool = True
    every: Seconds | None = None
    max_age: Seconds | None = None


class Tls(Model):
    """How the certificate of the deployment is checked, and ours shown."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False


class Users(Model):
    """What is shown about single users."""

    detail: Literal["named", "pseudonymous", "aggregate"] = "named"
    key: SecretStr | None = None
    key_file: Path | None = None
    limit: Annotated[int, Field(ge=0)] = 500
    windows: tuple[str, ...] = ("7d",)


class Parameters(Model):
    """Which parameters are shown, and which of their values."""

    limit: Annotated[int, Field(ge=0)] = 50
    windows: tuple[str, ...] = ("7d",)
    values: Literal["all", "options", "none"] = "all"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Templates(Model):
    """Whether templates are asked about one by one."""

    breakdown: bool = True
    limit: Annotated[int, Field(ge=0)] = 200
    windows: tuple[str, ...] = ("7d",)
    users: bool = False


class Deployment(Model):
    """One Coder server that is polled, with everything set for it."""

    name: str
    url: str
    token: SecretStr | None = None
    token_file: Path | None = None
    token_env: str | None = None
    headers: dict[str, SecretStr] = {}
    tls: Tls = Tls()
    proxy: SecretStr | None = None
    api_path: str = "/api/v2"
    timezone: str = "UTC"
    windows: tuple[Window, ...]
    datasets: dict[DatasetName, DatasetSettings] = {}
    dialect: Literal["auto", "rfc3339", "published"] = "auto"
    users: Users = Users()
    parameters: Parameters = Parameters()
    templates: Templates = Templates()
    requests_per_minute: Annotated[float, Field(gt=0)] = 60
    max_concurrency: Annotated[int, Field(ge=1)] = 2
    timeout: Seconds = 30.0
    max_response_bytes: Annotated[int, Field(ge=1024)] = 256 * 1024 * 1024
    max_age: Seconds | None = None
    max_series: Annotated[int, Field(ge=0)] = 100_000


class Settings(Model):
    """The whole file."""

    deployments: tuple[Deployment, ...]
