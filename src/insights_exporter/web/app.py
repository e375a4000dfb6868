"""The routes: what is where, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

TAKEN_PATHS = frozenset({"/", "/-/healthy", "/-/ready", "/-/reload", "/config"})


@dataclass(frozen=True, slots=True)
class Pages:
    """What the routes show, and how it is come by."""

    metrics_path: str
    scrape: ASGIApp
    status: Callable[[Request], Awaitable[Response]]
    config: Callable[[], str]
    ready: Callable[[], bool]
    reload: Callable[[], Awaitable[str | None]] | None
    """Applies the settings anew and tells what is wrong with them; None where it is not enabled."""
    mistake: Callable[[Exception], None]
    """Is told of a mistake of ours, for which the client gets a 500."""


def application(pages: Pages) -> Starlette:
    """Make the ASGI application of the exporter."""

    async def status(request: Request) -> Response:
        return await pages.status(request)

    def config(_: Request) -> Response:
        return PlainTextResponse(pages.config(), media_type="text/yaml")

    # Both answer on the loop itself, whose clock readiness asks.
    async def healthy(_: Request) -> Response:
        return PlainTextResponse("The exporter is alive.\n")

    async def ready(_: Request) -> Response:
        if pages.ready():
            return PlainTextResponse("The exporter is ready.\n")
        return PlainTextResponse("The exporter has not asked for everything yet.\n", 503)

    async def reload(_: Request) -> Response:
        if pages.reload is None:
            return PlainTextResponse("Reloading is off; start with --web.enable-lifecycle.\n", 403)
        problem = await pages.reload()
        return PlainTextResponse(problem or "The settings are reloaded.\n", 500 if problem else 200)

    def mistake(_: Request, error: Exception) -> Response:
        pages.mistake(error)
        return PlainTextResponse("The exporter made a mistake.\n", 500)

    app = Starlette(
        exception_handlers={Exception: mistake},
        routes=[
            Route("/", status),
            Route(pages.metrics_path, pages.scrape),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", reload, methods=["POST", "PUT"]),
            Route("/config", config),
        ],
    )
    app.router.redirect_slashes = False  # such redirects are made from the Host header
    return app
