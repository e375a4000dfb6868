"""`insights-exporter health`: whether a running exporter is healthy, or ready."""

import http.client
import ssl
from collections.abc import Callable
from pathlib import Path

import typer

from insights_exporter.commands.errors import CommandError
from insights_exporter.config.strict_yaml import YamlError, read_yaml
from insights_exporter.web.server import split_address

_PATIENCE = 5.0
_ANY_ADDRESS = {"": "localhost", "0.0.0.0": "127.0.0.1", "::": "localhost"}  # noqa: S104 -- looked up, not listened on


def health(
    listen_address: str,
    web_config_file: Path | None = None,
    patience: float = _PATIENCE,
    *,
    ready: bool = False,
    prefix: str = "",
) -> bool:
    """Return whether the exporter on the address responds well within `patience` seconds; print why not.

    An exporter that asks for a login or a client's certificate is alive, and
    so is one that runs on while its web config file is wrong. With `ready` it
    must also have asked for everything once, as far as it tells: one that
    refuses to answer counts as ready, since no later answer would tell more.

    Raises:
        NotUsable: that is no address.
    """
    try:
        host, port = split_address(listen_address)
    except ValueError as error:
        raise CommandError(f"--web.listen-address: {error}") from None
    host = _ANY_ADDRESS.get(host, host)
    path = prefix + ("/-/ready" if ready else "/-/healthy")
    tls = web_config_file is not None and _tells_tls(web_config_file)
    problem = _find_problem(_ask_tls if tls else _ask, host, port, patience, path)
    if problem:
        url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}{path}"
        typer.echo(f"insights-exporter: {url}: {problem}", err=True)
    return problem is None


def _find_problem(
    ask: Callable[[str, int, float, str], int], host: str, port: int, patience: float, path: str
) -> str | None:
    """Return what is wrong and what to do, None if nothing is."""
    try:
        status = ask(host, port, patience, path)
    except (OSError, http.client.HTTPException) as error:
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"{what.lower()}; check --web.listen-address and --web.config.file"
    if status == http.client.NOT_FOUND:
        return f"HTTP {status}; check --web.route-prefix and --web.external-url"
    if status >= http.client.INTERNAL_SERVER_ERROR:
        return f"HTTP {status}; read the exporter's log"
    return None


def _tells_tls(file: Path) -> bool:
    """Tell whether the file says TLS; if it cannot be read, a plain question is answered by TLS ports too."""
    try:
        data = read_yaml(file.read_bytes())
    except (OSError, YamlError):
        return False
    return isinstance(data, dict) and bool(data.get("tls_server_config"))


def _ask_tls(host: str, port: int, patience: float, path: str) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is asked whether it lives; nothing secret is said to it
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        return _status(http.client.HTTPSConnection(host, port, timeout=patience, context=context), path)
    except (ssl.SSLError, ConnectionResetError):
        return http.client.FORBIDDEN  # it lives and keeps out who shows no certificate


def _ask(host: str, port: int, patience: float, path: str) -> int:
    return _status(http.client.HTTPConnection(host, port, timeout=patience), path)


def _status(connection: http.client.HTTPConnection, path: str) -> int:
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
