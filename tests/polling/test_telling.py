"""What is shown while a poll still tries."""

import asyncio
from datetime import UTC, datetime

from insights_exporter.coder.errors import ApiError
from insights_exporter.config.intervals import PollInterval
from insights_exporter.polling.metrics import HEALTH_FAMILIES, REQUEST_FAILURES
from insights_exporter.polling.publisher import PageStore, Publisher, RequestObserver
from insights_exporter.polling.status import PollStatus, RequestStats
from tests.support.fast_clock import run_fast


def test_failure_is_shown_before_the_poll_has_ended() -> None:
    """A request that fails counts on the page at once, whatever the next try will give."""
    shown: list[bytes] = []

    async def work() -> None:
        board = PageStore(HEALTH_FAMILIES)
        publisher = Publisher("acme", 100, board)
        requests = RequestStats("daus")
        publisher.register(PollStatus("daus", "", PollInterval(300, 900)), requests)
        RequestObserver(requests, publisher).record_request(0.1, ApiError("timeout", ""), None)
        chunks = board.snapshot.chunks[REQUEST_FAILURES.name]["acme"]
        shown.extend(run for chunk in chunks.values() for run in chunk.runs)
        await asyncio.sleep(1)

    run_fast(datetime(2026, 3, 1, tzinfo=UTC), work)

    assert b'reason="timeout"} 1.0' in b"".join(shown)
