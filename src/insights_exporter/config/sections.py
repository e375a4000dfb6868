"""The smaller parts of a deployment's settings."""

from typing import Annotated, Literal

from pydantic import Field

from insights_exporter.config.durations import Seconds
from insights_exporter.config.model import Model
from insights_exporter.config.values import FilePath, Flag, Glob, Key, Whole


class DatasetSettings(Model):
    """Whether and how often one dataset is polled."""

    enabled: Flag = True
    """Whether it is polled at all."""
    every: Seconds | None = None
    """How often it is polled. Default: `daus` 5m, `user-status-counts` 15m, `periods` and `template-list` 1h,
    the others by window."""
    max_age: Seconds | None = None
    """How long a value is served after its last good poll; wins over the deployment's."""


class Tls(Model):
    """How the certificate of the deployment is checked, and ours shown."""

    ca_file: FilePath | None = None
    """PEM file of the authorities to trust instead of the system's."""
    cert_file: FilePath | None = None
    """PEM file of the certificate that the exporter shows; needs `key_file`."""
    key_file: FilePath | None = None
    """PEM file of its private key, not encrypted; needs `cert_file`."""
    insecure_skip_verify: Flag = False
    """Whether any certificate is taken. Whoever is on the way can then read the token."""


class Users(Model):
    """What is shown about single users."""

    detail: Literal["named", "pseudonymous", "aggregate"] = "named"
    """`named`: id and name. `pseudonymous`: both are replaced by a keyed hash. `aggregate`: no series about
    single users, distributions only."""
    key: Key | None = None
    """Key of the hash for `pseudonymous`, at least 16 characters; whoever has it can tell who is who."""
    key_file: FilePath | None = None
    """File that holds the key, instead of `key`; spaces and line ends around it do not count."""
    limit: Annotated[Whole, Field(ge=0)] = 500
    """How many users are shown a window: the most active, the slowest. The distributions cover everybody."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows with series that name users."""


class Parameters(Model):
    """Which parameters are shown, and which of their values."""

    limit: Annotated[Whole, Field(ge=0)] = 50
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


class Apps(Model):
    """How many apps are shown."""

    limit: Annotated[Whole, Field(ge=0)] = 50
    """Maximum number of apps per app type and window (at most 20 within a template), those with the most
    seconds; the others are aggregated as `__other__`. The five classic session apps, `overflow` and `unknown`
    are always shown and do not count."""


class Templates(Model):
    """Whether templates are asked about one by one."""

    breakdown: Flag = True
    """Whether each template in use is asked about: one request a template and window."""
    limit: Annotated[Whole, Field(ge=0)] = 200
    """How many templates are asked about at most."""
    windows: tuple[str, ...] = ("7d",)
    """Names of the windows in which templates are broken down."""
    users: Flag = False
    """Whether users' activity and latency are asked for too, unless `datasets` switches `user-activity` or
    `user-latency` off: two more requests a template and window."""
