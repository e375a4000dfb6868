"""A TLS client that requests key updates without end, through libssl, since Python's `ssl` cannot."""

import ctypes
import ctypes.util
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat

_REQUESTED = 1
"""SSL_KEY_UPDATE_REQUESTED: the server must change its keys too, and send a message about it."""
_BATCH = 1000
_BYTES = 1 << 17
_RECEIVE_TIMEOUT = struct.pack("ll", 2, 0)
_POINTER = ctypes.c_void_p
_RETURNS_POINTER = ("TLS_client_method", "SSL_CTX_new", "SSL_new", "BIO_s_mem", "BIO_new")


@contextmanager
def generate_key_updates(connection: socket.socket) -> Iterator[Iterator[bytes]]:
    """Perform a TLS handshake; yield an endless iterator of batches of key update requests.

    Raises:
        RuntimeError: OpenSSL's library is not installed.
        TimeoutError: The handshake did not succeed.
    """
    path = ctypes.util.find_library("ssl")
    if path is None:
        raise RuntimeError("OpenSSL's library (libssl) is not installed")
    library = ctypes.CDLL(path)
    for name in _RETURNS_POINTER:
        getattr(library, name).restype = _POINTER
    context = _POINTER(library.SSL_CTX_new(_POINTER(library.TLS_client_method())))
    session = _POINTER(library.SSL_new(context))
    try:
        connection.settimeout(None)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _RECEIVE_TIMEOUT)
        library.SSL_set_fd(session, connection.fileno())
        if library.SSL_connect(session) != 1:
            raise TimeoutError("no TLS connection")
        connection.settimeout(0)
        output = _POINTER(library.BIO_new(_POINTER(library.BIO_s_mem())))
        library.SSL_set0_wbio(session, output)
        yield (_create_batch(library, session, output) for _ in repeat(None))
    finally:
        library.SSL_free(session)
        library.SSL_CTX_free(context)


def _create_batch(library: ctypes.CDLL, session: ctypes.c_void_p, output: ctypes.c_void_p) -> bytes:
    for _ in range(_BATCH):
        library.SSL_key_update(session, _REQUESTED)
        library.SSL_do_handshake(session)
    buffer = ctypes.create_string_buffer(_BYTES)
    length = library.BIO_read(output, buffer, _BYTES)
    return buffer.raw[: max(0, length)]
