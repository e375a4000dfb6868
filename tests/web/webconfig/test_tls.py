"""Errors of OpenSSL name the key."""

import errno
from pathlib import Path

import pytest

from insights_exporter.config.errors import ConfigError
from insights_exporter.web.webconfig import model as names
from insights_exporter.web.webconfig.loader import WebConfig
from insights_exporter.web.webconfig.model import RateLimitSection
from tests.web.webconfig.certificates import load, write_case


def test_a_suite_that_openssl_lacks_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listed suite that OpenSSL lacks is an error."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.SUITES",
        {**names.SUITES, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "NO-SUCH-SUITE"},
    )
    with pytest.raises(ConfigError, match="cipher_suites: has NO-SUCH-SUITE, which OpenSSL"):
        load(write_case(directory, "good-suites.yml"))


def test_missing_default_suites(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Default suites that OpenSSL lacks are skipped."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.SUITES",
        {**names.SUITES, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "NO-SUCH-SUITE"},
    )
    context = load(write_case(directory, "good-tls.yml")).tls

    assert context is not None
    offered = {suite["name"] for suite in context.get_ciphers() if suite["protocol"] == "TLSv1.2"}
    assert set(names.MODERN_SUITES.values()) - {"ECDHE-RSA-AES128-GCM-SHA256"} == offered


def test_no_suite_at_all_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If OpenSSL has none of the suites, the error names them."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.SUITES", dict.fromkeys(names.SUITES, "NO-SUCH-SUITE")
    )
    with pytest.raises(ConfigError, match="cipher_suites: has NO-SUCH-SUITE, which OpenSSL"):
        load(write_case(directory, "good-suites.yml"))


@pytest.mark.parametrize(
    ("version", "flag"), [("TLS10", "HAS_TLSv1"), ("TLS11", "HAS_TLSv1_1")], ids=["TLS 1.0", "TLS 1.1"]
)
def test_a_version_that_openssl_lacks_is_named(
    version: str, flag: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that OpenSSL lacks is an error."""
    monkeypatch.setattr(f"ssl.{flag}", False)
    file = write_case(directory, "good-tls.yml")
    file.write_text(f"{file.read_text(encoding='utf-8')}  min_version: {version}\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=f"min_version: {version} is not in OpenSSL"):
        load(file)


def test_a_curve_that_openssl_lacks_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A curve that OpenSSL lacks is an error."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.CURVES", {**names.CURVES, "CurveP384": "no-such-curve"}
    )
    with pytest.raises(ConfigError, match="curve_preferences: CurveP384 is not in OpenSSL"):
        load(write_case(directory, "good-curve.yml"))


def test_lack_of_file_descriptors(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lack of file descriptors is reported like an invalid file."""

    def no_more_files(_pem: bytes) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("insights_exporter.web.webconfig.tls.as_file", no_more_files)
    with pytest.raises(ConfigError, match="cannot be used now: Too many open files"):
        load(write_case(directory, "good-tls.yml"))


@pytest.mark.parametrize("name", ["good-tls-inline.yml", "good-users.yml"])
def test_no_secret_is_shown(name: str, directory: Path) -> None:
    """The representation of a config contains no key and no hash."""
    shown = repr(load(write_case(directory, name)))

    assert "PRIVATE KEY" not in shown
    assert "$2y$" not in shown


def test_empty_file(directory: Path) -> None:
    """An empty file means plain HTTP without login and limit."""
    config = load(write_case(directory, "good-empty.yml"))

    expected = WebConfig(tls=None, headers=(), users={}, rate_limit=RateLimitSection(), warnings=())
    assert expected == config
