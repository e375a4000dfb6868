"""What stands before the whole application: limit, users and headers of the web config file."""

import base64
import binascii
import math
import time
from collections.abc import Callable, Iterable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insights_exporter.web.exchange import EXCHANGE
from insights_exporter.web.webconfig.live import LiveConfig
from insights_exporter.web.webconfig.loading import WebConfig
from insights_exporter.web.webconfig.passwords import PasswordChecker, TooManyLogins
from insights_exporter.web.webconfig.rate import TokenBucket

_ASK_FOR_LOGIN = {"www-authenticate": 'Basic realm="insights-exporter", charset="UTF-8"'}
_SCHEME = b"basic "


class Guard:
    """An application that lets through to `app` what the file allows at that moment.

    The limit comes first, then the password. The headers of the file are
    put on every answer, refusals too, in place of the application's own.
    """

    def __init__(self, app: ASGIApp, live: LiveConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._live = live
        self._clock = clock
        self._passwords = PasswordChecker()
        self._bucket: TokenBucket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            config = self._live.now()
            answer = await self._refusal(config, scope) or self._app
            await answer(scope, receive, _with_headers(send, self.headers()))

    async def _refusal(self, config: WebConfig, scope: Scope) -> ASGIApp | None:
        if wait := self._wait(config):
            return _too_many(wait)
        if not config.users:
            return None
        try:
            welcome = await self._welcome(config, scope)
        except TooManyLogins as error:
            return _too_many(error.seconds)
        return None if welcome else PlainTextResponse("Log in first.\n", 401, _ASK_FOR_LOGIN)

    def _wait(self, config: WebConfig) -> float:
        limit = config.rate_limit
        if limit is None:
            self._bucket = None
        elif self._bucket is None or self._bucket.limit != limit:
            self._bucket = TokenBucket(limit, self._clock)
        return self._bucket.take() if self._bucket else 0.0

    async def _welcome(self, config: WebConfig, scope: Scope) -> bool:
        login, peer = credentials(scope["headers"]), scope["extensions"][EXCHANGE].peer
        client = scope["client"][0] if scope["client"] else ""
        return login is not None and await self._passwords.verify(
            config.users, *login, client, lambda: peer.gone
        )

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of all responses."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self._live.now().headers]
        return [*headers, (b"connection", b"close")] if self._live.turning_over() else headers


def credentials(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes] | None:
    """Give user and password of a request with basic authentication."""
    sent = next((value for name, value in headers if name == b"authorization"), b"")
    if sent[: len(_SCHEME)].lower() != _SCHEME:
        return None
    try:
        user, colon, password = base64.b64decode(sent[len(_SCHEME) :], validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user, password) if colon else None


def _too_many(wait: float) -> ASGIApp:
    return PlainTextResponse("Too many requests.\n", 429, {"retry-after": str(math.ceil(wait))})


def _with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    names = {name for name, _ in headers}

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
            message = {**message, "headers": [*own, *headers]}
        await send(message)

    return send_with_headers if headers else send
