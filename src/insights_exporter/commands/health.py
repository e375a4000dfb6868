"""`insights-exporter health`: whether a running exporter is healthy."""

import http.client

from insights_exporter.commands.errors import NotUsable
from insights_exporter.web.server import split_address

_PATIENCE = 5.0
_ANY_ADDRESS = {"": "localhost", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- looked up, not listened on


def health(listen_address: str) -> bool:
    """Ask the exporter that listens on the address; False where it does not answer well.

    Raises:
        NotUsable: that is no address.
    """
    try:
        host, port = split_address(listen_address)
    except ValueError as error:
        raise NotUsable(f"--web.listen-address: {error}") from None
    connection = http.client.HTTPConnection(_ANY_ADDRESS.get(host, host), port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/-/healthy")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
