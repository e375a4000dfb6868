"""What clients cannot do to an exporter: block it, keep it from ending, make it fail."""

import re
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights_exporter.demo import EmbeddedCoder, Population, serve
from insights_exporter.web.limits import DEFAULT_LIMITS
from tests.end_to_end.protected_exporter import ProtectedExporter, run_protected
from tests.faults.clients import GET, open_connections, read_response
from tests.faults.config import write_config
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter, StartExporter
from tests.integration.waiting import eventually

PEOPLE = 400
MANY = 200
"""Pages that are more than the kernel takes in for one connection."""
MOST_SECONDS_TO_END = 5
MORE = DEFAULT_LIMITS.connections + 200
A_FEW = 20
"""Files that may be open for other reasons than that of a client."""


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Provide a config of a deployment with an exposition of some length."""
    coder = EmbeddedCoder(population=Population(seed=1, users=PEOPLE, templates=2))
    with serve(coder) as url:
        deployment = {
            "name": "prod",
            "url": url,
            "token": coder.token,
            "windows": ["7d"],
            "datasets": {"user-latency": {"enabled": True}},
        }
        yield write_config(tmp_path_factory.mktemp("limits") / "config.yml", [deployment], max_age="1h")


@pytest.fixture(scope="module")
def exporter(config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Provide an exporter with room for two scrapes."""
    words = (f"--config.file={config_file}", "--web.max-requests=2", "--web.enable-lifecycle")
    with exporter_peer.serving(tmp_path_factory.mktemp("exporter"), *words) as running:
        eventually(lambda: "coder_insights_user_latency_seconds{" in running.page())
        yield running
        assert "unexpected" not in running.running.output()


def test_clients_that_do_not_read_block_no_others(exporter: Exporter) -> None:
    """Clients that do not read their responses do not block other clients."""
    with open_connections(exporter, GET * MANY, number=20):
        statuses = [
            exporter.get(path).status_code
            for path in ("/metrics", "/", "/config", "/-/healthy", "/-/ready") * 5
        ]

    assert [200] * 25 == statuses


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-origin", 200)])
def test_other_sites_cannot_reload(exporter: Exporter, site: str, status: int) -> None:
    """A page of another site cannot reload the config through a user's browser."""
    response = httpx.post(f"{exporter.url}/-/reload", headers={"Sec-Fetch-Site": site}, trust_env=False)

    assert status == response.status_code


def test_idle_clients_do_not_block_others(exporter: Exporter) -> None:
    """Hundreds of clients that send nothing, or never finish a request, do not block other clients."""
    with (
        open_connections(exporter, b"", number=300),
        open_connections(exporter, b"GET /metrics HTTP/1.1\r\nX-Slow: ", number=300),
    ):
        assert 200 == exporter.get("/metrics").status_code


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "half a greeting"])
def test_idle_tls_clients_do_not_block_others(tmp_path: Path, said: bytes) -> None:
    """The same holds for clients whose handshake never ends: their number is bounded too."""
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    leaf = authority.issue_cert("localhost")
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    text = "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n"
    unreachable = "http://127.0.0.1:9"
    with run_protected(tmp_path, text, unreachable, trust) as exporter:
        before = count_open_files(exporter)
        with open_connections(
            Exporter(f"https://127.0.0.1:{exporter.port}", exporter.running), said, number=MORE
        ):
            assert 200 == exporter.request("/metrics").status_code
            eventually(lambda: count_open_files(exporter) - before <= DEFAULT_LIMITS.connections + A_FEW)


def count_open_files(exporter: ProtectedExporter) -> int:
    """Return how many files and connections the exporter has open."""
    return len(list(Path(f"/proc/{exporter.running.process.pid}/fd").iterdir()))


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(
            b"GET /metrics?%b HTTP/1.1\r\n\r\n" % b"&".join([b"name[]=x"] * 100_000), id="100 000 names"
        ),
        pytest.param(b"GET /metrics HTTP/1.1\r\nX: %b\r\n\r\n" % (b"x" * 1_000_000), id="a header of 1 MB"),
        pytest.param(b"GET /%b HTTP/1.1\r\n\r\n" % (b"x" * 1_000_000), id="a path of 1 MB"),
    ],
)
def test_request_is_bounded(exporter: Exporter, said: bytes) -> None:
    """A request that is far too long is refused, or its connection reset; other clients are not affected."""
    try:
        status = read_response(exporter, said)[:12]
    except (BrokenPipeError, ConnectionResetError):
        status = b""

    assert status in {b"", b"HTTP/1.1 414", b"HTTP/1.1 431"}
    assert 200 == exporter.get("/metrics").status_code


