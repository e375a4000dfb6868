"""TLS records on their way to OpenSSL, one at a time, and a limit for those without data.

OpenSSL works through all bytes that it is offered before it returns, and a
request for new keys (KeyUpdate, 27 bytes) costs it 60 us: without this, a
client without a login keeps the event loop busy for seconds.
"""

import ssl

MAX_RECORDS_WITHOUT_DATA = 64
"""In the life of a connection, after its handshake; clients that rekey do so once in millions of records."""

_HEADER_BYTES = 5
_LENGTH = slice(3, 5)


class TLSRecords:
    """Moves records from `incoming`, where the event loop writes, to `outgoing`, where OpenSSL reads."""

    def __init__(self, incoming: ssl.MemoryBIO) -> None:
        self.outgoing = ssl.MemoryBIO()
        self._incoming = incoming
        self._header = b""
        self._missing = 0
        self._is_new = False
        self._without_data = 0

    def move(self) -> bool:
        """Move what there is of one record; return whether OpenSSL may find anything new."""
        if not self._missing:
            self._header += self._incoming.read(_HEADER_BYTES - len(self._header))
            if len(self._header) < _HEADER_BYTES:
                return False
            self.outgoing.write(self._header)
            self._missing = int.from_bytes(self._header[_LENGTH])
            self._header = b""
        elif not self._incoming.pending:
            return False
        body = self._incoming.read(self._missing)
        self.outgoing.write(body)
        self._missing -= len(body)
        self._is_new = not self._missing
        return True

    def had_data(self) -> None:
        """Record that the last record was used."""
        self._is_new = False

    def had_none(self) -> None:
        """Record that OpenSSL asks for more.

        Raises:
            ssl.SSLError: too many records had no data.
        """
        self._without_data += self._is_new
        self._is_new = False
        if self._without_data > MAX_RECORDS_WITHOUT_DATA:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, "too many TLS records without data")
