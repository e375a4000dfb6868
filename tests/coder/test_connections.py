"""Outgoing connections over real sockets: through proxies, and to servers with private authorities."""

import asyncio
import datetime as dt
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from insights_exporter.coder.errors import CAUSES, ApiError
from insights_exporter.coder.http import create_tls_context, describe
from insights_exporter.coder.request import Request
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import TLSConfig
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.coder.deployments import Client, client, deployment
from tests.integration.processes import free_port
from tests.support.certificates import BEGIN, Loose, make_strict
from tests.support.proxy import Proxy, proxying

DAUS = Request("/insights/daus")
NAME = "coder.invalid"
STRICT_ONLY = {"no key identifiers": Loose(key_identifiers=False), "not critical": Loose(critical=False)}


@pytest.fixture(scope="module")
def server() -> EmbeddedCoder:
    """Return a small Coder."""
    return EmbeddedCoder(population=Population(seed=1, users=20, templates=3))


@pytest.fixture
def url(server: EmbeddedCoder) -> Iterator[str]:
    """Yield the URL of that Coder."""
    with serve(server) as address:
        yield address


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    """Yield a proxy that brings everything to that Coder."""
    with proxying("127.0.0.1", urlsplit(url).port or 0) as seen:
        yield seen


async def send_once(one: Client) -> bytes:
    """Send a request once, without a retry."""
    return await one.coder.get(DAUS, one.options(deadline=asyncio.get_running_loop().time()))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_request_goes_through_the_proxy_of_the_environment(proxy: Proxy, name: str) -> None:
    """A plain request is forwarded by the proxy, which the variable names with or without a scheme."""
    environ = {name: proxy.url.removeprefix("http://")}
    async with client(deployment(f"http://{NAME}"), environ=environ) as one:
        body = await send_once(one)

    assert body.startswith(b"{")
    assert ([NAME], [DEMO_TOKEN]) == (proxy.targets, proxy.tokens)


async def test_proxy_of_the_config_wins(proxy: Proxy) -> None:
    """A deployment's own proxy is used, exclusions and variables of the environment or not."""
    environ = {"HTTP_PROXY": "http://other.invalid", "NO_PROXY": "*"}
    async with client(deployment(f"http://{NAME}", proxy=proxy.url), environ=environ) as one:
        await send_once(one)

    assert [NAME] == proxy.targets


@pytest.mark.parametrize("entries", ["127.0.0.0/8", "127.0.0.1", "*", ""])
async def test_token_never_goes_to_a_proxy_that_is_excluded(proxy: Proxy, url: str, entries: str) -> None:
    """Excluded servers, and all local ones, are reached directly."""
    environ = {"HTTP_PROXY": proxy.url, "NO_PROXY": entries}
    async with client(deployment(url), environ=environ) as one:
        await send_once(one)

    assert ([], []) == (proxy.targets, proxy.tokens)


async def test_variables_of_the_process_are_not_read_a_second_time(
    proxy: Proxy, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was checked counts; the HTTP library reads nothing on its own."""
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "fd00::/8")
    async with client(deployment(url), environ={}) as one:
        await send_once(one)

    assert [] == proxy.targets


async def test_unusable_proxy_is_an_error_before_any_request() -> None:
    """A proxy that cannot be used stops the start instead of every request."""
    with pytest.raises(ConfigError, match=r"^ALL_PROXY: is a SOCKS proxy"):
        async with client(deployment(f"http://{NAME}"), environ={"ALL_PROXY": "socks5://p"}):
            pass


@asynccontextmanager
async def tls_coder(
    certificates: Loose, folder: Path, server: EmbeddedCoder
) -> AsyncIterator[tuple[str, Path]]:
    """Serve over TLS and yield the address and the authority's file."""
    ca_file, certificate = certificates.write(folder)
    context = serve(server, certificate=certificate)
    url = await asyncio.to_thread(context.__enter__)
    try:
        yield url, ca_file
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ssl.SSLContext]:
    """Make Python create strict contexts, as 3.13 and newer do."""
    return make_strict(monkeypatch)


