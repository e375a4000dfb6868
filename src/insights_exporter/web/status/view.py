"""The page as plain values: which deployment, which window, what to link to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from insights_exporter import __version__
from insights_exporter.web.status import format as words
from insights_exporter.web.status.charts import sparkline
from insights_exporter.web.status.details import Details, details
from insights_exporter.web.status.health import ORDER, URGENT, Health, health, oldest
from insights_exporter.web.status.state import DeploymentState

_USUAL_WINDOW = "7d"


class NotFound(LookupError):
    """There is no such deployment or window; the message says which there are not."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What the address asks for: a deployment, a window, both optional."""

    deployment: str | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True)
class WindowLink:
    """A window that can be chosen, with what it is called in words."""

    name: str
    label: str
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """One deployment among many."""

    name: str
    href: str
    health: Health
    facts: str
    token: str
    token_kind: str
    today: str
    yesterday: str
    users: str
    age: str
    series: str
    spark: str
    spark_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the templates need."""

    title: str
    version: str
    metrics: str
    made_at: float
    window: str
    period: str
    windows: tuple[WindowLink, ...]
    back: str
    lines: tuple[DeploymentRow, ...]
    summary: str
    details: Details | None


def page(asked: PageRequest, sights: Sequence[DeploymentState], metrics_path: str, now: float) -> Page:
    """Make the page: a table of many deployments, or one in detail.

    Raises:
        NotHere: there is no such deployment or window.
    """
    shown = _shown(asked, sights)
    alone = len(shown) == 1
    names = tuple(dict.fromkeys(window for sight in shown for window in sight.windows))
    window = _window(asked, names)
    labels = {name: label for sight in reversed(shown) for name, label in sight.labels.items()}
    return Page(
        title=shown[0].name if alone else f"{len(shown)} deployments",
        version=__version__,
        metrics="." + quote(metrics_path),
        made_at=now,
        window=window,
        period=labels.get(window, window),
        windows=tuple(
            WindowLink(name, labels.get(name, name), _href(asked.deployment, name), name == window)
            for name in names
        ),
        back=_href(None, asked.window) if asked.deployment and len(sights) > 1 else "",
        lines=() if alone else tuple(_line(sight, window, now) for sight in sorted(shown, key=_worst_first)),
        summary=_summary(shown),
        details=details(shown[0], window, now) if alone else None,
    )


def _shown(asked: PageRequest, sights: Sequence[DeploymentState]) -> Sequence[DeploymentState]:
    if asked.deployment is None:
        return sights
    found = [sight for sight in sights if sight.name == asked.deployment]
    if not found:
        raise NotFound("There is no such deployment here.")
    return found


def _window(asked: PageRequest, names: Sequence[str]) -> str:
    if asked.window is None:
        return _USUAL_WINDOW if _USUAL_WINDOW in names else next(iter(names), "")
    if asked.window not in names:
        raise NotFound("There is no such window here.")
    return asked.window


def _href(deployment: str | None, window: str | None) -> str:
    chosen = {"deployment": deployment, "window": window}
    return "?" + urlencode({name: value for name, value in chosen.items() if value is not None})


def _worst_first(sight: DeploymentState) -> tuple[int, str]:
    return ORDER.index(health(sight).level), sight.name


def _line(sight: DeploymentState, window: str, now: float) -> DeploymentRow:
    days, today = sight.summary("daus").days, sight.today.toordinal()
    urgent = URGENT[sight.expiry_urgency]
    return DeploymentRow(
        name=sight.name,
        href=_href(sight.name, window if window in sight.windows else None),
        health=health(sight),
        facts=", ".join(_line_facts(sight)),
        token=f"token {sight.token_expiry}" if urgent else "",
        token_kind=urgent,
        today=words.number(days.get(today)),
        yesterday=words.number(days.get(today - 1)),
        users=words.number(sight.summary("templates", window).active_users),
        age=oldest(sight, now),
        series=words.number(sum(poll.series for poll in sight.polls)),
        spark=sparkline(*sight.days()),
        spark_zone=sight.days_zone,
    )


def _line_facts(sight: DeploymentState) -> Iterator[str]:
    if sight.version:
        yield f"Coder {sight.version.partition('+')[0]}"
    if sight.timezone != "UTC":
        yield f"days of {sight.timezone}"


def _summary(sights: Sequence[DeploymentState]) -> str:
    levels = [health(sight).level for sight in sights]
    told = [
        f"{levels.count(level)} {word}"
        for level, word in zip(
            ORDER, ("failing", "partly failing", "with statistics off", "starting", "healthy"), strict=True
        )
        if level in levels
    ]
    return ", ".join(told) or "Nothing is polled here"
