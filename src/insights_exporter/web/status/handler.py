"""The status page: templates filled and served."""

import base64
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.web.concurrency import WAITING_PAGES, OneAtATime, in_thread
from insights_exporter.web.status.state import DeploymentState, collect_state
from insights_exporter.web.status.view import NotFound, Page, PageRequest, page

DOCS = "https://github.com/insights-exporter/insights-exporter#readme"

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath fill='%230f766e' d='M1 9h3v6H1zM6 5h3v10H6zM11 1h3v14h-3z'/%3E%3C/svg%3E"
)


def _file(name: str) -> str:
    return files("insights_exporter.web.status").joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


_PARTS = re.compile(r"[^._/:-]*[._/:-]?")
_STYLE = _file("style.css")
_SCRIPT = _file("refresh.js")

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "; ".join(
            (
                "default-src 'none'",
                f"style-src {_source(_STYLE)}",
                f"script-src {_source(_SCRIPT)}",
                "connect-src 'self'",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)


def breakable(name: str) -> Markup:
    """Return a name as HTML whose lines break after punctuation rather than within words."""
    return Markup("<wbr>").join(filter(None, _PARTS.findall(name)))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("insights_exporter.web.status"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    return environment.get_template("page.html")


def render(page: Page) -> str:
    """Give the page as HTML; whatever stands in names and answers is text there."""
    # Both are files of this package, and go in as they are.
    style, script = Markup(_STYLE), Markup(_SCRIPT)  # noqa: S704
    return _template().render(page=page, style=style, script=script, icon=_ICON, docs=DOCS)


class StatusPage:
    """The endpoint of `/`.

    However many people look, one page at a time is made, in a thread, so that
    scrapes hardly notice.
    """

    def __init__(self, metrics_path: str, watches: Callable[[], Iterable[DeploymentPoller]]) -> None:
        self._metrics_path = metrics_path
        self._watches = watches
        self._turn = OneAtATime(WAITING_PAGES)

    async def __call__(self, request: Request) -> Response:
        """Show all deployments, or the one that is asked for."""
        asked = PageRequest(request.query_params.get("deployment"), request.query_params.get("window"))
        async with self._turn:
            seen = collect_state(self._watches())
            make = partial(_made, asked, seen, self._metrics_path, time.time())
            try:
                return HTMLResponse(await in_thread(make), headers=HEADERS)
            except NotFound as missing:
                return PlainTextResponse(f"{missing}\n", 404)


def _made(asked: PageRequest, seen: tuple[DeploymentState, ...], metrics_path: str, now: float) -> str:
    return render(page(asked, seen, metrics_path, now))