@pytest.mark.parametrize("certificates", STRICT_ONLY.values(), ids=STRICT_ONLY)
async def test_certificate_of_a_private_authority(
    certificates: Loose, strict: Callable[..., ssl.SSLContext], tmp_path: Path, server: EmbeddedCoder
) -> None:
    """Certificates that curl and Go accept are accepted on every Python, despite its strict mode."""
    async with tls_coder(certificates, tmp_path, server) as (url, ca_file):
        config = deployment(url)
        async with client(config, tls=strict(cafile=ca_file)) as one:
            with pytest.raises(ApiError, match="certificate is not accepted: "):
                await send_once(one)
        async with client(config, tls=create_tls_context(TLSConfig(ca_file=ca_file))) as one:
            assert (await send_once(one)).startswith(b"{")


@pytest.mark.usefixtures("strict")
def test_only_the_strict_flag_is_cleared() -> None:
    """Nothing else of Python's own context changes."""
    usual, made = ssl.create_default_context(), create_tls_context(TLSConfig())

    assert usual.verify_flags & ~ssl.VERIFY_X509_STRICT == made.verify_flags
    assert (usual.options, usual.minimum_version) == (made.options, made.minimum_version)
    assert (usual.verify_mode, usual.check_hostname) == (made.verify_mode, made.check_hostname)


CERTIFICATES = {
    "expired": (Loose(end=BEGIN + dt.timedelta(days=1)), "certificate has expired; renew it"),
    "another name": (
        Loose(host="other.example.com"),
        "IP address mismatch, certificate is not valid for '127.0.0.1'; use a name that the certificate has",
    ),
}


@pytest.mark.parametrize(("certificates", "cause"), CERTIFICATES.values(), ids=CERTIFICATES)
async def test_certificate_that_is_not_accepted(
    certificates: Loose, cause: str, tmp_path: Path, server: EmbeddedCoder
) -> None:
    """The failure names its cause, and the request is not sent again."""
    async with (
        tls_coder(certificates, tmp_path, server) as (url, ca_file),
        client(deployment(url), tls=create_tls_context(TLSConfig(ca_file=ca_file))) as one,
    ):
        with pytest.raises(ApiError) as failed:
            await one.coder.get(DAUS, one.options())

    assert ("connection", False) == (failed.value.reason, failed.value.transient)
    assert CAUSES["tls_failed"].remedy == failed.value.remedy
    assert f"the server's certificate is not accepted: {cause}" == failed.value.detail
    assert 1 == len(one.log.failures)


async def test_certificate_of_an_unknown_authority(tmp_path: Path, server: EmbeddedCoder) -> None:
    """The remedy is the option that names the authority."""
    async with (
        tls_coder(Loose(), tmp_path, server) as (url, _),
        client(deployment(url), tls=create_tls_context(TLSConfig())) as one,
    ):
        with pytest.raises(ApiError, match=r"trust its authority with `tls\.ca_file`$"):
            await one.coder.get(DAUS, one.options())


async def test_plain_server_behind_an_https_url(url: str) -> None:
    """A server without TLS is named as such, and not tried again."""
    async with client(deployment(url.replace("http://", "https://"))) as one:
        with pytest.raises(ApiError, match="does not speak TLS on this port"):
            await one.coder.get(DAUS, one.options())

    assert 1 == len(one.log.failures)


async def test_tls_reaches_through_a_tunnel(tmp_path: Path, server: EmbeddedCoder) -> None:
    """The proxy sees the target and not the token; the certificate is checked against the target's name."""
    async with tls_coder(Loose(host=NAME), tmp_path, server) as (url, ca_file):
        with proxying("127.0.0.1", urlsplit(url).port or 0) as proxy:
            config, environ = deployment(f"https://{NAME}"), {"HTTPS_PROXY": proxy.url}
            async with client(
                config, environ=environ, tls=create_tls_context(TLSConfig(ca_file=ca_file))
            ) as one:
                body = await send_once(one)

    assert body.startswith(b"{")
    assert ([f"{NAME}:443"], []) == (proxy.targets, proxy.tokens)


async def test_connection_to_the_proxy_itself_may_use_tls(tmp_path: Path, url: str) -> None:
    """The certificate of a proxy is checked against the same authorities as that of the server."""
    ca_file, files = Loose().write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    with proxying("127.0.0.1", urlsplit(url).port or 0, context) as proxy:
        config, environ = deployment(f"http://{NAME}"), {"HTTP_PROXY": proxy.url}
        async with client(config, environ=environ, tls=create_tls_context(TLSConfig())) as one:
            with pytest.raises(ApiError, match="certificate is not accepted"):
                await send_once(one)
        async with client(config, environ=environ, tls=create_tls_context(TLSConfig(ca_file=ca_file))) as one:
            await send_once(one)

    assert ([NAME], [DEMO_TOKEN]) == (proxy.targets, proxy.tokens)


