"""`insights-exporter health`: whether a running exporter is healthy, or ready."""

import http.client
import ssl
from pathlib import Path

import typer

from insights_exporter.commands.errors import CommandError
from insights_exporter.config.strict_yaml import YamlError, read_yaml
from insights_exporter.web.server import split_address

_TIMEOUT = 5.0
_ANY_ADDRESS = {"": "localhost", "0.0.0.0": "127.0.0.1", "::": "localhost"}  # noqa: S104 -- looked up, not listened on


def check_health(
    listen_address: str,
    web_config_file: Path | None = None,
    timeout: float = _TIMEOUT,
    *,
    ready: bool = False,
    prefix: str = "",
) -> bool:
    """Return whether the exporter on the address responds well within `timeout` seconds; print why not.

    An exporter that requires a login or a client certificate is healthy, and
    so is one whose web config file became invalid while it runs. With `ready`
    it must also have polled everything once; one that denies access counts as
    ready, since no later response would show more.

    Raises:
        CommandError: The address is invalid.
    """
    try:
        host, port = split_address(listen_address)
    except ValueError as error:
        raise CommandError(f"--web.listen-address: {error}") from None
    host = _ANY_ADDRESS.get(host, host)
    path = prefix + ("/-/ready" if ready else "/-/healthy")
    tls = web_config_file is not None and _has_tls(web_config_file)
    problem = _find_problem(host, port, path, timeout, tls=tls)
    if problem:
        url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}{path}"
        typer.echo(f"insights-exporter: {url}: {problem}", err=True)
    return problem is None


def _has_tls(file: Path) -> bool:
    """Return whether the file configures TLS; if it is invalid, a plain request gets a response as well."""
    try:
        data = read_yaml(file.read_bytes())
    except (OSError, YamlError):
        return False
    return isinstance(data, dict) and bool(data.get("tls_server_config"))


def _find_problem(host: str, port: int, path: str, timeout: float, *, tls: bool) -> str | None:
    """Return what is wrong and what to do, None if nothing is."""
    try:
        status = _request(host, port, path, timeout, tls=tls)
    except (OSError, http.client.HTTPException) as error:
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"{what.lower()}; check --web.listen-address and --web.config.file"
    if status == http.client.NOT_FOUND:
        return f"HTTP {status}; check --web.route-prefix and --web.external-url"
    if status >= http.client.INTERNAL_SERVER_ERROR:
        return f"HTTP {status}; read the exporter's log"
    return None


def _request(host: str, port: int, path: str, timeout: float, *, tls: bool) -> int:
    """Return the status of a request, 403 if the server requires a client certificate."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # nothing secret is sent
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (ssl.SSLError, ConnectionResetError):
        if not tls:
            raise
        return http.client.FORBIDDEN
    finally:
        connection.close()
