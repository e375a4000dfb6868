"""The HTTP client of one deployment: TLS, proxy, bounded bodies, and what its errors mean."""

import os
import re
import socket
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Literal, NamedTuple

import certifi
import httpx

from insights_exporter import __version__
from insights_exporter.coder.errors import ApiError
from insights_exporter.config.models import Deployment, TLSConfig
from insights_exporter.config.proxies import Proxies

_KEEPALIVE_SECONDS = 30.0
"""How long a connection waits for the next request; the polls of a round take a minute."""
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_OTHER_COMPRESSIONS = frozenset({"br", "compress", "zstd"})
"""Values of a header that may be shown; any other may be data about users."""


def build_api_root(deployment: Deployment) -> str:
    """Return the URL of the API, without a slash at its end."""
    url, api_path = deployment.url.rstrip("/"), "/" + deployment.api_path.strip("/")
    return url if url.endswith(api_path) else (url + api_path).rstrip("/")


def create_tls_context(tls: TLSConfig) -> ssl.SSLContext:
    """Return the TLS context of an outgoing connection.

    Without `ca_file` it trusts the system's certificate authorities and
    those of certifi, since a small container has none. It accepts what curl
    and Go accept: Python 3.13 added a strict mode that rejects certificates
    of in-house authorities without an Authority Key Identifier.
    """
    context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.ca_file is None:
        context.load_verify_locations(certifi.where())
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


def find_proxy(deployment: Deployment, proxies: Proxies) -> str | None:
    """Return the proxy of the config, else that of the environment, else None.

    Raises:
        ConfigError: A variable of the environment holds no usable proxy.
    """
    if deployment.proxy is not None:
        return deployment.proxy.get_secret_value()
    return proxies.select_proxy(deployment.url)


def uses_tls(deployment: Deployment, proxies: Proxies) -> bool:
    """Return whether requests to `deployment`, or to its proxy, are encrypted.

    Raises:
        ConfigError: A variable of the environment holds no usable proxy.
    """
    urls = (deployment.url, find_proxy(deployment, proxies) or "")
    return any(httpx.URL(url).scheme == "https" for url in urls)


def create_proxy(proxy: str | None, tls: ssl.SSLContext) -> httpx.Proxy | None:
    """Return the proxy as httpx takes it; `tls` is used for a connection to the proxy too."""
    if proxy is None:
        return None
    return httpx.Proxy(proxy, ssl_context=tls if proxy.startswith("https:") else None)


