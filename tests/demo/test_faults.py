"""The faults, each as a client meets it over real sockets."""

import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from insights_exporter.demo import DEMO_TOKEN, FAULTS, EmbeddedCoder, serve
from tests.demo.asking import NOW, coder
from tests.demo.certificates import Authority

DAUS = "/insights/daus"
STATUSES = {
    "sign-in-page": 200,
    "bad-utf8": 200,
    "wrong-shape": 200,
    "redirect": 302,
    "400": 400,
    "401": 401,
    "403": 403,
    "404-route": 404,
    "404-resource": 404,
    "404-disabled": 404,
    "408": 408,
    "429-seconds": 429,
    "429-date": 429,
    "500": 500,
    "502": 502,
    "503": 503,
    "504": 504,
}
BROKEN = {
    "refused": httpx.ConnectError,
    "reset": httpx.ReadError,
    "truncated": httpx.RemoteProtocolError,
}
STREAMS = {"slow", "gzip-bomb", "endless", "silence"}
OTHERS = {"wrong-length", "clock-ahead", "clock-behind"}


@contextmanager
def failing(fault: str, *paths: str) -> Iterator[tuple[EmbeddedCoder, httpx.Client]]:
    """Serve with a fault, and give the server and a client for it."""
    server = coder()
    with serve(server) as url:
        server.fail(fault, *paths)
        with client(url) as asking:
            yield server, asking


def client(url: str) -> httpx.Client:
    """Give a client that brings the token."""
    return httpx.Client(base_url=f"{url}/api/v2", headers={"Coder-Session-Token": DEMO_TOKEN})


def test_every_fault_is_tried_here() -> None:
    """No fault of the table is without a test."""
    assert {*STATUSES, *BROKEN, *STREAMS, *OTHERS} == set(FAULTS)


@pytest.mark.parametrize("fault", STATUSES)
def test_fault_that_is_an_answer(fault: str) -> None:
    """Refusals and wrong answers come whole, with the status they are named after."""
    with failing(fault) as (server, asking):
        answer = asking.get(DAUS)

    assert STATUSES[fault] == answer.status_code
    assert (fault, STATUSES[fault]) == (server.requests[0].fault, server.requests[0].status)
    assert parsedate_to_datetime(answer.headers["Date"]) == NOW


@pytest.mark.parametrize("fault", BROKEN)
def test_fault_that_breaks_the_connection(fault: str) -> None:
    """Connections that break do so as named."""
    with failing(fault) as (_, asking), pytest.raises(BROKEN[fault]):
        asking.get(DAUS)


@pytest.mark.parametrize("fault", FAULTS)
def test_mended_server_is_as_before(fault: str) -> None:
    """After a fault the same client is served as if nothing had been."""
    with failing(fault) as (server, asking):
        server.mend()

        assert asking.get(DAUS).status_code == 200
        assert server.requests[-1].fault == ""


@pytest.mark.parametrize("fault", sorted({*FAULTS} - {"refused"}))
def test_fault_of_one_path_leaves_others_alone(fault: str) -> None:
    """A fault may be given to some paths only."""
    with failing(fault, "/insights/templates", "/templates") as (_, asking):
        assert asking.get(DAUS).status_code == 200


def test_refused_is_a_closed_port_until_mended() -> None:
    """Connections that were open end, new ones are refused, and the port is the same afterwards."""
    server = coder()
    with serve(server) as url, client(url) as asking:
        assert asking.get("/buildinfo").status_code == 200
        server.fail("refused")
        with pytest.raises(httpx.TransportError):
            asking.get("/buildinfo")
        with pytest.raises(httpx.ConnectError):
            asking.get("/buildinfo")
        server.mend()
        assert asking.get("/buildinfo").status_code == 200


def test_server_that_is_down_may_be_served() -> None:
    """A fault set beforehand is there from the first connection on."""
    server = coder()
    server.fail("refused")
    with serve(server) as url, client(url) as asking:
        with pytest.raises(httpx.ConnectError):
            asking.get("/buildinfo")
        server.mend()
        assert asking.get("/buildinfo").status_code == 200


def test_refused_on_a_shared_port_is_a_reset() -> None:
    """One of several servers behind a port cannot close it."""
    broken, healthy = coder(), coder()
    broken.fail("refused")
    with serve({"broken": broken, "healthy": healthy}) as url, httpx.Client() as asking:
        with pytest.raises(httpx.TransportError):
            asking.get(f"{url}/broken/api/v2/buildinfo")
        assert asking.get(f"{url}/healthy/api/v2/buildinfo").status_code == 200


def test_silence_says_nothing() -> None:
    """The request is taken, and not a byte comes back."""
    with failing("silence") as (_, asking), pytest.raises(httpx.ReadTimeout):
        asking.get(DAUS, timeout=0.2)


def test_slow_sends_a_byte_at_a_time() -> None:
    """The head comes at once, then the body byte by byte."""
    with failing("slow") as (_, asking), asking.stream("GET", DAUS) as answer:
        first = next(answer.iter_raw())

    assert (200, 1) == (answer.status_code, len(first))


