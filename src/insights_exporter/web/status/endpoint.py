"""Answers requests for the status page, one at a time and beside the event loop."""

import time
from collections.abc import Callable, Iterable
from functools import partial

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from insights_exporter.polling.watch import Watch
from insights_exporter.web.status.rendering import HEADERS, render
from insights_exporter.web.status.sight import Sight, sights
from insights_exporter.web.status.view import Asked, NotHere, page
from insights_exporter.web.work import WAITING_PAGES, OneAtATime, in_thread


class StatusPage:
    """The endpoint of `/`.

    However many people look, one page at a time is made, in a thread, so that
    scrapes hardly notice.
    """

    def __init__(self, metrics_path: str, watches: Callable[[], Iterable[Watch]]) -> None:
        self._metrics_path = metrics_path
        self._watches = watches
        self._turn = OneAtATime(WAITING_PAGES)

    async def __call__(self, request: Request) -> Response:
        """Show all deployments, or the one that is asked for."""
        asked = Asked(request.query_params.get("deployment"), request.query_params.get("window"))
        async with self._turn:
            seen = sights(self._watches())
            make = partial(_made, asked, seen, self._metrics_path, time.time())
            try:
                return HTMLResponse(await in_thread(make), headers=HEADERS)
            except NotHere as missing:
                return PlainTextResponse(f"{missing}\n", 404)


def _made(asked: Asked, seen: tuple[Sight, ...], metrics_path: str, now: float) -> str:
    return render(page(asked, seen, metrics_path, now))
