"""`insights-exporter health`: whether a running exporter is healthy, or ready."""

import http.client
import ssl
from pathlib import Path

from insights_exporter.commands.errors import NotUsable
from insights_exporter.config.yaml_reader import NotYaml, read_yaml
from insights_exporter.web.listeners import split_address

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
    """Ask the exporter that listens on the address; False where no good answer comes in `patience` seconds.

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
        raise NotUsable(f"--web.listen-address: {error}") from None
    ask = _ask_tls if web_config_file and _tells_tls(web_config_file) else _ask
    try:
        return ask(
            _ANY_ADDRESS.get(host, host), port, patience, prefix + ("/-/ready" if ready else "/-/healthy")
        )
    except (OSError, http.client.HTTPException):
        return False


def _tells_tls(file: Path) -> bool:
    """Tell whether the file says TLS; if it cannot be read, a plain question is answered by TLS ports too."""
    try:
        data = read_yaml(file.read_bytes())
    except (OSError, NotYaml):
        return False
    return isinstance(data, dict) and bool(data.get("tls_server_config"))


def _ask_tls(host: str, port: int, patience: float, path: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is asked whether it lives; nothing secret is said to it
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        return _good(http.client.HTTPSConnection(host, port, timeout=patience, context=context), path)
    except (ssl.SSLError, ConnectionResetError):
        return True  # it lives and keeps out who shows no certificate


def _ask(host: str, port: int, patience: float, path: str) -> bool:
    return _good(http.client.HTTPConnection(host, port, timeout=patience), path)


def _good(connection: http.client.HTTPConnection, path: str) -> bool:
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    finally:
        connection.close()
