"""The HTTP client: where it asks, and whom it trusts."""

import ssl
from pathlib import Path

import pytest
import trustme

from insights_exporter.coder.http import api_root, tls_context
from insights_exporter.config.models import TLSConfig
from tests.coder.deployments import deployment


@pytest.mark.parametrize(
    ("url", "api_path", "expected"),
    [
        ("https://coder.example.com", "/api/v2", "https://coder.example.com/api/v2"),
        ("https://coder.example.com/", "/api/v2", "https://coder.example.com/api/v2"),
        ("https://coder.example.com/api/v2", "/api/v2", "https://coder.example.com/api/v2"),
        ("https://example.com/coder", "/api/v2", "https://example.com/coder/api/v2"),
        ("https://example.com/mock", "/", "https://example.com/mock"),
    ],
)
def test_root_of_the_api(url: str, api_path: str, expected: str) -> None:
    """The API is below the URL, which may already say so."""
    assert expected == api_root(deployment(url, api_path=api_path))


def test_authorities_of_a_file_replace_the_usual_ones(tmp_path: Path) -> None:
    """With `ca_file` its authorities count and no others."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    own = tls_context(TLSConfig(ca_file=tmp_path / "ca.pem"))

    assert len(own.get_ca_certs()) == 1
    assert len(tls_context(TLSConfig()).get_ca_certs()) > 50


def test_certificates_are_checked_unless_told_otherwise() -> None:
    """Only `insecure_skip_verify` takes any certificate."""
    assert tls_context(TLSConfig()).verify_mode == ssl.CERT_REQUIRED
    assert tls_context(TLSConfig(insecure_skip_verify=True)).verify_mode == ssl.CERT_NONE
