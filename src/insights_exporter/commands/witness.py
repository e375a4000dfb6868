"""Looks at answers as they come, for what no dataset tells: the certificate, the rate limit."""

import ssl
from dataclasses import dataclass

import httpx


@dataclass(slots=True)
class Witness:
    """What the newest answers of a server showed."""

    tls: str | None = None
    certificate_expires: float | None = None
    rate_limit: float | None = None

    async def look(self, answer: httpx.Response) -> None:
        """Record an answer (an event hook of httpx)."""
        limit = answer.headers.get("X-RateLimit-Limit", "")
        if limit.isdecimal():
            self.rate_limit = float(limit)
        connection = answer.extensions["network_stream"].get_extra_info("ssl_object")
        if connection is not None:
            self.tls = connection.version()
            certificate = connection.getpeercert() or {}
            if "notAfter" in certificate:
                self.certificate_expires = ssl.cert_time_to_seconds(certificate["notAfter"])
