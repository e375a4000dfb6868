"""Listening sockets, from addresses such as `HOST:PORT` or from systemd."""

import os
import re
import socket
from collections.abc import Mapping

_FIRST_PASSED = 3
_TCP = {socket.AF_INET, socket.AF_INET6}
_BACKLOG = 512
_ADDRESS = re.compile(r"(\[(?P<bracketed>[^\[\]\s]+)\]|(?P<host>[^:\[\]\s/]*)):(?P<port>[0-9]{1,5})")
_LARGEST_PORT = 65535
_WILDCARDS = {"", "::"}
_ANY_INTERFACE = {"::", "0.0.0.0"}  # noqa: S104 -- compared, not listened on


def listen(address: str) -> socket.socket:
    """Return a listening socket for `HOST:PORT`; `:PORT` and `[::]:PORT` take all interfaces, IPv4 and IPv6.

    Raises:
        OSError: The address cannot be used.
        ValueError: It is not of this form.
    """
    host, port = split_address(address)
    if host in _WILDCARDS:
        return _listen_everywhere(port)
    family, _, _, _, resolved = min(
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE),
        key=lambda found: found[0] != socket.AF_INET,
    )
    return socket.create_server(resolved, family=family, backlog=_BACKLOG)


def _listen_everywhere(port: int) -> socket.socket:
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    return socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=_BACKLOG)


def passed_by_systemd(environ: Mapping[str, str]) -> list[socket.socket]:
    """Return the listening sockets that systemd passed to this process (sd_listen_fds(3)).

    Raises:
        ValueError: It passed none, or one that is not a listening TCP socket.
    """
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal() or not int(count):
        raise ValueError("systemd passed no sockets; start the exporter by a .socket unit")
    sockets = [socket.socket(fileno=number) for number in range(_FIRST_PASSED, _FIRST_PASSED + int(count))]
    for each in sockets:
        each.set_inheritable(False)
        if each.family not in _TCP or not each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ValueError(
                "systemd passed a socket that does not listen for TCP; use ListenStream=PORT and Accept=no"
            )
    return sockets


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[HOST]:PORT` or `:PORT`.

    Raises:
        ValueError: It is not of this form.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > _LARGEST_PORT:
        example = "for example :12112 or [::1]:12112"
        raise ValueError(f"{address!r} is not an address; write it as HOST:PORT, {example}")
    return found["bracketed"] or found["host"] or "", int(found["port"])


def address_of(listener: socket.socket) -> str:
    """Return an address at which this machine reaches the listener, as `HOST:PORT`."""
    host, port = listener.getsockname()[:2]
    if host in _ANY_INTERFACE:
        host = "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