def test_endless_goes_on() -> None:
    """Ten megabytes are not the end."""
    with failing("endless") as (_, asking), asking.stream("GET", DAUS) as answer:
        read = 0
        for chunk in answer.iter_raw():
            read += len(chunk)
            if read > 10_000_000:
                break

    assert read > 10_000_000


def test_gzip_bomb_unpacks_a_hundredfold_without_end() -> None:
    """A hundred kilobytes become a hundred megabytes and more."""
    unpacker = zlib.decompressobj(31)
    packed = unpacked = 0
    with failing("gzip-bomb") as (_, asking), asking.stream("GET", DAUS) as answer:
        for chunk in answer.iter_raw():
            packed += len(chunk)
            unpacked += len(unpacker.decompress(chunk))
            if packed > 100_000:
                break

    assert answer.headers["Content-Encoding"] == "gzip"
    assert unpacked > 100 * packed
    assert not unpacker.eof


def test_wrong_length_is_half() -> None:
    """What is announced ends in the middle of the JSON."""
    with failing("wrong-length") as (server, asking):
        answer = asking.get(DAUS)
        server.mend()
        whole = asking.get(DAUS)

    assert whole.content[: len(whole.content) // 2] == answer.content


@pytest.mark.parametrize(("fault", "days"), [("clock-ahead", 1), ("clock-behind", -1)])
def test_clock_a_day_off_shows_in_date_and_rules(fault: str, days: int) -> None:
    """The server believes in its clock: its date and its newest day are wrong together."""
    with failing(fault) as (_, asking):
        answer = asking.get(DAUS)

    there = NOW + timedelta(days=days)
    assert there == parsedate_to_datetime(answer.headers["Date"])
    assert f"{there:%Y-%m-%d}" == max(entry["date"] for entry in answer.json()["entries"])


def test_wait_may_be_a_date() -> None:
    """Retry-After has two spellings."""
    with failing("429-seconds") as (server, asking):
        seconds = asking.get(DAUS).headers["Retry-After"]
        server.mend()
        server.fail("429-date")
        date = asking.get(DAUS).headers["Retry-After"]

    assert seconds == "60"
    assert parsedate_to_datetime(date) == NOW + timedelta(seconds=60)


def test_500_has_two_documents() -> None:
    """A handler that went on after its error answered twice."""
    with failing("500") as (_, asking):
        first, second = asking.get(DAUS).content.splitlines()

    assert first.startswith(b'{"message":"Internal error fetching DAUs."')
    assert second == b'{"entries":[],"tz_hour_offset":0}'


def test_bad_utf8_is_inside_a_text() -> None:
    """The JSON is whole but for bytes that are no UTF-8."""
    with failing("bad-utf8") as (_, asking):
        body = asking.get(DAUS).content

    assert b'"date":"\xff\xfe' in body


def test_redirect_leads_to_another_host() -> None:
    """Whoever follows it carries the token away."""
    with failing("redirect") as (_, asking):
        assert asking.get(DAUS).headers["Location"] == "https://login.example.com/"


def test_unknown_fault_is_refused() -> None:
    """A mistyped name is answered with all there are."""
    with pytest.raises(ValueError, match="no fault is called 'tired'; there are refused, silence"):
        coder().fail("tired")


def test_certificates_change_while_it_runs(tmp_path: Path) -> None:
    """A good certificate is trusted; an expired and a self-signed one are refused by any client."""
    authority = Authority(tmp_path)
    server = coder()
    with (
        serve(server, certificate=authority.good()) as url,
        httpx.Client(verify=authority.context()) as asking,
    ):
        buildinfo = f"{url}/api/v2/buildinfo"
        assert asking.get(buildinfo).status_code == 200
        for certificate, reason in (
            (authority.expired(), "certificate has expired"),
            (authority.self_signed(), "unable to get local issuer certificate"),
        ):
            server.present(certificate)
            with pytest.raises(httpx.TransportError):
                asking.get(buildinfo)
            with pytest.raises(httpx.ConnectError, match=reason):
                asking.get(buildinfo)
        server.present(authority.good())
        assert asking.get(buildinfo).status_code == 200


def test_certificate_means_nothing_without_tls(tmp_path: Path) -> None:
    """A server without TLS stays one."""
    server = coder()
    with serve(server) as url:
        server.present(Authority(tmp_path).good())
        assert httpx.get(f"{url}/api/v2/buildinfo").status_code == 200


def test_client_that_waits_does_not_hold_the_end_up() -> None:
    """The server ends though a request is unanswered, and closes its connection."""
    server = coder()
    server.fail("silence")
    with serve(server) as url:
        waiting = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        waiting.sendall(b"GET /api/v2/buildinfo HTTP/1.1\r\nHost: localhost\r\n\r\n")

    with waiting, suppress(ConnectionResetError):
        assert waiting.recv(1) == b""
