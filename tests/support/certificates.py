"""Certificates of private authorities, without extensions that RFC 5280 requires and most clients do not."""

import datetime as dt
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from insights_exporter.demo import Certificate

HOST = "127.0.0.1"
BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Loose:
    """An authority, and a server's certificate that it signed.

    `key_identifiers` are the Subject and Authority Key Identifiers,
    `critical` is whether the basic constraints of the authority are.
    """

    key_identifiers: bool = True
    critical: bool = True
    host: str = HOST
    end: dt.datetime = END

    def write(self, folder: Path) -> tuple[Path, Certificate]:
        """Write the file of the authority and those of the server."""
        own, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        issuer = _name("In-house Authority")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # noqa: FBT003 - theirs
        authority = _draft(issuer, issuer, own, END)
        authority = authority.add_extension(constraints, critical=self.critical).add_extension(usage, True)  # noqa: FBT003
        names = x509.SubjectAlternativeName([_host(self.host)])
        server = _draft(_name("server"), issuer, key, self.end).add_extension(names, critical=False)
        if self.key_identifiers:
            digest = x509.SubjectKeyIdentifier.from_public_key(own.public_key())
            authority = authority.add_extension(digest, critical=False)
            reference = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(digest)
            server = server.add_extension(reference, critical=False)
        ca_file = _write(folder / "authority.pem", authority.sign(own, hashes.SHA256()))
        chain = _write(folder / "server.pem", server.sign(own, hashes.SHA256()))
        return ca_file, Certificate(chain, _write_key(folder / "server.key", key))


def make_strict(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ssl.SSLContext]:
    """Have Python make strict contexts, as 3.13 and newer do; return the function that makes them."""
    make = ssl.create_default_context

    def create(*arguments: object, **options: object) -> ssl.SSLContext:
        context = make(*arguments, **options)  # type: ignore[arg-type] # passed on as they are
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", create)
    return create


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(text: str) -> x509.GeneralName:
    return x509.IPAddress(IPv4Address(text)) if text[0].isdigit() else x509.DNSName(text)


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, end: dt.datetime
) -> x509.CertificateBuilder:
    draft = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    return draft.not_valid_before(BEGIN).not_valid_after(end)


def _write(path: Path, certificate: x509.Certificate) -> Path:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    format_ = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, format_, serialization.NoEncryption()))
    return path
