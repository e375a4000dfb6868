"""The view of the status page: plain values for the templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException

from insights_exporter import __version__
from insights_exporter.web.status.details import DEFAULT_WINDOW, Details, build_details, select_window
from insights_exporter.web.status.state import LEVELS, DeploymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """The values of the templates: several deployments, the worst first, or details of one.

    `windows` are the descriptions of all windows by name, `window` is the name of the selected one.
    """

    now: float
    title: str
    version: str
    metrics_href: str
    overview_href: str
    deployment: str | None
    window: str
    windows: Mapping[str, str]
    summary: str
    rows: tuple[DeploymentState, ...]
    details: Details | None


def build_view(
    states: Sequence[DeploymentState],
    metrics_path: str,
    now: float,
    deployment: str | None = None,
    window: str | None = None,
) -> PageView:
    """Return the view of the requested deployment, or of all, in the requested or the default window.

    Raises:
        HTTPException: 404; the deployment or the window does not exist.
    """
    shown = states
    if deployment is not None:
        shown = [state for state in states if state.name == deployment]
        if not shown:
            raise HTTPException(404, "There is no such deployment here.\n")
    single = len(shown) == 1
    windows: dict[str, str] = {}
    for state in shown:
        for name, label in state.windows.items():
            windows.setdefault(name, label)
    if window is not None and window not in windows:
        raise HTTPException(404, "There is no such window here.\n")
    selected = select_window(window or DEFAULT_WINDOW, windows)
    return PageView(
        now=now,
        title=shown[0].name if single else f"{len(shown)} deployments",
        version=__version__,
        metrics_href="." + quote(metrics_path),
        overview_href=build_href(None, window) if deployment and len(states) > 1 else "",
        deployment=deployment,
        window=selected,
        windows=windows,
        summary=_summarize(shown),
        rows=() if single else tuple(sorted(shown, key=_rank)),
        details=build_details(shown[0], selected) if single else None,
    )


def build_href(deployment: str | None, window: str | None) -> str:
    """Return the link to the page of a deployment and a window."""
    query = {"deployment": deployment, "window": window}
    return "?" + urlencode({name: value for name, value in query.items() if value is not None})


def _summarize(states: Sequence[DeploymentState]) -> str:
    levels = [state.health.level for state in states]
    counts = [f"{levels.count(level)} {words}" for level, words in LEVELS.items() if level in levels]
    return ", ".join(counts) or "No deployment is polled"


def _rank(state: DeploymentState) -> tuple[int, str]:
    return [*LEVELS].index(state.health.level), state.name
