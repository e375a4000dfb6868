"""What a server listens with."""

import ssl

from insights_exporter.web.webconfig.handshake import newest_context
from insights_exporter.web.webconfig.live import LiveConfig


def listening_context(live: LiveConfig) -> ssl.SSLContext | None:
    """Give a context for a server's whole life, or none where the file has no TLS.

    Each new connection gets what the file says at that moment.
    """
    first = live.now().tls
    return newest_context(lambda: live.now().tls or first) if first else None
