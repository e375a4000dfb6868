"""What a dataset is: what is asked, and what the answers become.

All in here is pure: no clock, no network, no settings read from anywhere.
What is kept from poll to poll is a struct that the garbage collector need not
look through.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

from insights_exporter.coder.errors import MissingRoute
from insights_exporter.coder.request import Request, Response
from insights_exporter.config.models import DatasetOptions, Deployment, Window
from insights_exporter.exposition.family import MetricFamily, Samples


class Template(msgspec.Struct, frozen=True, gc=False):
    """A template as Coder lists it."""

    template_id: str
    name: str
    organization: str
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class PollContext:
    """What a dataset may know when it asks and when it converts.

    `now` is the server's clock, aware, in the deployment's time zone.
    `templates` are those that Coder lists, by id; `in_use` the ids named by
    the newest `templates` answers (empty before the first). Who shows users
    under pseudonyms brings `pseudonym_key`.
    """

    deployment: Deployment
    window: Window | None
    now: datetime
    templates: Mapping[str, Template] = field(default_factory=dict)
    in_use: tuple[str, ...] = ()
    pseudonym_key: bytes | None = None


class AppName(msgspec.Struct, frozen=True, gc=False):
    """An app's name and family in a report, and the seconds of the row they come from."""

    app_type: str
    slug: str
    name: str
    family: str
    seconds: float

    @property
    def app(self) -> tuple[str, str]:
        """What it is a name of: the app's type and slug."""
        return self.app_type, self.slug


class ConvertResult(msgspec.Struct, frozen=True, gc=False):
    """What one response became.

    `folded` counts source series that a limit folded or dropped, `invalid`
    has one short reason a row that could not be understood, without any data
    of the row. `in_use` are the ids of the templates that the report names,
    None where it is no report on all of them or they cannot be read;
    `app_names` what apps are called in it. `templates` are all that Coder lists, None in a response about
    anything else. `daily_users` are users by day, which is its ordinal. `follow_up` are requests whose
    responses replace this result; it is used only if all of them fail.
    """

    samples: tuple[Samples, ...]
    folded: int = 0
    invalid: tuple[str, ...] = ()
    in_use: tuple[str, ...] | None = None
    app_names: tuple[AppName, ...] = ()
    templates: Mapping[str, Template] | None = None
    daily_users: tuple[tuple[int, float], ...] = ()
    follow_up: tuple[Request, ...] = ()
    choices: tuple[str, ...] = ()
    """The parameters whose values are not free text, see `parameters_with_choices`."""


def nothing_unrequested(_context: PollContext, _requests: Sequence[Request]) -> ConvertResult:
    """Return no rows."""
    return ConvertResult(())


def no_merge(_conversions: Iterable[ConvertResult]) -> tuple[Samples, ...]:
    """Say nothing about the windows of a dataset together."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One kind of request: what it asks, and what it becomes.

    `convert` converts one response: each response of a poll is converted and
    published on its own, so that one that fails leaves the others.
    `unrequested` returns the rows that belong to no response of the poll.
    `requests` may need the newest result of the dataset that it `depends_on`.
    `merge_windows` returns what the results of all windows say only together:
    series without a `window` label, which would repeat if each window had
    them. A dataset that `names_templates` lists them for the others.
    """

    name: str
    families: tuple[MetricFamily, ...]
    windows: Callable[[Deployment], Sequence[Window | None]]
    requests: Callable[[PollContext], Sequence[Request]]
    convert: Callable[[PollContext, Response], ConvertResult]
    unrequested: Callable[[PollContext, Sequence[Request]], ConvertResult] = nothing_unrequested
    depends_on: str | None = None
    merge_windows: Callable[[Iterable[ConvertResult]], tuple[Samples, ...]] = no_merge
    names_templates: bool = False
    default_interval: float | None = None
    """Seconds between polls; None: by the days of the window."""
    roles: tuple[str, ...] = ("Auditor", "Template Admin", "Owner")
    """Site roles that may read it, the one with the least rights first."""
    backfill: Literal["always", "users", "never"] = "never"
    """Whether it has history that `backfill` can request: always, or only if users are included."""
    enabled_by_default: bool = True
    missing_route: MissingRoute = "unsupported"
    """What a 404 `Route not found.` means: older servers lack it, no license has it, or a wrong address."""

    def options(self, deployment: Deployment) -> DatasetOptions:
        """Return what `datasets:` of the config sets for this dataset."""
        return deployment.datasets.get(self.name, DatasetOptions())

    def is_enabled(self, deployment: Deployment) -> bool:
        """Return whether the dataset is polled."""
        enabled = self.options(deployment).enabled
        return self.enabled_by_default if enabled is None else enabled
