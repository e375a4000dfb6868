"""`/metrics`: the bytes that are ready, chosen by what the client accepts."""

from collections.abc import Callable, Collection
from functools import partial

from starlette.datastructures import Headers, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from insights_exporter.exposition.negotiation import negotiate
from insights_exporter.exposition.page import Page, ResponseBody, build_page, build_response
from insights_exporter.exposition.process import ProcessMetrics, ProcessMetricsCache
from insights_exporter.polling.publisher import PageStore
from insights_exporter.web.concurrency import BoundedLock, Busy, run_in_thread
from insights_exporter.web.places import Places
from insights_exporter.web.response import EXCHANGE, Exchange

_METHODS = "GET, HEAD"
_FILTERS = frozenset({"deployment", "name[]"})
_GAUGES, _GAUGES_VALUE = "gauge_histograms", "gauges"
_NO_TAIL = ProcessMetrics(())
_NAME_SHOWN = 100
_BUSY = PlainTextResponse("Too many scrapes at once; try again.\n", 503, {"Retry-After": "1"})


class MetricsHandler:
    """Answers scrapes (an ASGI application), at most `most` of them at once, half of them selections."""

    def __init__(
        self,
        board: PageStore,
        tail: ProcessMetricsCache,
        deployments: Callable[[], Collection[str]],
        most: int,
    ) -> None:
        self._board = board
        self._tail = tail
        self._deployments = deployments
        self._places = Places(most)
        self._selections = BoundedLock(most // 2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        query, reader = QueryParams(scope["query_string"]), scope["extensions"][EXCHANGE].peer
        refusal = self._refusal(scope["method"], query)
        if refusal is None and not await self._places.wait(reader):
            refusal = _BUSY
        if refusal:
            await refusal(scope, receive, send)
            return
        try:
            await _send(await self._body(Headers(scope=scope), query), scope, send)
        except Busy:
            await _BUSY(scope, receive, send)
        finally:
            self._places.free(reader)

    def _refusal(self, method: str, query: QueryParams) -> PlainTextResponse | None:
        if method not in _METHODS.split(", "):
            return PlainTextResponse(f"Only {_METHODS}.\n", 405, {"Allow": _METHODS})
        if any(value != _GAUGES_VALUE for value in query.getlist(_GAUGES)):
            return PlainTextResponse(f"{_GAUGES}: the only value is {_GAUGES_VALUE!r}.\n", 400)
        wanted = query.getlist("deployment")
        known = self._deployments() if wanted else ()
        unknown = next((name for name in wanted if name not in known), None)
        if unknown is not None:
            return PlainTextResponse(f"There is no deployment {unknown[:_NAME_SHOWN]!r}.\n", 404)
        return None

    async def _body(self, headers: Headers, query: QueryParams) -> ResponseBody:
        choice = negotiate(_joined(headers, "accept"), _joined(headers, "accept-encoding"))
        page, tail, gauges = self._board.page, self._tail(), _GAUGES in query
        if _FILTERS & query.keys() or (gauges and not page.has_gauges):
            async with self._selections:
                page, tail = await run_in_thread(partial(_selected, self._board, tail, query))
        elif gauges:
            page = page.with_gauges
        return build_response(page, tail, choice.format_, gzip=choice.gzip)


def _selected(board: PageStore, tail: ProcessMetrics, query: QueryParams) -> tuple[Page, ProcessMetrics]:
    """Return what the query selects; deployments come without the tail, which is the whole process's."""
    snapshot, page, filters = board.snapshot, board.page, _FILTERS & query.keys()
    if "deployment" in filters:
        snapshot, tail = snapshot.of_deployments(frozenset(query.getlist("deployment"))), _NO_TAIL
    if "name[]" in filters:
        names = frozenset(query.getlist("name[]"))
        snapshot, tail = snapshot.named(names), tail.named(names)
    if filters:
        page = build_page(snapshot, page)
    return page.with_gauges if _GAUGES in query else page, tail


def _joined(headers: Headers, name: str) -> str | None:
    return ", ".join(headers.getlist(name)) or None


async def _send(body: ResponseBody, scope: Scope, send: Send) -> None:
    """Send an answer; it is over when the client has taken it in, and so is its place among those at once."""
    raw = [(name.encode(), value.encode()) for name, value in body.headers]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    exchange: Exchange = scope["extensions"][EXCHANGE]
    await exchange.send_parts(body.segments)
    await send({"type": "http.response.body", "body": b""})
