"""Certificates for a server on 127.0.0.1: a valid, an expired and a self-signed one."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import trustme

from insights_exporter.demo import Certificate, EmbeddedCoder

HOST = "127.0.0.1"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Authority:
    """An authority whose certificates a client trusts by `ca_file`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        self._ca = trustme.CA()
        self._ca.cert_pem.write_to_path(self.ca_file)

    def good(self) -> Certificate:
        """Return a valid certificate."""
        return self._written("good", self._ca.issue_cert(HOST))

    def expired(self) -> Certificate:
        """Return an expired certificate."""
        return self._written("expired", self._ca.issue_cert(HOST, not_after=LONG_AGO))

    def self_signed(self) -> Certificate:
        """Return a self-signed certificate."""
        return self._written("self-signed", trustme.CA().issue_cert(HOST))

    def install(self, certificate: Certificate, server: EmbeddedCoder) -> None:
        """Put a certificate in place of the good one, and restart the server."""
        for source, name in zip(certificate, ("good.pem", "good.key"), strict=True):
            (self.folder / name).write_bytes(source.read_bytes())
        server.fail("refused")
        server.clear_faults()

    def context(self) -> ssl.SSLContext:
        """Return an SSL context that trusts this authority."""
        return ssl.create_default_context(cafile=self.ca_file)

    def _written(self, name: str, leaf: trustme.LeafCert) -> Certificate:
        files = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        for at, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(files.chain, append=at > 0)
        leaf.private_key_pem.write_to_path(files.key)
        return files
