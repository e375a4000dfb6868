"""All programs that are compared serve the same series."""

from itertools import chain
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.baseline import render_with_client
from benchmarks.client import Connection
from benchmarks.comparison import run_all
from benchmarks.peers import PEERS
from benchmarks.poll_cost import PollPublisher
from benchmarks.servers import Server
from benchmarks.sizes import SMALL
from benchmarks.users import render_latencies
from insights_exporter.config.models import Deployment, UserOptions
from insights_exporter.exposition.negotiation import Format
from tests.integration.programs import require

FAMILY = "coder_insights_user_latency_seconds"
LABELS = ("deployment", "window", "user_id", "username", "percentile")
USERS = 5


def series(page: str) -> dict[tuple[str, ...], float]:
    """Return the latencies on a page, by the labels that all programs expose."""
    return {
        tuple(sample.labels[label] for label in LABELS): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == FAMILY
    }


def test_all_programs_show_the_same_series(tmp_path: Path) -> None:
    """All exporters serve the same labels and values."""
    for command, _ in PEERS.values():
        require(command)
    with run_all(SMALL, tmp_path) as servers:
        pages = {name: read(server) for name, server in servers.items()}

    expected, *others = pages.values()
    assert 2 * SMALL.users == len(expected)
    assert [expected] * len(PEERS) == others


def read(server: Server) -> dict[tuple[str, ...], float]:
    """Send two kinds of requests; the benchmark's client reads the whole response too."""
    reply = httpx.get(server.url, headers={"Accept-Encoding": "identity"}, trust_env=False, timeout=60)
    connection = Connection(server.url)
    sizes = [connection.get(gzip=False).size for _ in range(2)]
    connection.close()
    assert min(sizes) > 0.9 * len(reply.content)
    return series(reply.text)


def test_exporter_and_baseline_expose_the_same_series() -> None:
    """The exporter and prometheus_client expose the same series of a response."""
    response = render_latencies(USERS)
    ours = PollPublisher(Deployment(name="coder", url="http://127.0.0.1", users=UserOptions(limit=USERS)))
    ours.poll(response)
    ((baseline, _),) = render_with_client(response)

    assert series(baseline.decode()) == series(
        b"".join(chain.from_iterable(ours.page.contents[Format.TEXT].group_parts())).decode()
    )


def test_versions_of_a_response_differ_in_every_value() -> None:
    """Two versions of a response have the same users with different latencies."""
    one, other = (
        series(render_with_client(render_latencies(USERS, version))[0][0].decode()) for version in (0, 1)
    )

    assert one.keys() == other.keys()
    assert [] == [labels for labels in one if one[labels] == other[labels]]
