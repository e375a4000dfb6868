"""Connections of remote write: trust, proxies, and errors that are final."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import httpx
import pytest

from insights_exporter.backfill.remote_write import Receiver, RemoteWriteRejected, send_file
from insights_exporter.commands.backfill_options import parse_certificates, parse_receiver
from insights_exporter.commands.errors import CommandError
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import TLSConfig
from tests.support.backfill import Backfill
from tests.support.certificates import Loose, make_strict
from tests.support.proxy import proxying
from tests.support.receiver import Receiver as ReceivingServer
from tests.support.receiver import receiving

FILE = "# TYPE up gauge\nup 1 100\n# EOF\n"


async def send(receiver: Receiver, folder: Path, sleep: AsyncMock | None = None) -> None:
    """Send a small file."""
    path = folder / "month.om"
    path.write_text(FILE, encoding="utf-8")
    with receiver.create_client() as client:
        await send_file(path, receiver.url, client, sleep or AsyncMock())


def parse_url(url: str, tls: TLSConfig | None = None, **environ: str) -> Receiver:
    """Return the receiver as the command line makes it."""
    receiver = parse_receiver(url, {}, tls or TLSConfig(), environ)
    assert receiver is not None
    return receiver


@contextmanager
def run_tls_receiver(
    folder: Path, certificates: Loose, *, client_certificate: bool = False
) -> Iterator[ReceivingServer]:
    """Receive over TLS; `folder` gets the certificates, of which clients may show the server's."""
    ca_file, files = certificates.write(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    if client_certificate:
        context.load_verify_locations(ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    with receiving(context) as server:
        yield server


async def test_receiver_of_a_private_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers are verified like other servers: private authorities work, and strict mode is off."""
    make_strict(monkeypatch)
    with run_tls_receiver(tmp_path, Loose(key_identifiers=False, critical=False)) as server:
        tls = parse_certificates(tmp_path / "authority.pem", None, None)
        await send(parse_url(server.url, tls), tmp_path)

    assert 1 == len(server.bodies)


async def test_certificate_that_is_not_accepted_is_final_at_once(tmp_path: Path) -> None:
    """The error names the flag that helps, after one attempt."""
    sleep = AsyncMock()
    with run_tls_receiver(tmp_path, Loose()) as server, pytest.raises(RemoteWriteRejected) as refused:
        await send(parse_url(server.url), tmp_path, sleep)

    problem = "certificate is not accepted: unable to get local issuer certificate; "
    assert f"{problem}trust its authority with --remote-write-ca-file" in str(refused.value)
    assert 0 == sleep.await_count


async def test_missing_client_certificate_is_final_at_once(tmp_path: Path) -> None:
    """A receiver that requires a client certificate is named as such."""
    sleep = AsyncMock()
    with run_tls_receiver(tmp_path, Loose(), client_certificate=True) as server:
        tls = parse_certificates(tmp_path / "authority.pem", None, None)
        with pytest.raises(
            RemoteWriteRejected, match="requires a client certificate; set --remote-write-cert-file and"
        ):
            await send(parse_url(server.url, tls), tmp_path, sleep)

    assert 0 == sleep.await_count


async def test_receiver_without_tls_is_final_at_once(receiver: ReceivingServer, tmp_path: Path) -> None:
    """An https:// URL of a server without TLS is an error without retries."""
    sleep = AsyncMock()
    with pytest.raises(RemoteWriteRejected, match="does not speak TLS on this port"):
        await send(parse_url(receiver.url.replace("http:", "https:")), tmp_path, sleep)

    assert 0 == sleep.await_count


@pytest.mark.parametrize(
    ("number", "pauses"), [(socket.EAI_NONAME, 0), (socket.EAI_AGAIN, 7)], ids=["unknown", "no response"]
)
async def test_host_name(tmp_path: Path, number: int, pauses: int) -> None:
    """A host that does not exist is final at once; a DNS server that does not respond is tried again."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no address") from socket.gaierror(number, "no address")

    path, sleep = tmp_path / "month.om", AsyncMock()
    path.write_text(FILE, encoding="utf-8")
    with pytest.raises(RemoteWriteRejected), httpx.Client(transport=httpx.MockTransport(fail)) as client:
        await send_file(path, httpx.URL("http://receiver.invalid/"), client, sleep)

    assert pauses == sleep.await_count


async def test_proxy_of_the_environment(receiver: ReceivingServer, tmp_path: Path) -> None:
    """Samples go through the proxy that the environment names."""
    with proxying("127.0.0.1", urlsplit(receiver.url).port or 0) as proxy:
        await send(parse_url("http://receiver.invalid/write", HTTP_PROXY=proxy.url), tmp_path)

    assert (["receiver.invalid"], 1) == (proxy.targets, len(receiver.bodies))


async def test_excluded_proxy(
    receiver: ReceivingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that is excluded, as every local one is, is reached directly."""
    with proxying("127.0.0.1", 9) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        await send(parse_url(receiver.url, ALL_PROXY=proxy.url), tmp_path)

    assert ([], 1) == (proxy.targets, len(receiver.bodies))


@pytest.mark.parametrize(("status", "pauses"), [(407, 0), (403, 0), (503, 7)])
async def test_tunnel_that_the_proxy_refuses(tmp_path: Path, status: int, pauses: int) -> None:
    """A refusal of the proxy is final; a busy proxy is tried again."""
    sleep = AsyncMock()
    with proxying("127.0.0.1", 9) as proxy:
        proxy.refusal = status
        receiver = parse_url("https://receiver.invalid/write", HTTPS_PROXY=proxy.url)
        with pytest.raises(RemoteWriteRejected, match=str(status)):
            await send(receiver, tmp_path, sleep)

    assert pauses == sleep.await_count


def test_unusable_proxy_is_found_before_anything_is_requested() -> None:
    """The variable is named, without its password."""
    with pytest.raises(ConfigError, match=r"^HTTPS_PROXY: is a SOCKS proxy") as caught:
        parse_url("https://receiver.example.com/write", HTTPS_PROXY="socks5://me:hidden-secret@proxy")

    assert "hidden-secret" not in str(caught.value)


BAD = {
    "certificate without key": ((None, "server.pem", None), "--remote-write-key-file: set both or none"),
    "key without certificate": ((None, None, "server.key"), "--remote-write-key-file: set both or none"),
    "no authority": (("server.key", None, None), "--remote-write-ca-file: .* contains no certificates"),
    "no such file": (("missing", None, None), "--remote-write-ca-file: .* no such file"),
    "files swapped": (
        (None, "server.key", "server.pem"),
        "--remote-write-cert-file: .* are not a certificate",
    ),
}


@pytest.mark.parametrize(("names", "message"), BAD.values(), ids=BAD)
def test_bad_files_are_named_by_their_flag(
    tmp_path: Path, names: tuple[str | None, ...], message: str
) -> None:
    """The files are read before anything is requested."""
    Loose().write(tmp_path)
    ca_file, cert_file, key_file = (tmp_path / name if name else None for name in names)

    with pytest.raises(CommandError, match=message):
        parse_certificates(ca_file, cert_file, key_file)


def test_command_over_tls_with_a_client_certificate(backfill: Backfill, tmp_path: Path) -> None:
    """With the three flags, a receiver that requires a client certificate accepts the samples."""
    with run_tls_receiver(tmp_path, Loose(), client_certificate=True) as server:
        ended = backfill(
            "2026-04-09",
            f"--remote-write={server.url}",
            f"--remote-write-ca-file={tmp_path / 'authority.pem'}",
            f"--remote-write-cert-file={tmp_path / 'server.pem'}",
            f"--remote-write-key-file={tmp_path / 'server.key'}",
        )

    assert (0, True) == (ended.returncode, bool(server.bodies)), ended.stderr


def test_certificates_without_a_receiver_are_rejected(backfill: Backfill, tmp_path: Path) -> None:
    """A flag that would have no effect is refused."""
    Loose().write(tmp_path)
    ended = backfill("2026-04-09", f"--remote-write-ca-file={tmp_path / 'authority.pem'}")

    assert 2 == ended.returncode
    assert "set --remote-write too" in ended.stderr


def test_written_files_stay_after_a_certificate_error(backfill: Backfill, tmp_path: Path) -> None:
    """The command ends with status 1 and one line, and keeps what it wrote for the next run."""
    with run_tls_receiver(tmp_path, Loose()) as server:
        ended = backfill("2026-04-09", f"--remote-write={server.url}")

    assert 1 == ended.returncode
    assert "certificate is not accepted" in ended.stderr
    assert "times" not in ended.stderr
    assert 1 == len(backfill.files())