def test_thousands_of_names_are_served(exporter: Exporter) -> None:
    """A query of the maximum length with unknown names returns no families."""
    response = exporter.get("/metrics?" + "&".join(f"name[]={number}" for number in range(1000)))

    assert (200, "") == (response.status_code, response.text)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.one_of(
        st.sampled_from([b"/", b"/metrics", b"/-/ready", b"/-/reload", b"/config", b"*", b""]),
        st.binary(max_size=60),
        st.text(st.sampled_from("/%2e.metrics-config?#;é\x00\udc80&=+[] "), max_size=40).map(
            lambda text: b"/" + text.encode("utf-8", "surrogateescape")
        ),
    ),
    query=st.one_of(
        st.binary(max_size=80),
        st.lists(
            st.tuples(
                st.sampled_from([b"deployment", b"name[]", b"name%5B%5D", b"collect[]", b""]),
                st.one_of(st.sampled_from([b"prod", b"coder_insights_active_users"]), st.binary(max_size=12)),
            ),
            max_size=6,
        ).map(lambda pairs: b"&".join(b"=".join(pair) for pair in pairs)),
    ),
    method=st.sampled_from([b"GET", b"HEAD", b"POST", b"OPTIONS", b"PUT", b"CONNECT", b"BREW"]),
    headers=st.one_of(
        st.just(b""), st.binary(max_size=60), st.binary(max_size=40).map(lambda it: b"Accept: " + it)
    ),
)
def test_no_request_causes_an_internal_error(
    exporter: Exporter, path: bytes, query: bytes, method: bytes, headers: bytes
) -> None:
    """For any path, query, method or header, the response is no 5xx, except 505 for an HTTP version."""
    said = read_response(
        exporter, b"%b %b?%b HTTP/1.1\r\nHost: here\r\n%b\r\n\r\n" % (method, path, query, headers)
    )

    for status in re.findall(rb"^HTTP/1\.1 (\d+)", said):
        assert status == b"505" or int(status) < 500


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=400))
def test_random_bytes_cause_no_internal_error(exporter: Exporter, noise: bytes) -> None:
    """Bytes that are no HTTP at all are refused or ignored."""
    assert read_response(exporter, noise)[:12] in {b"", b"HTTP/1.1 400"}


def test_running_scrapes_are_finished(start_exporter: StartExporter, config_file: Path) -> None:
    """After SIGTERM, running scrapes are completed, and the exporter exits despite other clients."""
    exporter = start_exporter(f"--config.file={config_file}", "--web.max-requests=100")
    eventually(lambda: "coder_insights_user_latency_seconds{" in exporter.page())
    process = exporter.running.process
    with (
        open_connections(exporter, GET * MANY, number=3),
        open_connections(exporter, GET * MANY) as (slow,),
        open_connections(exporter, b"GET / HTTP/1.1\r\n"),
        open_connections(exporter, b"GET /-/healthy HTTP/1.1\r\n\r\n", number=5),
    ):
        eventually(lambda: slow.recv(1, socket.MSG_PEEK))
        process.send_signal(signal.SIGTERM)
        eventually(lambda: not listening(exporter))
        pages = b"".join(iter(lambda: slow.recv(65536), b"")).split(b"HTTP/1.1 200 OK\r\n")[1:]
        status = process.wait(MOST_SECONDS_TO_END)

    lengths = [int(re.search(rb"content-length: (\d+)", page)[1]) for page in pages]  # type: ignore[index]
    assert 0 == status
    assert lengths == [len(page.partition(b"\r\n\r\n")[2]) for page in pages]
    assert 0 < len(pages) < MANY


def listening(exporter: Exporter) -> bool:
    """Return whether somebody new can connect."""
    try:
        with open_connections(exporter, b""):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("fault", ["no-response", "slow", "refused", "endless"])
def test_end_while_polls_hang(start_exporter: StartExporter, tmp_path: Path, fault: str) -> None:
    """SIGTERM ends an exporter in time while its server does not respond."""
    coder = EmbeddedCoder(population=Population(seed=1, users=5, templates=2), rate_limit=-1)
    coder.fail(fault)
    with serve(coder) as url:
        deployment = {"name": "prod", "url": url, "token": coder.token, "timeout": "1h"}
        exporter = start_exporter(f"--config.file={write_config(tmp_path / 'config.yml', [deployment])}")
        eventually(lambda: coder.requests or fault == "refused")
        process = exporter.running.process
        process.send_signal(signal.SIGTERM)

        assert 0 == process.wait(MOST_SECONDS_TO_END)
