"""The endpoint of the status page at `/`."""

import base64
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.web.concurrency import WAITING_PAGES, BoundedLock, run_in_thread
from insights_exporter.web.status.charts import build_sparkline
from insights_exporter.web.status.format import FILTERS
from insights_exporter.web.status.state import HEADINGS, collect_state
from insights_exporter.web.status.view import PageView, build_href, build_view

DOCS = "https://github.com/insights-exporter/insights-exporter#readme"

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath fill='%230f766e' d='M1 9h3v6H1zM6 5h3v10H6zM11 1h3v14h-3z'/%3E%3C/svg%3E"
)
_PACKAGE = "insights_exporter.web.status"
_STYLE, _SCRIPT = (
    files(_PACKAGE).joinpath(name).read_text(encoding="utf-8") for name in ("style.css", "refresh.js")
)


def _hash_for_csp(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash_for_csp(_STYLE)}",
            f"script-src {_hash_for_csp(_SCRIPT)}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Referrer-Policy": "no-referrer",
}


class StatusHandler:
    """Responds to `/`; one page at a time is rendered, in a thread, so that scrapes are not delayed."""

    def __init__(self, metrics_path: str, pollers: Callable[[], Iterable[DeploymentPoller]]) -> None:
        self._metrics_path = metrics_path
        self._pollers = pollers
        self._turn = BoundedLock(WAITING_PAGES)

    async def respond(self, request: Request) -> Response:
        """Return the page of all deployments, or of the requested one."""
        deployment, window = (request.query_params.get(name) for name in ("deployment", "window"))
        async with self._turn.acquire():
            states = tuple(map(collect_state, self._pollers()))

            def render_page() -> str:
                return render_html(build_view(states, self._metrics_path, time.time(), deployment, window))

            return HTMLResponse(await run_in_thread(render_page), headers=HEADERS)


def render_html(view: PageView) -> str:
    """Return the page as HTML; names and server responses are escaped."""
    # Both are files of this package and are inserted as they are.
    style, script = Markup(_STYLE), Markup(_SCRIPT)  # noqa: S704
    return _load_template().render(page=view, style=style, script=script, icon=_ICON, docs=DOCS)


@cache
def _load_template() -> Template:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    environment.globals |= {"headings": HEADINGS, "href": build_href, "sparkline": build_sparkline}
    return environment.get_template("page.html")
