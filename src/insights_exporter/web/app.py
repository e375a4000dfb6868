"""The routes: what is where, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from insights_exporter.web.concurrency import WAITING_PAGES, BoundedLock, Busy, SingleFlight, run_in_thread

_OWN_SITES = frozenset({"same-origin", "none"})
_RELOAD_SECONDS = 1.0
"""Between two reloads, which read all files, check them and write to the log."""

TAKEN_PATHS = frozenset({"/", "/-/healthy", "/-/ready", "/-/reload", "/config"})


@dataclass(frozen=True, slots=True)
class AppDependencies:
    """What the routes show, and how it is come by."""

    metrics_path: str
    scrape: ASGIApp
    status: Callable[[Request], Awaitable[Response]]
    config: Callable[[], str]
    ready: Callable[[], bool]
    reload: Callable[[], Awaitable[str | None]] | None
    """Reload the config and return what is wrong with it; None if this is not enabled."""
    mistake: Callable[[Exception], None]
    """Log an error of the exporter, for which the client gets a 500."""


def create_app(pages: AppDependencies) -> Starlette:
    """Make the ASGI application of the exporter."""

    async def status(request: Request) -> Response:
        return await pages.status(request)

    configs = BoundedLock(WAITING_PAGES)

    async def config(_: Request) -> Response:
        async with configs:
            return PlainTextResponse(await run_in_thread(pages.config), media_type="text/yaml")

    # Both answer on the loop itself, whose clock readiness asks.
    async def healthy(_: Request) -> Response:
        return PlainTextResponse("The exporter is alive.\n")

    async def ready(_: Request) -> Response:
        if pages.ready():
            return PlainTextResponse("The exporter is ready.\n")
        return PlainTextResponse("Not ready: some datasets have not been polled yet.\n", 503)

    def mistake(_: Request, error: Exception) -> Response:
        pages.mistake(error)
        return PlainTextResponse("Internal error; see the log.\n", 500)

    app = Starlette(
        exception_handlers={Exception: mistake, Busy: _busy},
        routes=[
            Route("/", status),
            Route(pages.metrics_path, pages.scrape),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", _reload(pages.reload), methods=["POST", "PUT"]),
            Route("/config", config),
        ],
    )
    app.router.redirect_slashes = False  # such redirects are made from the Host header
    return app


def _busy(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("Too many requests at once; try again.\n", 503, {"Retry-After": "1"})


def _reload(work: Callable[[], Awaitable[str | None]] | None) -> Callable[[Request], Awaitable[Response]]:
    shared = SingleFlight(work, _RELOAD_SECONDS) if work else None

    async def reload(request: Request) -> Response:
        if shared is None:
            return PlainTextResponse("Reloading is off; start with --web.enable-lifecycle.\n", 403)
        if cross_origin(request.headers):
            return PlainTextResponse("Reloading from another site's page is refused.\n", 403)
        problem = await shared.do()
        return PlainTextResponse(problem or "Config reloaded.\n", 500 if problem else 200)

    return reload


def cross_origin(headers: Headers) -> bool:
    """Return whether a browser sends the request for a page of another origin; other clients do not say."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OWN_SITES
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
