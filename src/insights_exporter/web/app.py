"""The routes of the exporter."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from insights_exporter.web.concurrency import WAITING_PAGES, BoundedLock, Busy, SingleFlight, run_in_thread

OWN_PATHS = frozenset({"/", "/-/healthy", "/-/ready", "/-/reload", "/config"})

_SAME_SITE = frozenset({"same-origin", "none"})
RELOAD_INTERVAL = 1.0
"""Seconds between two reloads, which read and check all files and write to the log."""


@dataclass(frozen=True, slots=True)
class AppDependencies:
    """What the routes need."""

    metrics_path: str
    metrics: ASGIApp
    status: Callable[[Request], Awaitable[Response]]
    config: Callable[[], str]
    ready: Callable[[], bool]
    reload: Callable[[], Awaitable[str | None]] | None
    """Reloads the config and returns what is wrong with it; None if reloading is not enabled."""
    on_error: Callable[[Exception], None]
    """Logs an error of the exporter, for which the client gets 500."""


def create_app(dependencies: AppDependencies) -> Starlette:
    """Return the ASGI application of the exporter."""
    config_lock = BoundedLock(WAITING_PAGES)
    reloads = SingleFlight(dependencies.reload, RELOAD_INTERVAL) if dependencies.reload else None

    async def show_config(_: Request) -> Response:
        async with config_lock.acquire():
            return PlainTextResponse(await run_in_thread(dependencies.config), media_type="text/yaml")

    async def report_health(_: Request) -> Response:
        return PlainTextResponse("The exporter is healthy.\n")

    async def report_readiness(_: Request) -> Response:
        if dependencies.ready():
            return PlainTextResponse("The exporter is ready.\n")
        return PlainTextResponse("Not ready: some datasets have not been polled yet.\n", 503)

    async def reload(request: Request) -> Response:
        if reloads is None:
            return PlainTextResponse("Reloads are disabled; start with --web.enable-lifecycle.\n", 403)
        if is_cross_origin(request.headers):
            return PlainTextResponse("Reloads from the page of another site are refused.\n", 403)
        error = await reloads.do()
        return PlainTextResponse(error or "Config reloaded.\n", 500 if error else 200)

    async def on_error(_: Request, error: Exception) -> Response:
        dependencies.on_error(error)
        return PlainTextResponse("Internal error; see the log.\n", 500)

    app = Starlette(
        exception_handlers={Exception: on_error, Busy: _on_busy, 405: _on_wrong_method},
        routes=[
            Route("/", dependencies.status),
            Route(dependencies.metrics_path, dependencies.metrics, methods=["GET", "HEAD"]),
            Route("/-/healthy", report_health),
            Route("/-/ready", report_readiness),
            Route("/-/reload", reload, methods=["POST", "PUT"]),
            Route("/config", show_config),
        ],
    )
    app.router.redirect_slashes = False  # such redirects are made from the Host header
    return app


async def _on_busy(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("Too many concurrent requests; try again.\n", 503, {"Retry-After": "1"})


async def _on_wrong_method(_: Request, error: Exception) -> Response:
    headers = (isinstance(error, HTTPException) and error.headers) or {}
    allowed = ", ".join(sorted(headers.get("Allow", "").split(", ")))
    return PlainTextResponse(f"Method not allowed; use {allowed}.\n", 405, {"Allow": allowed})


def is_cross_origin(headers: Headers) -> bool:
    """Return whether a browser sends the request for a page of another origin; other clients do not say."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _SAME_SITE
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
