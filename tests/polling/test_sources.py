"""No series is in two sources, for any sequence of responses."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights_exporter.exposition.store import Snapshot
from tests.datasets.responses import EDGES, generate_report
from tests.polling.polled_deployment import poll_deployment, run_on_fast_clock

TEMPLATES = ("a", "b", "c", "d")
CONFIG: dict[str, object] = {
    "windows": ["today", "7d"],
    "templates": {"windows": ["today", "7d"], "users": True, "limit": 2},
    "timezone": "Europe/Berlin",
    "datasets": {"template-list": {"every": "5m"}},
}
STEP = 900.0
LATE = datetime(2026, 3, 4, 22, 40, tzinfo=UTC)


@dataclass
class Step:
    """The responses of a server for a while."""

    in_use: frozenset[str] = frozenset(TEMPLATES)
    listed: frozenset[str] = frozenset(TEMPLATES)
    names: str = "named"
    failing: frozenset[str] = frozenset()
    """Templates and ends of paths for which every request fails."""
    status: int = 500


@dataclass
class Server(httpx.AsyncBaseTransport):
    """A server that responds by the present step."""

    step: Step = field(default_factory=Step)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond by the present step."""
        subject = request.url.params.get("template_ids", "")
        path = request.url.path.removeprefix("/api/v2")
        if self.step.failing & {subject, path.rpartition("/")[2], path}:
            return httpx.Response(self.step.status, stream=httpx.ByteStream(b"{}"))
        body = json.dumps(self._document(path, subject)).encode()
        return httpx.Response(200, stream=httpx.ByteStream(body))

    def _document(self, path: str, subject: str) -> object:
        app = {"slug": "ide", "type": "app", "seconds": 60, "times_used": 1}
        if path == "/insights/templates":
            template_ids = [subject] if subject else sorted(self.step.in_use)
            return generate_report(template_ids=template_ids, apps_usage=[app])
        if path in {"/insights/user-activity", "/insights/user-latency"}:
            user = {"user_id": "u", "username": "alice", "seconds": 60, "latency_ms": {"p50": 1, "p95": 2}}
            return {"report": {**EDGES, "users": [user]}}
        if path == "/organizations":
            return [{"id": "o1", "name": "acme"}, {"id": "o2", "name": "research"}]
        if path.endswith("/templates"):
            return [self._listed(name) for name in sorted(self.step.listed)]
        return {"entries": [], "status_counts": {"active": []}, "version": "v2.30.0"}

    def _listed(self, name: str) -> dict[str, object]:
        organization = "o1" if name < "c" else "o2"
        named = {"organization_name": organization} if self.step.names == "named" else {}
        return {"id": name, "name": f"template-{name}", "organization_id": organization, **named}


SOME = st.frozensets(st.sampled_from(TEMPLATES))
FAILING = st.frozensets(
    st.sampled_from(
        [
            *TEMPLATES,
            "templates",
            "user-latency",
            "organizations",
            "/templates",
            "/organizations/o1/templates",
            "/organizations/o2/templates",
        ]
    ),
    max_size=4,
)
STATUSES = st.sampled_from([400, 403, 404, 500])
STEPS = st.lists(
    st.builds(Step, SOME, SOME, st.sampled_from(["named", ""]), FAILING, STATUSES), min_size=2, max_size=4
)


def repeated_series(snapshot: Snapshot) -> list[bytes]:
    """Return the series that are in the snapshot more than once."""
    parts = chain.from_iterable(
        parts.values() for sources in snapshot.parts.values() for parts in sources.values()
    )
    lines = Counter(
        line.rpartition(b" ")[0] for part in parts for line in part.sections[-1].splitlines() if line
    )
    return [series for series, times in lines.items() if times > 1]


@given(steps=STEPS)
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
def test_no_series_is_in_two_sources(steps: list[Step]) -> None:
    """Templates, their names and organizations change, requests fail, and midnight passes."""

    async def scenario() -> tuple[list[bytes], int]:
        server, repeated, series = Server(), list[bytes](), 0
        async with poll_deployment(server, **CONFIG) as polled:
            for step in steps:
                server.step = step
                for _ in range(round(STEP / 60)):
                    await asyncio.sleep(60)
                    repeated += repeated_series(polled.pages.snapshot)
                    series = max(series, sum(job.status.series for job in polled.poller.jobs))
        return repeated, series

    repeated, series = run_on_fast_clock(scenario, LATE)

    assert [] == repeated
    assert series
