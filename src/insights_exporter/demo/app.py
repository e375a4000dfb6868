"""The embedded Coder as an ASGI application, one or many behind one port."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from insights_exporter.demo.coder import EmbeddedCoder
from insights_exporter.demo.refusals import NO_ROUTE

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def make_app(coder: EmbeddedCoder) -> Starlette:
    """Give the application of one server."""

    async def respond(request: Request) -> Response:
        return _respond(coder, request, request.url.path)

    return Starlette(routes=[Route("/{path:path}", respond, methods=METHODS)])


def make_many(coders: Mapping[str, EmbeddedCoder]) -> Starlette:
    """Give one application for many servers, each below its own name: `/{name}/api/v2/...`."""

    async def respond(request: Request) -> Response:
        coder = coders.get(request.path_params["name"])
        if coder is None:
            return Response(str(NO_ROUTE.body), NO_ROUTE.status)
        return _respond(coder, request, f"/{request.path_params['path']}")

    return Starlette(routes=[Route("/{name}/{path:path}", respond, methods=METHODS)])


def _respond(coder: EmbeddedCoder, request: Request, path: str) -> Response:
    query = request.scope["query_string"].decode("latin-1")
    answer = coder.answer(request.method, path, query, request.headers)
    response = Response(answer.body, answer.status, dict(answer.headers))
    failing = coder.failing.at(path)
    if failing is None:
        return response
    name, fault = failing
    response = fault.act(response)
    coder.requests[-1] = replace(coder.requests[-1], status=response.status_code, fault=name)
    return response
