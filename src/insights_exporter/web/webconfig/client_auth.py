"""What each `client_auth_type` means here.

Python's TLS shows a client's certificate only after it verified it. A type
that takes unverified certificates gets the nearest meaning that lets nobody
in whom the type itself would keep out.
"""

import ssl
from typing import NamedTuple

from insights_exporter.web.webconfig.model import TLSSection


class ClientAuthMode(NamedTuple):
    """A row of the table: which files it is for, and what follows.

    `ca` and `sans` say whether client CAs and allowed names are set; `None`
    fits both. Without `verify` the file is refused, for `what`; else `what`
    is a warning, where there is any. `key` is the key it is about.
    """

    auth_type: str
    ca: bool | None
    sans: bool | None
    verify: ssl.VerifyMode | None
    key: str = "client_auth_type"
    what: str = ""
    remedy: str = ""


_UNVERIFIED = "is stricter here: Python's TLS accepts no client certificate that it cannot verify"
_ANY_AUTHORITY = "has no client CAs, so that a certificate of any authority the system trusts gets in"
_VERIFY_INSTEAD = "set client_ca_file and client_auth_type: RequireAndVerifyClientCert"

_MEANINGS = (
    ClientAuthMode(
        "NoClientCert",
        ca=True,
        sans=None,
        verify=None,
        key="client_ca_file",
        what="has no effect without client certificates",
        remedy="set client_auth_type: RequireAndVerifyClientCert, or take it out",
    ),
    ClientAuthMode(
        "NoClientCert",
        ca=False,
        sans=True,
        verify=None,
        key="client_allowed_sans",
        what="has no effect without client certificates",
        remedy=_VERIFY_INSTEAD,
    ),
    ClientAuthMode("NoClientCert", ca=False, sans=False, verify=ssl.CERT_NONE),
    ClientAuthMode(
        "RequestClientCert",
        ca=None,
        sans=False,
        verify=ssl.CERT_NONE,
        what="lets in everybody, so certificates are not even asked for here",
        remedy=_VERIFY_INSTEAD + " to let in only some",
    ),
    ClientAuthMode(
        "RequestClientCert",
        ca=True,
        sans=True,
        verify=ssl.CERT_REQUIRED,
        what=_UNVERIFIED,
        remedy="write RequireAndVerifyClientCert, which is what it does",
    ),
    ClientAuthMode(
        "RequireAnyClientCert",
        ca=True,
        sans=None,
        verify=ssl.CERT_REQUIRED,
        what=_UNVERIFIED,
        remedy="write RequireAndVerifyClientCert, which is what it does",
    ),
    ClientAuthMode(
        "RequestClientCert",
        ca=False,
        sans=True,
        verify=None,
        what="cannot be kept: Python's TLS does not show names of certificates that it cannot verify",
        remedy=_VERIFY_INSTEAD,
    ),
    ClientAuthMode(
        "RequireAnyClientCert",
        ca=False,
        sans=None,
        verify=None,
        what="cannot be kept: Python's TLS accepts no client certificate that it cannot verify",
        remedy=_VERIFY_INSTEAD,
    ),
    ClientAuthMode("VerifyClientCertIfGiven", ca=True, sans=False, verify=ssl.CERT_OPTIONAL),
    ClientAuthMode(
        "VerifyClientCertIfGiven",
        ca=False,
        sans=False,
        verify=ssl.CERT_OPTIONAL,
        what=_ANY_AUTHORITY,
        remedy="set client_ca_file",
    ),
    ClientAuthMode("VerifyClientCertIfGiven", ca=True, sans=True, verify=ssl.CERT_REQUIRED),
    ClientAuthMode("RequireAndVerifyClientCert", ca=True, sans=None, verify=ssl.CERT_REQUIRED),
    ClientAuthMode(
        "VerifyClientCertIfGiven",
        ca=False,
        sans=True,
        verify=ssl.CERT_REQUIRED,
        what=_ANY_AUTHORITY,
        remedy="set client_ca_file",
    ),
    ClientAuthMode(
        "RequireAndVerifyClientCert",
        ca=False,
        sans=None,
        verify=ssl.CERT_REQUIRED,
        what=_ANY_AUTHORITY,
        remedy="set client_ca_file",
    ),
)


def client_auth_mode(section: TLSSection) -> ClientAuthMode:
    """Give the row that fits the section."""
    ca = bool(section.client_ca or section.client_ca_file)
    sans = section.client_allowed_sans is not None
    return next(
        row
        for row in _MEANINGS
        if row.auth_type == section.client_auth_type and row.ca in (None, ca) and row.sans in (None, sans)
    )
