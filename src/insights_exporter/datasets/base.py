"""Dataset: what is requested, and what the responses become.

Everything here is pure: no clock, no network. What is kept from poll to poll
is a struct that the garbage collector need not look through.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

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


class Group(msgspec.Struct, frozen=True, gc=False):
    """A group as Coder lists it; of its members the ids only, which may be fewer than `member_count`."""

    group_id: str
    name: str
    organization: str
    members: tuple[str, ...]
    member_count: float


@dataclass(frozen=True, slots=True)
class PollContext:
    """What requests and conversions of one poll depend on.

    Attributes:
        deployment: the config.
        window: None for a dataset without windows.
        now: the server's clock, aware, in the deployment's time zone.
        templates: those that Coder lists, by id.
        in_use: ids of the templates in the window's newest report, empty before the first.
        groups: those that Coder lists, for a dataset that looks them up.
        pseudonym_key: None unless users are exposed under pseudonyms.
    """

    deployment: Deployment
    window: Window | None
    now: datetime
    templates: Mapping[str, Template] = field(default_factory=dict)
    in_use: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    pseudonym_key: bytes | None = None

    def require_window(self) -> Window:
        """Return the window.

        Raises:
            ValueError: There is none: `windows` of the dataset is not set.
        """
        if self.window is None:
            text = "this dataset is not polled by window; set `windows`"
            raise ValueError(text)
        return self.window

    @property
    def window_name(self) -> str:
        """The name of the window; raises ValueError without one."""
        return self.require_window().name

    @property
    def zone(self) -> ZoneInfo:
        """The time zone whose days are counted."""
        return ZoneInfo(self.deployment.timezone)


class AppUsage(msgspec.Struct, frozen=True, gc=False):
    """A row about an app in a report, in the terms of the exporter; `app` is type and slug."""

    app: tuple[str, str]
    name: str
    family: str
    seconds: float
    times_used: float | None = None


class ConvertResult(msgspec.Struct, frozen=True, gc=False):
    """What one response became.

    Attributes:
        samples: what is exposed.
        aggregated: how many source series a limit aggregated or dropped.
        invalid: a short reason for each row that was dropped as invalid, without data of the row.
        in_use: ids of the templates in a report over all templates; None if unknown.
        named_apps: for each app in a report the row with the most seconds, whose name is exposed.
        templates: all templates that Coder lists; None in a response about anything else.
        daily_users: users by day, which is its ordinal.
        groups: those in a list of groups.
        follow_up: requests whose responses replace this result, which is used only if all of them fail.
        choices: parameters whose values are not free text, see `list_parameters_with_choices`.
    """

    samples: tuple[Samples, ...]
    aggregated: int = 0
    invalid: tuple[str, ...] = ()
    in_use: tuple[str, ...] | None = None
    named_apps: tuple[AppUsage, ...] = ()
    templates: Mapping[str, Template] | None = None
    daily_users: tuple[tuple[int, float], ...] = ()
    follow_up: tuple[Request, ...] = ()
    groups: tuple[Group, ...] = ()
    choices: tuple[str, ...] = ()


def select_no_windows(_deployment: Deployment) -> Sequence[Window | None]:
    """Return the windows of a dataset that is polled once, without a window."""
    return (None,)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyHistory:
    """Users by UTC day, of which one response has many.

    Attributes:
        request: the request for all days.
        read: returns users by the day's ordinal; raises InvalidResponse.
        convert: returns what a live scrape exposes of the day before `now`, nothing if it is not known.
        covers: whether the days of a deployment are UTC days.
    """

    request: Request
    read: Callable[[bytes], Mapping[int, float]]
    convert: Callable[[PollContext, Mapping[int, float]], tuple[Samples, ...]]
    covers: Callable[[Deployment], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One kind of data: what is requested, its families, and the pure conversion.

    Attributes:
        name: key of `datasets:` in the config, and value of the label `dataset`.
        families: what it can expose.
        requests: the requests of one poll.
        convert: converts one response, or raises InvalidResponse; each response is published on its own, so
            that one that fails leaves the others.
        windows: the windows for which it is polled.
        unrequested: rows that belong to no response of the poll.
        merge_windows: series without a `window` label, from the results of all windows.
        depends_on: the dataset whose newest result `requests` needs.
        names_templates: whether it lists the templates for the others.
        looks_up: the dataset whose groups `convert` uses, if it is polled.
        default_interval: seconds between polls; None: by the days of the window.
        roles: site roles that may read it, the one with the least rights first.
        backfill: whether `backfill` can request its history: always, or only if users are included.
        historic_requests: the requests of `backfill` for the day before `now`; None: `requests`, for whole
            days.
        daily_history: the days of which one response has many, if there is one.
        enabled_by_default: whether it is polled unless the config says otherwise.
        missing_route: what a 404 `Route not found.` means.
    """

    name: str
    families: tuple[MetricFamily, ...]
    requests: Callable[[PollContext], Sequence[Request]]
    convert: Callable[[PollContext, Response], ConvertResult]
    windows: Callable[[Deployment], Sequence[Window | None]] = select_no_windows
    unrequested: Callable[[PollContext, Sequence[Request]], ConvertResult] = lambda _context, _requests: (
        ConvertResult(())
    )
    merge_windows: Callable[[Iterable[ConvertResult]], tuple[Samples, ...]] = lambda _results: ()
    depends_on: str | None = None
    names_templates: bool = False
    looks_up: str | None = None
    default_interval: float | None = None
    roles: tuple[str, ...] = ("Auditor", "Template Admin", "Owner")
    backfill: Literal["always", "users", "never"] = "never"
    historic_requests: Callable[[PollContext], Sequence[Request]] | None = None
    daily_history: DailyHistory | None = None
    enabled_by_default: bool = True
    missing_route: MissingRoute = "unsupported"

    def get_options(self, deployment: Deployment) -> DatasetOptions:
        """Return what `datasets:` of the config sets for this dataset."""
        return deployment.datasets.get(self.name, DatasetOptions())

    @property
    def needs_license(self) -> bool:
        """Whether only servers with a Premium license have the dataset."""
        return self.missing_route == "not_licensed"

    def is_enabled(self, deployment: Deployment) -> bool:
        """Return whether the dataset is polled."""
        enabled = self.get_options(deployment).enabled
        return self.enabled_by_default if enabled is None else enabled
