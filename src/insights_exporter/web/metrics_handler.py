"""The endpoint `/metrics`: prepared bytes, selected by what the client accepts."""

from collections.abc import Callable, Collection
from functools import partial

from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from insights_exporter.exposition.negotiation import negotiate
from insights_exporter.exposition.page import Page, ResponseBody, build_page, build_response
from insights_exporter.exposition.process import ProcessMetrics, ProcessMetricsCache
from insights_exporter.polling.publisher import PageStore
from insights_exporter.web.concurrency import BoundedLock, Busy, run_in_thread
from insights_exporter.web.limits import ResponseSlots
from insights_exporter.web.response import EXCHANGE, HTTPExchange

_FILTERS = frozenset({"deployment", "name[]"})
_GAUGES, _GAUGES_VALUE = "gauge_histograms", "gauges"
_NO_PROCESS_METRICS = ProcessMetrics(())
_SHOWN_NAME_LENGTH = 100


class MetricsHandler:
    """Responds to scrapes (an ASGI application): `max_requests` at once, and half as many that select."""

    def __init__(
        self,
        pages: PageStore,
        process_metrics: ProcessMetricsCache,
        deployments: Callable[[], Collection[str]],
        max_requests: int,
    ) -> None:
        self._pages = pages
        self._process_metrics = process_metrics
        self._deployments = deployments
        self._slots = ResponseSlots(max_requests)
        self._selection_lock = BoundedLock(max_requests // 2)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Respond to one request; it ends, and its slot is free, when the client has read the response.

        Raises:
            HTTPException: The query is invalid, or selects an unknown deployment.
            Busy: Too many scrapes are being served.
        """
        query = QueryParams(scope["query_string"])
        self._check(query)
        exchange: HTTPExchange = scope["extensions"][EXCHANGE]
        if not await self._slots.acquire(exchange.peer):
            raise Busy
        try:
            body = await self._build(Headers(scope=scope), query)
            headers = [(name.encode(), value.encode()) for name, value in body.headers]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            for batch in body.batches if exchange.has_body else ():
                await exchange.send_parts(batch)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._slots.release(exchange.peer)

    def _check(self, query: QueryParams) -> None:
        if any(value != _GAUGES_VALUE for value in query.getlist(_GAUGES)):
            raise HTTPException(400, f"{_GAUGES}: the only valid value is {_GAUGES_VALUE!r}.\n")
        names = query.getlist("deployment")
        known = self._deployments() if names else ()
        unknown = next((name for name in names if name not in known), None)
        if unknown is not None:
            raise HTTPException(404, f"There is no deployment {unknown[:_SHOWN_NAME_LENGTH]!r}.\n")

    async def _build(self, headers: Headers, query: QueryParams) -> ResponseBody:
        accept, encoding = (", ".join(headers.getlist(n)) or None for n in ("accept", "accept-encoding"))
        negotiated = negotiate(accept, encoding)
        page, process_metrics, gauges = self._pages.page, self._process_metrics(), _GAUGES in query
        if _FILTERS & query.keys() or (gauges and not page.has_gauges):
            async with self._selection_lock.acquire():
                page, process_metrics = await run_in_thread(
                    partial(_select, self._pages, process_metrics, query)
                )
        elif gauges:
            page = page.with_gauges
        return build_response(page, process_metrics, negotiated.format_, gzip=negotiated.gzip)


def _select(
    pages: PageStore, process_metrics: ProcessMetrics, query: QueryParams
) -> tuple[Page, ProcessMetrics]:
    """Return what the query selects; deployments come without the metrics of the whole process."""
    snapshot, page, filters = pages.snapshot, pages.page, _FILTERS & query.keys()
    if "deployment" in filters:
        snapshot = snapshot.filter_deployments(frozenset(query.getlist("deployment")))
        process_metrics = _NO_PROCESS_METRICS
    if "name[]" in filters:
        names = frozenset(query.getlist("name[]"))
        snapshot, process_metrics = snapshot.filter_names(names), process_metrics.filter_names(names)
    if filters:
        page = build_page(snapshot, page)
    return page.with_gauges if _GAUGES in query else page, process_metrics
