"""The HTTP client of one deployment: certificates, proxy, headers, no redirects."""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy

import certifi
import httpx

from insights_exporter import __version__
from insights_exporter.config.settings import Deployment, Tls

_KEPT_SECONDS = 30.0
"""How long a connection waits for the next request; the polls of a round come over a minute."""


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Make the TLS settings of a connection to Coder.

    Without `ca_file` the system's certificate authorities count, and those
    of certifi, since a small container has none.
    """
    context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
    if tls.ca_file is None:
        context.load_verify_locations(certifi.where())
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


def http_client(
    deployment: Deployment, tls: ssl.SSLContext, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Make the client that all requests to `deployment` share.

    Proxy variables of the environment count, `.netrc` does not, cookies are
    not kept. Whoever asks bounds the time of a request as a whole.
    """
    return httpx.AsyncClient(
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"insights-exporter/{__version__}",
        }
        | {name: value.get_secret_value() for name, value in deployment.headers.items()},
        verify=tls,
        proxy=deployment.proxy.get_secret_value() if deployment.proxy else None,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        timeout=deployment.timeout,
        limits=httpx.Limits(max_connections=deployment.max_concurrency, keepalive_expiry=_KEPT_SECONDS),
        transport=transport,
    )


def api_root(deployment: Deployment) -> str:
    """Give the address under which the API's paths are, without a slash at its end."""
    url, api_path = deployment.url.rstrip("/"), "/" + deployment.api_path.strip("/")
    return url if url.endswith(api_path) else (url + api_path).rstrip("/")
