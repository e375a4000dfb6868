"""`/metrics`: the bytes that are ready, chosen by what the client accepts."""

import asyncio
from collections.abc import Callable, Collection

from starlette.datastructures import Headers, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from insights_exporter.exposition.body import Body, compose
from insights_exporter.exposition.negotiation import negotiate
from insights_exporter.exposition.page import Page, assemble
from insights_exporter.exposition.snapshot import Snapshot
from insights_exporter.exposition.tail import Tail, TailSource
from insights_exporter.polling.board import Board
from insights_exporter.web.exchange import EXCHANGE, Exchange

_METHODS = "GET, HEAD"
_FILTERS = frozenset({"deployment", "name[]"})
_NO_TAIL = Tail(())


class Scrape:
    """Answers scrapes (an ASGI application), at most `most` of them at once."""

    def __init__(
        self, board: Board, tail: TailSource, deployments: Callable[[], Collection[str]], most: int
    ) -> None:
        self._board = board
        self._tail = tail
        self._deployments = deployments
        self._free = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        query = QueryParams(scope["query_string"])
        refusal = self._refusal(scope["method"], query)
        if refusal:
            await refusal(scope, receive, send)
            return
        self._free -= 1
        try:
            await _send(await self._body(Headers(scope=scope), query), scope, send)
        finally:
            self._free += 1

    def _refusal(self, method: str, query: QueryParams) -> PlainTextResponse | None:
        if method not in _METHODS.split(", "):
            return PlainTextResponse(f"Only {_METHODS}.\n", 405, {"Allow": _METHODS})
        if self._free <= 0:
            return PlainTextResponse("Too many scrapes at once; try again.\n", 503, {"Retry-After": "1"})
        asked = set(query.getlist("deployment"))
        if asked and not asked.issubset(self._deployments()):
            return PlainTextResponse("There is no such deployment here.\n", 404)
        return None

    async def _body(self, headers: Headers, query: QueryParams) -> Body:
        choice = negotiate(_joined(headers, "accept"), _joined(headers, "accept-encoding"))
        page, tail = self._board.page, self._tail()
        if _FILTERS & query.keys():
            page, tail = await self._filtered(query, tail)
        return compose(page, tail, choice.form, gzip=choice.gzip)

    async def _filtered(self, query: QueryParams, tail: Tail) -> tuple[Page, Tail]:
        """Give what the query leaves: one deployment has no tail, which is the whole process's."""
        snapshot: Snapshot = self._board.snapshot
        if "deployment" in query:
            snapshot, tail = snapshot.of_deployment(query["deployment"]), _NO_TAIL
        if "name[]" in query:
            names = frozenset(query.getlist("name[]"))
            snapshot, tail = snapshot.named(names), tail.named(names)
        return await asyncio.to_thread(assemble, snapshot, self._board.page), tail


def _joined(headers: Headers, name: str) -> str | None:
    return ", ".join(headers.getlist(name)) or None


async def _send(body: Body, scope: Scope, send: Send) -> None:
    """Send an answer; it is over when the client has taken it in, and so is its place among those at once."""
    raw = [(name.encode(), value.encode()) for name, value in body.headers]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    exchange: Exchange = scope["extensions"][EXCHANGE]
    await exchange.send_parts(body.segments)
    await send({"type": "http.response.body", "body": b""})