@pytest.mark.parametrize(("status", "transient"), [(407, False), (403, False), (502, True), (503, True)])
async def test_tunnel_that_the_proxy_refuses(
    proxy: Proxy,
    status: int,
    transient: bool,
) -> None:
    """A refusal is final; a proxy that is busy is tried again."""
    proxy.refusal = status
    async with client(deployment(f"https://{NAME}"), environ={"HTTPS_PROXY": proxy.url}) as one:
        with pytest.raises(ApiError, match=f"the proxy responded: {status}") as failed:
            await send_once(one)

    assert transient == failed.value.transient
    assert ("connection" if transient else "refused_by_proxy") == failed.value.reason


@pytest.mark.parametrize(("through", "suffix"), [(False, ""), (True, " (through the proxy {})")])
async def test_closed_port(through: bool, suffix: str) -> None:
    """A closed port is reported with the error text of the system, and with the proxy if one is used."""
    address = f"127.0.0.1:{free_port()}"
    url = f"http://{NAME}" if through else f"http://{address}"
    environ = {"HTTP_PROXY": f"http://user:secret@{address}"} if through else {}
    async with client(deployment(url), environ=environ) as one:
        with pytest.raises(ApiError) as failed:
            await send_once(one)

    assert f"cannot connect: connection refused{suffix.format(address)}" == failed.value.detail


@pytest.mark.parametrize(
    ("error", "cause", "described"),
    [
        pytest.param(
            httpx.ConnectError("[Errno -2] Name or service not known"),
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "cannot connect: name or service not known",
            id="unknown host",
        ),
        pytest.param(
            httpx.ReadError(""),
            ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
            "the connection was lost: connection reset by peer",
            id="reset",
        ),
        pytest.param(
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            None,
            "the response is incomplete or not HTTP: Server disconnected without sending a response",
            id="closed",
        ),
        pytest.param(
            httpx.RemoteProtocolError("illegal status line: bytearray(b'alice')"),
            None,
            "the response is incomplete or not HTTP: illegal status line",
            id="not HTTP",
        ),
    ],
)
def test_connection_error_is_readable(error: Exception, cause: Exception | None, described: str) -> None:
    """Connection errors are described without names of Python classes, error numbers, or received bytes."""
    error.__cause__ = cause

    assert described == describe(error).text


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), True),
        (httpx.ReadError(""), True),
        (httpx.RemoteProtocolError("Server disconnected"), True),
        (httpx.UnsupportedProtocol("gopher"), False),
        (httpx.InvalidURL("bad"), False),
    ],
)
def test_errors_that_pass(error: Exception, passes: bool) -> None:
    """Network errors are transient; errors caused by the config are not."""
    assert passes == describe(error).is_transient


def test_interrupted_handshake_is_transient() -> None:
    """A server that restarts in the middle of a handshake is tried again."""
    error = httpx.ConnectError("EOF occurred in violation of protocol")
    error.__cause__ = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")

    assert describe(error).is_transient
    assert "cannot connect: unexpected end of the TLS connection" == describe(error).text


async def test_cancelled_requests_free_their_connection(url: str) -> None:
    """After a request was cancelled at any point, the next one gets a connection."""
    async with client(deployment(url, max_concurrency=1, timeout="5s", requests_per_minute=100_000)) as one:
        for steps in range(40):
            request = asyncio.create_task(send_once(one))
            for _ in range(steps):
                await asyncio.sleep(0)
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)

        assert (await send_once(one)).startswith(b"{")


def test_each_reason_of_several_addresses_is_named() -> None:
    """A host may have an address of each family, which fail for different reasons."""
    error = httpx.ConnectError("All connection attempts failed")
    failures = [OSError(number, os.strerror(number)) for number in (111, 101, 111)]
    error.__cause__ = ExceptionGroup("multiple connection attempts failed", failures)

    expected = "cannot connect: connection refused, network is unreachable"
    assert expected == describe(error).text
