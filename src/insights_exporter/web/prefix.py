"""Path prefixes: how they are written, and serving below one."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[-A-Za-z0-9._~!$&'()*+,;=:@]+)*")
_SCHEMES = {"http", "https"}


@dataclass(frozen=True, slots=True)
class PrefixMiddleware:
    """Serves an application below a path prefix, as Prometheus does with `--web.route-prefix`.

    `/` and the prefix itself redirect to the first page. The redirects are relative, so that
    they work behind any host and any prefix that a reverse proxy adds or strips.
    """

    app: ASGIApp
    prefix: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path: str = scope["path"]
        if path.startswith(f"{self.prefix}/"):
            await self.app({**scope, "path": path.removeprefix(self.prefix)}, receive, send)
            return
        response: Response = PlainTextResponse("Not Found", 404)
        if path in {"/", self.prefix}:
            target = self.prefix[1:] if path == "/" else self.prefix.rpartition("/")[2]
            query = scope["query_string"].decode("latin-1")
            response = RedirectResponse(f"./{target}/" + (f"?{query}" if query else ""), 302)
        await response(scope, receive, send)


def parse_external_path(url: str) -> str:
    """Return the path of an external URL, without a slash at its end; a path alone is accepted too.

    Raises:
        ValueError: It is not such a URL.
    """
    parts = urlsplit(url)
    is_absolute = parts.scheme in _SCHEMES and parts.hostname and "@" not in parts.netloc
    is_path = not parts.scheme and not parts.netloc and url.startswith("/")
    if not (is_absolute or is_path) or parts.query or parts.fragment:
        what = "it has a user" if "@" in url else f"{url!r} is not a URL"  # a password is not shown
        raise ValueError(f"{what}; write it as https://HOST/PATH, without user, query or fragment")
    return parts.path.rstrip("/")


def normalize_prefix(prefix: str) -> str:
    """Return a prefix with a slash at its start and none at its end; the root is an empty text.

    Raises:
        ValueError: It is not a plain path.
    """
    path = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
    if not _PREFIX.fullmatch(path):
        raise ValueError(f"{prefix!r} is not a path prefix; write it as /PATH")
    return path


def is_plain_path(path: str) -> bool:
    """Return whether a path begins with a slash and has no escapes or patterns."""
    return _PREFIX.fullmatch(path.removesuffix("/")) is not None and path.startswith("/")
