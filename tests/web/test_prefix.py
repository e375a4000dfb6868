"""Path prefixes and redirects."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from insights_exporter.commands.errors import CommandError
from insights_exporter.commands.flags import find_route_prefix
from insights_exporter.web.prefix import PrefixMiddleware


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the received path and query."""
    request = Request(scope)
    response: Response = PlainTextResponse(f"{scope['path']} {request.url.query}")
    await response(scope, receive, send)


@pytest.mark.parametrize(
    ("external_url", "route_prefix", "expected"),
    [
        pytest.param(None, None, "", id="neither"),
        pytest.param("https://example.com", None, "", id="URL without a path"),
        pytest.param("https://example.com/", None, "", id="URL with a slash"),
        pytest.param("https://example.com:8443/a/b/", None, "/a/b", id="URL with a path"),
        pytest.param("/a", None, "/a", id="path for a URL"),
        pytest.param("https://example.com/a", "/", "", id="stripped by a proxy"),
        pytest.param("https://example.com/a", "/b", "/b", id="replaced by a proxy"),
        pytest.param(None, "a/b/", "/a/b", id="prefix without a slash"),
    ],
)
def test_prefix(external_url: str | None, route_prefix: str | None, expected: str) -> None:
    """The prefix is that of the flag, else the path of the external URL, as in Prometheus."""
    assert expected == find_route_prefix(external_url, route_prefix)


@pytest.mark.parametrize(
    ("external_url", "route_prefix", "expected"),
    [
        ("example.com/a", None, "--web.external-url"),
        ("ftp://example.com/a", None, "--web.external-url"),
        ("https:///a", None, "--web.external-url"),
        ("//example.com/a", None, "--web.external-url"),
        ("https://me:hidden@example.com/a", None, "--web.external-url: it has a user; write"),
        ("https://example.com/a?b", None, "--web.external-url"),
        ("https://example.com/a b", None, "--web.external-url"),
        ("https://[example.com/a", None, "--web.external-url"),
        (None, "/a//b", "--web.route-prefix"),
        (None, "/a/../b", "--web.route-prefix"),
        (None, "/a?b", "--web.route-prefix"),
        (None, "/a\r\nb", "--web.route-prefix"),
    ],
)
def test_no_prefix(external_url: str | None, route_prefix: str | None, expected: str) -> None:
    """An invalid prefix is refused with the name of its flag."""
    with pytest.raises(CommandError, match=expected):
        find_route_prefix(external_url, route_prefix)


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        pytest.param("/a/b/", 200, "/ ", id="first page"),
        pytest.param("/a/b/metrics?name[]=x", 200, "/metrics name[]=x", id="page"),
        pytest.param("/a/b/%2f", 200, "// ", id="escaped"),
        pytest.param("/", 302, "./a/b/", id="root"),
        pytest.param("/a/b", 302, "./b/", id="without a slash"),
        pytest.param("/a/b?window=7d", 302, "./b/?window=7d", id="with a query"),
        pytest.param("/metrics", 404, "Not Found", id="without the prefix"),
        pytest.param("/a/bc", 404, "Not Found", id="longer name"),
        pytest.param("/a/b/../metrics", 404, "Not Found", id="resolved by the client"),
    ],
)
async def test_where_requests_lead(path: str, status: int, expected: str) -> None:
    """Requests below the prefix are served, the paths above it are redirected, others get 404."""
    transport = httpx.ASGITransport(PrefixMiddleware(echo, "/a/b"))
    async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as client:
        response = await client.get(path)

    assert (status, expected) == (response.status_code, response.headers.get("location", response.text))