def create_http_client(
    deployment: Deployment,
    tls: ssl.SSLContext,
    proxy: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Return the client that all requests to `deployment` share.

    It reads nothing from the environment, follows no redirects and keeps no
    cookies. The caller bounds the time of a request as a whole.
    """
    return httpx.AsyncClient(
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"insights-exporter/{__version__}",
        }
        | {name: value.get_secret_value() for name, value in deployment.headers.items()},
        verify=tls,
        proxy=create_proxy(proxy, tls),
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        timeout=deployment.timeout,
        # RateLimiter bounds the connections. The pool keeps a connection whose request was cancelled before
        # it was sent: with a limit, no request would get one after a few timeouts on a busy machine.
        limits=httpx.Limits(max_connections=None, keepalive_expiry=_KEEPALIVE_SECONDS),
        transport=transport,
    )


async def read_body(response: httpx.Response, limit: int) -> bytes:
    """Return the body of a response, decompressed.

    Raises:
        ApiError: `too_large` past `limit` bytes, `invalid` if the compression
            is broken or not one that was requested.
    """
    inflate = _create_inflater(response.headers.get("Content-Encoding", "").strip().lower())
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += inflate(chunk, limit + 1 - len(body))
            if len(body) > limit:
                raise ApiError("too_large", f"the response has more than {limit:,} bytes")
        return bytes(body)
    finally:
        body.clear()  # a failure's traceback would keep it


def _create_inflater(encoding: str) -> Callable[[bytes, int], bytes]:
    if encoding in {"", "identity"}:
        return lambda chunk, _: chunk
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        which = f": {encoding}" if encoding in _OTHER_COMPRESSIONS else ""
        raise ApiError("invalid", f"the response is compressed in a way that was not requested{which}")
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def inflate(chunk: bytes, most: int) -> bytes:
        if stream.eof:  # zlib would keep all that comes after it
            raise ApiError("invalid", "the response has data after the end of its compression")
        try:
            return stream.decompress(chunk, most)
        except zlib.error as error:
            raise ApiError("invalid", f"the response cannot be decompressed: {error}") from None

    return inflate


@dataclass(slots=True)
class ConnectionInfo:
    """What the newest responses of a server showed."""

    tls: str | None = None
    certificate_expires: float | None = None
    rate_limit: float | None = None

    async def observe(self, response: httpx.Response) -> None:
        """Record a response (an event hook of httpx)."""
        limit = response.headers.get("X-RateLimit-Limit", "")
        if limit.isdecimal():
            self.rate_limit = float(limit)
        connection = response.extensions["network_stream"].get_extra_info("ssl_object")
        if connection is not None:
            self.tls = connection.version()
            certificate = connection.getpeercert() or {}
            if "notAfter" in certificate:
                self.certificate_expires = ssl.cert_time_to_seconds(certificate["notAfter"])


class TlsOptions(NamedTuple):
    """The keys or flags of the config that errors about TLS name."""

    ca_file: str = "`tls.ca_file`"
    cert_file: str = "`tls.cert_file`"


_CERTIFICATE_REMEDIES: Mapping[int, str] = {
    9: "check the clock of this machine",
    10: "renew it",
    18: "trust it with {ca_file}",
    **dict.fromkeys((19, 20, 21), "trust its authority with {ca_file}"),
    **dict.fromkeys((62, 64), "use a name that the certificate has"),
}
"""What helps, by OpenSSL's number for why a certificate is not accepted (X509_V_ERR_...)."""
_NO_CERTIFICATE = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
_INTERRUPTED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_BROKEN: Mapping[type[Exception], str] = {
    httpx.ConnectError: "cannot connect",
    httpx.ReadError: "the connection was lost",
    httpx.WriteError: "the connection was lost",
    httpx.CloseError: "the connection was lost",
    httpx.RemoteProtocolError: "the response is incomplete or not HTTP",
    httpx.ProxyError: "the proxy responded",
}
"""What broke, by httpx's type of error."""
_REFUSED_TUNNEL = re.compile("4[0-9][0-9] ")
_RECEIVED_BYTES = re.compile(r"(bytearray\()?\bb['\"].*", re.DOTALL)


class ConnectionFailure(NamedTuple):
    """What broke on the way to a server, without the bytes that it sent, which may be data about users."""

    cause: Literal["connection", "tls_failed", "refused_by_proxy"]
    text: str
    is_transient: bool
    """Whether the same request may succeed in a moment."""
    is_unknown_host: bool
    """Whether the host name does not exist, as opposed to a DNS server that does not respond."""


def describe(error: Exception, options: TlsOptions = TlsOptions()) -> ConnectionFailure:  # noqa: B008 -- immutable
    """Return what an error of httpx or of the system means."""
    causes = list(_list_causes(error))
    tls_error = next((each for each in causes if isinstance(each, ssl.SSLError)), None)
    is_refused = isinstance(error, httpx.ProxyError) and _REFUSED_TUNNEL.match(str(error))
    cause: Literal["connection", "tls_failed", "refused_by_proxy"] = "connection"
    if is_refused:
        cause = "refused_by_proxy"
    elif tls_error is not None and not isinstance(tls_error, _INTERRUPTED):
        cause = "tls_failed"
    text = _describe_tls(tls_error, options)
    if not text:
        what = _BROKEN.get(type(error), type(error).__name__)
        reasons = ", ".join(dict.fromkeys(_list_system_errors(causes)))
        text = _RECEIVED_BYTES.sub("", f"{what}: {reasons or error}").rstrip(":. ")
    return ConnectionFailure(
        cause,
        text,
        cause == "connection" and not isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL),
        any(isinstance(each, socket.gaierror) and each.errno == socket.EAI_NONAME for each in causes),
    )


def _describe_tls(error: ssl.SSLError | None, options: TlsOptions) -> str:
    """Return why TLS cannot be established, if the error names one of the usual reasons."""
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = _CERTIFICATE_REMEDIES.get(error.verify_code, "").format(ca_file=options.ca_file)
        what = f"the server's certificate is not accepted: {error.verify_message.rstrip('.')}"
        return f"{what}; {remedy}" if remedy else what
    reason = getattr(error, "reason", None)
    if reason in _NO_TLS:
        return f"the server does not speak TLS on this port ({reason})"
    if reason == _NO_CERTIFICATE:
        return f"the server requires a client certificate; set {options.cert_file}"
    return ""


def _list_system_errors(causes: Iterable[BaseException]) -> Iterator[str]:
    """Yield the system's reasons for a failure; a host with several addresses may have several."""
    for cause in causes:
        for each in cause.exceptions if isinstance(cause, BaseExceptionGroup) else (cause,):
            if isinstance(each, _INTERRUPTED):
                yield "unexpected end of the TLS connection"
            elif isinstance(each, socket.gaierror):
                yield str(each.strerror).lower()
            elif isinstance(each, OSError) and not isinstance(each, ssl.SSLError) and (each.errno or 0) > 0:
                yield os.strerror(each.errno or 0).lower()


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
