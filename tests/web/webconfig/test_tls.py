"""What OpenSSL refuses is named."""

from pathlib import Path

import pytest

from insights_exporter.web.webconfig import WebConfigError, load, names
from insights_exporter.web.webconfig.loading import WebConfig
from tests.web.webconfig.certificates import write_case


def test_a_suite_that_openssl_lacks_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL would leave it out without a word."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.SUITES",
        {**names.SUITES, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "NO-SUCH-SUITE"},
    )
    with pytest.raises(WebConfigError, match="cipher_suites: has NO-SUCH-SUITE, which OpenSSL"):
        load(write_case(directory, "good-suites.yml"))


def test_no_suite_at_all_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then OpenSSL says something, but not what."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.SUITES", dict.fromkeys(names.SUITES, "NO-SUCH-SUITE")
    )
    with pytest.raises(WebConfigError, match="cipher_suites: has NO-SUCH-SUITE, which OpenSSL"):
        load(write_case(directory, "good-suites.yml"))


@pytest.mark.parametrize(
    ("version", "flag"), [("TLS10", "HAS_TLSv1"), ("TLS11", "HAS_TLSv1_1")], ids=["TLS 1.0", "TLS 1.1"]
)
def test_a_version_that_openssl_lacks_is_named(
    version: str, flag: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems build OpenSSL without the old ones."""
    monkeypatch.setattr(f"ssl.{flag}", False)
    file = write_case(directory, "good-tls.yml")
    file.write_text(f"{file.read_text(encoding='utf-8')}  min_version: {version}\n", encoding="utf-8")

    with pytest.raises(WebConfigError, match=f"min_version: {version} is not in OpenSSL"):
        load(file)


@pytest.mark.parametrize("name", ["good-tls-inline.yml", "good-users.yml"])
def test_no_secret_is_shown(name: str, directory: Path) -> None:
    """Neither a key nor a hash stands in what a log or a traceback may show."""
    shown = repr(load(write_case(directory, name)))

    assert "PRIVATE KEY" not in shown
    assert "$2y$" not in shown


def test_an_empty_file_means_nothing(directory: Path) -> None:
    """Plain HTTP for everybody, as often as they like."""
    config = load(write_case(directory, "good-empty.yml"))

    expected = WebConfig(tls=None, headers=(), users={}, rate_limit=None, warnings=(), stamps=config.stamps)
    assert expected == config
